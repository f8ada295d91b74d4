//! What proves how good a plan is.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::money::Cents;

/// The proof of a plan. For any prices p_k >= 0,
/// L(p) = sum over rules of p_k * limit_k + sum over customers of max(0, max over offers of (value - sum over rules of p_k * a_k))
/// is at least the value of every plan that keeps the rules: whatever a plan is worth, each rule's slack only adds to L.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Format of this file; 2.
    pub version: u32,
    /// Digest of the instance.
    pub instance: Digest,
    /// Digest of the plan.
    pub plan: Digest,
    /// What the plan costs, in cents.
    pub plan_cost: Cents,
    /// What the plan is worth, in cents.
    pub plan_value: Cents,
    /// floor(L(prices)) in cents: no plan that keeps the rules is worth more.
    pub upper_bound: Cents,
    /// What the prices of the rules are counted in, at least 1.
    pub denominator: i64,
    /// Every rule of the instance, in its order.
    pub rules: Vec<PricedRule>,
}

/// What a certificate says of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedRule {
    /// Its name.
    pub name: String,
    /// The most that a plan may use.
    pub limit: i64,
    /// What the plan uses.
    pub used: i64,
    /// Cents of value that one more unit of the limit is worth, times the denominator; at least 0.
    pub price: i64,
}

impl Certificate {
    /// The share of the bound that the plan may have missed: (bound - value) / bound; 0 for a bound of 0.
    pub fn gap(&self) -> f64 {
        if self.upper_bound.0 <= 0 {
            return 0.0;
        }
        (self.upper_bound.0 - self.plan_value.0) as f64 / self.upper_bound.0 as f64
    }

    /// The price of a rule in cents of value for one unit of its limit, as a number for people; 0 for a rule that is not there.
    pub fn price_of(&self, rule: &str) -> f64 {
        let priced = self.rules.iter().find(|priced| priced.name == rule);
        priced.map_or(0.0, |priced| priced.price as f64 / self.denominator as f64)
    }
}
