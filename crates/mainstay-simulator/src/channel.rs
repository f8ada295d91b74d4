//! Where customers order.

use crate::calendar::{DAY_SECONDS, SECOND};
use crate::loading;
use crate::random::Draws;

/// Where an order was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The web shop.
    Web,
    /// The app.
    App,
    /// A shop with a door.
    Store,
}

impl Channel {
    /// The value of the column `channel`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::Store => "store",
        }
    }

    /// Where a customer likes best to shop.
    pub(crate) fn favourite(draws: &mut Draws, is_young: bool) -> Self {
        let app = if is_young { 0.45 } else { 0.15 };
        draws.choose(&[(Self::App, app), (Self::Store, 0.2)], Self::Web)
    }

    pub(crate) fn or_another(self, draws: &mut Draws) -> Self {
        draws.choose(&[(self, 0.7), (Self::App, 0.1), (Self::Store, 0.05)], Self::Web)
    }

    /// Shops are open from 9 to 20; screens are busiest in the afternoon and never close.
    pub(crate) fn second_of_day(self, draws: &mut Draws) -> i64 {
        match self {
            Self::Store => draws.between(9.0 * 3_600.0, 20.0 * 3_600.0) as i64,
            Self::Web | Self::App => ((16.0 + 4.5 * draws.normal()) * 3_600.0).rem_euclid(DAY_SECONDS as f64) as i64,
        }
    }

    /// Shops report at night, screens after minutes to hours; a few orders are held up for days.
    pub(crate) fn loaded_at(self, ordered_at: i64, midnight: i64, draws: &mut Draws) -> i64 {
        let on_time = match self {
            Self::Store => midnight + (DAY_SECONDS + draws.between(-1_800.0, 9_000.0) as i64) * SECOND,
            Self::Web | Self::App => loading::on_time(ordered_at, midnight, draws),
        };
        loading::perhaps_late(ordered_at, on_time, draws)
    }
}
