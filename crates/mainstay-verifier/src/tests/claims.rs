//! Plans with their certificates, as the allocator makes them.

use std::sync::Arc;

use mainstay_allocator::{ValidInstance, allocate};
use mainstay_schema::plan::{Certificate, Instance, Offer, Offers, Plan, Rule, Selection, Term, Weight};
use mainstay_schema::{Cents, DecisionReason, Digest};
use proptest::prelude::*;

use crate::{Refusal, Verified, verify};

const KINDS: u16 = 4;
const SEGMENTS: u16 = 3;

#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) instance: Instance,
    pub(super) plan: Plan,
    pub(super) certificate: Certificate,
}

impl Claim {
    pub(super) fn verify(&self) -> Result<Verified, Refusal> {
        verify(&self.instance, &self.plan, &self.certificate)
    }

    /// Digests that fit again, as a forger would write them.
    pub(super) fn signed(mut self) -> Self {
        self.certificate.instance = self.instance.digest();
        self.certificate.plan = self.plan.digest();
        self
    }

    pub(super) fn chosen(&self) -> Vec<(u16, Offer)> {
        let offers = &self.instance.offers;
        let chosen = self.plan.chosen.iter().map(|&position| position as usize);
        chosen
            .map(|position| (offers.segments()[offers.customer_of(position)], offers.get(position).unwrap()))
            .collect()
    }

    /// What a rule adds up to, by its definition.
    pub(super) fn used(&self, rule: &Rule) -> i64 {
        self.chosen().iter().map(|(segment, offer)| asked(rule, *segment, *offer) as i64).sum()
    }

    /// The plan's own cost, value and uses, stated honestly.
    pub(super) fn recounted(mut self) -> Self {
        let chosen = self.chosen();
        self.certificate.plan_cost = chosen.iter().map(|(_, offer)| offer.cost).sum();
        self.certificate.plan_value = chosen.iter().map(|(_, offer)| offer.value).sum();
        let used: Vec<i64> = self.instance.rules.iter().map(|rule| self.used(rule)).collect();
        self.certificate.rules.iter_mut().zip(used).for_each(|(priced, used)| priced.used = used);
        self.signed()
    }

    /// floor(L) at the certificate's prices, customer by customer and rule by rule.
    pub(super) fn bound(&self) -> Cents {
        let Self { instance, certificate, .. } = self;
        let denominator = i128::from(certificate.denominator);
        let prices =
            || instance.rules.iter().zip(&certificate.rules).map(|(rule, priced)| (rule, i128::from(priced.price)));
        let worth: i128 = prices().map(|(rule, price)| price * i128::from(rule.limit)).sum();
        let surplus = |customer: usize| {
            let segment = instance.offers.segments()[customer];
            let own = instance.offers.of(customer).map(|position| instance.offers.get(position).unwrap());
            let left = |offer: Offer| {
                let charged: i128 = prices().map(|(rule, price)| price * asked(rule, segment, offer)).sum();
                i128::from(offer.value.0) * denominator - charged
            };
            own.map(left).max().unwrap_or(0).max(0)
        };
        let total: i128 = (0..instance.offers.customers()).map(surplus).sum();
        Cents((worth + total).div_euclid(denominator) as i64)
    }

    /// Changes the amounts of one offer.
    pub(super) fn change_offer(&mut self, position: usize, change: impl Fn(&mut Offer)) {
        let old = &self.instance.offers;
        let mut offers = Offers::new(Digest::of(b"labels"));
        for (customer, &segment) in old.segments().iter().enumerate() {
            let own = old.of(customer).map(|at| {
                let mut offer = old.get(at).unwrap();
                if at == position {
                    change(&mut offer);
                }
                offer
            });
            offers.push_customer(segment, own.collect::<Vec<_>>());
        }
        self.instance.offers = Arc::new(offers);
    }
}

fn asked(rule: &Rule, segment: u16, offer: Offer) -> i128 {
    let own = rule.terms.iter().filter(|term| term.segments.contains(segment) && term.kinds.contains(offer.kind));
    own.map(|term| match term.weight {
        Weight::Cost => i128::from(term.factor) * i128::from(offer.cost.0),
        Weight::Count => i128::from(term.factor),
    })
    .sum()
}

pub(super) fn offer(kind: u16, value: i64, cost: i64) -> Offer {
    Offer { kind, value: Cents(value), cost: Cents(cost) }
}

/// Two of three customers are treated for 9 of 10 cents; the step to offer 1 sets the price at 6/6.
pub(super) fn example() -> Claim {
    let mut offers = Offers::new(Digest::of(b"labels"));
    offers.push_customer(0, [offer(0, 20, 5), offer(1, 26, 11)]);
    offers.push_customer(0, [offer(0, 12, 4)]);
    offers.push_customer(0, [offer(3, 1, 2)]);
    solved(Instance { offers: Arc::new(offers), rules: vec![Rule::budget(10)] }).unwrap()
}

fn solved(instance: Instance) -> Option<Claim> {
    let solution = allocate(&ValidInstance::new(instance.clone()).unwrap()).ok()?;
    Some(Claim { instance, plan: solution.plan, certificate: solution.certificate })
}

fn rule() -> impl Strategy<Value = Rule> {
    let selection = |of: u16| prop_oneof![Just(Selection::All), (0..of).prop_map(|one| Selection::Of(vec![one]))];
    let weight = prop_oneof![Just(Weight::Cost), Just(Weight::Count)];
    let limited = (selection(KINDS), selection(SEGMENTS), weight, any::<bool>(), 0i64..300);
    let limited = limited.prop_map(|(kinds, segments, weight, is_floor, limit)| {
        let limit = if weight == Weight::Count { limit / 60 } else { limit };
        let (factor, limit) = if is_floor { (-1, -limit / 4) } else { (1, limit) };
        (vec![Term { kinds, segments, weight, factor }], limit)
    });
    let of = |segment| Selection::Of(vec![segment]);
    let term =
        move |segment, factor| Term { kinds: Selection::All, segments: of(segment), weight: Weight::Count, factor };
    let parity = (1i64..6, 1i64..6).prop_map(move |(one, other)| (vec![term(0, 4 * other), term(1, -5 * one)], 0));
    prop_oneof![3 => limited, 1 => parity].prop_map(|(terms, limit)| Rule {
        name: String::new(),
        reason: DecisionReason::Capacity,
        terms,
        limit,
    })
}

/// Random instances under a budget and up to four other rules, solved.
pub(super) fn claims() -> impl Strategy<Value = Claim> {
    let offer = proptest::option::weighted(0.8, (0i64..900, 0i64..300));
    let menu = (0..SEGMENTS, proptest::collection::vec(offer, usize::from(KINDS)));
    let rules = proptest::collection::vec(rule(), 0..4);
    (proptest::collection::vec(menu, 1..9), 0i64..2_000, rules).prop_filter_map("no plan keeps the floors", |drawn| {
        let (menus, budget, rules) = drawn;
        let mut offers = Offers::new(Digest::of(b"labels"));
        for (segment, menu) in menus {
            let own = (0u16..)
                .zip(menu)
                .filter_map(|(kind, amounts)| amounts.map(|(value, cost)| self::offer(kind, value, cost)));
            offers.push_customer(segment, own);
        }
        let named = rules.into_iter().enumerate().map(|(at, rule)| Rule { name: format!("rule {at}"), ..rule });
        let rules = std::iter::once(Rule::budget(budget)).chain(named).collect();
        solved(Instance { offers: Arc::new(offers), rules })
    })
}
