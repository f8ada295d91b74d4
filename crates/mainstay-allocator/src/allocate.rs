//! The plan and its certificate.

use mainstay_schema::Cents;
use mainstay_schema::plan::{Certificate, Plan, PricedRule};

use crate::error::AllocationError;
use crate::floors;
use crate::frontier::Frontier;
use crate::greedy::is_budget_alone;
use crate::instance::ValidInstance;
use crate::problem::{ExactPrices, Holdings, Problem};
use crate::relaxation::NONE;
use crate::solve::{self, Answer};

/// The version of the certificates that are written.
const VERSION: u32 = 2;

/// The answer to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The chosen offers.
    pub plan: Plan,
    /// What proves how near the optimum they are.
    pub certificate: Certificate,
    /// Whether the search has looked at everything, so that the plan is the optimum though the bound may be higher.
    pub is_optimal: bool,
}

/// Chooses the offers under all rules.
///
/// The result is the same whatever the machine. It is exact for small populations; for large ones the certificate says how near it is.
///
/// # Errors
/// A floor that no plan can keep, with the rules that it clashes with.
pub fn allocate(instance: &ValidInstance) -> Result<Solution, AllocationError> {
    if is_budget_alone(instance.rules()) {
        return allocate_along(instance, &Frontier::build(instance));
    }
    let problem = Problem::new(instance.offers(), instance.rules());
    let nothing = Holdings::none(&problem);
    let start = nothing.is_feasible(&problem).then_some(nothing);
    let mut answer = solve::under_rules(&problem, start);
    if answer.holdings.is_none() {
        let start = floors::keep(instance.offers(), instance.rules())?;
        answer = solve::under_rules(&problem, Some(start));
    }
    Ok(solution(instance, answer))
}

/// The same where the frontier of the offers is known already; it saves time where the budget is the only rule.
///
/// # Errors
/// As [`allocate`].
pub fn allocate_along(instance: &ValidInstance, frontier: &Frontier) -> Result<Solution, AllocationError> {
    if !is_budget_alone(instance.rules()) {
        return allocate(instance);
    }
    let problem = Problem::new(instance.offers(), instance.rules());
    Ok(solution(instance, solve::along(&problem, frontier)))
}

fn solution(instance: &ValidInstance, answer: Answer) -> Solution {
    // At the prices of the search the bound is at most what all offers are worth, which fits.
    let upper_bound = Cents(i64::try_from(answer.upper_bound()).unwrap_or(i64::MAX));
    let is_optimal = answer.is_exact;
    let holdings = answer.holdings.unwrap_or(Holdings { choices: Vec::new(), uses: Vec::new(), value: 0 });
    let offers = instance.offers();
    // Customers stand in the order of their offers, so the positions ascend.
    let plan = Plan { chosen: holdings.choices.into_iter().filter(|choice| *choice != NONE).collect() };
    let plan_cost =
        plan.chosen.iter().filter_map(|&position| offers.get(position as usize)).map(|offer| offer.cost).sum();
    let ExactPrices { numerators, denominator } = answer.prices;
    let rules = instance.rules().iter().zip(&holdings.uses).zip(&numerators);
    let rules =
        rules.map(|((rule, &used), &price)| PricedRule { name: rule.name.clone(), limit: rule.limit, used, price });
    let certificate = Certificate {
        version: VERSION,
        instance: instance.as_instance().digest(),
        plan: plan.digest(),
        plan_cost,
        plan_value: Cents(holdings.value),
        upper_bound,
        denominator,
        rules: rules.collect(),
    };
    let is_optimal = is_optimal || certificate.plan_value == certificate.upper_bound;
    Solution { plan, certificate, is_optimal }
}

#[cfg(test)]
#[path = "allocate/tests.rs"]
mod tests;
