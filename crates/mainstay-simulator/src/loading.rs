//! When rows reach the retailer's warehouse: as a rule before 03:00 of the next day, some days late.

use crate::calendar::{DAY_SECONDS, SECOND};
use crate::random::Draws;

/// Share of the orders and web events that are known 1 to 6 days after they happened.
const LATE: f64 = 0.015;
/// The last second of the night that loads a day, counted from the day's midnight.
const LAST_SECOND: i64 = DAY_SECONDS + 3 * 3_600 - 1;

/// After minutes to hours, before 03:00 of the day after that of `midnight`.
pub(crate) fn on_time(happened_at: i64, midnight: i64, draws: &mut Draws) -> i64 {
    let delay = 120 + (2_400.0 * draws.exponential()) as i64;
    (happened_at + delay * SECOND).min(midnight + LAST_SECOND * SECOND)
}

/// `on_time`, for the few by whom something was held up some days after they happened.
pub(crate) fn perhaps_late(happened_at: i64, on_time: i64, draws: &mut Draws) -> i64 {
    if draws.chance(LATE) {
        happened_at + (draws.between(1.0, 6.0) * DAY_SECONDS as f64) as i64 * SECOND
    } else {
        on_time
    }
}
