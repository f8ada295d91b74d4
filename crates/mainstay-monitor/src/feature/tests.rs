use proptest::prelude::*;

use super::*;
use crate::profile::Tally;

fn limits() -> CircuitBreaker {
    CircuitBreaker::default()
}

fn names() -> Vec<String> {
    vec!["spend".to_owned()]
}

fn tally(values: &[f64]) -> Tally {
    let mut tally = Tally::new(1);
    tally.add_rows(values.len() as u64);
    tally.add(0, values.iter().copied());
    tally
}

fn profiles(values: &[f64]) -> FeatureProfiles {
    tally(values).profiles(&names())
}

/// Amounts of a thousand customers, from 1 to 1,000.
fn amounts() -> Vec<f64> {
    (1..=1000).map(f64::from).collect()
}

fn before() -> Ds {
    "2025-04-14".parse().unwrap()
}

fn findings(day: &[f64], earlier: &[f64], training: Option<&TrainingProfile>) -> Vec<Measure> {
    let (day, earlier) = (profiles(day), profiles(earlier));
    let measures = judge_features(&day, &[(before(), &earlier)], training, &limits());
    measures.into_iter().filter(Measure::is_finding).collect()
}

fn checks(found: &[Measure]) -> Vec<Check> {
    found.iter().map(|measure| measure.check).collect()
}

#[test]
fn a_feature_that_became_null_constant_or_a_hundred_times_itself_is_found() {
    let usual = amounts();
    assert_eq!(findings(&usual, &usual, None), []);
    let null = findings(&[f64::NAN; 1000], &usual, None);
    assert_eq!(checks(&null), [Check::NullShare]);
    assert_eq!(
        null[0].to_string(),
        "feature:spend: 100.0 % of the customers have no value, 0.0 % of them had none in 2025-04-14"
    );
    let constant = findings(&[500.0; 1000], &usual, None);
    assert!(checks(&constant).contains(&Check::Constant), "{constant:?}");
    let hundredfold = usual.iter().map(|value| value * 100.0).collect::<Vec<_>>();
    let hundredfold = findings(&hundredfold, &usual, None);
    assert_eq!(checks(&hundredfold), [Check::Size]);
    assert!(hundredfold[0].figure / hundredfold[0].usual > 80.0, "{hundredfold:?}");
    let hundredth = usual.iter().map(|value| value / 100.0).collect::<Vec<_>>();
    assert_eq!(checks(&findings(&hundredth, &usual, None)), [Check::Size]);
}

#[test]
fn days_since_an_event_that_many_had_at_once_fall_without_a_finding() {
    let long_ago = amounts();
    let by_now = |days: f64| long_ago.iter().map(|since| since / days).collect::<Vec<_>>();
    assert_eq!(findings(&by_now(15.0), &long_ago, None), []);
    assert_eq!(checks(&findings(&long_ago, &by_now(15.0), None)), [Check::Size]);
}

#[test]
fn one_customers_outlier_and_a_rare_feature_are_no_finding() {
    let mut outlier = amounts();
    outlier[0] = 1e12;
    assert_eq!(findings(&outlier, &amounts(), None), []);
    let rare = |customers: usize| (0..1000).map(|row| f64::from(u8::from(row < customers))).collect::<Vec<_>>();
    assert_eq!(findings(&rare(8), &rare(1), None), [], "eight have it instead of one");
    assert_eq!(findings(&rare(0), &rare(12), None), [], "the last twelve lost it");
    assert_eq!(checks(&findings(&rare(0), &rare(200), None)), [Check::Constant, Check::Size]);
}

#[test]
fn an_indicator_of_one_value_a_day_is_held_against_training_alone() {
    let cuts: Vec<Tally> = [4.9, 5.0, 5.2, 5.1].iter().map(|value| tally(&[*value; 100])).collect();
    let training = TrainingProfile::of_cuts(&cuts, &names());
    assert_eq!(findings(&[5.6; 1000], &[5.0; 1000], Some(&training)), []);
    assert_eq!(checks(&findings(&[510.0; 1000], &[5.1; 1000], Some(&training))), [Check::Range]);
    assert_eq!(findings(&[0.01; 1000], &[0.0001; 1000], None), [], "nothing says what it may be");
    let unchanged = TrainingProfile::of_cuts(&[tally(&[-0.3, -0.3 + 1e-16])], &names());
    assert_eq!(findings(&[0.4; 1000], &[-0.3; 1000], Some(&unchanged)), [], "the rate rises for the first time");
    assert_eq!(checks(&findings(&[-30.0; 1000], &[-0.3; 1000], Some(&unchanged))), [Check::Range]);
}

#[test]
fn what_did_not_vary_in_training_may_begin_to() {
    let training = TrainingProfile::of_cuts(&[tally(&[0.0; 1000])], &names());
    assert_eq!(findings(&amounts(), &amounts(), Some(&training)), []);
    assert_eq!(findings(&[0.2; 1000], &[0.0; 1000], Some(&training)), []);
    // A year after the first order.
    assert_eq!(findings(&amounts(), &[0.0; 1000], Some(&training)), []);
}

#[test]
fn a_level_that_some_cut_had_is_usual_and_one_far_from_all_is_not() {
    let scaled = |by: f64| amounts().iter().map(|value| value * by).collect::<Vec<_>>();
    let training = TrainingProfile::of_cuts(&[tally(&scaled(1.0)), tally(&scaled(10.0))], &names());
    assert_eq!(findings(&scaled(9.0), &scaled(1.0), Some(&training)), []);
    assert_eq!(checks(&findings(&scaled(100.0), &scaled(1.0), Some(&training))), [Check::Size]);
    let drifted = scaled(1000.0);
    assert_eq!(checks(&findings(&drifted, &drifted, Some(&training))), [Check::SizeSinceTraining]);
}

#[test]
fn the_nearest_of_the_days_before_counts() {
    let (low, high) = (amounts(), amounts().iter().map(|value| value * 100.0).collect::<Vec<_>>());
    let (day, outage, earlier) = (profiles(&high), profiles(&low), profiles(&high));
    let back_to_normal = [(before(), &earlier), (before().plus_days(1), &outage)];
    assert!(judge_features(&day, &back_to_normal, None, &limits()).iter().all(|measure| !measure.is_finding()));
}

proptest! {
    /// Two days of a population that differ by chance alone.
    #[test]
    fn chance_alone_is_no_finding(
        left in prop::collection::vec(prop_oneof![3 => 0.0..50.0f64, 1 => Just(0.0), 1 => Just(f64::NAN)], 40..300),
        right in prop::collection::vec(prop_oneof![3 => 0.0..50.0f64, 1 => Just(0.0), 1 => Just(f64::NAN)], 40..300),
    ) {
        let found = findings(&left, &right, None);
        prop_assert!(found.is_empty(), "{:?}", found);
    }
}
