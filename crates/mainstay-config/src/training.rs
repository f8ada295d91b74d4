//! The settings of a training job.

use std::time::Duration;

use mainstay_schema::{Gates, JobKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::algorithm::Algorithm;
use crate::breaker::CircuitBreaker;
use crate::checks::{check_at_least_1, check_identifier, check_not_empty, check_range, check_unique};
use crate::error::ConfigError;
use crate::place::Place;
use crate::time_limit::step_time_limit;

/// Trains, calibrates and judges a model in time order, and registers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingJob {
    /// Its name, which is that of its file without `.yml`.
    pub name: String,
    /// Always `training`.
    #[schemars(schema_with = "crate::scalar::training")]
    pub kind: JobKind,
    /// What it is for.
    pub description: Option<String>,
    /// The registered model that gets a new version.
    pub model: String,
    /// Model of SQL of the features: one row for every known customer.
    pub features: String,
    /// Model of SQL of the label.
    pub label: String,
    /// The past days that are learnt from.
    pub cuts: Cuts,
    /// The share of the customers to learn from and to be judged on, above 0 and at most 1; all where it is left out. They are drawn by hash
    /// of their ids, so that all cuts have the same ones.
    #[serde(default)]
    pub sample_customers: Option<f64>,
    /// What is fitted.
    pub algorithm: Algorithm,
    /// How scores become probabilities.
    pub calibration: Calibration,
    /// Feature that is shown alone beside the model.
    pub baseline: String,
    /// The same seed gives the same model.
    pub seed: u64,
    /// What the model is judged by.
    pub gates: Gates,
    /// The groups of customers whose figures are reported apart.
    pub segments: Option<Segments>,
    /// What it must not be worse at than the model that it would replace.
    #[serde(default)]
    pub promotion: Promotion,
    /// What people should know before they use the model: it stands in the card of every version.
    #[serde(default)]
    pub card: Card,
    /// How far the days of the sources may differ from the days before them; only the limits of sources count.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// The longest that the SQL of the training may run, in seconds, at least 1; six hours (21600) where the job does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_time_limit_seconds: Option<u32>,
}

/// The past days that are learnt from: cuts a step apart, whose label windows end before the test cut begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cuts {
    /// How many cuts to fit the model on at most, the newest ones, at least 1.
    pub training: u32,
    /// How many cuts to calibrate on at most, those of the trees among them. A whole year of cuts knows the mean level of churn, where
    /// fewer know that of a season.
    pub calibration: u32,
    /// Days between two cuts, at least 1.
    pub step_days: u32,
    /// Days after the beginning of the history before which there is no cut. It begins on the first day from which on orders come
    /// regularly: the next 60 days have a quarter of the days with orders that is usual, and no year without one follows.
    pub minimum_history_days: u32,
}

/// How scores become probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The curve that is fitted.
    pub kind: CalibrationKind,
    /// Parts of the customers: each is held back in turn, scored by trees fitted on the others, to fit and to check the curve; 2 to 20.
    pub folds: u32,
}

/// The calibration curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationKind {
    /// Platt's sigmoid of the score.
    Platt,
}

/// Groups of customers whose figures are reported apart: by region, or by a protected attribute, which no feature may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segments {
    /// Model of SQL with one row for every customer, as of the cut.
    pub model: String,
    /// Its columns, at least one; each groups the customers by its values.
    pub columns: Vec<String>,
}

/// How much worse than the model that an alias points to a version may be, on the same rows, to take its place. Without a limit that
/// figure is shown and holds nobody back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Promotion {
    /// How far its area under the ROC curve may lie below, 0 to 1.
    pub auc_below_current_at_most: Option<f64>,
    /// How far its Brier score may lie above, 0 to 1.
    pub brier_above_current_at_most: Option<f64>,
}

impl Default for Promotion {
    /// What chance alone makes of two equally good models on a few thousand customers.
    fn default() -> Self {
        Self { auc_below_current_at_most: Some(0.005), brier_above_current_at_most: Some(0.002) }
    }
}

