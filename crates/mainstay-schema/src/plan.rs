//! What the allocator hands over and the verifier checks: offers, a plan over them, and the certificate of the plan.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, DigestHasher};
use crate::money::Cents;

/// One thing that could be done for one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Position of the customer in the instance.
    pub customer: u32,
    /// Position of the intervention in the catalogue.
    pub intervention: u16,
    /// The gain that is maximised, net of the cost.
    pub value: Cents,
    /// What it takes from the budget.
    pub cost: Cents,
}

/// The question of one day: the offers, sorted by customer and intervention, and the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// How many customers there are; a customer without offers is allowed.
    pub customers: u32,
    /// Sorted by (customer, intervention), at most one for each pair.
    pub offers: Vec<Offer>,
    /// What may be spent.
    pub budget: Cents,
}

impl Instance {
    /// The digest that ties a certificate to its question.
    pub fn digest(&self) -> Digest {
        let mut hasher = DigestHasher::new();
        hasher.integer(i64::from(self.customers)).integer(self.budget.0).integer(self.offers.len() as i64);
        for offer in &self.offers {
            hasher
                .integer(i64::from(offer.customer))
                .integer(i64::from(offer.intervention))
                .integer(offer.value.0)
                .integer(offer.cost.0);
        }
        hasher.finish()
    }
}

/// One chosen offer or none for every customer: positions in `Instance::offers`, sorted by customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Positions of the chosen offers in `Instance::offers`, ascending.
    pub chosen: Vec<u32>,
}

impl Plan {
    /// The digest of the choices.
    pub fn digest(&self) -> Digest {
        let mut hasher = DigestHasher::new();
        hasher.integer(self.chosen.len() as i64);
        for &offer in &self.chosen {
            hasher.integer(i64::from(offer));
        }
        hasher.finish()
    }
}

/// The price of one cent of budget, as an exact fraction of cents of value: `value / cost`, at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Cents of value, at least 0.
    pub value_cents: i64,
    /// Cents of budget, at least 1.
    pub cost_cents: i64,
}

impl Price {
    /// Budget is free.
    pub const ZERO: Self = Self { value_cents: 0, cost_cents: 1 };

    /// The price as a number, for people and for pacing.
    pub fn to_f64(self) -> f64 {
        self.value_cents as f64 / self.cost_cents as f64
    }
}

/// What proves how good a plan is: for any price of budget p >= 0,
/// L(p) = p * budget + sum over customers of max(0, max over offers of (value - p * cost)) is at least the optimum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Format of this file; 1.
    pub version: u32,
    /// Digest of the instance.
    pub instance: Digest,
    /// Digest of the plan.
    pub plan: Digest,
    /// What may be spent, in cents.
    pub budget: Cents,
    /// What the plan costs, in cents.
    pub plan_cost: Cents,
    /// What the plan is worth, in cents.
    pub plan_value: Cents,
    /// The price of budget at which the bound is taken.
    pub price: Price,
    /// floor(L(price)) in cents: no plan within the budget is worth more.
    pub upper_bound: Cents,
}

impl Certificate {
    /// The share of the bound that the plan may have missed: (bound - value) / bound; 0 for a bound of 0.
    pub fn gap(&self) -> f64 {
        if self.upper_bound.0 <= 0 {
            return 0.0;
        }
        (self.upper_bound.0 - self.plan_value.0) as f64 / self.upper_bound.0 as f64
    }
}
