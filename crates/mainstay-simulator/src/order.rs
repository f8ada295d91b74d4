//! Orders and returns.

use mainstay_schema::Cents;

use crate::calendar::{CalendarDay, DAY_SECONDS, SECOND};
use crate::catalogue::{CATEGORY_COUNT, Catalogue};
use crate::channel::Channel;
use crate::customer::Customer;
use crate::random::Draws;
use crate::support::{self, Ticket, Trouble};

/// An order, or a return of one: then with the amounts that go back, not negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// From 1, ascending with time.
    pub number: u64,
    /// Number of the customer.
    pub customer: u32,
    /// In microseconds since 1970 UTC.
    pub ordered_at: i64,
    /// When the retailer's warehouse knew of it, mostly before 03:00 of the next day; in microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// At list prices.
    pub gross: Cents,
    /// Gross less net.
    pub discount: Cents,
    /// What was paid or goes back: the sum of the lines.
    pub net: Cents,
    /// What the goods cost the retailer, where it is known.
    pub cost: Option<Cents>,
    /// Where it was placed, where it is known.
    pub channel: Option<Channel>,
    /// Whether it is a return.
    pub is_return: bool,
    /// One to six products.
    pub lines: Vec<Line>,
}

/// One product of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the product.
    pub product: u32,
    /// Category of the product, where it is known.
    pub category: Option<&'static str>,
    /// At least 1.
    pub quantity: i32,
    /// List price of the day.
    pub unit_price: Cents,
    /// Paid for the line: its share of the order's net amount.
    pub net: Cents,
}

/// A purchase, and what it will lead to.
pub(crate) struct Purchase {
    pub(crate) order: Order,
    /// Whether it was placed on a screen.
    pub(crate) is_online: bool,
    pub(crate) trouble: Option<Trouble>,
    /// The day number of the return, and the return.
    pub(crate) return_order: Option<(i32, Order)>,
    /// The day number of a support case, and the case.
    pub(crate) ticket: Option<(i32, Ticket)>,
    /// Net amount less cost, less that of what comes back.
    pub(crate) margin: Cents,
}

const MOST_LINES: u32 = 6;
const BAD_ORDERS_RETURNED: f64 = 0.85;
const COST_UNKNOWN: f64 = 0.03;
const CHANNEL_UNKNOWN: f64 = 0.01;
const CATEGORY_UNKNOWN: f64 = 0.01;

/// The customer buys on `day`: the basket, its price, what comes of it and how it is remembered. Numbers are left 0; nothing at or
/// after `end` is known.
pub(crate) fn purchase(
    customer: &mut Customer,
    day: &CalendarDay,
    catalogue: &Catalogue,
    end: i64,
    draws: &mut Draws,
) -> Purchase {
    let channel = customer.traits.favourite_channel.or_another(draws);
    let (ordered_at, loaded_at) = instants(customer, channel, day, draws);
    let lines = basket(customer, day, catalogue, draws);
    let gross = Cents(lines.iter().map(Line::gross).sum());
    let net = Cents(gross.0 - gross.0 * discount_percent(customer, day, draws) / 100);
    let cost = gross.share(draws.between(55.0, 75.0) / 100.0);
    let mut order = Order {
        number: 0,
        customer: customer.number,
        ordered_at,
        loaded_at,
        gross,
        discount: Cents(gross.0 - net.0),
        net,
        cost: (!draws.chance(COST_UNKNOWN)).then_some(cost),
        channel: (!draws.chance(CHANNEL_UNKNOWN)).then_some(channel),
        is_return: false,
        lines,
    };
    share_net(&mut order.lines, gross, net);

    let trouble = support::trouble(draws);
    let is_bad = matches!(trouble, Some(Trouble::Delivery | Trouble::Quality));
    let return_rate = customer.traits.return_rate + if is_bad { BAD_ORDERS_RETURNED } else { 0.0 };
    let return_order = draws.chance(return_rate).then(|| give_back(&order, channel, day, draws));
    let experience = support::experience(customer.number, trouble, ordered_at, day, end, draws);
    customer.remember_order(experience.discontent);

    let kept = return_order.as_ref().map_or(1.0, |(_, returned)| 1.0 - returned.net.0 as f64 / net.0.max(1) as f64);
    Purchase {
        order,
        is_online: channel != Channel::Store,
        trouble,
        return_order,
        ticket: experience.ticket,
        margin: Cents(((net.0 - cost.0) as f64 * kept) as i64),
    }
}

