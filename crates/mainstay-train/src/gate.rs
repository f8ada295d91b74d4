//! Gates: what a model must reach before it is promoted. A failed gate is reported with its figure and the most that was attainable.

use serde::{Deserialize, Serialize};

use crate::evaluate::Evaluation;

/// The thresholds of a training job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Least area under the ROC curve on the test cut.
    pub auc_at_least: f64,
    /// Least share of churners among the top 20 % of the test cut.
    pub precision_at_top_20_percent_at_least: f64,
    /// Least days from the first order to the test cut.
    pub history_days_at_least: u32,
}

/// How one gate turned out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// The gate, as the job names it.
    pub name: String,
    /// What was asked for.
    pub threshold: f64,
    /// What was reached.
    pub value: f64,
    /// The most that any model could have reached, where the data limit it.
    pub attainable: Option<f64>,
    /// Whether the value is at least the threshold.
    pub passed: bool,
}

impl Gates {
    /// Judges a model by its evaluation on the test cut and the days of history before it; all gates, in a fixed order.
    pub fn judge(&self, evaluation: &Evaluation, history_days: u32) -> Vec<GateResult> {
        let ranking = &evaluation.ranking;
        vec![
            result("auc_at_least", self.auc_at_least, ranking.auc, None),
            result(
                "precision_at_top_20_percent_at_least",
                self.precision_at_top_20_percent_at_least,
                ranking.precision_at_top_20_percent,
                Some(ranking.attainable_precision_at_top_20_percent),
            ),
            result("history_days_at_least", f64::from(self.history_days_at_least), f64::from(history_days), None),
        ]
    }
}

fn result(name: &str, threshold: f64, value: f64, attainable: Option<f64>) -> GateResult {
    GateResult { name: name.to_owned(), threshold, value, attainable, passed: value >= threshold }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;

    const GATES: Gates =
        Gates { auc_at_least: 0.8, precision_at_top_20_percent_at_least: 0.6, history_days_at_least: 365 };

    #[test]
    fn tells_each_gate_with_its_figure_and_what_was_attainable() {
        let probabilities: Vec<f64> = (0..10).map(|i| 1.0 - f64::from(i) / 10.0).collect();
        let mut labels = [false; 10];
        labels[0] = true;
        let results = GATES.judge(&evaluate(&probabilities, &labels).unwrap(), 364);
        let told: Vec<_> = results.iter().map(|r| (r.name.as_str(), r.value, r.attainable, r.passed)).collect();
        assert_eq!(
            told,
            [
                ("auc_at_least", 1.0, None, true),
                ("precision_at_top_20_percent_at_least", 0.5, Some(0.5), false),
                ("history_days_at_least", 364.0, None, false),
            ]
        );
    }

    #[test]
    fn passes_at_the_threshold() {
        assert!(result("x", 0.8, 0.8, None).passed);
        assert!(!result("x", 0.8, f64::NAN, None).passed);
    }

    #[test]
    fn refuses_an_unknown_gate() {
        let json =
            r#"{"auc_at_least":0.8,"precision_at_top_20_percent_at_least":0.6,"history_days_at_least":1,"f1":1}"#;
        assert!(serde_json::from_str::<Gates>(json).unwrap_err().to_string().contains("unknown field `f1`"));
    }
}
