//! What a day may spend of what its month has left, and the plan that makes the most of it.

use anyhow::{Context, Result};
use mainstay_allocator::{Efficiency, Frontier, Solution, ValidInstance, allocate_along};
use mainstay_config::Policy;
use mainstay_config::policy::Pacing as ConfiguredPacing;
use mainstay_ledger::pacing::{pays_for_everything, todays_allowance};
use mainstay_ledger::{Allowance, Pacing, PacingDay, PacingRule, Spending};
use mainstay_schema::{Cents, Ds};

use crate::daily::instance::DayOffers;

/// The offers of a day with the answers to them under any budget alone, from which its plan is made.
pub(crate) struct Optimiser<'a> {
    ds: Ds,
    policy: &'a Policy,
    offers: DayOffers<'a>,
    frontier: Frontier,
}

/// The plan of a day.
pub(crate) struct OptimalPlan {
    pub(crate) instance: ValidInstance,
    pub(crate) solution: Solution,
    /// What the day could have spent, and the price by which it was judged.
    pub(crate) allowance: Allowance,
}

impl<'a> Optimiser<'a> {
    /// Checks the offers of a day.
    pub(crate) fn new(ds: Ds, policy: &'a Policy, offers: DayOffers<'a>) -> Result<Self> {
        let of_offers =
            ValidInstance::new(offers.within(Cents::ZERO)).context("the offers of the day are not valid")?;
        Ok(Self { ds, policy, offers, frontier: Frontier::build(&of_offers) })
    }

    /// The plan where the month has `available` left and its days before have spent as `history` says.
    pub(crate) fn plan(&self, available: Cents, history: &[PacingDay]) -> Result<OptimalPlan> {
        let allowance = allowance(self.ds, self.policy, history, available, &self.frontier);
        let instance = ValidInstance::new(self.offers.within(allowance.allowance))
            .context("the rules of the day are not valid")?;
        let solution =
            allocate_along(&instance, &self.frontier).context("the rules of the policy cannot all be kept")?;
        Ok(OptimalPlan { instance, solution, allowance })
    }
}

impl OptimalPlan {
    /// How many customers are treated.
    pub(crate) fn treated(&self) -> u64 {
        self.solution.plan.chosen.len() as u64
    }

    /// What the ledger is to reserve.
    pub(crate) fn spending(&self) -> Spending {
        Spending {
            amount: self.solution.certificate.plan_cost,
            allowance: self.allowance.allowance,
            price: self.allowance.reference_price,
        }
    }
}

/// What may be spent on a day of what the month has left: all that is worth its cost where the month pays for everything, else
/// what pacing allows.
fn allowance(ds: Ds, policy: &Policy, history: &[PacingDay], available: Cents, frontier: &Frontier) -> Allowance {
    let (worthwhile, days_left) = (frontier.total_cost(), ds.days_left_in_month());
    if pays_for_everything(worthwhile, available, days_left, policy.cooldown_days) {
        return Allowance { allowance: worthwhile, reference_price: 0.0 };
    }
    todays_allowance(
        &pacing(policy),
        available,
        days_left,
        history,
        |price| frontier.spend_at(price),
        |cents| frontier.price_at(cents).map_or(0.0, Efficiency::to_f64),
    )
}

fn pacing(policy: &Policy) -> Pacing {
    let rule = match policy.budget.pacing {
        ConfiguredPacing::Price => PacingRule::Price,
        ConfiguredPacing::None => PacingRule::None,
    };
    Pacing { rule, largest_daily_multiple: policy.budget.largest_daily_multiple }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mainstay_schema::Digest;
    use mainstay_schema::plan::{Instance, Offer, Offers, Rule};

    use super::*;

    /// What the first of April, a month of thirty days, may spend, with offers of 50.00 to so many customers.
    fn allowance_for(customers: u32, available: Cents) -> Allowance {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
        let policy = Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap();
        let mut offers = Offers::new(Digest::of(b"test"));
        (0..customers)
            .for_each(|_| offers.push_customer(0, [Offer { kind: 0, value: Cents(10_000), cost: Cents(5_000) }]));
        let instance = Instance { offers: Arc::new(offers), rules: vec![Rule::budget(0)] };
        let instance = ValidInstance::new(instance).unwrap();
        let first = "2025-04-01".parse().unwrap();
        allowance(first, &policy, &[], available, &Frontier::build(&instance))
    }

    #[test]
    fn a_month_that_pays_for_everything_spends_more_than_the_largest_multiple_of_a_slice() {
        // 600 customers cost 30,000.00, ten times the slice of a month of 90,000.00, and nobody comes again within its thirty days.
        let Allowance { allowance, reference_price } = allowance_for(600, Cents(9_000_000));
        assert_eq!((allowance, reference_price), (Cents(3_000_000), 0.0));
        assert_eq!(allowance_for(600, Cents(3_000_000)).allowance, Cents(3_000_000));
    }

    #[test]
    fn a_month_that_is_a_cent_short_is_paced() {
        let Allowance { allowance, reference_price } = allowance_for(600, Cents(2_999_999));
        assert_eq!(allowance, Cents(2_999_999 / 30), "the first day spends its slice");
        assert!(reference_price > 0.0);
    }
}
