//! A customer's traits, and how they live through the days.

use crate::calendar::CalendarDay;
use crate::catalogue::CATEGORY_COUNT;
use crate::order::Channel;
use crate::random::{Draws, Stream};

/// How the appetite of a customer develops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifeCycle {
    /// Buys at an even rate until something goes wrong.
    Steady,
    /// Buys more and more, up to a point.
    Growing,
    /// Tends to lose interest within a year.
    Fickle,
    /// Buys around one time of the year, or two that lie half a year apart.
    Seasonal,
    /// Buys once, seldom again.
    OneOff,
}

/// What never changes about a customer.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    pub(crate) life_cycle: LifeCycle,
    /// Orders a day in the best of times.
    orders_per_day: f64,
    /// Probability a day of beginning to fade, while content.
    fade_hazard: f64,
    /// Factor of vigour for each day of fading.
    fade_factor: f64,
    /// Days from season to season of seasonal customers.
    season_period: i32,
    /// Day of the period that they buy around.
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
}

const COUNTRIES: [(&str, f64); 3] = [("CA", 0.12), ("GB", 0.10), ("DE", 0.08)];
const GENDERS: [(Option<&str>, f64); 3] = [(Some("female"), 0.48), (Some("male"), 0.38), (Some("other"), 0.02)];
const LIFE_CYCLES: [(LifeCycle, f64); 4] =
    [(LifeCycle::Growing, 0.16), (LifeCycle::Fickle, 0.14), (LifeCycle::Seasonal, 0.28), (LifeCycle::OneOff, 0.13)];

impl Traits {
    /// Draws a person. Younger people shop in the app and wait for discounts more often.
    pub(crate) fn draw(draws: &mut Draws, signed_up_year: i32) -> Self {
        let life_cycle = draws.choose(&LIFE_CYCLES, LifeCycle::Steady);
        let age = 18.0 + 27.0 * draws.gamma(3.0).min(2.5);
        let is_young = age < 35.0;
        let discount_dependence = draws.uniform() * if is_young { 1.0 } else { 0.7 };
        let (pace, days_until_fading) = match life_cycle {
            LifeCycle::Steady => (1.1, 2_000.0),
            LifeCycle::Growing => (0.8, 4_000.0),
            LifeCycle::Fickle => (1.4, 300.0),
            LifeCycle::Seasonal => (1.1, 2_000.0),
            LifeCycle::OneOff => (0.8, 600.0),
        };
        // From one week to eleven between orders, evenly on a logarithmic scale.
        let usual_interval_days = 7.0 * libm::exp(draws.between(0.0, 2.4));
        let half_life_days = if draws.chance(0.5) { 4.0 } else { draws.between(10.0, 35.0) };
        let season_period = if draws.chance(0.5) { 365 } else { 183 };
        Self {
            life_cycle,
            orders_per_day: pace / usual_interval_days,
            fade_hazard: (0.3 + 1.8 * discount_dependence * discount_dependence) / days_until_fading,
            fade_factor: libm::exp2(-1.0 / half_life_days),
            season_period,
            season_day: draws.index(season_period as usize) as i32,
            discount_dependence,
            return_rate: 0.02 + 0.08 * draws.uniform() * draws.uniform(),
            basket_level: libm::exp(0.35 * draws.normal()),
            favourite_category: draws.index(CATEGORY_COUNT),
            favourite_channel: Channel::favourite(draws, is_young),
            country: draws.choose(&COUNTRIES, "US"),
            birth_year: draws.chance(0.85).then_some(signed_up_year - age as i32),
            gender: draws.choose(&GENDERS, None),
        }
    }
}

/// What a day brought besides orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lived {
    /// The customer buys today.
    pub(crate) buys: bool,
    /// Region or e-mail address changed: a new version of the customer.
    pub(crate) changed: bool,
}

