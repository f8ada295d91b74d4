//! Gates: what is asked of a model, and what came out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a model must reach to pass, on the test cut and on customers held back. A gate that fails is shown, never hidden.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// The least area under the ROC curve on the test cut, 0 to 1.
    pub auc_at_least: f64,
    /// The least share of churners among the fifth with the highest scores, 0 to 1.
    pub precision_at_top_20_percent_at_least: f64,
    /// The most calibration error on customers held back, less what chance alone would give exact probabilities, 0 to 1.
    pub calibration_error_above_noise_at_most: f64,
    /// The same on the later test cut, 0 to 1; 0.05 where nothing is said: seasons move the churn rate, by no more than a value of offers
    /// bears.
    #[serde(default = "usual_error_at_test_cut")]
    pub calibration_error_at_test_cut_above_noise_at_most: f64,
    /// Days between the beginning of the history and the test cut, at least so many.
    pub history_days_at_least: u32,
}

fn usual_error_at_test_cut() -> f64 {
    0.05
}

/// A figure of the evaluation against what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What is asked: `auc_at_least`, `calibration_error_above_noise_at_most` ...; on which side of the threshold a figure passes, the
    /// name says.
    pub name: String,
    /// What came out; `None` where it could not be computed. Run records call it `value`.
    #[serde(alias = "value")]
    pub figure: Option<f64>,
    /// The least or most that is asked, as the name says.
    pub threshold: f64,
    /// The best that any model could have reached, where the data limit it: precision at 20 % is at most base rate / 0.2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attainable: Option<f64>,
    /// The verdict.
    pub passed: bool,
}

impl Gate {
    /// A figure that passes at the threshold and above it.
    pub fn at_least(name: &str, threshold: f64, figure: f64, attainable: Option<f64>) -> Self {
        Self { name: name.to_owned(), figure: Some(figure), threshold, attainable, passed: figure >= threshold }
    }

    /// A figure that passes at the threshold and below it.
    pub fn at_most(name: &str, threshold: f64, figure: f64, attainable: Option<f64>) -> Self {
        Self { passed: figure <= threshold, ..Self::at_least(name, threshold, figure, attainable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_passes_at_the_threshold() {
        assert!(Gate::at_least("x", 0.8, 0.8, None).passed && Gate::at_most("x", 0.8, 0.8, None).passed);
        assert!(!Gate::at_least("x", 0.8, 0.7, None).passed && !Gate::at_most("x", 0.8, 0.9, None).passed);
        assert!(!Gate::at_least("x", 0.8, f64::NAN, None).passed && !Gate::at_most("x", 0.8, f64::NAN, None).passed);
    }
}
