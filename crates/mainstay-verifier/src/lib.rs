//! Checks a plan and its certificate, in integers, trusting no solver.
//!
//! Whoever made the plan: [`verify`] recomputes its cost, its value and the upper bound from the offers, and refuses the
//! first thing that is not as the certificate says. Any plan within the budget passes if its numbers are honest; who made it
//! is a matter for signatures, not for this crate. It shares no code with the allocator: its only dependency of ours is the
//! schema, which defines what an instance, a plan and a certificate are.

mod refusal;

use mainstay_schema::Cents;
use mainstay_schema::plan::{Certificate, Instance, Offer, Plan, Price};
use serde::Serialize;

pub use refusal::Refusal;

/// The version of certificates that is understood.
const VERSION: u32 = 1;

/// What was recomputed, and found to be as the certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// What the plan costs, at most the budget.
    pub cost: Cents,
    /// What the plan is worth.
    pub value: Cents,
    /// What no plan within the budget can exceed.
    pub upper_bound: Cents,
    /// The most that the plan may have missed: bound less value, at least 0.
    pub gap: Cents,
}

/// Checks that the plan is possible, and that the certificate belongs to it and tells its cost, value and bound.
///
/// # Errors
/// The first thing that is wrong. Sums are checked in 128 bits: what does not fit is refused, never wrapped.
pub fn verify(instance: &Instance, plan: &Plan, certificate: &Certificate) -> Result<Verified, Refusal> {
    check_offers(instance)?;
    check_identity(instance, plan, certificate)?;
    let chosen = chosen_offers(instance, plan)?;
    let cost = total(chosen.iter().map(|offer| offer.cost))?;
    let value = total(chosen.iter().map(|offer| offer.value))?;
    if cost > instance.budget {
        return Err(Refusal::Overspent { cost, budget: instance.budget });
    }
    if cost != certificate.plan_cost {
        return Err(Refusal::WrongCost { claimed: certificate.plan_cost, recomputed: cost });
    }
    if value != certificate.plan_value {
        return Err(Refusal::WrongValue { claimed: certificate.plan_value, recomputed: value });
    }
    let upper_bound = upper_bound(instance, certificate.price)?;
    if upper_bound != certificate.upper_bound {
        return Err(Refusal::WrongBound { claimed: certificate.upper_bound, recomputed: upper_bound });
    }
    let gap = upper_bound.checked_sub(value).ok_or(Refusal::Overflow)?;
    Ok(Verified { cost, value, upper_bound, gap })
}

/// Offers in order, each pair of customer and intervention once, no customer beyond the last, no cost below 0.
fn check_offers(instance: &Instance) -> Result<(), Refusal> {
    let mut before: Option<(u32, u16)> = None;
    for (position, offer) in instance.offers.iter().enumerate() {
        let key = (offer.customer, offer.intervention);
        if before.is_some_and(|before| before >= key) {
            return Err(Refusal::UnsortedOffers { position });
        }
        if offer.customer >= instance.customers {
            return Err(Refusal::UnknownCustomer { position, customer: offer.customer, customers: instance.customers });
        }
        if offer.cost < Cents::ZERO {
            return Err(Refusal::NegativeCost { position, cost: offer.cost });
        }
        before = Some(key);
    }
    Ok(())
}

/// The certificate is of a version that is understood, of this instance, of this plan and of this budget.
fn check_identity(instance: &Instance, plan: &Plan, certificate: &Certificate) -> Result<(), Refusal> {
    if certificate.version != VERSION {
        return Err(Refusal::UnsupportedVersion { version: certificate.version });
    }
    if certificate.budget != instance.budget {
        return Err(Refusal::WrongBudget { claimed: certificate.budget, budget: instance.budget });
    }
    if certificate.instance != instance.digest() {
        return Err(Refusal::ForeignInstance { claimed: certificate.instance, recomputed: instance.digest() });
    }
    if certificate.plan != plan.digest() {
        return Err(Refusal::ForeignPlan { claimed: certificate.plan, recomputed: plan.digest() });
    }
    Ok(())
}

/// The offers that the plan names: known ones, in order, at most one a customer.
fn chosen_offers<'a>(instance: &'a Instance, plan: &Plan) -> Result<Vec<&'a Offer>, Refusal> {
    let mut chosen: Vec<&Offer> = Vec::with_capacity(plan.chosen.len());
    for &position in &plan.chosen {
        let offer = instance.offers.get(position as usize).ok_or(Refusal::UnknownOffer { position })?;
        match chosen.last() {
            Some(before) if before.customer == offer.customer => {
                return Err(Refusal::TwoOffers { customer: offer.customer });
            }
            Some(before) if before.customer > offer.customer => return Err(Refusal::UnsortedPlan { position }),
            _ => chosen.push(offer),
        }
    }
    Ok(chosen)
}

/// floor(L(price)) with L(price) = price * budget + sum over customers of max(0, max over offers of (value - price * cost)).
fn upper_bound(instance: &Instance, price: Price) -> Result<Cents, Refusal> {
    if price.value_cents < 0 || price.cost_cents < 1 {
        return Err(Refusal::InvalidPrice { value_cents: price.value_cents, cost_cents: price.cost_cents });
    }
    // Everything is multiplied by the denominator of the price, so that it stays in integers.
    let (numerator, denominator) = (i128::from(price.value_cents), i128::from(price.cost_cents));
    let mut bound = numerator * i128::from(instance.budget.0);
    for offers in instance.offers.chunk_by(|left, right| left.customer == right.customer) {
        let mut best: i128 = 0;
        for offer in offers {
            let (value, cost) = (i128::from(offer.value.0) * denominator, i128::from(offer.cost.0) * numerator);
            best = best.max(value.checked_sub(cost).ok_or(Refusal::Overflow)?);
        }
        bound = bound.checked_add(best).ok_or(Refusal::Overflow)?;
    }
    cents(bound.div_euclid(denominator))
}

fn total(amounts: impl Iterator<Item = Cents>) -> Result<Cents, Refusal> {
    // At most 2^32 amounts of 64 bits.
    cents(amounts.map(|amount| i128::from(amount.0)).sum())
}

fn cents(amount: i128) -> Result<Cents, Refusal> {
    i64::try_from(amount).map(Cents).map_err(|_| Refusal::Overflow)
}

#[cfg(test)]
mod tests;
