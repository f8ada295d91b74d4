//! Whether the floors can be kept at all, and which of them cannot.
//!
//! Doing nothing keeps every rule whose limit is at least 0. So the floors are added one after the other: the most that a floor can
//! reach under all rules so far is a problem of the same kind, with what counts for the floor as the value. Its plan keeps the
//! floor and starts the next one, or its bound proves that the floor is out of reach, and its prices say because of what.

use mainstay_schema::Digest;
use mainstay_schema::plan::{Offers, Rule, Weight};
use mainstay_schema::{Cents, plan::Offer};

use crate::error::AllocationError;
use crate::problem::{Holdings, Problem};
use crate::solve::{self, Answer};

/// A plan that keeps every rule.
///
/// # Errors
/// The first floor that cannot be kept with the rules before it, and by how much it fails.
pub(crate) fn keep(offers: &Offers, rules: &[Rule]) -> Result<Holdings, AllocationError> {
    let (floors, mut kept): (Vec<Rule>, Vec<Rule>) = rules.iter().cloned().partition(|rule| rule.limit < 0);
    let mut choices = None;
    for floor in floors {
        let counted = counting_for(offers, &floor);
        let problem = Problem::new(&counted, &kept);
        let start = match choices {
            None => Holdings::none(&problem),
            Some(choices) => Holdings::of(&problem, choices),
        };
        let answer = solve::under_rules(&problem, Some(start));
        let reached = answer.holdings.as_ref().map_or(0, |plan| plan.value);
        if i128::from(reached) < -i128::from(floor.limit) {
            return Err(out_of_reach(&floor, &kept, &answer, reached));
        }
        choices = answer.holdings.map(|plan| plan.choices);
        kept.push(floor);
    }
    let problem = Problem::new(offers, rules);
    Ok(choices.map_or_else(|| Holdings::none(&problem), |choices| Holdings::of(&problem, choices)))
}

/// The same offers, worth what they count for a floor.
fn counting_for(offers: &Offers, floor: &Rule) -> Offers {
    let mut counted = Offers::new(Digest::of(b"counted"));
    let problem = Problem::new(offers, std::slice::from_ref(floor));
    for (customer, &segment) in offers.segments().iter().enumerate() {
        let own = offers.of(customer).filter_map(|position| {
            let (offer, cell) = problem.offer(customer, position as u32)?;
            Some(Offer { value: Cents(-problem.coefficients.add(0, cell, offer.cost.0)), ..offer })
        });
        counted.push_customer(segment, own);
    }
    counted
}

fn out_of_reach(floor: &Rule, kept: &[Rule], answer: &Answer, reached: i64) -> AllocationError {
    let is_money = floor.terms.iter().any(|term| term.weight == Weight::Cost);
    let shown = |amount: i128| {
        if is_money { Cents(amount as i64).to_string() } else { amount.to_string() }
    };
    let needed = -i128::from(floor.limit);
    let most = if answer.is_exact { i128::from(reached) } else { answer.upper_bound().max(i128::from(reached)) };
    let rule = floor.name.clone();
    if most >= needed {
        return AllocationError::NoPlanFound { rule, needed: shown(needed), reached: shown(i128::from(reached)) };
    }
    let priced = kept.iter().zip(&answer.prices.numerators).filter(|(_, price)| **price > 0);
    AllocationError::OutOfReach {
        rule,
        needed: shown(needed),
        most: shown(most),
        short: shown(needed - most),
        clashes_with: priced.map(|(rule, _)| rule.name.clone()).collect(),
    }
}
