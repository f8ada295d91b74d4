//! The plan: greedy along the frontier, with a certificate at the price where the budget runs out.

use mainstay_schema::Cents;
use mainstay_schema::plan::{Certificate, Plan, Price};

use crate::efficiency::Efficiency;
use crate::frontier::Frontier;
use crate::instance::ValidInstance;

/// The answer to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The chosen offers.
    pub plan: Plan,
    /// What proves how near the optimum they are.
    pub certificate: Certificate,
    /// For every customer the price of budget below which it gets an offer; `None` for one without offers.
    pub thresholds: Vec<Option<Efficiency>>,
}

/// Chooses the offers: along the frontier all that fits, and behind the first increment that does not fit whatever still does.
///
/// The first increment that does not fit fixes the price of budget. The linear relaxation is worth at most that increment
/// more than the plan, so the plan misses the optimum by less than one customer's upgrade. `frontier` must be of the same
/// offers as `instance`; the budget is the instance's.
pub fn allocate(instance: &ValidInstance, frontier: &Frontier) -> Solution {
    let budget = instance.budget();
    let filled = fill(frontier, budget);
    let price = frontier.price_at(budget);
    let certificate = Certificate {
        version: 1,
        instance: instance.as_instance().digest(),
        plan: filled.plan.digest(),
        budget,
        plan_cost: filled.cost,
        plan_value: filled.value,
        price,
        upper_bound: upper_bound(frontier, price, budget),
    };
    Solution { plan: filled.plan, certificate, thresholds: frontier.thresholds() }
}

struct FilledBudget {
    plan: Plan,
    cost: Cents,
    value: Cents,
}

/// What a customer holds while the budget is filled.
#[derive(Clone, Copy, Default)]
struct Holding {
    offer: Option<u32>,
    /// An upgrade did not fit. Later ones of the same customer start from it, and cost more together than what is left.
    is_final: bool,
}

fn fill(frontier: &Frontier, budget: Cents) -> FilledBudget {
    let mut holdings = vec![Holding::default(); frontier.customers() as usize];
    let (mut left, mut value) = (budget.0, 0);
    for increment in frontier.increments() {
        let Some(holding) = holdings.get_mut(increment.customer as usize) else {
            continue;
        };
        if holding.is_final {
            continue;
        }
        if increment.cost.0 > left {
            holding.is_final = true;
            continue;
        }
        left -= increment.cost.0;
        value += increment.value.0;
        holding.offer = Some(increment.offer);
    }
    // Offers are sorted by customer, so their positions ascend.
    let chosen = holdings.into_iter().filter_map(|holding| holding.offer).collect();
    FilledBudget { plan: Plan { chosen }, cost: Cents(budget.0 - left), value: Cents(value) }
}

/// floor(L(price)), where L(price) = price * budget + sum over increments of max(0, value - price * cost): on a hull the best
/// offer at a price is reached by exactly those increments that pay at it.
fn upper_bound(frontier: &Frontier, price: Price, budget: Cents) -> Cents {
    let (price_value, price_cost) = (i128::from(price.value_cents), i128::from(price.cost_cents));
    let surplus: i128 = frontier
        .increments()
        .iter()
        .map(|increment| i128::from(increment.value.0) * price_cost - price_value * i128::from(increment.cost.0))
        .filter(|surplus| *surplus > 0)
        .sum();
    let bound = (price_value * i128::from(budget.0) + surplus).div_euclid(price_cost);
    // At the price where the budget runs out it is at most the value of all offers, which fits.
    Cents(i64::try_from(bound).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "allocate/tests.rs"]
pub(crate) mod tests;
