//! What a day says of a customer.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a known customer stands on a day: known = scored + ineligible + refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerStatus {
    /// Eligible, and scored by the model.
    Scored,
    /// Not asked about: lapsed, never ordered, erased.
    Ineligible,
    /// Eligible, but the data do not allow a score; the reason says why.
    Refused,
}

impl CustomerStatus {
    /// The value of the column `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::Ineligible => "ineligible",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for CustomerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A named range of churn probability, from `churn_probability_at_least` upwards to the next band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskBand {
    /// What people call it: `high`, `medium`, `low`.
    pub name: String,
    /// The lowest probability that belongs to it.
    pub churn_probability_at_least: f64,
}
