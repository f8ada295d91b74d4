//! The limits of the circuit breaker: how far a day may differ from the days before it, and from what the model was trained on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::check_range;
use crate::error::ConfigError;
use crate::place::Place;

/// How far a day may differ from the days before it; each limit that is left out is the usual one.
///
/// What lies beyond a limit stops the run before it reserves money, or before a model is registered. Limits of small counts are wider: a difference that chance alone
/// makes is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitBreaker {
    /// Share of the expected rows that a table may lack on one of the newest seven days, or in all of them; 0 to 1.
    pub rows_lost_at_most: f64,
    /// How many times the most rows of a day of the past eight weeks a day may bring; at least 1.
    pub rows_multiple_at_most: f64,
    /// How many times its longest silence so far a table may be without rows; at least 1.
    pub silence_multiple_at_most: f64,
    /// Share of the rows of a table's files that may be gone since the last published day; 0 to 1.
    pub history_lost_at_most: f64,
    /// The same of a table of consents, contacts or cases, whose lost rows no longer forbid a contact; 0 to 1.
    pub suppression_history_lost_at_most: f64,
    /// How many times higher or lower than usual the typical amount of a column may be on a day; at least 1.
    pub amount_multiple_at_most: f64,
    /// By how much the share of what came that breaks its contract may rise; 0 to 1.
    pub quarantine_rise_at_most: f64,
    /// Share by which the known and the scored customers may change since the last published day; 0 to 1.
    pub population_change_at_most: f64,
    /// How many times more or fewer customers than at the training may be scored; at least 1.
    pub population_multiple_of_training_at_most: f64,
    /// By how much the share of customers without a value of a feature may rise; 0 to 1.
    pub null_share_rise_at_most: f64,
    /// How many times higher than usual the typical size of a feature may be, and the square of it how many times lower, as days since an
    /// event fall at once; the square both ways against training. At least 1.
    pub feature_multiple_at_most: f64,
    /// By how much the mean risk of a model may differ from the last published day's; 0 to 1.
    pub risk_change_at_most: f64,
    /// By how much the mean risk may differ from that of the model's test cut; 0 to 1.
    pub risk_change_from_training_at_most: f64,
    /// How many times higher or lower than on the last published days the mean value of a scored customer may be; at least 1.
    pub value_multiple_at_most: f64,
    /// How many times the most treated customers of a day of the past weeks a day may treat; at least 1.
    pub treated_multiple_at_most: f64,
    /// How many times the highest spend of a day of the past weeks a day may spend; at least 1.
    pub spend_multiple_at_most: f64,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self {
            rows_lost_at_most: 0.4,
            rows_multiple_at_most: 10.0,
            silence_multiple_at_most: 3.0,
            history_lost_at_most: 0.02,
            suppression_history_lost_at_most: 0.0,
            amount_multiple_at_most: 4.0,
            quarantine_rise_at_most: 0.1,
            population_change_at_most: 0.2,
            population_multiple_of_training_at_most: 2.0,
            null_share_rise_at_most: 0.3,
            feature_multiple_at_most: 5.0,
            risk_change_at_most: 0.05,
            risk_change_from_training_at_most: 0.2,
            value_multiple_at_most: 1.5,
            treated_multiple_at_most: 3.0,
            spend_multiple_at_most: 3.0,
        }
    }
}

impl CircuitBreaker {
    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let shares = [
            ("rows_lost_at_most", self.rows_lost_at_most),
            ("history_lost_at_most", self.history_lost_at_most),
            ("suppression_history_lost_at_most", self.suppression_history_lost_at_most),
            ("quarantine_rise_at_most", self.quarantine_rise_at_most),
            ("population_change_at_most", self.population_change_at_most),
            ("null_share_rise_at_most", self.null_share_rise_at_most),
            ("risk_change_at_most", self.risk_change_at_most),
            ("risk_change_from_training_at_most", self.risk_change_from_training_at_most),
        ];
        shares.into_iter().try_for_each(|(key, share)| check_range(share, 0.0..=1.0, place.key(key)))?;
        let multiples = [
            ("rows_multiple_at_most", self.rows_multiple_at_most),
            ("silence_multiple_at_most", self.silence_multiple_at_most),
            ("amount_multiple_at_most", self.amount_multiple_at_most),
            ("population_multiple_of_training_at_most", self.population_multiple_of_training_at_most),
            ("feature_multiple_at_most", self.feature_multiple_at_most),
            ("value_multiple_at_most", self.value_multiple_at_most),
            ("treated_multiple_at_most", self.treated_multiple_at_most),
            ("spend_multiple_at_most", self.spend_multiple_at_most),
        ];
        multiples.into_iter().try_for_each(|(key, multiple)| {
            place.key(key).ensure(multiple >= 1.0, || format!("expected a number of at least 1, found {multiple}"))
        })
    }
}
