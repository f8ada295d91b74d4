//! Plans against exhaustive search.

use mainstay_schema::DecisionReason;
use mainstay_schema::plan::{Offer, Rule, Selection, Term, Weight};
use proptest::prelude::*;

use super::*;
use crate::test_instances::{Menu, menus, optimum, rules, used, valid};

fn chosen(instance: &ValidInstance, solution: &Solution) -> Vec<(u16, Offer)> {
    let offers = instance.offers();
    let offer = |&position: &u32| {
        let customer = offers.customer_of(position as usize);
        (offers.segments()[customer], offers.get(position as usize).unwrap())
    };
    solution.plan.chosen.iter().map(offer).collect()
}

fn limited(name: &str, kinds: &[u16], weight: Weight, factor: i64, limit: i64) -> Rule {
    let terms = vec![Term { kinds: Selection::Of(kinds.to_vec()), segments: Selection::All, weight, factor }];
    Rule { name: name.to_owned(), reason: DecisionReason::Capacity, terms, limit }
}

fn menu(offers: &[(i64, i64)]) -> (u16, Vec<Option<(i64, i64)>>) {
    (0, offers.iter().copied().map(Some).collect())
}

#[test]
fn fills_the_budget() {
    let menus = [menu(&[(20, 5), (26, 11)]), menu(&[(12, 4)]), menu(&[(1, 1)])];
    let solution = allocate(&valid(&menus, vec![Rule::budget(10)])).unwrap();
    assert_eq!(solution.plan.chosen, [0, 2, 3]);
    let Certificate { plan_cost, plan_value, upper_bound, .. } = solution.certificate;
    assert_eq!((plan_cost, plan_value, upper_bound), (Cents(10), Cents(33), Cents(33)));
    assert!(solution.is_optimal);
}

#[test]
fn a_budget_for_all_is_free_and_none_makes_free_offers() {
    let menus = [menu(&[(20, 5)]), menu(&[(12, 0)])];
    let rich = allocate(&valid(&menus, vec![Rule::budget(9)])).unwrap();
    assert_eq!((rich.plan.chosen.len(), rich.certificate.price_of("budget")), (2, 0.0));
    let poor = allocate(&valid(&menus, vec![Rule::budget(0)])).unwrap();
    assert_eq!((poor.plan.chosen, poor.certificate.upper_bound), (vec![1], Cents(12)));
    assert_eq!(allocate(&valid(&[], vec![Rule::budget(0)])).unwrap().plan, Plan::default());
}

#[test]
fn a_full_channel_has_a_price() {
    let menus = [menu(&[(20, 0), (9, 0)]), menu(&[(16, 0), (9, 0)]), menu(&[(30, 0), (9, 0)])];
    let solution = allocate(&valid(&menus, vec![limited("calls", &[0], Weight::Count, 1, 1)])).unwrap();
    assert_eq!(solution.plan.chosen, [1, 3, 4]);
    assert_eq!(solution.certificate.plan_value, Cents(48));
    let price = solution.certificate.price_of("calls");
    assert!((11.0 - 1e-6..=21.0 + 1e-6).contains(&price), "{price}");
}

#[test]
fn names_the_floor_that_cannot_be_kept_and_what_stands_in_its_way() {
    let menus = [menu(&[(20, 5)]), menu(&[(12, 4)]), menu(&[(1, 3)])];
    let floor = |least: i64| limited("calls at least", &[0], Weight::Count, -1, -least);
    let refused = |rules| allocate(&valid(&menus, rules)).unwrap_err().to_string();
    assert_eq!(
        refused(vec![Rule::budget(8), floor(3)]),
        "the rule `calls at least` cannot be kept: it needs 3, but at most 2 can be reached with `budget`, 1 too little: \
         lower it, or loosen `budget`"
    );
    assert_eq!(
        refused(vec![Rule::budget(80), floor(4)]),
        "the rule `calls at least` cannot be kept: it needs 4, but at most 3 can be reached, 1 too little: lower it, or \
         make more offers"
    );
    let spent = limited("spent on calls", &[0], Weight::Cost, -1, -9);
    let most = limited("most calls", &[0], Weight::Count, 1, 1);
    assert_eq!(
        refused(vec![Rule::budget(8), most, spent]),
        "the rule `spent on calls` cannot be kept: it needs 0.09, but at most 0.05 can be reached with `most calls`, 0.04 too \
         little: lower it, or loosen `most calls`"
    );
}

