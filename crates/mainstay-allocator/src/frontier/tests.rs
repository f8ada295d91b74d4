//! The frontier against searches that look at every offer.

use std::collections::BTreeSet;

use mainstay_schema::plan::{Offer, Rule};
use proptest::prelude::*;

use super::*;
use crate::test_instances::{menus, valid};

/// Offers of four customers: (customer, value, cost).
fn frontier(offers: &[(usize, i64, i64)]) -> Frontier {
    let own =
        |customer| offers.iter().filter(move |offer| offer.0 == customer).map(|&(_, value, cost)| Some((value, cost)));
    let menus: Vec<_> = (0..4).map(|customer| (0, own(customer).collect())).collect();
    Frontier::build(&valid(&menus, vec![Rule::budget(0)]))
}

fn frontier_of(menus: &[crate::test_instances::Menu]) -> Frontier {
    Frontier::build(&valid(menus, vec![Rule::budget(0)]))
}

fn price(frontier: &Frontier, budget: i64) -> Option<f64> {
    frontier.price_at(Cents(budget)).map(Efficiency::to_f64)
}

/// All increments by falling efficiency.
fn sorted(frontier: &Frontier) -> Vec<Increment> {
    let buckets: BTreeSet<u16> = frontier.buckets.iter().copied().collect();
    buckets.into_iter().rev().flat_map(|bucket| frontier.within(bucket)).collect()
}

/// What the first so many increments cost and bring together, for each number from 1.
fn points(frontier: &Frontier) -> Vec<BudgetPoint> {
    let mut sum = BudgetPoint::default();
    let mut add = |step: Increment| {
        let (value, cost) = step.gain(&frontier.offers);
        sum.value.0 += value;
        sum.cost.0 += cost;
        sum
    };
    sorted(frontier).into_iter().map(&mut add).collect()
}

fn reached(frontier: &Frontier) -> Vec<u32> {
    sorted(frontier).iter().map(|increment| increment.offer).collect()
}

fn point(cost: i64, value: i64) -> BudgetPoint {
    BudgetPoint { cost: Cents(cost), value: Cents(value) }
}

#[test]
fn drops_dominated_offers_and_those_below_the_hull() {
    // Offer 1 costs as much as offer 0 and brings less, offer 2 lies below the line from 0 to 3, offer 4 costs more for less.
    let frontier = frontier(&[(0, 10, 5), (0, 9, 5), (0, 12, 9), (0, 18, 11), (0, 17, 12)]);
    assert_eq!(reached(&frontier), [0, 3]);
    assert_eq!(points(&frontier), [point(5, 10), point(11, 18)]);
    assert_eq!(frontier.total_cost(), Cents(11));
}

#[test]
fn keeps_offers_on_a_line_and_the_first_of_equals() {
    assert_eq!(reached(&frontier(&[(0, 2, 1), (0, 4, 2), (0, 4, 2)])), [0, 1]);
}

#[test]
fn sorts_by_efficiency_then_customer() {
    assert_eq!(reached(&frontier(&[(0, 1, 1), (1, 4, 2), (2, 2, 1), (3, 1, 1)])), [1, 2, 0, 3]);
}

#[test]
fn what_costs_nothing_comes_first_and_has_no_price() {
    let frontier = frontier(&[(0, 100, 1), (1, 1, 0), (1, 3, 2)]);
    assert_eq!(reached(&frontier), [1, 0, 2]);
    assert_eq!(price(&frontier, 0), Some(100.0));
    assert_eq!(frontier.curve(2), [point(0, 1), point(3, 103)]);
}

#[test]
fn knows_the_price_of_every_budget() {
    let frontier = frontier(&[(0, 10, 5), (1, 6, 4), (2, 1, 1)]);
    let expected = [(0, 2.0), (4, 2.0), (5, 1.5), (8, 1.5), (9, 1.0)];
    for (budget, expected) in expected {
        assert_eq!(price(&frontier, budget), Some(expected), "{budget}");
    }
    assert_eq!(price(&frontier, 10), None);
    let spend: Vec<i64> = [f64::NAN, 2.1, 2.0, 1.5, 1.0, 0.0].map(|price| frontier.spend_at(price).0).into();
    assert_eq!(spend, [0, 0, 5, 9, 10, 10]);
}

