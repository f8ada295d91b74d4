//! The baseline: one feature alone, which a model has to beat.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::evaluate::{Ranking, rank};

/// How well one feature ranks the test rows on its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SingleFeature {
    /// Whether higher values were likelier to churn on the training rows.
    pub higher_is_riskier: bool,
    /// The ranking of the test rows.
    #[serde(flatten)]
    pub ranking: Ranking,
}

/// A feature's values and the labels of the same rows.
#[derive(Debug, Clone, Copy)]
pub struct FeatureRows<'a> {
    /// The values; NaN is a missing value.
    pub values: &'a [f64],
    /// The labels.
    pub labels: &'a [bool],
}

/// Ranks the test rows by one feature, in the direction that does better on the training rows (rising where equal).
/// Missing values rank as the least risky.
///
/// # Errors
/// Where either rows are empty, of one class or infinite.
pub fn single_feature(training: FeatureRows<'_>, test: FeatureRows<'_>) -> Result<SingleFeature, TrainError> {
    let rising = rank(&scores_of(training.values, true), training.labels)?;
    let falling = rank(&scores_of(training.values, false), training.labels)?;
    let higher_is_riskier = rising.auc >= falling.auc;
    let ranking = rank(&scores_of(test.values, higher_is_riskier), test.labels)?;
    Ok(SingleFeature { higher_is_riskier, ranking })
}

/// A feature's values as scores: higher is riskier, missing values the least risky.
pub fn scores_of(values: &[f64], higher_is_riskier: bool) -> Vec<f64> {
    let sign = if higher_is_riskier { 1.0 } else { -1.0 };
    values.iter().map(|value| if value.is_nan() { f64::MIN } else { sign * value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_direction_from_the_training_rows() {
        let training = FeatureRows { values: &[1.0, 2.0, 3.0, 4.0], labels: &[true, true, false, false] };
        let test = FeatureRows { values: &[1.0, 2.0, f64::NAN], labels: &[true, false, false] };
        let falling = single_feature(training, test).unwrap();
        assert_eq!((falling.higher_is_riskier, falling.ranking.auc), (false, 1.0));
        let against = FeatureRows { values: &[1.0, 2.0], labels: &[false, true] };
        assert_eq!(single_feature(training, against).unwrap().ranking.auc, 0.0, "the test rows have no say");
    }

    #[test]
    fn missing_values_rank_as_least_risky() {
        let training = FeatureRows { values: &[0.0, 1.0], labels: &[false, true] };
        let test = FeatureRows { values: &[f64::NAN, -5.0], labels: &[false, true] };
        assert_eq!(single_feature(training, test).unwrap().ranking.auc, 1.0);
    }

    #[test]
    fn refuses_one_class_and_infinity() {
        let good = FeatureRows { values: &[0.0, 1.0], labels: &[false, true] };
        let one_class = FeatureRows { values: &[0.0, 1.0], labels: &[true, true] };
        assert!(matches!(single_feature(good, one_class), Err(TrainError::OneClass { .. })));
        let infinite = FeatureRows { values: &[0.0, f64::INFINITY], labels: &[false, true] };
        assert!(matches!(single_feature(infinite, good), Err(TrainError::Score { row: 1, .. })));
    }
}
