//! Parameters of boosting: unchecked, and checked.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Parameters of boosted trees, as a job states them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedTreesParams {
    /// How often all rows are scored anew and trees fitted to what the scores leave, 1 to 10,000.
    pub rounds: usize,
    /// Trees fitted side by side in a round, each on draws of its own, 1 to 64.
    pub trees_per_round: usize,
    /// Splits from root to leaf, 1 to 10.
    pub depth: usize,
    /// The share of a tree's step that is taken, above 0 and at most 1.
    pub learning_rate: f64,
    /// Rows, about, that each tree's splits are chosen on, 2 to 262,144 and at least twice `minimum_leaf_rows`.
    pub rows_per_tree: usize,
    /// Share of the features that each tree's splits are chosen from, above 0 and at most 1.
    pub columns_per_tree: f64,
    /// Shrinks leaves with little evidence, 0.001 to 1,000: added to the sum of p(1 - p) of a leaf.
    pub l2: f64,
    /// The least weight of a leaf, in rows of average weight of its tree's draw, at least 1.
    pub minimum_leaf_rows: usize,
    /// How much a row that churned weighs, 0.01 to 1,000; 1 is as much as any other. The scores are those of data with so many
    /// more of them: calibration brings the probabilities back.
    #[serde(default = "one")]
    pub positive_weight: f64,
    /// Rounds without a better log-loss on the watched rows after which boosting stops, at most 10,000; 0 never stops.
    #[serde(default)]
    pub patience: usize,
    /// Draws the rows and columns of each tree.
    pub seed: u64,
}

fn one() -> f64 {
    1.0
}

impl Default for BoostedTreesParams {
    /// What ranks well on some thousands to hundreds of thousands of rows.
    fn default() -> Self {
        Self {
            rounds: 150,
            trees_per_round: 2,
            depth: 5,
            learning_rate: 0.1,
            rows_per_tree: 16_384,
            columns_per_tree: 0.5,
            l2: 1.0,
            minimum_leaf_rows: 20,
            positive_weight: 1.0,
            patience: 0,
            seed: 1,
        }
    }
}

/// The most rows of a draw: linfa sums weights in single precision, which is exact up to 2^24 units and so leaves 64 a row.
pub(crate) const MAX_ROWS_PER_TREE: usize = 1 << 18;

impl BoostedTreesParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// The first parameter outside of its range, with the range.
    pub fn check(self) -> Result<ValidBoostedTreesParams, TrainError> {
        within("rounds", self.rounds, 1, 10_000)?;
        within("trees_per_round", self.trees_per_round, 1, 64)?;
        within("depth", self.depth, 1, 10)?;
        share("learning_rate", self.learning_rate)?;
        share("columns_per_tree", self.columns_per_tree)?;
        within("minimum_leaf_rows", self.minimum_leaf_rows, 1, MAX_ROWS_PER_TREE / 2)?;
        within("rows_per_tree", self.rows_per_tree, 2 * self.minimum_leaf_rows, MAX_ROWS_PER_TREE)?;
        within("l2", self.l2, 0.001, 1000.0)?;
        within("positive_weight", self.positive_weight, 0.01, 1000.0)?;
        within("patience", self.patience, 0, 10_000)?;
        Ok(ValidBoostedTreesParams(self))
    }
}

pub(crate) fn within<T: Copy + PartialOrd + std::fmt::Display>(
    parameter: &'static str,
    found: T,
    least: T,
    most: T,
) -> Result<(), TrainError> {
    if found >= least && found <= most {
        return Ok(());
    }
    Err(refused(parameter, found, format!("from {least} to {most}")))
}

pub(crate) fn share(parameter: &'static str, found: f64) -> Result<(), TrainError> {
    if found > 0.0 && found <= 1.0 {
        return Ok(());
    }
    Err(refused(parameter, found, "above 0 and at most 1".into()))
}

fn refused(parameter: &'static str, found: impl std::fmt::Display, allowed: String) -> TrainError {
    TrainError::Parameter { parameter, found: found.to_string(), allowed }
}

/// Parameters that were checked: only these fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidBoostedTreesParams(BoostedTreesParams);

impl ValidBoostedTreesParams {
    /// The parameters.
    pub fn params(&self) -> &BoostedTreesParams {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: BoostedTreesParams = BoostedTreesParams {
        rounds: 150,
        trees_per_round: 2,
        depth: 4,
        learning_rate: 0.1,
        rows_per_tree: 16_384,
        columns_per_tree: 0.3,
        l2: 1.0,
        minimum_leaf_rows: 20,
        positive_weight: 1.0,
        patience: 0,
        seed: 1,
    };

    #[test]
    fn accepts_the_ends_of_the_ranges() {
        assert_eq!(GOOD.check().unwrap().params(), &GOOD);
        let least =
            BoostedTreesParams { rounds: 1, depth: 1, rows_per_tree: 2, minimum_leaf_rows: 1, l2: 0.001, ..GOOD };
        assert!(least.check().is_ok());
    }

    #[test]
    fn refuses_each_parameter_with_its_range() {
        let cases = [
            (BoostedTreesParams { rounds: 0, ..GOOD }, "`rounds` is 0: it must be from 1 to 10000"),
            (BoostedTreesParams { depth: 11, ..GOOD }, "`depth` is 11: it must be from 1 to 10"),
            (
                BoostedTreesParams { learning_rate: 0.0, ..GOOD },
                "`learning_rate` is 0: it must be above 0 and at most 1",
            ),
            (
                BoostedTreesParams { learning_rate: 1.5, ..GOOD },
                "`learning_rate` is 1.5: it must be above 0 and at most 1",
            ),
            (
                BoostedTreesParams { learning_rate: f64::NAN, ..GOOD },
                "`learning_rate` is NaN: it must be above 0 and at most 1",
            ),
            (BoostedTreesParams { trees_per_round: 65, ..GOOD }, "`trees_per_round` is 65: it must be from 1 to 64"),
            (
                BoostedTreesParams { columns_per_tree: 0.0, ..GOOD },
                "`columns_per_tree` is 0: it must be above 0 and at most 1",
            ),
            (BoostedTreesParams { rows_per_tree: 39, ..GOOD }, "`rows_per_tree` is 39: it must be from 40 to 262144"),
            (
                BoostedTreesParams { minimum_leaf_rows: 0, ..GOOD },
                "`minimum_leaf_rows` is 0: it must be from 1 to 131072",
            ),
            (BoostedTreesParams { l2: -1.0, ..GOOD }, "`l2` is -1: it must be from 0.001 to 1000"),
            (
                BoostedTreesParams { positive_weight: 0.0, ..GOOD },
                "`positive_weight` is 0: it must be from 0.01 to 1000",
            ),
            (BoostedTreesParams { patience: 10_001, ..GOOD }, "`patience` is 10001: it must be from 0 to 10000"),
            (BoostedTreesParams { l2: f64::NAN, ..GOOD }, "`l2` is NaN: it must be from 0.001 to 1000"),
        ];
        for (params, expected) in cases {
            assert_eq!(params.check().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn refuses_an_unknown_key() {
        let mut json = serde_json::to_value(GOOD).unwrap();
        json["gamma"] = 1.into();
        let error = serde_json::from_value::<BoostedTreesParams>(json).unwrap_err();
        assert!(error.to_string().contains("unknown field `gamma`"), "{error}");
    }
}
