//! Why a customer got, or did not get, an intervention.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

/// The one reason behind a row of `campaign_allocations`, the first that applies in this order from the top.
///
/// A model that may not treat anybody has no holdout to compare with. Else the holdout is drawn among all who are scored and stands
/// before every rule, so that it stays comparable. Of the rules the more
/// lasting one is given: what a customer has decided, then what must be settled first, then what passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionReason {
    /// The customer was not scored, so there is nothing to decide on.
    NotScored,
    /// The model's gates failed and nobody has overridden them, so that it treats nobody.
    ModelNotApproved,
    /// The customer belongs to the holdout of the quarter's experiment.
    Holdout,
    /// No channel of the catalogue may be used: consent is withdrawn or was never given.
    NoConsent,
    /// A support case of the customer is open.
    OpenCase,
    /// Contacted too recently: the cooldown has not passed.
    FrequencyCap,
    /// Some channel may be used, but none of those in which an offer is worth its cost.
    NoAllowedChannel,
    /// Nothing that the policy has for such a customer is worth more than it costs, or as much as the policy asks.
    NoPositiveValue,
    /// An offer was worth its cost, but the budget bought more with others.
    Budget,
    /// An offer was worth its cost, but the share of the budget of its channel, offer or group bought more with others.
    BudgetShare,
    /// An offer was worth its cost by expectation only, and the money for such offers bought more with others.
    Exploration,
    /// An offer was worth its cost, but the channel was full.
    Capacity,
    /// An offer was worth its cost, but exposure had to stay balanced between groups.
    Parity,
    /// An offer was worth its cost, but what must be given to others left no room for it.
    Floor,
    /// The offer of this row is the plan's choice.
    Chosen,
}

impl DecisionReason {
    /// The value of the column `decision_reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotScored => "not_scored",
            Self::ModelNotApproved => "model_not_approved",
            Self::Holdout => "holdout",
            Self::NoConsent => "no_consent",
            Self::OpenCase => "open_case",
            Self::FrequencyCap => "frequency_cap",
            Self::NoAllowedChannel => "no_allowed_channel",
            Self::NoPositiveValue => "no_positive_value",
            Self::Budget => "budget",
            Self::BudgetShare => "budget_share",
            Self::Exploration => "exploration",
            Self::Capacity => "capacity",
            Self::Parity => "parity",
            Self::Floor => "floor",
            Self::Chosen => "chosen",
        }
    }
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DecisionReason {
    type Err = String;

    /// Reads the value of the column `decision_reason`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = Self::deserialize(StrDeserializer::<Error>::new(text));
        read.map_err(|_| format!("`{text}` is no reason of a decision"))
    }
}

/// The rules that forbid any contact with a customer today, as bits of the column `blocked_by`. Zero: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BlockedBy(pub i32);

impl BlockedBy {
    /// Within the cooldown of the source's last contact or of our own committed plan.
    pub const COOLDOWN: Self = Self(1);
    /// Without consent for every channel of the catalogue.
    pub const NO_CONSENT: Self = Self(2);
    /// In the holdout.
    pub const HOLDOUT: Self = Self(4);
    /// With an open support case.
    pub const OPEN_CASE: Self = Self(8);
    /// Scored by a model whose gates failed, which nobody has overridden.
    pub const MODEL_NOT_APPROVED: Self = Self(16);

    /// Every rule with the reason that it gives, the first to be reported first.
    pub const RULES: [(Self, DecisionReason); 5] = [
        (Self::MODEL_NOT_APPROVED, DecisionReason::ModelNotApproved),
        (Self::HOLDOUT, DecisionReason::Holdout),
        (Self::NO_CONSENT, DecisionReason::NoConsent),
        (Self::OPEN_CASE, DecisionReason::OpenCase),
        (Self::COOLDOWN, DecisionReason::FrequencyCap),
    ];

    /// Whether any bit of `rule` is set.
    pub fn contains(self, rule: Self) -> bool {
        self.0 & rule.0 != 0
    }

    /// The reason to report: the first that applies, or `None` where the customer may be contacted.
    pub fn reason(self) -> Option<DecisionReason> {
        Self::RULES.into_iter().find(|(rule, _)| self.contains(*rule)).map(|(_, reason)| reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_applies_is_the_reason() {
        let reason = |bits| BlockedBy(bits).reason().map(DecisionReason::as_str);
        assert_eq!(reason(0), None);
        assert_eq!([1, 2, 4, 8].map(reason), ["frequency_cap", "no_consent", "holdout", "open_case"].map(Some));
        assert_eq!([16, 31].map(reason), [Some("model_not_approved"); 2]);
        assert_eq!([15, 11, 9].map(reason), ["holdout", "no_consent", "open_case"].map(Some));
    }

    #[test]
    fn a_reason_reads_back_and_nothing_else_does() {
        for reason in BlockedBy::RULES.map(|(_, reason)| reason).into_iter().chain([DecisionReason::Chosen]) {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert_eq!("banana".parse::<DecisionReason>(), Err("`banana` is no reason of a decision".to_owned()));
    }

    #[test]
    fn reasons_are_ordered_as_they_apply() {
        let reasons = BlockedBy::RULES.map(|(_, reason)| reason);
        assert!(reasons.is_sorted() && reasons[0] > DecisionReason::NotScored);
    }
}