/// What people should know before they use a model, in words of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Who answers for it: a team or a role.
    pub owner: Option<String>,
    /// What it may be used for.
    pub intended_use: Option<String>,
    /// What it must not be used for.
    #[serde(default)]
    pub not_for: Vec<String>,
    /// What it does not know or does badly.
    #[serde(default)]
    pub limits: Vec<String>,
}

impl TrainingJob {
    /// The longest that the SQL of the training may run.
    pub fn step_time_limit(&self) -> Duration {
        step_time_limit(self.step_time_limit_seconds)
    }

    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        self.circuit_breaker.check(place.key("circuit_breaker"))?;
        if let Some(seconds) = self.step_time_limit_seconds {
            check_at_least_1(seconds, place.key("step_time_limit_seconds"))?;
        }
        let names = [
            ("model", &self.model),
            ("features", &self.features),
            ("label", &self.label),
            ("baseline", &self.baseline),
        ];
        for (key, name) in names {
            check_identifier(name, place.key(key))?;
        }
        let cuts = place.key("cuts");
        check_at_least_1(self.cuts.training, cuts.key("training"))?;
        let (training, calibration) = (self.cuts.training, self.cuts.calibration);
        cuts.key("calibration").ensure(calibration >= training, || {
            format!("expected at least the {training} cuts that trees are fitted on, found {calibration}")
        })?;
        check_at_least_1(self.cuts.step_days, cuts.key("step_days"))?;
        if let Some(share) = self.sample_customers {
            place.key("sample_customers").ensure(share > 0.0 && share <= 1.0, || {
                format!("expected a share of the customers above 0 and at most 1, found {share}")
            })?;
        }
        self.algorithm.check(place.key("algorithm"))?;
        self.calibration.check(place.key("calibration"))?;
        check_gates(&self.gates, place.key("gates"))?;
        self.segments.as_ref().map_or(Ok(()), |segments| segments.check(place.key("segments")))?;
        self.promotion.check(place.key("promotion"))?;
        self.card.check(place.key("card"))
    }
}

impl Segments {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.model, place.key("model"))?;
        let columns = place.key("columns");
        check_not_empty(self.columns.is_empty(), "column", columns)?;
        check_unique("column", self.columns.iter().map(String::as_str), columns)?;
        let mut named = self.columns.iter().enumerate();
        named.try_for_each(|(index, column)| check_identifier(column, columns.item(index)))
    }
}

impl Promotion {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let limits = [
            ("auc_below_current_at_most", self.auc_below_current_at_most),
            ("brier_above_current_at_most", self.brier_above_current_at_most),
        ];
        let mut stated = limits.into_iter().filter_map(|(key, limit)| Some((key, limit?)));
        stated.try_for_each(|(key, limit)| check_range(limit, 0.0..=1.0, place.key(key)))
    }
}

impl Card {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let said = |text: &str, place: Place<'_>| {
            place.ensure(!text.trim().is_empty(), || "expected some words, or leave the key out".to_owned())
        };
        let texts = [("owner", &self.owner), ("intended_use", &self.intended_use)];
        let mut texts = texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?)));
        texts.try_for_each(|(key, text)| said(text, place.key(key)))?;
        [("not_for", &self.not_for), ("limits", &self.limits)].into_iter().try_for_each(|(key, texts)| {
            let place = place.key(key);
            texts.iter().enumerate().try_for_each(|(index, text)| said(text, place.item(index)))
        })
    }
}

impl Calibration {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_range(self.folds, 2..=20, place.key("folds"))
    }
}

fn check_gates(gates: &Gates, place: Place<'_>) -> Result<(), ConfigError> {
    let shares = [
        ("auc_at_least", gates.auc_at_least),
        ("precision_at_top_20_percent_at_least", gates.precision_at_top_20_percent_at_least),
        ("calibration_error_above_noise_at_most", gates.calibration_error_above_noise_at_most),
        ("calibration_error_at_test_cut_above_noise_at_most", gates.calibration_error_at_test_cut_above_noise_at_most),
    ];
    shares.into_iter().try_for_each(|(key, share)| check_range(share, 0.0..=1.0, place.key(key)))
}