/// A customer on the last day that they lived through.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) traits: Traits,
    /// Day number of the sign-up, negative before the first day with data.
    pub(crate) signed_up_day: i32,
    /// Instant of the sign-up, in microseconds since 1970 UTC.
    pub(crate) signed_up_at: i64,
    /// Position in the list of regions.
    pub(crate) region: usize,
    /// How many addresses came before the present one.
    pub(crate) email_changes: u32,
    /// Factor of appetite: 1 as at first, near 0 when gone.
    pub(crate) vigour: f64,
    is_fading: bool,
    /// Bad experiences, fading with time.
    discontent: f64,
    has_ordered: bool,
    days_since_order: u32,
}

/// Regions of every country.
pub(crate) const REGIONS: [&str; 4] = ["east", "north", "south", "west"];

const MOVES_PER_DAY: f64 = 0.06 / 365.25;
const EMAIL_CHANGES_PER_DAY: f64 = 0.04 / 365.25;
const RECOVERIES_PER_DAY: f64 = 1.0 / 700.0;
const DISCONTENT_KEPT_PER_DAY: f64 = 0.93;
/// What a fresh bad experience adds to the probability a day of beginning to fade.
const DISCONTENT_HAZARD: f64 = 0.08;
/// Factor of vigour of those whom a bad experience turns away.
const TURNED_AWAY: f64 = 0.1;
/// Makes up for the time after an order, when little is needed.
const FULL_NEED: f64 = 3.0;
/// What is left of a one-off buyer's appetite after the first order.
const ONE_OFF_APPETITE: f64 = 0.03;

impl Customer {
    /// The customer as they sign up on `day`, `second` seconds after midnight.
    pub(crate) fn sign_up(seed: u64, number: u32, day: &CalendarDay, second: i64) -> Self {
        let mut draws = Draws::new(seed, Stream::Traits, number, 0);
        Self {
            number,
            traits: Traits::draw(&mut draws, i32::from(day.ds.0.year())),
            signed_up_day: day.number,
            signed_up_at: day.midnight + second * crate::calendar::SECOND,
            region: draws.index(REGIONS.len()),
            email_changes: 0,
            vigour: 1.0,
            is_fading: false,
            discontent: 0.0,
            has_ordered: false,
            days_since_order: 0,
        }
    }

    /// Lives through a day after the sign-up.
    pub(crate) fn live(&mut self, day: &CalendarDay, draws: &mut Draws) -> Lived {
        self.days_since_order = self.days_since_order.saturating_add(1);
        self.change_heart(draws);
        let buys = draws.chance(self.purchase_probability(day));
        let changed = self.change_address(draws);
        Lived { buys, changed }
    }

    /// Remembers an order; a bad one makes the customer likelier to leave.
    pub(crate) fn remember_order(&mut self, went_badly: bool) {
        self.has_ordered = true;
        self.days_since_order = 0;
        if went_badly {
            self.discontent += 1.0;
        }
    }

    fn change_heart(&mut self, draws: &mut Draws) {
        self.discontent *= DISCONTENT_KEPT_PER_DAY;
        let luck = draws.uniform();
        if self.is_fading {
            self.vigour *= self.traits.fade_factor;
            self.is_fading = luck >= RECOVERIES_PER_DAY;
        } else {
            let turns_away = luck < DISCONTENT_HAZARD * self.discontent;
            self.is_fading = luck < self.traits.fade_hazard + DISCONTENT_HAZARD * self.discontent;
            if turns_away {
                self.vigour *= TURNED_AWAY;
            }
            self.vigour = match self.traits.life_cycle {
                LifeCycle::Growing => (self.vigour * 1.003).min(2.5),
                _ => self.vigour + 0.05 * (1.0 - self.vigour),
            };
        }
    }

    fn purchase_probability(&self, day: &CalendarDay) -> f64 {
        let rate =
            self.traits.orders_per_day * self.vigour * self.need() * self.season(day) * day.demand * self.bargain(day);
        rate.min(0.9)
    }