/// The return of one line or of the whole order, 3 to 30 days later: day number and return.
fn give_back(order: &Order, channel: Channel, day: &CalendarDay, draws: &mut Draws) -> (i32, Order) {
    let days = 3 + (8.0 * draws.exponential()).min(27.0) as i32;
    let lines = match order.lines.get(draws.index(order.lines.len())) {
        Some(line) if draws.chance(0.5) => vec![line.clone()],
        _ => order.lines.clone(),
    };
    let gross = Cents(lines.iter().map(Line::gross).sum());
    let net = lines.iter().map(|line| line.net).sum::<Cents>();
    let midnight = day.midnight + i64::from(days) * DAY_SECONDS * SECOND;
    let ordered = channel.second_of_day(draws);
    let ordered_at = midnight + ordered * SECOND;
    let returned = Order {
        ordered_at,
        loaded_at: channel.loaded_at(ordered_at, midnight, draws),
        gross,
        discount: Cents(gross.0 - net.0),
        net,
        cost: order.cost.map(|cost| cost.share(gross.0 as f64 / order.gross.0 as f64)),
        is_return: true,
        lines,
        ..order.clone()
    };
    (day.number + days, returned)
}

/// Instants of ordering and loading. On the day of the sign-up the order follows it within the hour.
fn instants(customer: &Customer, channel: Channel, day: &CalendarDay, draws: &mut Draws) -> (i64, i64) {
    let ordered = if customer.signed_up_day == day.number {
        (customer.signed_up_at - day.midnight) / SECOND + draws.between(60.0, 2_700.0) as i64
    } else {
        channel.second_of_day(draws)
    };
    let ordered_at = day.midnight + ordered * SECOND;
    (ordered_at, channel.loaded_at(ordered_at, day.midnight, draws))
}

/// One to six lines; those who fade put less into the basket.
fn basket(customer: &Customer, day: &CalendarDay, catalogue: &Catalogue, draws: &mut Draws) -> Vec<Line> {
    let traits = &customer.traits;
    let lines = 1 + draws.poisson(0.4 + 1.1 * customer.interest.vigour().min(1.5)).min(MOST_LINES - 1);
    (0..lines)
        .filter_map(|_| {
            let is_favourite = draws.chance(0.55);
            let category = if is_favourite { traits.favourite_category } else { draws.index(CATEGORY_COUNT) };
            let product = catalogue.pick(category, draws)?;
            let unit_price = (product.price_cents * day.price_level) as i64;
            let quantity = 1 + draws.poisson(0.3 * traits.basket_level).min(9) as i32;
            Some(Line {
                product: product.number,
                category: (!draws.chance(CATEGORY_UNKNOWN)).then_some(product.category),
                quantity,
                unit_price: Cents(unit_price.max(1)),
                net: Cents::ZERO,
            })
        })
        .collect()
}

/// Whole per cent off the order.
fn discount_percent(customer: &Customer, day: &CalendarDay, draws: &mut Draws) -> i64 {
    let dependence = customer.traits.discount_dependence;
    let probability = if day.is_promotion { 0.35 + 0.5 * dependence } else { 0.05 + 0.25 * dependence };
    if draws.chance(probability) { 5 * (1 + draws.index(5) as i64) } else { 0 }
}

/// Spreads the order's net amount over its lines so that it adds up to the cent.
fn share_net(lines: &mut [Line], gross: Cents, net: Cents) {
    let (mut gross_so_far, mut net_so_far) = (0, 0);
    for line in lines {
        gross_so_far += line.gross();
        let target = gross_so_far * net.0 / gross.0.max(1);
        line.net = Cents(target - net_so_far);
        net_so_far = target;
    }
}

impl Line {
    /// List price of the line, in cents.
    fn gross(&self) -> i64 {
        i64::from(self.quantity) * self.unit_price.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    proptest! {
        #[test]
        fn lines_add_up_to_the_cent(sizes in vec((1i32..10, 1i64..100_000), 1..7), percent in 0i64..=25) {
            let mut lines: Vec<Line> = sizes
                .into_iter()
                .map(|(quantity, cents)| Line {
                    product: 1,
                    category: Some("toys"),
                    quantity,
                    unit_price: Cents(cents),
                    net: Cents::ZERO,
                })
                .collect();
            let gross = Cents(lines.iter().map(Line::gross).sum());
            let net = Cents(gross.0 - gross.0 * percent / 100);
            share_net(&mut lines, gross, net);
            prop_assert_eq!(lines.iter().map(|line| line.net).sum::<Cents>(), net);
            prop_assert!(lines.iter().all(|line| line.net >= Cents::ZERO && line.net.0 <= line.gross()));
        }
    }

    #[test]
    fn stores_are_open_by_day_and_report_at_night() {
        for subject in 0..1_000 {
            let mut draws = Draws::new(1, Stream::Purchase, subject, 0);
            let ordered = Channel::Store.second_of_day(&mut draws);
            assert!((9 * 3_600..20 * 3_600).contains(&ordered));
            let loaded = Channel::Store.loaded_at(ordered * SECOND, 0, &mut draws) / SECOND;
            assert!(loaded >= DAY_SECONDS - 1_800, "loaded at {loaded}");
            let ordered = Channel::Web.second_of_day(&mut draws);
            assert!((0..DAY_SECONDS).contains(&ordered));
            assert!(Channel::Web.loaded_at(ordered * SECOND, 0, &mut draws) > ordered * SECOND);
        }
    }
}
