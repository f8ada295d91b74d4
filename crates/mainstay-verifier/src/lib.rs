//! Checks a plan and its certificate, in integers, trusting no solver.
//!
//! Whoever made the plan: [`verify`] recomputes its cost, its value, its use of every rule and the upper bound from the offers and
//! rules, and refuses the first thing that is not as the certificate says. Any plan that keeps the rules passes if its numbers are
//! honest; who made it is a matter for signatures, not for this crate. It shares no code with the allocator: its only dependency
//! of ours is the schema, which defines what an instance, a plan and a certificate are.

//!
//! [`MarginalPrices`] judges the reasons of those who get nothing by the same prices.

mod marginal_price;
mod refusal;

use mainstay_schema::Cents;
use mainstay_schema::plan::{Certificate, Instance, Offer, Offers, Plan, Rule, Weight};
use serde::Serialize;

pub use marginal_price::{MarginalPrice, MarginalPrices};
pub use refusal::Refusal;

/// The version of certificates that is understood.
const VERSION: u32 = 2;

/// What was recomputed, and found to be as the certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// What the plan costs.
    pub cost: Cents,
    /// What the plan is worth.
    pub value: Cents,
    /// What no plan that keeps the rules can exceed.
    pub upper_bound: Cents,
    /// The most that the plan may have missed: bound less value, at least 0.
    pub gap: Cents,
}

/// Checks that the plan keeps every rule, and that the certificate belongs to it and states its cost, value, uses and bound.
///
/// # Errors
/// The first thing that is wrong. Sums are checked in 128 bits: what does not fit is refused, never wrapped.
pub fn verify(instance: &Instance, plan: &Plan, certificate: &Certificate) -> Result<Verified, Refusal> {
    let Instance { offers, rules } = instance;
    check_offers(offers)?;
    check_identity(instance, plan, certificate)?;
    let chosen = chosen_offers(offers, plan)?;
    let cost = cents(chosen.iter().map(|chosen| i128::from(chosen.offer.cost.0)).sum())?;
    if cost != certificate.plan_cost {
        return Err(Refusal::WrongCost { claimed: certificate.plan_cost, recomputed: cost });
    }
    let value = cents(chosen.iter().map(|chosen| i128::from(chosen.offer.value.0)).sum())?;
    if value != certificate.plan_value {
        return Err(Refusal::WrongValue { claimed: certificate.plan_value, recomputed: value });
    }
    let cells = Cells::of(offers);
    let spent = cells.spent_on(&chosen);
    for (position, rule) in rules.iter().enumerate() {
        check_use(rule, &cells, &spent, position, certificate)?;
    }
    let upper_bound = upper_bound(instance, &cells, certificate)?;
    if upper_bound != certificate.upper_bound {
        return Err(Refusal::WrongBound { claimed: certificate.upper_bound, recomputed: upper_bound });
    }
    let gap = upper_bound.checked_sub(value).ok_or(Refusal::Overflow)?;
    Ok(Verified { cost, value, upper_bound, gap })
}

/// Each customer's offers come by rising kind, so that none is there twice, and no cost is below 0.
fn check_offers(offers: &Offers) -> Result<(), Refusal> {
    for customer in 0..offers.customers() {
        let mut before = None;
        for position in offers.of(customer) {
            let Offer { kind, cost, .. } = offers.get(position).ok_or(Refusal::Overflow)?;
            if before.is_some_and(|before| before >= kind) {
                return Err(Refusal::UnsortedOffers { position });
            }
            if cost < Cents::ZERO {
                return Err(Refusal::NegativeCost { position, cost });
            }
            before = Some(kind);
        }
    }
    Ok(())
}

/// The certificate is of a version that is understood, of this instance, of this plan and of these rules.
fn check_identity(instance: &Instance, plan: &Plan, certificate: &Certificate) -> Result<(), Refusal> {
    if certificate.version != VERSION {
        return Err(Refusal::UnsupportedVersion { version: certificate.version });
    }
    if certificate.denominator < 1 {
        return Err(Refusal::NoDenominator { denominator: certificate.denominator });
    }
    let (instance_digest, plan_digest) = (instance.digest(), plan.digest());
    if certificate.instance != instance_digest {
        return Err(Refusal::ForeignInstance { claimed: certificate.instance, recomputed: instance_digest });
    }
    if certificate.plan != plan_digest {
        return Err(Refusal::ForeignPlan { claimed: certificate.plan, recomputed: plan_digest });
    }
    let claimed = certificate.rules.iter().map(|priced| (&priced.name, priced.limit));
    if !claimed.eq(instance.rules.iter().map(|rule| (&rule.name, rule.limit))) {
        return Err(Refusal::OtherRules);
    }
    Ok(())
}

/// A chosen offer with the segment of its customer.
struct Chosen {
    offer: Offer,
    segment: u16,
}

