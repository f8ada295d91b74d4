//! Why a customer got, or did not get, an intervention.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The one reason behind a row of `campaign_allocations`, the first that applies in this order from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionReason {
    /// The customer was not scored, so there is nothing to decide on.
    NotScored,
    /// The customer belongs to the holdout of the quarter's experiment.
    Holdout,
    /// No channel may be used: consent is withdrawn or was never given.
    NoConsent,
    /// Contacted too recently: the cooldown has not passed.
    FrequencyCap,
    /// No offer is worth more than it costs.
    NoPositiveValue,
    /// An offer was worth its cost, but the budget bought more with others.
    Budget,
    /// An offer was worth its cost, but the channel was full.
    Capacity,
    /// The offer of this row is the plan's choice.
    Chosen,
}

impl DecisionReason {
    /// The value of the column `decision_reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotScored => "not_scored",
            Self::Holdout => "holdout",
            Self::NoConsent => "no_consent",
            Self::FrequencyCap => "frequency_cap",
            Self::NoPositiveValue => "no_positive_value",
            Self::Budget => "budget",
            Self::Capacity => "capacity",
            Self::Chosen => "chosen",
        }
    }
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The rules that forbid any contact with a customer today, as bits of the column `blocked_by`. Zero: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BlockedBy(pub i32);

impl BlockedBy {
    /// Within the cooldown of the last contact or of our own committed plan.
    pub const COOLDOWN: Self = Self(1);
    /// Without consent for every channel of the catalogue.
    pub const NO_CONSENT: Self = Self(2);
    /// In the holdout.
    pub const HOLDOUT: Self = Self(4);

    /// Whether any bit of `rule` is set.
    pub fn contains(self, rule: Self) -> bool {
        self.0 & rule.0 != 0
    }

    /// The reason to report: the first that applies, or `None` where the customer may be contacted.
    pub fn reason(self) -> Option<DecisionReason> {
        if self.contains(Self::HOLDOUT) {
            Some(DecisionReason::Holdout)
        } else if self.contains(Self::NO_CONSENT) {
            Some(DecisionReason::NoConsent)
        } else if self.contains(Self::COOLDOWN) {
            Some(DecisionReason::FrequencyCap)
        } else {
            None
        }
    }
}
