//! The mean risk against the last published days of the same model, and against its test cut.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Digest;

use crate::figures::{Before, RiskFigures, TrainingFigures};
use crate::measure::{Check, DEVIATIONS, Measure, bounded};

/// Judges the mean risk of a day: where it differs from that of all days before that the same model scored, and from its test cut.
pub fn judge_risk(
    day: &RiskFigures,
    scored: u64,
    model: &Digest,
    before: &[&Before],
    training: Option<&TrainingFigures>,
    limits: &CircuitBreaker,
) -> Vec<Measure> {
    let same_model = before.iter().filter(|other| other.model == *model);
    let since_before = same_model.filter_map(|other| {
        let risk = &other.figures.as_ref()?.risk;
        let message = format!("the mean risk is {:.3}, it was {:.3} on {}", day.mean, risk.mean, other.ds);
        Some(measure(Check::Risk, (day.mean, risk.mean), scored, limits.risk_change_at_most, message))
    });
    let since_before = since_before.min_by(|left, right| left.strain.total_cmp(&right.strain));
    let since_training = training.map(|training| {
        let message = format!(
            "the mean risk is {:.3}, it was {:.3} at the test cut of the model's training",
            day.mean, training.risk
        );
        let limit = limits.risk_change_from_training_at_most;
        measure(Check::RiskSinceTraining, (day.mean, training.risk), scored, limit, message)
    });
    since_before.into_iter().chain(since_training).collect()
}

fn measure(check: Check, (figure, usual): (f64, f64), scored: u64, limit: f64, message: String) -> Measure {
    let difference = (figure - usual).abs();
    let deviation = (usual * (1.0 - usual) / (scored as f64).max(1.0)).sqrt();
    let strain = (difference / limit).min(difference / deviation / DEVIATIONS);
    Measure { name: "risk".to_owned(), check, of: String::new(), figure, usual, strain: bounded(strain), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{before, training};

    fn found(mean: f64, model: &[u8], earlier: &[Before], since: Option<&TrainingFigures>) -> Vec<String> {
        let (day, earlier) = (RiskFigures { mean, bands: Vec::new() }, earlier.iter().collect::<Vec<_>>());
        let limits = CircuitBreaker::default();
        let measures = judge_risk(&day, 2_000, &Digest::of(model), &earlier, since, &limits);
        measures.into_iter().filter(Measure::is_finding).map(|found| found.message).collect()
    }

    #[test]
    fn a_mean_risk_that_jumped_is_found_unless_another_model_scored() {
        let earlier = [before("2025-04-14", 2_500, 2_000)];
        assert!(found(0.34, b"model", &earlier, None).is_empty());
        assert_eq!(found(0.45, b"model", &earlier, None), ["the mean risk is 0.450, it was 0.300 on 2025-04-14"]);
        assert!(found(0.45, b"another", &earlier, None).is_empty());
        assert_eq!(
            found(0.55, b"another", &earlier, Some(&training(2_000, 0.3))),
            ["the mean risk is 0.550, it was 0.300 at the test cut of the model's training"]
        );
    }
}