/// The offers that the plan names: known ones, in order, at most one a customer.
fn chosen_offers(offers: &Offers, plan: &Plan) -> Result<Vec<Chosen>, Refusal> {
    let mut last = None;
    let mut chosen = Vec::with_capacity(plan.chosen.len());
    for &position in &plan.chosen {
        let offer = offers.get(position as usize).ok_or(Refusal::UnknownOffer { position })?;
        let customer = offers.customer_of(position as usize);
        match last {
            Some(before) if before == customer => return Err(Refusal::TwoOffers { customer }),
            Some(before) if before > customer => return Err(Refusal::UnsortedPlan { position }),
            _ => last = Some(customer),
        }
        let &segment = offers.segments().get(customer).ok_or(Refusal::UnknownOffer { position })?;
        chosen.push(Chosen { offer, segment });
    }
    Ok(chosen)
}

/// What is counted for each pair of segment and kind, which is all that rules distinguish.
#[derive(Debug)]
struct Cells {
    kinds: usize,
    segments: usize,
}

/// So many offers, at so many cents together; or what a rule asks for one offer and for each cent of it.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    count: i128,
    cost: i128,
}

impl Cells {
    fn of(offers: &Offers) -> Self {
        let width = |labels: &[u16]| labels.iter().max().map_or(0, |&last| usize::from(last) + 1);
        Self { kinds: width(offers.kinds()), segments: width(offers.segments()) }
    }

    fn at(&self, segment: u16, kind: u16) -> usize {
        usize::from(segment) * self.kinds + usize::from(kind)
    }

    fn spent_on(&self, chosen: &[Chosen]) -> Vec<Measure> {
        let mut spent = vec![Measure::default(); self.kinds * self.segments];
        for Chosen { offer, segment } in chosen {
            let cell = &mut spent[self.at(*segment, offer.kind)];
            cell.count += 1;
            cell.cost += i128::from(offer.cost.0);
        }
        spent
    }

    /// Adds `times` what the rule asks of every cell.
    fn add(&self, rule: &Rule, times: i64, asked: &mut [Measure]) -> Result<(), Refusal> {
        let (segments, kinds) = (0..self.segments, 0..self.kinds);
        for term in &rule.terms {
            let amount = i128::from(term.factor) * i128::from(times);
            for segment in segments.clone().filter(|&segment| term.segments.contains(segment as u16)) {
                for kind in kinds.clone().filter(|&kind| term.kinds.contains(kind as u16)) {
                    let cell = &mut asked[self.at(segment as u16, kind as u16)];
                    let sum = match term.weight {
                        Weight::Cost => &mut cell.cost,
                        Weight::Count => &mut cell.count,
                    };
                    *sum = sum.checked_add(amount).ok_or(Refusal::Overflow)?;
                }
            }
        }
        Ok(())
    }
}

/// What the plan uses of a rule is within the limit and as the certificate says, and the rule's price is at least 0.
fn check_use(
    rule: &Rule,
    cells: &Cells,
    spent: &[Measure],
    position: usize,
    certificate: &Certificate,
) -> Result<(), Refusal> {
    let mut asked = vec![Measure::default(); spent.len()];
    cells.add(rule, 1, &mut asked)?;
    let used = asked.iter().zip(spent).try_fold(0, |used: i128, (asked, spent)| {
        used.checked_add(asked.count.checked_mul(spent.count)?)?.checked_add(asked.cost.checked_mul(spent.cost)?)
    });
    let used = used.ok_or(Refusal::Overflow)?;
    if used > i128::from(rule.limit) {
        return Err(Refusal::RuleBroken { rule: rule.name.clone(), used, limit: rule.limit });
    }
    let priced = certificate.rules.get(position).ok_or(Refusal::OtherRules)?;
    if i128::from(priced.used) != used {
        return Err(Refusal::WrongUse { rule: rule.name.clone(), claimed: priced.used, recomputed: used });
    }
    if priced.price < 0 {
        return Err(Refusal::NegativePrice { rule: rule.name.clone(), price: priced.price });
    }
    Ok(())
}

/// floor(L(prices)), everything multiplied by the denominator so that it stays in integers.
fn upper_bound(instance: &Instance, cells: &Cells, certificate: &Certificate) -> Result<Cents, Refusal> {
    let denominator = i128::from(certificate.denominator);
    let mut charges = vec![Measure::default(); cells.kinds * cells.segments];
    let mut bound: i128 = 0;
    for (rule, priced) in instance.rules.iter().zip(&certificate.rules) {
        cells.add(rule, priced.price, &mut charges)?;
        let worth = i128::from(priced.price) * i128::from(rule.limit);
        bound = bound.checked_add(worth).ok_or(Refusal::Overflow)?;
    }
    let offers = &instance.offers;
    for (customer, &segment) in offers.segments().iter().enumerate() {
        let mut best: i128 = 0;
        for position in offers.of(customer) {
            let offer = offers.get(position).ok_or(Refusal::Overflow)?;
            let charge = &charges[cells.at(segment, offer.kind)];
            let surplus = (|| {
                let charged = charge.cost.checked_mul(i128::from(offer.cost.0))?.checked_add(charge.count)?;
                (i128::from(offer.value.0) * denominator).checked_sub(charged)
            })();
            best = best.max(surplus.ok_or(Refusal::Overflow)?);
        }
        bound = bound.checked_add(best).ok_or(Refusal::Overflow)?;
    }
    cents(bound.div_euclid(denominator))
}

fn cents(amount: i128) -> Result<Cents, Refusal> {
    i64::try_from(amount).map(Cents).map_err(|_| Refusal::Overflow)
}

#[cfg(test)]
mod tests;
