//! What happens on the days: totals, times, amounts.

use std::collections::BTreeMap;

use mainstay_schema::Cents;

use super::settings;
use crate::calendar::{DAY_SECONDS, SECOND};
use crate::order::Order;
use crate::retailer::{Day, Retailer};

const DAYS: u32 = 730;
const CUSTOMERS: u32 = 1_000;

fn days() -> Vec<Day> {
    Retailer::new(settings(CUSTOMERS, DAYS, 42)).collect()
}

fn share(of: usize, all: usize) -> f64 {
    of as f64 / all as f64
}

#[test]
fn days_follow_each_other_and_orders_lie_within_theirs() {
    let days = days();
    assert_eq!(days.len(), DAYS as usize);
    let (mut last_order, mut late) = (0, 0);
    for (number, day) in days.iter().enumerate() {
        assert_eq!(day.ds, days[0].ds.plus_days(number as i32));
        let midnight = i64::from(day.ds.days_since("1970-01-01".parse().unwrap())) * DAY_SECONDS * SECOND;
        let next_night = midnight + (DAY_SECONDS + 3 * 3_600) * SECOND;
        for order in &day.orders {
            assert!((midnight..midnight + DAY_SECONDS * SECOND).contains(&order.ordered_at));
            assert!(order.ordered_at < order.loaded_at);
            late += usize::from(order.loaded_at >= next_night);
            assert!(order.loaded_at <= order.ordered_at + 6 * DAY_SECONDS * SECOND || order.loaded_at < next_night);
            assert!(order.number > last_order);
            last_order = order.number;
        }
        assert!(day.orders.is_sorted_by_key(|order| order.ordered_at));
        let keys: Vec<_> = day.customers.iter().map(|version| (version.customer, version.valid_from)).collect();
        assert!(keys.is_sorted_by(|left, right| left < right));
    }
    let late = share(late, days.iter().map(|day| day.orders.len()).sum());
    assert!((0.01..0.02).contains(&late), "{late} late");
}

#[test]
fn amounts_add_up() {
    for order in days().iter().flat_map(|day| &day.orders) {
        assert_eq!(order.net, Cents(order.gross.0 - order.discount.0));
        assert!(order.discount >= Cents::ZERO && order.net > Cents::ZERO);
        assert!((1..=6).contains(&order.lines.len()));
        assert_eq!(order.lines.iter().map(|line| line.net).sum::<Cents>(), order.net);
        let gross: i64 = order.lines.iter().map(|line| i64::from(line.quantity) * line.unit_price.0).sum();
        assert_eq!(Cents(gross), order.gross);
        if let Some(cost) = order.cost {
            let cost_share = cost.0 as f64 / order.gross.0 as f64;
            assert!((0.54..=0.75).contains(&cost_share), "{cost_share}");
        }
    }
}

#[test]
fn totals_are_plausible() {
    let days = days();
    let orders: Vec<&Order> = days.iter().flat_map(|day| &day.orders).collect();
    let purchases: Vec<&&Order> = orders.iter().filter(|order| !order.is_return).collect();
    let per_customer = share(purchases.len(), CUSTOMERS as usize);
    assert!((8.0..20.0).contains(&per_customer), "{per_customer} orders a customer");
    let returned = share(orders.len() - purchases.len(), purchases.len());
    assert!((0.05..0.15).contains(&returned), "{returned} returned");
    let discounted = share(purchases.iter().filter(|order| order.discount > Cents::ZERO).count(), purchases.len());
    assert!((0.2..0.5).contains(&discounted), "{discounted} discounted");
    let without_cost = share(orders.iter().filter(|order| order.cost.is_none()).count(), orders.len());
    assert!((0.01..0.06).contains(&without_cost), "{without_cost} without cost");
    let basket = purchases.iter().map(|order| order.net).sum::<Cents>().0 / purchases.len() as i64;
    assert!((4_000..20_000).contains(&basket), "{basket} cents a basket");
}

#[test]
fn christmas_sells_more_than_october() {
    let days = days();
    let orders_in = |month: &str| {
        days.iter().filter(|day| day.ds.month().to_string() == month).map(|day| day.orders.len()).sum::<usize>()
    };
    assert!(orders_in("2024-12") as f64 > 1.15 * orders_in("2024-10") as f64);
    assert!(orders_in("2025-12") as f64 > 1.05 * orders_in("2025-10") as f64);
}

#[test]
fn customers_sign_up_before_they_order() {
    let mut signed_up = BTreeMap::new();
    let mut versions = 0;
    for day in days() {
        for version in &day.customers {
            versions += 1;
            assert!(version.signed_up_at <= version.valid_from);
            assert_eq!(*signed_up.entry(version.customer).or_insert(version.signed_up_at), version.signed_up_at);
        }
        for order in day.orders {
            assert!(signed_up[&order.customer] < order.ordered_at, "{order:?}");
        }
    }
    assert_eq!(signed_up.len(), CUSTOMERS as usize);
    assert!(versions > CUSTOMERS + CUSTOMERS / 20, "{versions} versions: some customers move");
}

#[test]
fn a_return_follows_an_order_of_the_customer_and_gives_back_part_of_it() {
    let days = days();
    let mut returns = 0;
    let mut orders_of: BTreeMap<u32, Vec<&Order>> = BTreeMap::new();
    for order in days.iter().skip(31).flat_map(|day| &day.orders).filter(|order| order.is_return) {
        if orders_of.is_empty() {
            for order in days.iter().flat_map(|day| &day.orders).filter(|order| !order.is_return) {
                orders_of.entry(order.customer).or_default().push(order);
            }
        }
        returns += 1;
        let is_explained = orders_of[&order.customer].iter().any(|earlier| {
            let days_apart = (order.ordered_at - earlier.ordered_at) / SECOND / DAY_SECONDS;
            (2..=31).contains(&days_apart) && order.lines.iter().all(|line| earlier.lines.contains(line))
        });
        assert!(is_explained, "{order:?}");
    }
    assert!(returns > 300);
}
