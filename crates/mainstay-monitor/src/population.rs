//! Customers against the last published days, and against training.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Ds;

use crate::figures::{Before, Customers, TrainingFigures};
use crate::measure::{Check, DEVIATIONS, Measure, bounded, strain_of_multiple};

/// Judges the known and the scored customers: where they differ from all of the days before, and the scored where they differ from those of
/// the model's test cut.
pub fn judge_population(
    day: Customers,
    before: &[&Before],
    training: Option<&TrainingFigures>,
    limits: &CircuitBreaker,
) -> Vec<Measure> {
    type Count = (&'static str, fn(&Customers) -> u64);
    let counts: [Count; 2] = [("known", |of| of.known), ("scored", |of| of.scored)];
    let since_before = counts.into_iter().filter_map(|(of, count)| {
        let measures = before.iter().map(|other| change(of, count(&day), count(&other.customers), other.ds, limits));
        measures.min_by(|left, right| left.strain.total_cmp(&right.strain))
    });
    let since_training = training.map(|training| {
        let (figure, usual) = (day.scored as f64, training.customers as f64);
        let strain = strain_of_multiple(figure, usual, limits.population_multiple_of_training_at_most)
            .min((figure - usual).abs() / usual.max(1.0).sqrt() / DEVIATIONS);
        let message = format!(
            "{} customers are scored, the test cut of the model's training had {}",
            day.scored, training.customers
        );
        measure(Check::PopulationSinceTraining, "scored", (figure, usual), strain, message)
    });
    since_before.chain(since_training).collect()
}

fn change(of: &str, now: u64, before: u64, when: Ds, limits: &CircuitBreaker) -> Measure {
    let (figure, usual) = (now as f64, before as f64);
    let difference = (figure - usual).abs();
    let strain = (difference / usual.max(1.0) / limits.population_change_at_most)
        .min(difference / usual.max(1.0).sqrt() / DEVIATIONS);
    let message = format!("{now} customers are {of}, {before} were on {when}");
    measure(Check::Population, of, (figure, usual), strain, message)
}

fn measure(check: Check, of: &str, (figure, usual): (f64, f64), strain: f64, message: String) -> Measure {
    Measure { name: "population".to_owned(), check, of: of.to_owned(), figure, usual, strain: bounded(strain), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{before, training};

    fn found(day: Customers, earlier: &[Before], since: Option<&TrainingFigures>) -> Vec<String> {
        let earlier: Vec<&Before> = earlier.iter().collect();
        let measures = judge_population(day, &earlier, since, &CircuitBreaker::default());
        measures.into_iter().filter(Measure::is_finding).map(|found| found.message).collect()
    }

    #[test]
    fn a_population_that_jumped_is_named_with_both_figures() {
        let earlier = [before("2025-04-14", 30_000, 23_544)];
        assert!(found(Customers { known: 30_010, scored: 23_500 }, &earlier, None).is_empty());
        assert_eq!(
            found(Customers { known: 30_000, scored: 9_520 }, &earlier, None),
            ["9520 customers are scored, 23544 were on 2025-04-14"]
        );
        assert_eq!(
            found(Customers { known: 60_000, scored: 23_544 }, &earlier, None),
            ["60000 customers are known, 30000 were on 2025-04-14"]
        );
    }

    #[test]
    fn fewer_than_half_of_the_training_are_scored() {
        assert_eq!(
            found(Customers { known: 30_000, scored: 9_520 }, &[], Some(&training(23_544, 0.3))),
            ["9520 customers are scored, the test cut of the model's training had 23544"]
        );
        assert!(found(Customers { known: 30_000, scored: 15_000 }, &[], Some(&training(23_544, 0.3))).is_empty());
    }

    #[test]
    fn a_handful_of_customers_may_change_by_half() {
        assert!(found(Customers { known: 10, scored: 6 }, &[before("2025-04-14", 9, 4)], None).is_empty());
    }
}
