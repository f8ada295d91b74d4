//! The frontier against searches that look at every offer.

use mainstay_schema::plan::Instance;
use proptest::prelude::*;

use super::*;
use crate::allocate::tests::instances;

fn frontier(offers: &[(u32, i64, i64)]) -> Frontier {
    let offers = (0..)
        .zip(offers)
        .map(|(intervention, &(customer, value, cost))| Offer {
            customer,
            intervention,
            value: Cents(value),
            cost: Cents(cost),
        })
        .collect();
    Frontier::build(&ValidInstance::new(Instance { customers: 4, offers, budget: Cents::ZERO }).unwrap())
}

fn reached(frontier: &Frontier) -> Vec<u32> {
    frontier.increments().iter().map(|increment| increment.offer).collect()
}

fn point(cost: i64, value: i64) -> BudgetPoint {
    BudgetPoint { cost: Cents(cost), value: Cents(value) }
}

#[test]
fn drops_dominated_offers_and_those_below_the_hull() {
    // Offer 1 costs as much as offer 0 and brings less, offer 2 lies below the line from 0 to 3, offer 4 costs more for less.
    let frontier = frontier(&[(0, 10, 5), (0, 9, 5), (0, 12, 9), (0, 18, 11), (0, 17, 12)]);
    assert_eq!(reached(&frontier), [0, 3]);
    assert_eq!(frontier.points(), [point(5, 10), point(11, 18)]);
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
    assert_eq!(frontier.price_at(Cents::ZERO), Price { value_cents: 100, cost_cents: 1 });
    let thresholds: Vec<_> = frontier.thresholds().into_iter().map(|t| t.map(Efficiency::to_f64)).collect();
    assert_eq!(thresholds, [Some(100.0), Some(f64::INFINITY), None, None]);
    assert_eq!(frontier.curve(2), [point(0, 1), point(3, 103)]);
}

#[test]
fn knows_the_price_of_every_budget() {
    let frontier = frontier(&[(0, 10, 5), (1, 6, 4), (2, 1, 1)]);
    let price = |value_cents, cost_cents| Price { value_cents, cost_cents };
    for (budget, expected) in
        [(0, price(10, 5)), (4, price(10, 5)), (5, price(6, 4)), (8, price(6, 4)), (9, price(1, 1)), (10, Price::ZERO)]
    {
        assert_eq!(frontier.price_at(Cents(budget)), expected, "{budget}");
    }
    let spend: Vec<i64> = [f64::NAN, 2.1, 2.0, 1.5, 1.0, 0.0].map(|price| frontier.spend_at(price).0).into();
    assert_eq!(spend, [0, 0, 5, 9, 10, 10]);
}

#[test]
fn nothing_to_offer_is_a_frontier_too() {
    let frontier = frontier(&[]);
    assert_eq!((frontier.total_cost(), frontier.spend_at(0.0)), (Cents::ZERO, Cents::ZERO));
    assert_eq!(frontier.price_at(Cents(1)), Price::ZERO);
    assert_eq!(frontier.curve(10), [BudgetPoint::default()]);
}

#[test]
fn a_thinned_curve_is_evenly_spaced() {
    let frontier = frontier(&[(0, 100, 1), (0, 150, 2), (0, 180, 3), (0, 200, 4), (1, 500, 4)]);
    assert_eq!(frontier.curve(3), [point(0, 0), point(4, 500), point(8, 700)]);
    assert_eq!(frontier.curve(0), [point(0, 0), point(8, 700)]);
    assert_eq!(frontier.curve(100).len(), frontier.points().len() + 1);
}

/// The best of one customer's offers at a price, by looking at all of them: (surplus, cost) with the price as value / cost.
fn best_surplus(offers: &[Offer], price: Price) -> i128 {
    let surplus = |offer: &Offer| {
        i128::from(offer.value.0) * i128::from(price.cost_cents)
            - i128::from(price.value_cents) * i128::from(offer.cost.0)
    };
    offers.iter().map(surplus).max().unwrap_or_default().max(0)
}

proptest! {
    #[test]
    fn the_hull_holds_the_best_offer_at_every_price(instance in instances(5, 6), value in 0i64..200, cost in 1i64..50) {
        let price = Price { value_cents: value, cost_cents: cost };
        let frontier = Frontier::build(&instance);
        let by_hull: i128 = frontier.increments().iter()
            .map(|step| i128::from(step.value.0) * i128::from(cost) - i128::from(value) * i128::from(step.cost.0))
            .filter(|surplus| *surplus > 0)
            .sum();
        let by_search: i128 = instance.as_instance().offers
            .chunk_by(|left, right| left.customer == right.customer)
            .map(|offers| best_surplus(offers, price))
            .sum();
        prop_assert_eq!(by_hull, by_search);
    }

    #[test]
    fn demand_falls_as_the_price_rises(instance in instances(6, 6), low in 0.0f64..20.0, rise in 0.0f64..20.0) {
        let frontier = Frontier::build(&instance);
        prop_assert!(frontier.spend_at(low + rise) <= frontier.spend_at(low));
        prop_assert_eq!(frontier.spend_at(0.0), frontier.total_cost());
    }

    #[test]
    fn the_price_of_a_budget_is_where_demand_passes_it(instance in instances(6, 6), budget in 0i64..400) {
        let frontier = Frontier::build(&instance);
        let price = frontier.price_at(Cents(budget));
        if price == Price::ZERO {
            prop_assert!(frontier.total_cost() <= Cents(budget));
        } else {
            prop_assert!(frontier.spend_at(price.to_f64()) > Cents(budget));
            prop_assert!(frontier.spend_at(price.to_f64() * (1.0 + 1e-9)) <= Cents(budget));
        }
    }

    #[test]
    fn the_budget_curve_rises_ever_more_slowly(instance in instances(6, 6)) {
        let frontier = Frontier::build(&instance);
        let efficiencies: Vec<_> = frontier.increments().iter().map(Increment::efficiency).collect();
        prop_assert!(efficiencies.is_sorted_by(|left, right| left >= right));
        prop_assert!(frontier.points().is_sorted_by_key(|point| point.cost));
        prop_assert!(frontier.points().is_sorted_by(|left, right| left.value < right.value));
    }
}
