//! What customers do on the web site and in the app.

use crate::calendar::{CalendarDay, DAY_SECONDS, SECOND};
use crate::channel::Channel;
use crate::customer::Customer;
use crate::loading;
use crate::order::Order;
use crate::random::Draws;
use crate::support::Trouble;

/// One thing that a customer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebEvent {
    /// From 1, ascending with time.
    pub number: u64,
    /// Number of the customer.
    pub customer: u32,
    /// In microseconds since 1970 UTC.
    pub occurred_at: i64,
    /// In microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// What it was.
    pub event_type: EventType,
    /// desktop, mobile or tablet, where it is known.
    pub device: Option<&'static str>,
    /// Whether the customer met an error, where it is known.
    pub is_error: Option<bool>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// A visit began.
    Session,
    /// Words were searched for.
    Search,
    /// A product was looked at.
    ProductView,
    /// A product was put into the basket.
    AddToCart,
    /// An order was about to be placed.
    Checkout,
}

/// Share of the events that meet an error by chance, and share of those around an order that the site spoilt.
const ERRORS: (f64, f64) = (0.008, 0.6);
const DEVICE_UNKNOWN: f64 = 0.05;
const ERROR_UNKNOWN: f64 = 0.01;
/// What a visit without an order consists of besides its begin, with the share of the visits that have it.
const BROWSING: [(EventType, f64); 4] = [
    (EventType::Search, 0.10),
    (EventType::ProductView, 0.30),
    (EventType::AddToCart, 0.06),
    (EventType::Checkout, 0.02),
];
const ORDERING: [EventType; 3] = [EventType::Session, EventType::AddToCart, EventType::Checkout];
/// Seconds of a visit that ends with an order.
const ORDERING_SECONDS: (f64, f64) = (240.0, 1_500.0);

impl EventType {
    /// The value of the column `event_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Search => "search",
            Self::ProductView => "product_view",
            Self::AddToCart => "add_to_cart",
            Self::Checkout => "checkout",
        }
    }
}

/// A visit without an order at some time of the day, at or after `earliest`.
pub(crate) fn browse(
    customer: &Customer,
    day: &CalendarDay,
    earliest: i64,
    draws: &mut Draws,
    events: &mut Vec<WebEvent>,
) {
    let last = day.midnight + (DAY_SECONDS - 1) * SECOND;
    let mut visit = Visit::new(customer, day, ERRORS.0, draws);
    let mut at = (day.midnight + Channel::Web.second_of_day(draws) * SECOND).max(earliest).min(last);
    events.push(visit.event(EventType::Session, at, draws));
    for (event_type, share) in BROWSING {
        if draws.chance(share) {
            at = (at + draws.between(10.0, 240.0) as i64 * SECOND).min(last);
            events.push(visit.event(event_type, at, draws));
        }
    }
}

/// The visit that ends with an order.
pub(crate) fn order(
    customer: &Customer,
    day: &CalendarDay,
    order: &Order,
    trouble: Option<Trouble>,
    draws: &mut Draws,
    events: &mut Vec<WebEvent>,
) {
    let errors = if trouble == Some(Trouble::Site) { ERRORS.1 } else { ERRORS.0 };
    let earliest = day.midnight.max(customer.signed_up_at);
    let (shortest, longest) = ORDERING_SECONDS;
    let begin = (order.ordered_at - draws.between(shortest, longest) as i64 * SECOND).max(earliest);
    let seconds = (order.ordered_at - begin) / SECOND;
    let mut visit = Visit::new(customer, day, errors, draws);
    for (position, event_type) in (0..).zip(ORDERING) {
        let at = begin + seconds * position / ORDERING.len() as i64 * SECOND;
        events.push(visit.event(event_type, at, draws));
    }
}

/// What the events of a visit share.
struct Visit<'a> {
    customer: u32,
    day: &'a CalendarDay,
    device: Option<&'static str>,
    errors: f64,
}

impl<'a> Visit<'a> {
    fn new(customer: &Customer, day: &'a CalendarDay, errors: f64, draws: &mut Draws) -> Self {
        let device = match customer.traits.favourite_channel {
            Channel::App => draws.choose(&[("mobile", 0.85), ("tablet", 0.10)], "desktop"),
            Channel::Web | Channel::Store => draws.choose(&[("mobile", 0.30), ("tablet", 0.08)], "desktop"),
        };
        let device = (!draws.chance(DEVICE_UNKNOWN)).then_some(device);
        Self { customer: customer.number, day, device, errors }
    }

    fn event(&mut self, event_type: EventType, occurred_at: i64, draws: &mut Draws) -> WebEvent {
        let on_time = loading::on_time(occurred_at, self.day.midnight, draws);
        let is_error = draws.chance(self.errors);
        WebEvent {
            number: 0,
            customer: self.customer,
            occurred_at,
            loaded_at: loading::perhaps_late(occurred_at, on_time, draws),
            event_type,
            device: self.device,
            is_error: (!draws.chance(ERROR_UNKNOWN)).then_some(is_error),
        }
    }
}
