//! How a customer lives through the days.

use crate::calendar::{CalendarDay, SECOND};
use crate::consent::Consents;
use crate::interest::Interest;
use crate::random::{Draws, Stream};
use crate::traits::{LifeCycle, Traits};

/// What a day brought besides orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lived {
    /// The customer buys today.
    pub(crate) buys: bool,
    /// How often they looked at the web site, apart from buying there.
    pub(crate) visits: u32,
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
    /// Position in the list of regions; a few are unknown.
    pub(crate) region: Option<usize>,
    /// How many addresses came before the present one.
    pub(crate) email_changes: u32,
    pub(crate) interest: Interest,
    /// Bad experiences, fading with time.
    pub(crate) discontent: f64,
    /// `None` before the first order.
    pub(crate) days_since_order: Option<u32>,
    pub(crate) consents: Consents,
    /// Day number of the last contact that was more than news.
    pub(crate) last_intervention_day: Option<i32>,
}

/// Regions of every country.
pub(crate) const REGIONS: [&str; 4] = ["east", "north", "south", "west"];

const MOVES_PER_DAY: f64 = 0.06 / 365.25;
const EMAIL_CHANGES_PER_DAY: f64 = 0.04 / 365.25;
const REGION_UNKNOWN: f64 = 0.02;
const DISCONTENT_KEPT_PER_DAY: f64 = 0.95;
/// What a fresh bad experience adds to the probability a day of beginning to fade.
const DISCONTENT_HAZARD: f64 = 0.06;
/// Probability a day that a one-off buyer begins to fade after the first order.
const ONE_OFF_HAZARD: f64 = 0.08;
/// Makes up for the time after an order, when little is needed.
const FULL_NEED: f64 = 3.0;
/// Factor of visits from the day on which somebody begins to fade.
const VISITS_FADING: f64 = 0.2;
/// Share of the usual visits of those who found their way back: they look around before they buy.
const VISITS_BACK: f64 = 0.8;

impl Customer {
    /// The customer as they sign up on `day`, `second` seconds after midnight.
    pub(crate) fn sign_up(seed: u64, number: u32, day: &CalendarDay, second: i64) -> Self {
        let mut draws = Draws::new(seed, Stream::Traits, number, 0);
        let traits = Traits::draw(&mut draws, i32::from(day.ds.0.year()));
        Self {
            number,
            signed_up_day: day.number,
            signed_up_at: day.midnight + second * SECOND,
            region: (!draws.chance(REGION_UNKNOWN)).then(|| draws.index(REGIONS.len())),
            email_changes: 0,
            interest: Interest::at_first(&traits.temper),
            discontent: 0.0,
            days_since_order: None,
            consents: Consents::at_first(traits.favourite_channel, &mut draws),
            last_intervention_day: None,
            traits,
        }
    }

    /// Lives through a day after the sign-up.
    pub(crate) fn live(&mut self, day: &CalendarDay, draws: &mut Draws) -> Lived {
        self.grow_older();
        let hazard = self.fade_hazard();
        self.interest.live(&self.traits.temper, hazard, draws);
        let appetite = self.appetite(day);
        let buys = draws.chance(purchase_probability(appetite, self.interest.vigour()));
        let changed = self.change_address(draws);
        let visits = draws.poisson(self.visits(day));
        Lived { buys, visits, changed }
    }

    /// What a day does to the state apart from chance.
    pub(crate) fn grow_older(&mut self) {
        self.days_since_order = self.days_since_order.map(|days| days.saturating_add(1));
        self.discontent *= DISCONTENT_KEPT_PER_DAY;
    }

    /// Probability of beginning to fade on the day that is lived.
    pub(crate) fn fade_hazard(&self) -> f64 {
        let lasting = if self.traits.life_cycle == LifeCycle::OneOff && self.days_since_order.is_some() {
            ONE_OFF_HAZARD
        } else {
            self.traits.fade_hazard
        };
        lasting + DISCONTENT_HAZARD * self.discontent
    }

    /// Orders on the day at full vigour.
    pub(crate) fn appetite(&self, day: &CalendarDay) -> f64 {
        let traits = &self.traits;
        traits.orders_per_day * self.need() * traits.season(day) * day.demand * traits.bargain(day)
    }

    /// Remembers an order, and how bad an experience it was.
    pub(crate) fn remember_order(&mut self, discontent: f64) {
        self.days_since_order = Some(0);
        self.discontent += discontent;
    }

    /// Grows from 0 after an order to its full size after a usual interval: people buy more evenly than by pure chance.
    fn need(&self) -> f64 {
        self.days_since_order.map_or(1.0, |days| {
            let intervals = f64::from(days) * self.traits.orders_per_day;
            FULL_NEED * (intervals * intervals).min(1.0)
        })
    }

    fn visits(&self, day: &CalendarDay) -> f64 {
        let curiosity = 0.8 + 0.2 * self.need() / FULL_NEED;
        let vigour = self.interest.vigour();
        let mood = if self.interest.is_fading() { VISITS_FADING * vigour } else { vigour.max(VISITS_BACK) };
        self.traits.visits_per_day * mood * self.traits.season(day) * curiosity
    }

    fn change_address(&mut self, draws: &mut Draws) -> bool {
        let luck = draws.uniform();
        if luck < MOVES_PER_DAY {
            let region = self.region.unwrap_or_default();
            self.region = Some((region + 1 + draws.index(REGIONS.len() - 1)) % REGIONS.len());
        } else if luck < MOVES_PER_DAY + EMAIL_CHANGES_PER_DAY {
            self.email_changes += 1;
        } else {
            return false;
        }
        true
    }
}

/// Probability of an order on a day.
pub(crate) fn purchase_probability(appetite: f64, vigour: f64) -> f64 {
    (appetite * vigour).min(0.9)
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
                    customer.remember_order(0.0);
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
        assert!(ratio(LifeCycle::Growing) > 1.0);
        assert!((0.5..0.95).contains(&ratio(LifeCycle::Steady)));
        assert!(ratio(LifeCycle::Fickle) < ratio(LifeCycle::Steady) - 0.1);
        assert!(ratio(LifeCycle::OneOff) < 0.7);
    }

    #[test]
    fn bad_experiences_drive_customers_away() {
        let fading = |discontent: f64| {
            (1..2_000u32)
                .filter(|&number| {
                    let mut customer = Customer::sign_up(1, number, &day(0), 0);
                    customer.remember_order(discontent);
                    (1..=60).any(|number| {
                        customer.live(&day(number), &mut Draws::new(1, Stream::Life, customer.number, number));
                        customer.interest.is_fading()
                    })
                })
                .count()
        };
        assert!(fading(1.0) as f64 > 1.5 * fading(0.0) as f64);
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