    /// Grows from 0 after an order to its full size after a usual interval: people buy more evenly than by pure chance.
    fn need(&self) -> f64 {
        if self.has_ordered {
            let intervals = f64::from(self.days_since_order) * self.traits.orders_per_day * self.vigour;
            FULL_NEED * (intervals * intervals).min(1.0)
        } else {
            1.0
        }
    }

    fn season(&self, day: &CalendarDay) -> f64 {
        match self.traits.life_cycle {
            LifeCycle::Seasonal => {
                let apart = (day.day_of_year - self.traits.season_day).rem_euclid(self.traits.season_period);
                if apart.min(self.traits.season_period - apart) <= 25 { 2.5 } else { 0.03 }
            }
            LifeCycle::OneOff if self.has_ordered => ONE_OFF_APPETITE,
            _ => 1.0,
        }
    }

    /// Discounts draw those who depend on them, and those stay away without.
    fn bargain(&self, day: &CalendarDay) -> f64 {
        let dependence = self.traits.discount_dependence;
        if day.is_promotion { 1.0 + 1.2 * dependence } else { 1.0 - 0.3 * dependence }
    }

    fn change_address(&mut self, draws: &mut Draws) -> bool {
        let luck = draws.uniform();
        if luck < MOVES_PER_DAY {
            self.region = (self.region + 1 + draws.index(REGIONS.len() - 1)) % REGIONS.len();
        } else if luck < MOVES_PER_DAY + EMAIL_CHANGES_PER_DAY {
            self.email_changes += 1;
        } else {
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i32) -> CalendarDay {
        CalendarDay::new(1, "2024-01-01".parse().unwrap(), number)
    }

    /// Days with an order in the first and in the second half of two years, summed over the customers of one life cycle.
    fn orders_by_half(life_cycle: LifeCycle) -> (u32, u32) {
        let customers = (1..2_000).map(|number| Customer::sign_up(1, number, &day(0), 0));
        let mut halves = (0, 0);
        for mut customer in customers.filter(|customer| customer.traits.life_cycle == life_cycle) {
            for number in 1..=730 {
                let lived = customer.live(&day(number), &mut Draws::new(1, Stream::Life, customer.number, number));
                if lived.buys {
                    customer.remember_order(false);
                    *(if number <= 365 { &mut halves.0 } else { &mut halves.1 }) += 1;
                }
            }
        }
        halves
    }

    #[test]
    fn life_cycles_differ() {
        let ratio = |life_cycle| {
            let (first, second) = orders_by_half(life_cycle);
            f64::from(second) / f64::from(first)
        };
        assert!(ratio(LifeCycle::Growing) > 1.1);
        assert!((0.5..0.95).contains(&ratio(LifeCycle::Steady)));
        assert!(ratio(LifeCycle::Fickle) < ratio(LifeCycle::Steady) - 0.1);
        assert!(ratio(LifeCycle::OneOff) < 0.7);
    }

    #[test]
    fn bad_experiences_drive_customers_away() {
        let fading = |is_served_badly: bool| {
            (1..2_000u32)
                .filter(|&number| {
                    let mut customer = Customer::sign_up(1, number, &day(0), 0);
                    customer.remember_order(is_served_badly);
                    (1..=60).any(|number| {
                        customer.live(&day(number), &mut Draws::new(1, Stream::Life, customer.number, number));
                        customer.is_fading
                    })
                })
                .count()
        };
        assert!(fading(true) as f64 > 1.5 * fading(false) as f64);
    }

    #[test]
    fn an_address_changes_now_and_then() {
        let mut customer = Customer::sign_up(1, 5, &day(0), 0);
        let before = (customer.region, customer.email_changes);
        let changes = (1..=36_525)
            .filter(|&number| customer.live(&day(7), &mut Draws::new(1, Stream::Life, 5, number)).changed)
            .count();
        assert!((3..30).contains(&changes), "{changes} in a hundred years");
        assert_ne!(before, (customer.region, customer.email_changes));
    }
}
