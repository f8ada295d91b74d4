//! What the baseline policy would gain: each risk band has its one intervention, whatever it is worth to the single customer.
//!
//! It is given to those likeliest to leave first, to the same people, from the same offers and under the same rules as the plan, so
//! that the difference is that of the decisions alone. Floors are not enforced: the baseline policy knows none.

use mainstay_allocator::allocate;
use mainstay_config::Policy;
use mainstay_schema::Cents;
use mainstay_schema::plan::{Offer, Rule, Weight};

use crate::daily::candidates::Decided;
use crate::daily::instance;
use crate::details::BaselinePolicy;

/// The gain of the catalogue's `tier:` entries, or `None` where there are none.
pub(crate) fn gain(decided: &Decided, policy: &Policy) -> Option<BaselinePolicy> {
    policy.interventions.iter().find(|intervention| intervention.tier.is_some())?;
    let offers = &decided.instance.as_instance().offers;
    let mut chosen: Vec<(f64, u16, Offer)> = Vec::new();
    for (customer, candidate) in decided.candidates.iter().enumerate() {
        let band = policy.risk_band(candidate.churn_probability);
        let is_its = |offer: &Offer| {
            let intervention = policy.interventions.get(usize::from(offer.kind));
            intervention.is_some_and(|intervention| intervention.tier.as_deref() == Some(band))
        };
        let own = offers.of(customer).filter_map(|position| offers.get(position)).find(is_its);
        let segment = offers.segments().get(customer).copied().unwrap_or_default();
        chosen.extend(own.map(|offer| (candidate.churn_probability, segment, offer)));
    }
    // Stable: of equal ones the first customer comes first.
    chosen.sort_by(|left, right| right.0.total_cmp(&left.0));
    let rules: Vec<&Rule> = decided.instance.as_instance().rules.iter().filter(|rule| rule.limit >= 0).collect();
    let mut room: Vec<i64> = rules.iter().map(|rule| rule.limit).collect();
    let mut gain =
        BaselinePolicy { treated: 0, spent_cents: Cents::ZERO, value_cents: Cents::ZERO, plan_value_cents: None };
    for (_, segment, offer) in chosen {
        let adds: Vec<i64> = rules.iter().map(|rule| added(rule, segment, offer)).collect();
        if adds.iter().zip(&room).all(|(add, room)| *add <= 0 || add <= room) {
            room.iter_mut().zip(adds).for_each(|(room, add)| *room -= add);
            gain.treated += 1;
            gain.spent_cents.0 += offer.cost.0;
            gain.value_cents.0 += offer.value.0;
        }
    }
    gain.plan_value_cents = value_for(decided, gain.spent_cents);
    Some(gain)
}

/// What the allocator makes of the same offers with so much money.
fn value_for(decided: &Decided, money: Cents) -> Option<Cents> {
    let instance = decided.instance.clone().with_limit(instance::BUDGET, money.0).ok()?;
    allocate(&instance).ok().map(|solution| solution.certificate.plan_value)
}

fn added(rule: &Rule, segment: u16, offer: Offer) -> i64 {
    let own = rule.terms.iter().filter(|term| term.segments.contains(segment) && term.kinds.contains(offer.kind));
    own.map(|term| match term.weight {
        Weight::Cost => term.factor * offer.cost.0,
        Weight::Count => term.factor,
    })
    .sum()
}
