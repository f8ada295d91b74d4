//! Honest certificates pass, whoever made them; every forgery is refused.

mod claims;
mod forgeries;

use std::sync::Arc;

use mainstay_schema::Digest;
use mainstay_schema::plan::{Selection, Term};

use self::claims::{Claim, example, offer};
use super::*;

fn refused(forge: impl FnOnce(&mut Claim)) -> String {
    let mut claim = example();
    forge(&mut claim);
    claim.verify().unwrap_err().to_string()
}

/// As [`refused`], with digests that fit again.
fn refused_though_signed(forge: impl FnOnce(&mut Claim)) -> String {
    let mut claim = example();
    forge(&mut claim);
    claim.signed().verify().unwrap_err().to_string()
}

#[test]
fn reports_what_it_recomputed() {
    let verified = example().verify().unwrap();
    assert_eq!(verified, Verified { cost: Cents(9), value: Cents(32), upper_bound: Cents(33), gap: Cents(1) });
}

#[test]
fn refuses_impossible_offers() {
    let with = |first: Offer, second: Offer| {
        refused_though_signed(|claim| {
            let mut offers = Offers::new(Digest::of(b"labels"));
            offers.push_customer(0, [first, second]);
            claim.instance.offers = Arc::new(offers);
        })
    };
    let unsorted = "offer 1 is out of order or a repetition: the offers were changed";
    assert_eq!(with(offer(1, 20, 5), offer(0, 26, 11)), unsorted);
    assert_eq!(with(offer(1, 20, 5), offer(1, 26, 11)), unsorted);
    assert_eq!(with(offer(0, 20, 5), offer(1, 26, -1)), "offer 1 costs -0.01: a cost is at least 0");
}

#[test]
fn refuses_certificates_of_something_else() {
    assert_eq!(
        refused(|claim| claim.certificate.version = 1),
        "the certificate has version 1, but only version 2 is understood: use the verifier of its release"
    );
    let other = Digest::of(b"other");
    let Claim { instance, plan, .. } = example();
    assert_eq!(
        refused(|claim| claim.certificate.instance = other),
        format!("the certificate is of other offers or rules: it names {other}, these have {}", instance.digest())
    );
    assert_eq!(
        refused(|claim| claim.certificate.plan = other),
        format!("the certificate is of another plan: it names {other}, this one has {}", plan.digest())
    );
    let changed = "the certificate lists other rules or limits than the instance has: it was changed";
    assert_eq!(refused(|claim| claim.certificate.rules[0].limit = 11), changed);
    assert_eq!(refused(|claim| claim.certificate.rules[0].name = "fund".to_owned()), changed);
    assert_eq!(refused(|claim| drop(claim.certificate.rules.pop())), changed);
}

#[test]
fn refuses_impossible_plans() {
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.push(4)),
        "the plan chooses offer 4, which does not exist"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.swap(0, 1)),
        "the plan chooses offer 0 out of order: its choices ascend"
    );
    assert_eq!(
        refused_though_signed(|claim| claim.plan.chosen.insert(1, 1)),
        "the plan gives customer 0 two offers: at most one is allowed"
    );
    let mut overspent = example();
    overspent.plan.chosen.push(3);
    assert_eq!(
        overspent.recounted().verify().unwrap_err().to_string(),
        "the plan breaks the rule `budget`: it uses 11, the limit is 10"
    );
}

#[test]
fn refuses_wrong_numbers() {
    assert_eq!(
        refused(|claim| claim.certificate.plan_cost = Cents(8)),
        "the certificate says that the plan costs 0.08, but it costs 0.09"
    );
    assert_eq!(
        refused(|claim| claim.certificate.plan_value = Cents(33)),
        "the certificate says that the plan is worth 0.33, but it is worth 0.32"
    );
    assert_eq!(
        refused(|claim| claim.certificate.rules[0].used = 8),
        "the certificate says that the plan uses 8 of the rule `budget`, but it uses 9"
    );
    for wrong in [32, 34] {
        assert_eq!(
            refused(|claim| claim.certificate.upper_bound = Cents(wrong)),
            format!("the certificate says that no plan is worth more than 0.{wrong}, but its prices prove 0.33")
        );
    }
    assert_eq!(
        refused(|claim| claim.certificate.rules[0].price = -1),
        "the price of the rule `budget` is -1: a price is at least 0"
    );
    for denominator in [0, -1] {
        assert_eq!(
            refused(|claim| claim.certificate.denominator = denominator),
            format!("the denominator of the prices is {denominator}: it must be at least 1")
        );
    }
}

#[test]
fn refuses_sums_that_do_not_fit() {
    let too_large = "a sum of money is too large to be checked exactly: the amounts cannot be right";
    let refusal = |offers: &[(i64, i64)], factor, price, chosen: &[u32]| {
        let mut claim = example();
        let mut columns = Offers::new(Digest::of(b"labels"));
        offers.iter().for_each(|&(value, cost)| columns.push_customer(0, [offer(0, value, cost)]));
        claim.instance.offers = Arc::new(columns);
        claim.instance.rules[0].terms[0].factor = factor;
        claim.instance.rules[0].limit = i64::MAX;
        (claim.certificate.rules[0].price, claim.certificate.rules[0].limit) = (price, i64::MAX);
        claim.plan.chosen = chosen.to_vec();
        claim.recounted().verify().unwrap_err().to_string()
    };
    let most = i64::MAX;
    assert_eq!(refusal(&[(most, 0), (most, 0)], 1, 0, &[0, 1]), too_large, "the plan's value");
    assert_eq!(refusal(&[(most, 0), (most, 0)], 1, 0, &[]), too_large, "the bound in 64 bits");
    assert_eq!(refusal(&[(1, most)], most, most, &[]), too_large, "a charge in 128 bits");
    let mut claim = example();
    claim.instance.rules[0].terms = (0..4)
        .map(|_| Term { kinds: Selection::All, segments: Selection::All, weight: Weight::Cost, factor: i64::MIN })
        .collect();
    claim.certificate.rules[0].price = most;
    claim.plan.chosen.clear();
    assert_eq!(claim.recounted().verify().unwrap_err().to_string(), too_large, "the price of a rule");
}
