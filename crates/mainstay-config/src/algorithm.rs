//! What a training job fits: the kind of model and its settings.

use std::fmt::Display;
use std::ops::RangeInclusive;

use mainstay_schema::AlgorithmKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::{check_at_least_1, check_range};
use crate::error::ConfigError;
use crate::place::Place;

/// A kind of model and its settings. A setting that is left out is the usual one of its kind, which stands with the kind; one of another
/// kind is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Algorithm {
    /// What is fitted.
    pub kind: AlgorithmKind,
    /// How often all rows are scored anew and trees fitted to what the scores leave, 1 to 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Trees fitted side by side in a round, 1 to 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees_per_round: Option<u32>,
    /// Trees of a forest, 1 to 5,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees: Option<u32>,
    /// Depth of a tree, 1 to 10 where trees are boosted, else to 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Share of each tree's step that is taken, above 0 and at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Rows drawn for each tree, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_per_tree: Option<u32>,
    /// Share of the features drawn for each tree, above 0 and at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns_per_tree: Option<f64>,
    /// Penalty on the values of leaves, 0.001 to 1,000; of a logistic regression on its squared coefficients, 0 to 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Rows of its draw that a leaf holds at least, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_leaf_rows: Option<u32>,
    /// How much a customer who left weighs, where one who stayed weighs 1; 0.01 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive_weight: Option<f64>,
    /// Rows of the base rate that the share of each leaf of a forest is drawn to, 0.001 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior_rows: Option<f64>,
    /// The quantile, and its counterpart at the other end, at which a logistic regression clips values, 0 (nothing is) to 0.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_quantile: Option<f64>,
    /// Kinds with settings that a search tries, 1 to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<u32>,
}

/// The settings that a kind has.
fn settings_of(kind: AlgorithmKind) -> &'static [&'static str] {
    match kind {
        AlgorithmKind::BoostedTrees => &[
            "rounds",
            "trees_per_round",
            "depth",
            "learning_rate",
            "rows_per_tree",
            "columns_per_tree",
            "l2",
            "minimum_leaf_rows",
            "positive_weight",
        ],
        AlgorithmKind::Forest => {
            &["trees", "depth", "rows_per_tree", "columns_per_tree", "minimum_leaf_rows", "prior_rows"]
        }
        AlgorithmKind::Tree => &["depth", "minimum_leaf_rows"],
        AlgorithmKind::Logistic => &["l2", "clip_quantile"],
        AlgorithmKind::Auto => &["candidates"],
    }
}

impl Algorithm {
    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let settings = settings_of(self.kind);
        for (key, _) in self.stated().into_iter().filter(|(_, is_stated)| *is_stated) {
            place.key(key).ensure(settings.contains(&key), || {
                format!("`{key}` is no setting of {}: those are {}", self.kind.described(), settings.join(", "))
            })?;
        }
        let most_depth = if self.kind == AlgorithmKind::BoostedTrees { 10 } else { 20 };
        let l2 = if self.kind == AlgorithmKind::Logistic { 0.0..=1e6 } else { 0.001..=1000.0 };
        check_stated(self.rounds, 1..=10_000, place.key("rounds"))?;
        check_stated(self.depth, 1..=most_depth, place.key("depth"))?;
        check_stated(self.trees_per_round, 1..=64, place.key("trees_per_round"))?;
        check_stated(self.trees, 1..=5_000, place.key("trees"))?;
        check_stated(self.candidates, 1..=200, place.key("candidates"))?;
        check_stated(self.l2, l2, place.key("l2"))?;
        check_stated(self.positive_weight, 0.01..=1000.0, place.key("positive_weight"))?;
        check_stated(self.prior_rows, 0.001..=1000.0, place.key("prior_rows"))?;
        check_stated(self.clip_quantile, 0.0..=0.2, place.key("clip_quantile"))?;
        for (key, share) in [("learning_rate", self.learning_rate), ("columns_per_tree", self.columns_per_tree)] {
            share.map_or(Ok(()), |share| check_positive_share(share, place.key(key)))?;
        }
        for (key, rows) in [("rows_per_tree", self.rows_per_tree), ("minimum_leaf_rows", self.minimum_leaf_rows)] {
            rows.map_or(Ok(()), |rows| check_at_least_1(rows, place.key(key)))?;
        }
        Ok(())
    }

    /// Every setting, and whether it is stated.
    fn stated(&self) -> [(&'static str, bool); 13] {
        [
            ("rounds", self.rounds.is_some()),
            ("trees_per_round", self.trees_per_round.is_some()),
            ("trees", self.trees.is_some()),
            ("depth", self.depth.is_some()),
            ("learning_rate", self.learning_rate.is_some()),
            ("rows_per_tree", self.rows_per_tree.is_some()),
            ("columns_per_tree", self.columns_per_tree.is_some()),
            ("l2", self.l2.is_some()),
            ("minimum_leaf_rows", self.minimum_leaf_rows.is_some()),
            ("positive_weight", self.positive_weight.is_some()),
            ("prior_rows", self.prior_rows.is_some()),
            ("clip_quantile", self.clip_quantile.is_some()),
            ("candidates", self.candidates.is_some()),
        ]
    }
}

fn check_stated<N: PartialOrd + Display + Copy>(
    number: Option<N>,
    range: RangeInclusive<N>,
    place: Place<'_>,
) -> Result<(), ConfigError> {
    number.map_or(Ok(()), |number| check_range(number, range, place))
}

fn check_positive_share(share: f64, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(share > 0.0 && share <= 1.0, || format!("expected a number above 0 and at most 1, found {share}"))
}
