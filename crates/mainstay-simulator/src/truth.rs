//! What no source says: the probability that a customer leaves, what they are worth, and what would keep them.
//!
//! All of it is an expectation given the customer's state at a midnight, computed from the process that the simulation draws from; it
//! never looks at what comes out later.

use mainstay_schema::{Cents, Ds};

use crate::calendar::CalendarDay;
use crate::campaign::{self, Intervention};
use crate::customer::{Customer, purchase_probability};
use crate::interest::{Interest, InterestOdds};
use crate::order::purchase;
use crate::random::{Draws, Stream};
use crate::retailer::Retailer;
use crate::settings::SimulatorSettings;
use crate::traits::LifeCycle;

/// A customer has left who places no order within so many days.
const CHURN_DAYS: i32 = 90;
/// The lifetime value counts the margin of so many days.
const VALUE_DAYS: i32 = 365;
/// Lives that a lifetime value is the mean of.
const LIVES: i32 = 12;
/// Days from one snapshot of the hazard to the next.
const SNAPSHOT_EVERY_DAYS: i32 = 15;
/// The truth follows all customers of a retailer of this size, and as many of a larger one.
const MOST_FOLLOWED: u32 = 20_000;

/// How probable it is that a customer leaves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hazard {
    pub(crate) customer: u32,
    /// As of the midnight that this day begins with.
    pub(crate) ds: Ds,
    /// Probability of no order within 90 days.
    pub(crate) churn_probability: f64,
    /// Probability of beginning to fade on this day; 1 for those who fade already.
    pub(crate) fade_hazard: f64,
    /// Factor of appetite: 1 in ordinary times, near 0 when gone.
    pub(crate) vigour: f64,
    pub(crate) is_fading: bool,
}

/// What a customer is worth at the end, and what would keep them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomerTruth {
    pub(crate) customer: u32,
    pub(crate) life_cycle: LifeCycle,
    /// Expected margin of the next 365 days, without further campaigns.
    pub(crate) lifetime_value: Cents,
    /// Share of those in the same state who would place no order within 90 days and do so after the intervention; in the order of
    /// [`Intervention::ALL`].
    pub(crate) effects: [f64; Intervention::ALL.len()],
}

/// Whether the hazard is written down as of the midnight that the day begins with: every 15 days, counted back from the midnight
/// after the last day.
pub(crate) fn is_snapshot(settings: &SimulatorSettings, day: i32) -> bool {
    (settings.days as i32 - day).rem_euclid(SNAPSHOT_EVERY_DAYS) == 0
}

/// The hazard of the followed customers at the retailer's present midnight.
pub(crate) fn hazards(settings: &SimulatorSettings, retailer: &Retailer) -> Vec<Hazard> {
    let first = retailer.next_day();
    let ds = settings.start.plus_days(first);
    let days = calendar(settings, first, CHURN_DAYS);
    followed(settings, retailer)
        .map(|customer| {
            let is_fading = customer.interest.is_fading();
            Hazard {
                customer: customer.number,
                ds,
                churn_probability: churn_probability(customer, customer.interest, &days, true),
                fade_hazard: if is_fading { 1.0 } else { tomorrow(customer).fade_hazard() },
                vigour: customer.interest.vigour(),
                is_fading,
            }
        })
        .collect()
}

/// What the followed customers are worth at the retailer's present midnight, and what would keep them.
pub(crate) fn customers(settings: &SimulatorSettings, retailer: &Retailer) -> Vec<CustomerTruth> {
    let days = calendar(settings, retailer.next_day(), VALUE_DAYS);
    let soon = days.get(..CHURN_DAYS as usize).unwrap_or_default();
    followed(settings, retailer)
        .map(|customer| CustomerTruth {
            customer: customer.number,
            life_cycle: customer.traits.life_cycle,
            lifetime_value: lifetime_value(customer, settings.seed, retailer, &days),
            effects: effects(customer, soon),
        })
        .collect()
}

/// Every customer of a small retailer, every n-th of a large one.
fn followed<'a>(settings: &SimulatorSettings, retailer: &'a Retailer) -> impl Iterator<Item = &'a Customer> {
    let step = settings.customers.div_ceil(MOST_FOLLOWED);
    retailer.customers().iter().step_by(step as usize)
}

fn calendar(settings: &SimulatorSettings, first: i32, count: i32) -> Vec<CalendarDay> {
    (first..first + count).map(|number| CalendarDay::new(settings.seed, settings.start, number)).collect()
}

fn tomorrow(customer: &Customer) -> Customer {
    let mut customer = customer.clone();
    customer.grow_older();
    customer
}

/// Probability of no order on all the days, from an interest: follows the odds of every state of it, day by day, and weighs each
/// with the probability of buying nothing. Consents are taken to stay as they are.
fn churn_probability(customer: &Customer, interest: Interest, days: &[CalendarDay], has_campaigns: bool) -> f64 {
    let mut customer = customer.clone();
    let mut odds = InterestOdds::certain(interest);
    for day in days {
        customer.grow_older();
        odds.live(&customer.traits.temper, customer.fade_hazard());
        let appetite = customer.appetite(day);
        odds.weigh(|vigour| 1.0 - purchase_probability(appetite, vigour));
        if has_campaigns && campaign::is_eligible(&customer, day) {
            odds.keep(campaign::chance(&customer));
        }
    }
    odds.total()
}

/// What each intervention would do now to the probability of leaving.
fn effects(customer: &Customer, days: &[CalendarDay]) -> [f64; Intervention::ALL.len()] {
    let untreated = churn_probability(customer, customer.interest, days, false);
    let kept = churn_probability(customer, customer.interest.kept(), days, false);
    let retained = (1.0 - kept / untreated).max(0.0);
    Intervention::ALL.map(|intervention| intervention.chance(customer) * retained)
}

/// Mean margin of a few lives from now on.
fn lifetime_value(customer: &Customer, seed: u64, retailer: &Retailer, days: &[CalendarDay]) -> Cents {
    let margin = |life: i32| -> i64 {
        let mut customer = customer.clone();
        let mut margin = 0;
        for day in days {
            let draws = |stream| Draws::new(seed, stream, customer.number, day.number * LIVES + life);
            let (mut what_if, mut what_if_purchase) = (draws(Stream::WhatIf), draws(Stream::WhatIfPurchase));
            if customer.live(day, &mut what_if).buys {
                margin += purchase(&mut customer, day, retailer.catalogue(), i64::MAX, &mut what_if_purchase).margin.0;
            }
        }
        margin
    };
    Cents((0..LIVES).map(margin).sum::<i64>() / i64::from(LIVES))
}