#[test]
fn nothing_to_offer_is_a_frontier_too() {
    let frontier = frontier(&[]);
    assert_eq!((frontier.total_cost(), frontier.spend_at(0.0)), (Cents::ZERO, Cents::ZERO));
    assert_eq!(price(&frontier, 1), None);
    assert_eq!(frontier.curve(10), [BudgetPoint::default()]);
}

#[test]
fn a_thinned_curve_is_evenly_spaced() {
    let frontier = frontier(&[(0, 100, 1), (0, 150, 2), (0, 180, 3), (0, 200, 4), (1, 500, 4)]);
    assert_eq!(frontier.curve(3), [point(0, 0), point(4, 500), point(8, 700)]);
    assert_eq!(frontier.curve(0), [point(0, 0), point(8, 700)]);
    assert_eq!(frontier.curve(100).len(), points(&frontier).len() + 1);
}

/// The best of one customer's offers at a price of value / cost, by looking at all of them.
fn best_surplus(offers: impl Iterator<Item = Offer>, value: i64, cost: i64) -> i64 {
    offers.map(|offer| offer.value.0 * cost - value * offer.cost.0).max().unwrap_or_default().max(0)
}

proptest! {
    #[test]
    fn the_hull_holds_the_best_offer_at_every_price(menus in menus(5), value in 0i64..200, cost in 1i64..50) {
        let frontier = frontier_of(&menus);
        let steps = sorted(&frontier).into_iter().map(|step| step.gain(&frontier.offers));
        let by_hull: i64 = steps.map(|(gain, added)| (gain * cost - value * added).max(0)).sum();
        let offers = &frontier.offers;
        let own = |customer| offers.of(customer).filter_map(|position| offers.get(position));
        let by_search: i64 = (0..offers.customers()).map(|customer| best_surplus(own(customer), value, cost)).sum();
        prop_assert_eq!(by_hull, by_search);
    }

    #[test]
    fn demand_falls_as_the_price_rises(menus in menus(6), low in 0.0f64..20.0, rise in 0.0f64..20.0) {
        let frontier = frontier_of(&menus);
        prop_assert!(frontier.spend_at(low + rise) <= frontier.spend_at(low));
        prop_assert_eq!(frontier.spend_at(0.0), frontier.total_cost());
    }

    #[test]
    fn the_price_of_a_budget_is_where_demand_passes_it(menus in menus(6), budget in 0i64..400) {
        let frontier = frontier_of(&menus);
        match price(&frontier, budget) {
            None => prop_assert!(frontier.total_cost() <= Cents(budget)),
            Some(price) => {
                prop_assert!(frontier.spend_at(price) > Cents(budget));
                prop_assert!(frontier.spend_at(price * (1.0 + 1e-9)) <= Cents(budget));
            }
        }
    }

    #[test]
    fn the_budget_curve_rises_ever_more_slowly(menus in menus(6)) {
        let frontier = frontier_of(&menus);
        let efficiencies: Vec<_> = sorted(&frontier).iter().map(|step| step.efficiency(&frontier.offers)).collect();
        prop_assert!(efficiencies.is_sorted_by(|left, right| left >= right));
        prop_assert!(points(&frontier).is_sorted_by_key(|point| point.cost));
        prop_assert!(points(&frontier).is_sorted_by(|left, right| left.value < right.value));
    }
}

/// Efficiencies from one end of the buckets to the other, and more in one bucket than fit.
#[test]
fn budgets_end_within_buckets_and_between_them() {
    let count = 3_000i64;
    let spread = |customer: i64| Some((1 << (customer % 40), 1 + (1 << ((customer * 7) % 40))));
    let menus: Vec<_> = (0..count).map(|customer| (0, vec![spread(customer)])).collect();
    let frontier = frontier_of(&menus);
    let points = points(&frontier);
    for at in (0..points.len()).step_by(97) {
        for slack in [-1, 0, 1] {
            let budget = Cents(points[at].cost.0 + slack);
            let fitting = points.partition_point(|point| point.cost <= budget);
            let expected = fitting.checked_sub(1).map_or_else(BudgetPoint::default, |last| points[last]);
            assert_eq!(frontier.cut(budget).map_or(points[points.len() - 1], |cut| cut.point), expected);
        }
    }
}
