//! Every message about an instance that cannot be solved.

use std::sync::Arc;

use mainstay_schema::plan::{Offer, Selection, Term};
use mainstay_schema::{DecisionReason, Digest};

use super::*;

fn offer(kind: u16, value: i64, cost: i64) -> Offer {
    Offer { kind, value: Cents(value), cost: Cents(cost) }
}

fn offers(customers: &[&[Offer]]) -> Arc<Offers> {
    let mut offers = Offers::new(Digest::of(b"test"));
    customers.iter().for_each(|own| offers.push_customer(0, own.iter().copied()));
    Arc::new(offers)
}

fn check(customers: &[&[Offer]], rules: Vec<Rule>) -> Result<ValidInstance, InstanceError> {
    ValidInstance::new(Instance { offers: offers(customers), rules })
}

fn refusal(customers: &[&[Offer]], rules: Vec<Rule>) -> String {
    check(customers, rules).unwrap_err().to_string()
}

fn counted(name: &str, factor: i64, limit: i64) -> Rule {
    let terms = vec![Term { kinds: Selection::All, segments: Selection::All, weight: Weight::Count, factor }];
    Rule { name: name.to_owned(), reason: DecisionReason::Capacity, terms, limit }
}

#[test]
fn says_which_offer_is_wrong_and_why() {
    assert_eq!(
        refusal(&[&[], &[offer(1, 1, 1), offer(0, 1, 1)]], vec![]),
        "offer 1 (customer 1, kind 0) is out of order: sort each customer's offers by kind"
    );
    assert_eq!(
        refusal(&[&[offer(0, 1, 1)], &[offer(4, 1, 1), offer(4, 2, 2)]], vec![]),
        "offer 2 repeats kind 4 for customer 1: keep one"
    );
    assert_eq!(
        refusal(&[&[offer(0, -1, 1)]], vec![]),
        "offer 0 is worth -0.01: leave out offers that are worth less than nothing"
    );
    assert_eq!(refusal(&[&[offer(0, 1, -1)]], vec![]), "offer 0 costs -0.01: a cost is at least 0");
    assert_eq!(
        refusal(&[&[offer(0, 1, LARGEST_OFFER.0 + 1)]], vec![]),
        "offer 0 has the amount 10,000,000,000.01, above the 10,000,000,000.00 that an offer may have"
    );
}

#[test]
fn says_which_rule_is_wrong_and_why() {
    assert_eq!(
        refusal(&[], vec![Rule::budget(1), Rule::budget(2)]),
        "the rule `budget` is there twice: give each rule a name of its own"
    );
    assert_eq!(
        refusal(&[], vec![Rule::budget(-5)]),
        "the limit of the rule `budget` is -5: it must be at least 0, as nothing counts below that"
    );
    let too_large =
        "the rule `many` adds up to more than can be counted exactly (10^18): use smaller factors or limits";
    assert_eq!(refusal(&[&[], &[]], vec![counted("many", LARGEST_TOTAL.0 / 2 + 1, 0)]), too_large);
    assert_eq!(refusal(&[], vec![counted("many", 1, LARGEST_TOTAL.0 + 1)]), too_large);
    assert!(check(&[], vec![counted("floor", -1, -5)]).is_ok());
}

#[test]
fn a_limit_can_be_changed_within_its_range() {
    let valid = check(&[], vec![Rule::budget(5)]).unwrap();
    assert_eq!(valid.clone().with_limit("budget", 7).unwrap().rules()[0].limit, 7);
    assert!(matches!(valid.with_limit("budget", -7), Err(InstanceError::NegativeLimit { limit: -7, .. })));
}

#[test]
fn refuses_offers_that_add_up_to_too_much() {
    let most = (LARGEST_TOTAL.0 / LARGEST_OFFER.0) as usize;
    let largest = [offer(0, 1, LARGEST_OFFER.0)];
    let customers = |count| vec![&largest[..]; count];
    assert!(check(&customers(most), vec![]).is_ok());
    assert_eq!(
        refusal(&customers(most + 1), vec![]),
        "the offers add up to more than 10,000,000,000,000,000.00, the most that can be counted exactly: split the population"
    );
}

#[test]
fn counts_in_words_what_it_cannot_number() {
    assert_eq!(
        InstanceError::TooManyOffers { count: 5_000_000_000 }.to_string(),
        "5000000000 offers are more than a plan can number (4294967294): split the population"
    );
}
