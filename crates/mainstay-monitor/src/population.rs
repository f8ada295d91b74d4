//! Customers against the last published days, and against training.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Ds;

use crate::figures::{Before, Customers, TrainingFigures};
use crate::measure::{Check, DEVIATIONS, Measure, bounded, strain_of_multiple};

/// How many times the ids written in more than one way may grow from day to day.
const IDS_MULTIPLE: f64 = 1.5;

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

/// Customers whose ids are those of others but for capitals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdsByCase {
    /// How many ids are written in more than one way.
    pub count: u64,
    /// Two ways of the first of them.
    pub example: Option<[String; 2]>,
}

/// Judges the ids that are written in more than one way against the most of the days before: in a shop whose ids tell capitals apart there
/// are some every day, in any other one a customer would be two, and what one of both has forbidden would not hold for the other. `None`
/// without any.
pub fn judge_ids(day: &IdsByCase, before: &[&Before]) -> Option<Measure> {
    let [first, second] = day.example.as_ref()?;
    let most = before.iter().filter_map(|other| other.figures.as_ref()?.ids_by_case).max().unwrap_or_default();
    let (figure, usual) = (day.count as f64, most as f64);
    let strain = figure / (usual * IDS_MULTIPLE + 0.5);
    let message = format!(
        "{} ids of customers differ from another one by capitals alone, such as {first} and {second}, {most} did before: who must be left \
         alone under one of both would be contacted under the other",
        day.count
    );
    Some(measure(Check::IdsByCase, "ids", (figure, usual), strain, message))
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
    fn ids_that_differ_by_capitals_are_found_where_there_were_none() {
        let some = |count| IdsByCase { count, example: Some(["k1".to_owned(), "K1".to_owned()]) };
        let of = |ids_by_case| {
            let mut before = before("2025-04-14", 30_000, 23_544);
            before.figures.as_mut().unwrap().ids_by_case = ids_by_case;
            before
        };
        assert_eq!(judge_ids(&IdsByCase::default(), &[]), None);
        let found = judge_ids(&some(1), &[&of(Some(0))]).unwrap();
        assert!(found.is_finding());
        assert!(
            found
                .message
                .starts_with("1 ids of customers differ from another one by capitals alone, such as k1 and K1")
        );
        assert!(judge_ids(&some(1), &[]).unwrap().is_finding(), "on a first day too");
        assert!(judge_ids(&some(1), &[&of(None)]).unwrap().is_finding(), "an earlier release counted none");
        assert!(!judge_ids(&some(52), &[&of(Some(50))]).unwrap().is_finding(), "capitals tell customers apart here");
        assert!(judge_ids(&some(90), &[&of(Some(50))]).unwrap().is_finding());
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
