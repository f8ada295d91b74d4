//! Random instances of all kinds, and the slow, obvious answer to them.

use std::sync::Arc;

use mainstay_schema::plan::{Instance, Offer, Offers, Rule, Selection, Term, Weight};
use mainstay_schema::{Cents, DecisionReason, Digest};
use proptest::prelude::*;

use crate::instance::ValidInstance;

pub(crate) const KINDS: u16 = 4;
pub(crate) const SEGMENTS: u16 = 3;

/// Offers from one menu a customer, `None` where it lacks a kind.
pub(crate) type Menu = (u16, Vec<Option<(i64, i64)>>);

pub(crate) fn offers_of(menus: &[Menu]) -> Offers {
    let mut offers = Offers::new(Digest::of(b"test"));
    for (segment, menu) in menus {
        let own = (0u16..).zip(menu).filter_map(|(kind, offer)| {
            offer.map(|(value, cost)| Offer { kind, value: Cents(value), cost: Cents(cost) })
        });
        offers.push_customer(*segment, own);
    }
    offers
}

pub(crate) fn valid(menus: &[Menu], rules: Vec<Rule>) -> ValidInstance {
    ValidInstance::new(Instance { offers: Arc::new(offers_of(menus)), rules }).unwrap()
}

/// At most so many customers with up to `KINDS` offers each: with ties, free ones, worthless ones and dominated ones.
pub(crate) fn menus(customers: usize) -> impl Strategy<Value = Vec<Menu>> {
    let offer = prop_oneof![3 => (0i64..60, 0i64..30).prop_map(Some), 1 => Just(None)];
    let menu = (0..SEGMENTS, proptest::collection::vec(offer, usize::from(KINDS)));
    proptest::collection::vec(menu, 0..=customers)
}

fn term(kinds: Selection, segments: Selection, weight: Weight, factor: i64) -> Term {
    Term { kinds, segments, weight, factor }
}

fn some(of: u16) -> impl Strategy<Value = Selection> {
    prop_oneof![
        1 => Just(Selection::All),
        2 => (0..of).prop_map(|one| Selection::Of(vec![one])),
        1 => (0..of, 0..of).prop_map(|(one, other)| Selection::Of(vec![one, other])),
    ]
}

/// A rule of any kind that the policy knows: share of the budget, capacity, floor of either, parity, money for exploration.
fn rule() -> impl Strategy<Value = Rule> {
    let weight = || prop_oneof![Just(Weight::Cost), Just(Weight::Count)];
    let ceiling = (some(KINDS), some(SEGMENTS), weight(), 0i64..60).prop_map(|(kinds, segments, weight, limit)| {
        let limit = if weight == Weight::Cost { limit } else { limit / 12 };
        let terms = vec![term(kinds, segments, weight, 1)];
        Rule { name: String::new(), reason: DecisionReason::Capacity, terms, limit }
    });
    let floor = (some(KINDS), some(SEGMENTS), weight(), 1i64..40).prop_map(|(kinds, segments, weight, least)| {
        let least = if weight == Weight::Cost { least } else { least / 10 + 1 };
        let terms = vec![term(kinds, segments, weight, -1)];
        Rule { name: String::new(), reason: DecisionReason::Floor, terms, limit: -least }
    });
    let parity = (0..SEGMENTS, 1..SEGMENTS, 1i64..6, 1i64..6).prop_map(|(one, step, n_one, n_other)| {
        let other = (one + step) % SEGMENTS;
        let of = |segment| Selection::Of(vec![segment]);
        let terms = vec![
            term(Selection::All, of(one), Weight::Count, 4 * n_other),
            term(Selection::All, of(other), Weight::Count, -5 * n_one),
        ];
        Rule { name: String::new(), reason: DecisionReason::Parity, terms, limit: 0 }
    });
    prop_oneof![3 => ceiling, 1 => floor, 1 => parity]
}

/// Mostly a budget, and up to so many other rules.
pub(crate) fn rules(most: usize) -> impl Strategy<Value = Vec<Rule>> {
    (proptest::option::weighted(0.9, 0i64..150), proptest::collection::vec(rule(), 0..=most)).prop_map(
        |(budget, rules)| {
            let named = rules.into_iter().enumerate().map(|(at, rule)| Rule { name: format!("rule {at}"), ..rule });
            budget.map(Rule::budget).into_iter().chain(named).collect()
        },
    )
}

/// What a plan adds to a rule, by the definition.
pub(crate) fn used(rule: &Rule, chosen: &[(u16, Offer)]) -> i64 {
    let adds = |&(segment, offer): &(u16, Offer)| -> i64 {
        let own = rule.terms.iter().filter(|term| term.segments.contains(segment) && term.kinds.contains(offer.kind));
        own.map(|term| match term.weight {
            Weight::Cost => term.factor * offer.cost.0,
            Weight::Count => term.factor,
        })
        .sum()
    };
    chosen.iter().map(adds).sum()
}

/// The greatest value of any plan that keeps the rules, by trying every choice of every customer.
pub(crate) fn optimum(instance: &ValidInstance) -> Option<i64> {
    let offers = instance.offers();
    let menus: Vec<Vec<(u16, Offer)>> = (0..offers.customers())
        .map(|customer| {
            let segment = offers.segments()[customer];
            offers.of(customer).filter_map(|position| Some((segment, offers.get(position)?))).collect()
        })
        .collect();
    best(&menus, instance.rules(), &mut Vec::new())
}

fn best(menus: &[Vec<(u16, Offer)>], rules: &[Rule], chosen: &mut Vec<(u16, Offer)>) -> Option<i64> {
    let Some((menu, others)) = menus.split_first() else {
        let is_kept = rules.iter().all(|rule| used(rule, chosen) <= rule.limit);
        return is_kept.then(|| chosen.iter().map(|(_, offer)| offer.value.0).sum());
    };
    let mut most = best(others, rules, chosen);
    for &offer in menu {
        chosen.push(offer);
        most = most.max(best(others, rules, chosen));
        chosen.pop();
    }
    most
}
