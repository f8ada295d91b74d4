//! What never changes about a customer.

use crate::calendar::CalendarDay;
use crate::catalogue::CATEGORY_COUNT;
use crate::channel::Channel;
use crate::interest::Temper;
use crate::random::Draws;

/// How the appetite of a customer develops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifeCycle {
    /// Buys at an even rate until interest fades.
    Steady,
    /// Buys more and more, up to a point.
    Growing,
    /// Tends to lose interest within a year.
    Fickle,
    /// Buys more around one time of the year.
    Seasonal,
    /// Loses interest soon after the first order.
    OneOff,
}

impl LifeCycle {
    /// The value of the column `life_cycle`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Growing => "growing",
            Self::Fickle => "fickle",
            Self::Seasonal => "seasonal",
            Self::OneOff => "one_off",
        }
    }
}

/// What never changes about a customer.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    pub(crate) life_cycle: LifeCycle,
    /// Orders a day at full vigour.
    pub(crate) orders_per_day: f64,
    /// Visits of the web site a day at full vigour.
    pub(crate) visits_per_day: f64,
    /// Probability a day of beginning to fade, while nothing went wrong.
    pub(crate) fade_hazard: f64,
    pub(crate) temper: Temper,
    /// Day of the year that seasonal customers buy around.
    season_day: i32,
    /// From 0, pays any price, to 1, buys little without a discount.
    pub(crate) discount_dependence: f64,
    /// Probability that an order that went well comes back.
    pub(crate) return_rate: f64,
    /// Factor of quantities.
    pub(crate) basket_level: f64,
    pub(crate) favourite_category: usize,
    pub(crate) favourite_channel: Channel,
    pub(crate) country: &'static str,
    pub(crate) birth_year: Option<i32>,
    pub(crate) gender: Option<&'static str>,
    pub(crate) income_band: Option<&'static str>,
}

const COUNTRIES: [(&str, f64); 3] = [("CA", 0.12), ("GB", 0.10), ("DE", 0.08)];
const GENDERS: [(Option<&str>, f64); 3] = [(Some("female"), 0.48), (Some("male"), 0.38), (Some("other"), 0.02)];
const LIFE_CYCLES: [(LifeCycle, f64); 4] =
    [(LifeCycle::Growing, 0.15), (LifeCycle::Fickle, 0.25), (LifeCycle::Seasonal, 0.08), (LifeCycle::OneOff, 0.12)];
/// What is drawn on and against the average in and out of season.
const SEASON_SWING: f64 = 0.5;

impl Traits {
    /// Draws a person. Younger people shop in the app and wait for discounts more often.
    pub(crate) fn draw(draws: &mut Draws, signed_up_year: i32) -> Self {
        let life_cycle = draws.choose(&LIFE_CYCLES, LifeCycle::Steady);
        let age = 18.0 + 27.0 * draws.gamma(3.0).min(2.5);
        let is_young = age < 35.0;
        let discount_dependence = draws.uniform() * if is_young { 1.0 } else { 0.7 };
        let days_until_fading = match life_cycle {
            LifeCycle::Steady | LifeCycle::Seasonal => 900.0,
            LifeCycle::Growing => 1_800.0,
            LifeCycle::Fickle => 220.0,
            LifeCycle::OneOff => 500.0,
        };
        // From one week to eleven between orders, evenly on a logarithmic scale.
        let orders_per_day = 1.0 / (7.0 * libm::exp(draws.between(0.0, 2.4)));
        let is_growing = life_cycle == LifeCycle::Growing;
        let temper = Temper {
            home: if is_growing { 0 } else { 1 },
            first: if is_growing { 3 } else { 1 },
            climb: if is_growing { 1.0 / 80.0 } else { 1.0 / 6.0 },
            fall: 2.3 / draws.between(20.0, 50.0),
        };
        let basket_level = libm::exp(0.35 * draws.normal());
        Self {
            life_cycle,
            orders_per_day,
            visits_per_day: 0.38 + 0.8 * orders_per_day,
            fade_hazard: (0.3 + 1.8 * discount_dependence * discount_dependence) / days_until_fading,
            temper,
            season_day: draws.index(365) as i32,
            discount_dependence,
            return_rate: 0.02 + 0.08 * draws.uniform() * draws.uniform(),
            basket_level,
            favourite_category: draws.index(CATEGORY_COUNT),
            favourite_channel: Channel::favourite(draws, is_young),
            country: draws.choose(&COUNTRIES, "US"),
            birth_year: draws.chance(0.85).then_some(signed_up_year - age as i32),
            gender: draws.choose(&GENDERS, None),
            income_band: income_band(basket_level, draws),
        }
    }

    /// Factor of appetite for the time of the year.
    pub(crate) fn season(&self, day: &CalendarDay) -> f64 {
        if self.life_cycle != LifeCycle::Seasonal {
            return 1.0;
        }
        let apart = (day.day_of_year - self.season_day).rem_euclid(365);
        // From 1 in season to -1 half a year away.
        let nearness = 1.0 - f64::from(apart.min(365 - apart)) / 91.25;
        1.0 + SEASON_SWING * nearness
    }

    /// Factor of appetite for discounts: they draw those who depend on them, and those stay away without.
    pub(crate) fn bargain(&self, day: &CalendarDay) -> f64 {
        let dependence = self.discount_dependence;
        if day.is_promotion { 1.0 + 1.2 * dependence } else { 1.0 - 0.3 * dependence }
    }
}

/// Those with more money tend to buy more; some do not say.
fn income_band(basket_level: f64, draws: &mut Draws) -> Option<&'static str> {
    let income = basket_level * libm::exp(0.5 * draws.normal());
    let band = if income < 0.75 {
        "low"
    } else if income < 1.35 {
        "middle"
    } else {
        "high"
    };
    draws.chance(0.8).then_some(band)
}
