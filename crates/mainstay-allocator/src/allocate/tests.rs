//! The plan against exhaustive search.

use mainstay_schema::plan::{Instance, Offer};
use proptest::prelude::*;

use super::*;

/// Random questions of at most so many customers and offers each, with ties, free offers and dominated ones.
pub(crate) fn instances(customers: usize, offers: usize) -> impl Strategy<Value = ValidInstance> {
    let offer = (1i64..60, 0i64..30);
    let menus = proptest::collection::vec(proptest::collection::vec(offer, 0..=offers), 0..=customers);
    (menus, 0i64..200).prop_map(|(menus, budget)| {
        let offers = (0..).zip(&menus).flat_map(|(customer, menu)| {
            (0..).zip(menu).map(move |(intervention, &(value, cost))| Offer {
                customer,
                intervention,
                value: Cents(value),
                cost: Cents(cost),
            })
        });
        let instance = Instance { customers: menus.len() as u32, offers: offers.collect(), budget: Cents(budget) };
        ValidInstance::new(instance).unwrap()
    })
}

/// The greatest value of any plan, by trying every choice of every customer.
fn optimum(menus: &[&[Offer]], budget: i64) -> i64 {
    let Some((menu, others)) = menus.split_first() else {
        return 0;
    };
    let without = optimum(others, budget);
    menu.iter()
        .filter(|offer| offer.cost.0 <= budget)
        .map(|offer| offer.value.0 + optimum(others, budget - offer.cost.0))
        .fold(without, i64::max)
}

fn optimum_of(instance: &ValidInstance) -> i64 {
    let menus: Vec<&[Offer]> =
        instance.as_instance().offers.chunk_by(|left, right| left.customer == right.customer).collect();
    optimum(&menus, instance.budget().0)
}

fn solve(instance: &ValidInstance) -> Solution {
    allocate(instance, &Frontier::build(instance))
}

fn valid(offers: &[(u32, i64, i64)], budget: i64) -> ValidInstance {
    let offers = (0..)
        .zip(offers)
        .map(|(intervention, &(customer, value, cost))| Offer {
            customer,
            intervention,
            value: Cents(value),
            cost: Cents(cost),
        })
        .collect();
    ValidInstance::new(Instance { customers: 3, offers, budget: Cents(budget) }).unwrap()
}

#[test]
fn takes_what_fits_and_fills_up_behind_the_critical_increment() {
    // 5 and 4 of 10 cents are taken; 6 does not fit and sets the price; 1 still does.
    let solution = solve(&valid(&[(0, 20, 5), (0, 26, 11), (1, 12, 4), (2, 1, 1)], 10));
    assert_eq!(solution.plan.chosen, [0, 2, 3]);
    let Certificate { plan_cost, plan_value, price, upper_bound, .. } = solution.certificate;
    assert_eq!((plan_cost, plan_value, upper_bound), (Cents(10), Cents(33), Cents(33)));
    assert_eq!(price.to_f64(), 1.0);
}

#[test]
fn never_skips_a_step_of_a_customer() {
    // The step from offer 0 to 1 (9 cents) does not fit; the step from 1 to 2 (1 cent) would, but starts from offer 1.
    let solution = solve(&valid(&[(0, 10, 1), (0, 19, 10), (0, 20, 11)], 5));
    assert_eq!(solution.plan.chosen, [0]);
    assert_eq!(solution.certificate.plan_cost, Cents(1));
}

#[test]
fn a_budget_for_all_is_free() {
    let solution = solve(&valid(&[(0, 20, 5), (1, 12, 4)], 9));
    assert_eq!(solution.plan.chosen, [0, 1]);
    assert_eq!(solution.certificate.price, Price::ZERO);
    assert_eq!(solution.certificate.gap(), 0.0);
}

#[test]
fn without_money_only_the_free_offers_are_made() {
    let solution = solve(&valid(&[(0, 20, 5), (1, 12, 0)], 0));
    assert_eq!(solution.plan.chosen, [1]);
    assert_eq!(solution.certificate.upper_bound, Cents(12));
    assert_eq!(solve(&valid(&[], 0)).plan, Plan::default());
}

#[test]
fn the_largest_amounts_do_not_overflow() {
    use crate::instance::{LARGEST_OFFER, LARGEST_TOTAL};
    let largest = LARGEST_OFFER.0;
    let solution = solve(&valid(&[(0, largest, largest), (1, largest, 1), (2, 1, largest)], LARGEST_TOTAL.0));
    assert_eq!(solution.certificate.upper_bound, Cents(2 * largest + 1));
    let tight = solve(&valid(&[(0, largest, largest), (1, largest, 1), (2, 1, largest)], largest));
    assert_eq!(tight.certificate.upper_bound, Cents(2 * largest - 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_optimum_lies_between_plan_and_bound(instance in instances(6, 4)) {
        let certificate = solve(&instance).certificate;
        let optimum = optimum_of(&instance);
        prop_assert!(certificate.plan_cost <= instance.budget());
        prop_assert!(certificate.plan_value.0 <= optimum);
        prop_assert!(optimum <= certificate.upper_bound.0);
    }

    #[test]
    fn the_plan_misses_less_than_one_upgrade(instance in instances(6, 4)) {
        let frontier = Frontier::build(&instance);
        let certificate = allocate(&instance, &frontier).certificate;
        let largest_upgrade = frontier.increments().iter().map(|step| step.value.0).max().unwrap_or_default();
        let missed = certificate.upper_bound.0 - certificate.plan_value.0;
        prop_assert!(missed == 0 || missed < largest_upgrade);
    }

    #[test]
    fn the_plan_is_what_its_certificate_says(instance in instances(6, 4)) {
        let Solution { plan, certificate, .. } = solve(&instance);
        let chosen: Vec<&Offer> =
            plan.chosen.iter().map(|&position| &instance.as_instance().offers[position as usize]).collect();
        prop_assert!(chosen.is_sorted_by(|left, right| left.customer < right.customer));
        prop_assert_eq!(chosen.iter().map(|offer| offer.cost).sum::<Cents>(), certificate.plan_cost);
        prop_assert_eq!(chosen.iter().map(|offer| offer.value).sum::<Cents>(), certificate.plan_value);
    }

    #[test]
    fn more_budget_never_lowers_the_bound(instance in instances(6, 4), more in 0i64..50) {
        let richer = instance.clone().with_budget(Cents(instance.budget().0 + more)).unwrap();
        prop_assert!(solve(&instance).certificate.upper_bound <= solve(&richer).certificate.upper_bound);
    }

    #[test]
    fn the_threshold_says_who_gets_an_offer(instance in instances(6, 4)) {
        let Solution { plan, certificate, thresholds } = solve(&instance);
        let treated: Vec<u32> =
            plan.chosen.iter().map(|&position| instance.as_instance().offers[position as usize].customer).collect();
        let price = certificate.price.to_f64();
        prop_assert_eq!(thresholds.len(), instance.as_instance().customers as usize);
        for (customer, threshold) in (0..).zip(thresholds) {
            let threshold = threshold.map(Efficiency::to_f64);
            prop_assert!(threshold.is_none_or(|threshold| threshold <= price) || treated.contains(&customer));
            prop_assert!(threshold.is_some() || !treated.contains(&customer));
        }
    }
}
