//! What goes wrong with orders, and the support cases that come of it.

use crate::calendar::{CalendarDay, DAY_SECONDS, SECOND};
use crate::loading;
use crate::random::Draws;

/// A support case. What lies after the last day with data is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// From 1, ascending with time.
    pub number: u64,
    /// Number of the customer.
    pub customer: u32,
    /// In microseconds since 1970 UTC.
    pub opened_at: i64,
    /// In microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// In microseconds since 1970 UTC; `None` while it is open.
    pub closed_at: Option<i64>,
    /// low, medium, high or urgent.
    pub severity: Option<&'static str>,
    /// delivery, quality, billing, account or other.
    pub topic: Option<&'static str>,
    /// From 1 to 5, and when it was given in microseconds since 1970 UTC.
    pub rating: Option<(i32, i64)>,
}

/// What can go wrong with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It came late, or not at all.
    Delivery,
    /// It was broken or not as promised.
    Quality,
    /// The web site failed before or while it was placed.
    Site,
}

/// How an order is remembered.
pub(crate) struct Experience {
    /// Added to what the customer has against the retailer.
    pub(crate) discontent: f64,
    /// The day number of a case, and the case.
    pub(crate) ticket: Option<(i32, Ticket)>,
}

const TROUBLES: [(Option<Trouble>, f64); 3] =
    [(Some(Trouble::Delivery), 0.025), (Some(Trouble::Quality), 0.02), (Some(Trouble::Site), 0.015)];
/// Share of the troubles that the customer complains about.
const COMPLAINS: f64 = 0.75;
/// Share of the orders that went well and lead to a question.
const ASKS: f64 = 0.03;
/// Share of the complaints that are dealt with to the customer's satisfaction.
const SETTLED: f64 = 0.5;
/// What a trouble leaves behind: if settled, if nobody heard of it, and if not settled.
const DISCONTENT: [f64; 3] = [0.3, 0.7, 1.2];
const NEVER_CLOSED: f64 = 0.02;
const RATED: f64 = 0.6;
const UNKNOWN: f64 = 0.03;
const TOPICS_OF_QUESTIONS: [(&str, f64); 3] = [("billing", 0.3), ("account", 0.25), ("delivery", 0.25)];

/// Whether an order goes wrong.
pub(crate) fn trouble(draws: &mut Draws) -> Option<Trouble> {
    draws.choose(&TROUBLES, None)
}

/// What becomes of an order that was placed at `ordered_at` on `day`; nothing at or after `end` is known.
pub(crate) fn experience(
    customer: u32,
    trouble: Option<Trouble>,
    ordered_at: i64,
    day: &CalendarDay,
    end: i64,
    draws: &mut Draws,
) -> Experience {
    let [settled_discontent, silent_discontent, unsettled_discontent] = DISCONTENT;
    let Some(trouble) = trouble else {
        let ticket = draws.chance(ASKS).then(|| {
            let topic = draws.choose(&TOPICS_OF_QUESTIONS, "other");
            let severity = draws.choose(&[("low", 0.7)], "medium");
            open(customer, (topic, severity), (3, 5), ordered_at, day, end, draws)
        });
        return Experience { discontent: 0.0, ticket };
    };
    if !draws.chance(COMPLAINS) {
        return Experience { discontent: silent_discontent, ticket: None };
    }
    let topic = match trouble {
        Trouble::Delivery => "delivery",
        Trouble::Quality => "quality",
        Trouble::Site => draws.choose(&[("account", 0.5)], "billing"),
    };
    let severity = draws.choose(&[("medium", 0.45), ("high", 0.4)], "urgent");
    let is_settled = draws.chance(SETTLED);
    let ratings = if is_settled { (3, 5) } else { (1, 2) };
    let ticket = open(customer, (topic, severity), ratings, ordered_at, day, end, draws);
    let discontent = if is_settled { settled_discontent } else { unsettled_discontent };
    Experience { discontent, ticket: Some(ticket) }
}

/// A case that is opened within three days of the order; `ratings` are the lowest and the highest that it can come to.
fn open(
    customer: u32,
    (topic, severity): (&'static str, &'static str),
    (lowest, highest): (i32, i32),
    ordered_at: i64,
    day: &CalendarDay,
    end: i64,
    draws: &mut Draws,
) -> (i32, Ticket) {
    let opened_at = ordered_at + (draws.between(0.02, 3.0) * DAY_SECONDS as f64) as i64 * SECOND;
    let days_after = (opened_at - day.midnight).div_euclid(DAY_SECONDS * SECOND);
    let midnight = day.midnight + days_after * DAY_SECONDS * SECOND;
    let days_open = (0.1 + if severity == "urgent" { 1.0 } else { 2.5 } * draws.exponential()).min(40.0);
    let closed_at = opened_at + (days_open * DAY_SECONDS as f64) as i64 * SECOND;
    let closed_at = (!draws.chance(NEVER_CLOSED) && closed_at < end).then_some(closed_at);
    let rating = lowest + draws.index((highest - lowest + 1) as usize) as i32;
    let rated_at = closed_at.map(|closed_at| closed_at + (draws.between(0.5, 36.0) * 3_600.0) as i64 * SECOND);
    let is_rated = draws.chance(RATED);
    let ticket = Ticket {
        number: 0,
        customer,
        opened_at,
        loaded_at: loading::on_time(opened_at, midnight, draws),
        closed_at,
        severity: (!draws.chance(UNKNOWN)).then_some(severity),
        topic: (!draws.chance(UNKNOWN)).then_some(topic),
        rating: rated_at.filter(|&rated_at| is_rated && rated_at < end).map(|rated_at| (rating, rated_at)),
    };
    (day.number + days_after as i32, ticket)
}
