//! Every kind of lie, on random plans.

use std::cell::Cell;

use mainstay_schema::Cents;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::claims::{Claim, claims};

/// Mutants of each kind, at least.
const CASES: u32 = 150;

/// One way to lie; all change something that matters. The digests fit again where the forger could have written them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgery {
    ClaimedCost,
    ClaimedValue,
    UnderstatedGap,
    OverstatedBound,
    ClaimedUse,
    ClaimedLimit,
    RaisedLimit,
    OfferValue,
    OfferCost,
    ExtraContact,
    DroppedContact,
    MovedContact,
    SwappedInstanceDigest,
    SwappedPlanDigest,
    SwappedDigests,
    Version,
    NegativePrice,
    ChangedPrice,
    NoDenominator,
    DroppedRule,
    RenamedRule,
    ReversedRule,
}

use Forgery::*;

const FORGERIES: [Forgery; 22] = [
    ClaimedCost,
    ClaimedValue,
    UnderstatedGap,
    OverstatedBound,
    ClaimedUse,
    ClaimedLimit,
    RaisedLimit,
    OfferValue,
    OfferCost,
    ExtraContact,
    DroppedContact,
    MovedContact,
    SwappedInstanceDigest,
    SwappedPlanDigest,
    SwappedDigests,
    Version,
    NegativePrice,
    ChangedPrice,
    NoDenominator,
    DroppedRule,
    RenamedRule,
    ReversedRule,
];

/// The forged claim, or `None` where there is nothing to forge (no offer, no contact) or the lie would be none.
fn forge(mut claim: Claim, forgery: Forgery, pick: usize, cents: i64) -> Option<Claim> {
    let Claim { instance, plan, certificate } = &mut claim;
    let (offers, contacts, rules) = (instance.offers.len(), plan.chosen.len(), instance.rules.len());
    let rule = pick % rules;
    match forgery {
        ClaimedCost => certificate.plan_cost.0 += cents,
        ClaimedValue => certificate.plan_value.0 += cents,
        UnderstatedGap => certificate.upper_bound.0 -= cents.abs(),
        OverstatedBound => certificate.upper_bound.0 += cents.abs(),
        ClaimedUse => certificate.rules[rule].used += cents,
        ClaimedLimit => certificate.rules[rule].limit += cents,
        RaisedLimit => instance.rules[rule].limit += cents.abs(),
        OfferValue => claim.change_offer(pick.checked_rem(offers)?, |offer| offer.value.0 += cents),
        OfferCost => claim.change_offer(pick.checked_rem(offers)?, |offer| offer.cost.0 += cents.abs()),
        ExtraContact => {
            plan.chosen.push(pick.checked_rem(offers)? as u32);
            plan.chosen.sort_unstable();
        }
        DroppedContact => drop(plan.chosen.remove(pick.checked_rem(contacts)?)),
        MovedContact => {
            let at = pick.checked_rem(contacts)?;
            let moved = (plan.chosen[at] + 1) % offers as u32;
            (moved != plan.chosen[at]).then(|| plan.chosen[at] = moved)?;
        }
        SwappedInstanceDigest => certificate.instance = certificate.plan,
        SwappedPlanDigest => certificate.plan = certificate.instance,
        SwappedDigests => std::mem::swap(&mut certificate.plan, &mut certificate.instance),
        Version => certificate.version += 1,
        NegativePrice => certificate.rules[rule].price = -cents.abs(),
        ChangedPrice => {
            certificate.rules[rule].price += cents.abs() * certificate.denominator;
            (claim.bound() != claim.certificate.upper_bound).then_some(())?;
        }
        NoDenominator => certificate.denominator = 0,
        DroppedRule => drop(certificate.rules.remove(rule)),
        RenamedRule => certificate.rules[rule].name.push('x'),
        ReversedRule => {
            instance.rules[rule].terms.iter_mut().for_each(|term| term.factor = -term.factor);
            let (broken, limit) = (instance.rules[rule].clone(), instance.rules[rule].limit);
            (claim.used(&broken) > limit).then_some(())?;
            claim = claim.recounted();
        }
    }
    Some(claim)
}

#[test]
fn every_forgery_is_refused() {
    for forgery in FORGERIES {
        let fired = Cell::new(0);
        let mut runner = TestRunner::new(Config { cases: CASES, max_global_rejects: 20_000, ..Config::default() });
        let cents = prop_oneof![-50i64..0, 1i64..50];
        runner
            .run(&(claims(), 0usize..1_000, cents), |(claim, pick, cents)| {
                let Some(forged) = forge(claim, forgery, pick, cents) else {
                    return Err(TestCaseError::reject("nothing to forge"));
                };
                fired.set(fired.get() + 1);
                prop_assert!(forged.verify().is_err(), "{:?} was accepted", forgery);
                Ok(())
            })
            .unwrap();
        assert!(fired.get() >= CASES, "{forgery:?} was tried {} times", fired.get());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_allocator_is_honest(claim in claims()) {
        let verified = claim.verify();
        prop_assert!(verified.is_ok_and(|verified| verified.gap >= Cents::ZERO));
        prop_assert_eq!(claim.certificate.upper_bound, claim.bound());
    }

    #[test]
    fn signing_a_changed_plan_does_not_help(claim in claims(), pick in 0usize..1_000, extra in any::<bool>()) {
        let forgery = if extra { ExtraContact } else { DroppedContact };
        if let Some(forged) = forge(claim.clone(), forgery, pick, 1) {
            // A contact that costs nothing, is worth nothing and counts for no rule may come and go.
            let is_other = forged.clone().recounted().certificate != Claim { plan: forged.plan.clone(), ..claim }.signed().certificate;
            prop_assert!(!is_other || forged.signed().verify().is_err());
        }
    }

    #[test]
    fn a_broken_rule_is_refused_even_where_all_is_recounted(claim in claims(), pick in 0usize..1_000) {
        if let Some(forged) = forge(claim, ExtraContact, pick, 1) {
            let forged = forged.recounted();
            let offers = &forged.instance.offers;
            let customers: Vec<usize> = forged.plan.chosen.iter().map(|&at| offers.customer_of(at as usize)).collect();
            let twice = customers.windows(2).any(|pair| pair[0] == pair[1]);
            let broken = forged.instance.rules.iter().any(|rule| forged.used(rule) > rule.limit);
            prop_assert_eq!(forged.verify().is_err(), twice || broken);
        }
    }

    #[test]
    fn another_plan_with_honest_numbers_is_accepted(claim in claims(), keep in any::<u32>(), price in 0i64..9) {
        let mut other = claim;
        other.plan.chosen.retain(|position| keep >> (position % 32) & 1 == 1);
        other.certificate.denominator = 3;
        other.certificate.rules.iter_mut().for_each(|priced| priced.price = price);
        other.certificate.upper_bound = other.bound();
        let other = other.recounted();
        let is_kept = other.instance.rules.iter().all(|rule| other.used(rule) <= rule.limit);
        prop_assert_eq!(other.verify().map(|verified| verified.value).ok(), is_kept.then_some(other.certificate.plan_value));
    }
}