/// A population with offers in cents, so that many customers are equally undecided, under five rules that all bind.
#[test]
fn a_large_plan_comes_near_its_bound() {
    let mut drawn = 88_172_645_463_325_252u64;
    let mut below = |bound: u64| {
        drawn ^= drawn << 13;
        drawn ^= drawn >> 7;
        drawn ^= drawn << 17;
        (drawn % bound) as i64
    };
    let menus: Vec<Menu> = (0..30_000)
        .map(|_| {
            let segment = below(3);
            let worth = below(400) * below(400) * (3 - segment);
            let offers = [(50, 3), (100, 5), (1_000, 15), (2_000, 40)];
            (
                segment as u16,
                offers.map(|(cost, effect)| Some((worth * effect * (50 + below(100)) / 100_000, cost))).to_vec(),
            )
        })
        .collect();
    let of = |segment: u16, factor| Term {
        kinds: Selection::All,
        segments: Selection::Of(vec![segment]),
        weight: Weight::Count,
        factor,
    };
    let parity = Rule { terms: vec![of(0, 4), of(1, -5)], ..limited("parity", &[], Weight::Count, 1, 0) };
    let rules = vec![
        Rule::budget(30_000 * 60),
        limited("calls", &[3], Weight::Count, 1, 400),
        limited("mail", &[0], Weight::Count, -1, -6_000),
        limited("share of mail", &[0, 1], Weight::Cost, 1, 30_000 * 15),
        parity,
    ];
    let solution = allocate(&valid(&menus, rules)).unwrap();
    let certificate = solution.certificate;
    assert!(certificate.rules.iter().all(|rule| rule.price > 0), "{:?}", certificate.rules);
    assert!(certificate.gap() < 1e-6, "{}", certificate.gap());
}

#[test]
fn the_largest_amounts_do_not_overflow() {
    use crate::instance::{LARGEST_OFFER, LARGEST_TOTAL};
    let largest = LARGEST_OFFER.0;
    let menus = [menu(&[(largest, largest)]), menu(&[(largest, 1)]), menu(&[(1, largest)])];
    let rich = allocate(&valid(&menus, vec![Rule::budget(LARGEST_TOTAL.0)])).unwrap();
    assert_eq!(rich.certificate.upper_bound, Cents(2 * largest + 1));
    let rules = vec![Rule::budget(largest), limited("few", &[0], Weight::Count, 1, 2)];
    let tight = allocate(&valid(&menus, rules)).unwrap();
    assert_eq!((tight.certificate.plan_value, tight.is_optimal), (Cents(largest), true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn small_plans_equal_exhaustive_search(menus in menus(6), rules in rules(5)) {
        let instance = valid(&menus, rules);
        match (allocate(&instance), optimum(&instance)) {
            (Ok(solution), Some(optimum)) => {
                prop_assert_eq!(solution.certificate.plan_value, Cents(optimum));
                prop_assert!(solution.is_optimal && solution.certificate.upper_bound >= Cents(optimum));
                let chosen = chosen(&instance, &solution);
                for (rule, priced) in instance.rules().iter().zip(&solution.certificate.rules) {
                    prop_assert_eq!(used(rule, &chosen), priced.used);
                    prop_assert!(priced.used <= rule.limit && priced.price >= 0);
                }
            }
            (Err(AllocationError::OutOfReach { .. }), None) => {}
            (answer, optimum) => prop_assert!(false, "{:?} but {:?}", answer, optimum),
        }
    }

    #[test]
    fn a_budget_alone_equals_exhaustive_search(menus in menus(6), budget in 0i64..150) {
        let instance = valid(&menus, vec![Rule::budget(budget)]);
        let solution = allocate(&instance).unwrap();
        prop_assert_eq!(Some(solution.certificate.plan_value.0), optimum(&instance));
        prop_assert_eq!(&solution, &allocate_along(&instance, &Frontier::build(&instance)).unwrap());
    }
}
