//! Gates: what a model must reach before it is promoted. A failed gate is reported with its figure and the most that was attainable.

use mainstay_schema::{Gate, Gates};

use crate::evaluate::Evaluation;
use crate::reliability::CalibrationReport;

/// Judges a model by its evaluation on the test cut, its probabilities for customers held back and on the test cut, and the days of
/// history before the test cut; all gates, in a fixed order.
pub fn judge_gates(
    gates: &Gates,
    evaluation: &Evaluation,
    CalibrationReport { check, test, .. }: &CalibrationReport,
    history_days: u32,
) -> Vec<Gate> {
    let ranking = &evaluation.ranking;
    vec![
        Gate::at_least("auc_at_least", gates.auc_at_least, ranking.auc, None),
        Gate::at_least(
            "precision_at_top_20_percent_at_least",
            gates.precision_at_top_20_percent_at_least,
            ranking.precision_at_top_20_percent,
            Some(ranking.attainable_precision_at_top_20_percent),
        ),
        Gate::at_most(
            "calibration_error_above_noise_at_most",
            gates.calibration_error_above_noise_at_most,
            check.reliability.error_above_noise(),
            Some(0.0),
        ),
        Gate::at_most(
            "calibration_error_at_test_cut_above_noise_at_most",
            gates.calibration_error_at_test_cut_above_noise_at_most,
            test.reliability.error_above_noise(),
            Some(0.0),
        ),
        Gate::at_least("history_days_at_least", f64::from(gates.history_days_at_least), f64::from(history_days), None),
    ]
}

#[cfg(test)]
mod tests {
    use mainstay_schema::Reliability;

    use super::*;
    use crate::evaluate::evaluate;
    use crate::reliability::CalibrationCheck;

    const GATES: Gates = Gates {
        auc_at_least: 0.8,
        precision_at_top_20_percent_at_least: 0.6,
        calibration_error_above_noise_at_most: 0.01,
        calibration_error_at_test_cut_above_noise_at_most: 0.05,
        history_days_at_least: 365,
    };

    fn reliability(ece: f64, ece_noise_floor: f64) -> CalibrationCheck {
        let reliability = Reliability { base_rate: 0.1, mean_probability: 0.1, brier: 0.1, ece, ece_noise_floor };
        CalibrationCheck { rows: 10, reliability, uncalibrated_brier: 0.1, uncalibrated_ece: 0.1 }
    }

    fn report(check: CalibrationCheck, test: CalibrationCheck) -> CalibrationReport {
        CalibrationReport { slope: 1.0, intercept: 0.0, rows: 10, base_rate: 0.1, check, test, base_rate_shift: 0.0 }
    }

    #[test]
    fn reports_each_gate_with_its_figure_and_what_was_attainable() {
        let probabilities: Vec<f64> = (0..10).map(|i| 1.0 - f64::from(i) / 10.0).collect();
        let mut labels = [false; 10];
        labels[0] = true;
        let report = report(reliability(0.0625, 0.03125), reliability(0.125, 0.0625));
        let results = judge_gates(&GATES, &evaluate(&probabilities, &labels).unwrap(), &report, 364);
        let reported: Vec<_> =
            results.iter().map(|r| (r.name.as_str(), r.figure.unwrap(), r.attainable, r.passed)).collect();
        assert_eq!(
            reported,
            [
                ("auc_at_least", 1.0, None, true),
                ("precision_at_top_20_percent_at_least", 0.5, Some(0.5), false),
                ("calibration_error_above_noise_at_most", 0.03125, Some(0.0), false),
                ("calibration_error_at_test_cut_above_noise_at_most", 0.0625, Some(0.0), false),
                ("history_days_at_least", 364.0, None, false),
            ]
        );
    }

    #[test]
    fn an_error_below_what_chance_explains_passes() {
        let evaluation = evaluate(&[0.9, 0.1], &[true, false]).unwrap();
        let sound = reliability(0.0, 0.0);
        let held_back =
            |ece, floor| judge_gates(&GATES, &evaluation, &report(reliability(ece, floor), sound), 365)[2].passed;
        assert!(held_back(0.02, 0.03) && held_back(0.03, 0.03));
        assert!(!held_back(0.05, 0.03));
        let later =
            |ece, floor| judge_gates(&GATES, &evaluation, &report(sound, reliability(ece, floor)), 365)[3].passed;
        assert!(later(0.02, 0.03) && later(0.0625, 0.03125));
        assert!(!later(0.1, 0.03), "the churn rate moved: the probabilities are off by more than a season's share");
    }

    #[test]
    fn refuses_an_unknown_gate() {
        let json = r#"{"auc_at_least":0.8,"precision_at_top_20_percent_at_least":0.6,"calibration_error_above_noise_at_most":0.01,
            "calibration_error_at_test_cut_above_noise_at_most":0.05,"history_days_at_least":1,"f1":1}"#;
        assert!(serde_json::from_str::<Gates>(json).unwrap_err().to_string().contains("unknown field `f1`"));
    }
}
