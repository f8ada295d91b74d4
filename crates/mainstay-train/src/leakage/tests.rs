//! Every kind of leak, planted in honest rows, is found as what it is; honest rows give none.

use std::collections::BTreeMap;

use super::*;
use crate::declared::Declared;
use crate::draw::{mix, unit};
use crate::rows::{TrainingRows, TrainingSet};
use crate::test_rows::draw_truth;

/// The value of a planted feature, by row and label.
type Planted = Box<dyn Fn(usize, bool) -> f64>;

const ROWS: u64 = 4_000;

fn honest() -> (TrainingRows, TrainingRows) {
    let training = draw_truth(1, ROWS).rows;
    let mut test = draw_truth(2, 1_000).rows;
    test.cuts.fill("2024-06-01".parse().unwrap());
    test.keys = (0..1_000).map(|row| format!("C{row:06}")).collect();
    (training, test)
}

fn noise(row: usize, purpose: u64) -> f64 {
    unit(mix(mix(row as u64) ^ purpose))
}

fn report(
    training: TrainingRows,
    test: TrainingRows,
    categories: Option<usize>,
    dates: &[DateColumn],
) -> LeakageReport {
    let names = |count: usize| Some((0..count).map(|code| format!("c{code}")).collect());
    let declared: BTreeMap<String, Declared> = categories
        .map(|count| ("planted".to_owned(), Declared { categories: names(count), ..Declared::default() }))
        .into_iter()
        .collect();
    let set = |rows| TrainingSet::new(rows).unwrap().with_declared(&declared).unwrap();
    let (training, test) = (set(training), set(test));
    look_for_leaks(&LeakageInput { label: "churned", training: &training, test: &test, dates }).unwrap()
}

/// Plants a feature in training and test rows, made from the row and its label.
fn planted_as(name: &str, categories: Option<usize>, value: impl Fn(usize, bool) -> f64) -> Vec<Finding> {
    let (mut training, mut test) = honest();
    for rows in [&mut training, &mut test] {
        let values = rows.labels.iter().enumerate().map(|(row, label)| value(row, *label));
        rows.columns.push(values.collect());
        rows.feature_names.push(name.to_owned());
    }
    report(training, test, categories, &[]).findings
}

fn planted(value: impl Fn(usize, bool) -> f64) -> Vec<Finding> {
    planted_as("planted", None, value)
}

fn kinds(findings: &[Finding]) -> Vec<(LeakKind, &str)> {
    findings.iter().map(|finding| (finding.kind, finding.columns.first().map_or("", String::as_str))).collect()
}

#[test]
fn honest_rows_have_no_leak_and_no_drift() {
    let (training, test) = honest();
    let found = report(training, test, None, &[]);
    assert_eq!(found, LeakageReport { findings: Vec::new(), drift: Vec::new(), names_the_cut: Vec::new() });
}

#[test]
fn features_made_from_the_label_are_found() {
    fn n(label: bool) -> f64 {
        f64::from(label)
    }
    let cases: [(LeakKind, Planted); 10] = [
        (LeakKind::LabelCopy, Box::new(|_, label| n(label))),
        (LeakKind::LabelInverted, Box::new(|_, label| n(!label))),
        (LeakKind::LabelFunction, Box::new(|_, label| if label { -3.0 } else { 7.5 })),
        (LeakKind::LabelFunction, Box::new(|row, label| noise(row, 1) + if label { 5.0 } else { 0.0 })),
        // Codes of many values, the odd ones for who churned.
        (LeakKind::LabelBuckets, Box::new(|row, label| 2.0 * (noise(row, 2) * 20.0).floor() + n(label))),
        (LeakKind::NoisyLabel, Box::new(|row, label| n(label != (noise(row, 3) < 0.04)))),
        (LeakKind::ImplausibleAlone, Box::new(|row, label| noise(row, 4) + if label { 0.8 } else { 0.0 })),
        (
            LeakKind::ImplausibleAlone,
            Box::new(|row, label| 2.0 * (noise(row, 5) * 20.0).floor() + n(label != (noise(row, 6) < 0.02))),
        ),
        (LeakKind::MissingTellsLabel, Box::new(|row, label| if label { f64::NAN } else { noise(row, 7) })),
        (
            LeakKind::ConstantWithinLabel,
            Box::new(|row, label| if label || noise(row, 8) < 0.6 { 0.0 } else { noise(row, 9) }),
        ),
    ];
    for (position, (kind, value)) in cases.into_iter().enumerate() {
        let found = planted(value);
        assert_eq!(kinds(&found), [(kind, "planted")], "case {position}: {found:?}");
        assert!(found[0].message.contains("`planted`"), "{}", found[0].message);
    }
}

/// Whether there was an order in 90 days, as 1 or 0 and as 1 or missing, beside the days since the last order.
#[test]
fn a_flag_that_another_feature_says_as_well_is_no_leak() {
    let with_days = |is_told: bool, flag: &dyn Fn(bool) -> f64| {
        let (mut training, mut test) = honest();
        for rows in [&mut training, &mut test] {
            let drawn = |(row, label): (usize, &bool)| {
                let is_far = *label && noise(row, 1) < 0.5;
                (90.0 * noise(row, 2)).floor() + if is_far { 90.0 } else { 0.0 }
            };
            let days: Vec<f64> = rows.labels.iter().enumerate().map(drawn).collect();
            rows.columns.push(days.iter().map(|days| flag(*days < 90.0)).collect());
            rows.feature_names.push("ordered_90d".to_owned());
            if is_told {
                rows.columns.push(days);
                rows.feature_names.push("days_since_last_order".to_owned());
            }
        }
        report(training, test, None, &[]).findings
    };
    let flags: [&dyn Fn(bool) -> f64; 2] =
        [&|ordered| f64::from(ordered), &|ordered| if ordered { 1.0 } else { f64::NAN }];
    for flag in flags {
        let both = with_days(true, flag);
        assert!(both.is_empty(), "{both:?}");
        let alone = with_days(false, flag);
        assert_eq!(kinds(&alone), [(LeakKind::ConstantWithinLabel, "ordered_90d")], "nothing else speaks for it");
    }
}

#[test]
fn a_category_that_is_the_label_is_found() {
    let found = planted_as("planted", Some(6), |row, label| 2.0 * (noise(row, 1) * 3.0).floor() + f64::from(label));
    assert_eq!(kinds(&found), [(LeakKind::LabelBuckets, "planted")]);
}

#[test]
fn a_feature_called_like_the_label_is_found() {
    let found = planted_as("is_Churned", None, |row, _| noise(row, 1));
    assert_eq!(kinds(&found), [(LeakKind::NamedLikeLabel, "is_Churned")]);
}

#[test]
fn names_of_customers_and_rows_are_found() {
    let numbers = planted(|row, _| 1_000.0 + (row * 1_237 % 4_001) as f64);
    assert_eq!(kinds(&numbers), [(LeakKind::IdLike, "planted")]);
    assert!(numbers[0].message.contains("numbers the rows"));
    let keys = planted(|row, _| (row / 2) as f64);
    assert_eq!(kinds(&keys), [(LeakKind::IdLike, "planted")]);
    assert!(keys[0].message.contains("is the number of the customer"));
    let hashes = planted(|row, _| (mix(row as u64 / 2) >> 20) as f64);
    assert_eq!(kinds(&hashes), [(LeakKind::IdLike, "planted")]);
    assert!(hashes[0].message.contains("has one value for each customer"));
}

#[test]
fn a_pair_whose_difference_is_the_label_is_found() {
    let (mut training, mut test) = honest();
    for rows in [&mut training, &mut test] {
        let before: Vec<f64> = (0..rows.labels.len()).map(|row| (noise(row, 1) * 50.0).floor()).collect();
        let after = before.iter().zip(&rows.labels).map(|(before, label)| before + f64::from(!label)).collect();
        rows.columns.extend([before, after]);
        rows.feature_names.extend(["orders", "orders_total"].map(str::to_owned));
    }
    let found = report(training, test, None, &[]).findings;
    assert_eq!(kinds(&found), [(LeakKind::PairTellsLabel, "orders")]);
    assert_eq!(found[0].columns, ["orders", "orders_total"]);
}

#[test]
fn a_feature_that_knows_the_training_rows_only_is_found() {
    let (mut training, mut test) = honest();
    let of = |row, signal| noise(row, 1) + if signal { 0.5 } else { 0.0 };
    training.columns.push(training.labels.iter().enumerate().map(|(row, label)| of(row, *label)).collect());
    test.columns.push((0..1_000).map(|row| of(row, noise(row, 2) < 0.3)).collect());
    for rows in [&mut training, &mut test] {
        rows.feature_names.push("planted".to_owned());
    }
    let found = report(training, test, None, &[]).findings;
    assert_eq!(kinds(&found), [(LeakKind::CollapsesLater, "planted")]);
}

#[test]
fn dates_after_the_decision_are_found() {
    let (training, test) = honest();
    let days = |late: f64| vec![DateColumn { name: "observed_at".into(), days: vec![late; ROWS as usize] }];
    // The cuts are 2024-01-01 (day 19,723) and 2024-02-01.
    assert!(report(training.clone(), test.clone(), None, &days(19_723.0)).findings.is_empty());
    let found = report(training, test, None, &days(19_740.0)).findings;
    assert_eq!(kinds(&found), [(LeakKind::KnowsTheFuture, "observed_at")]);
    assert_eq!(found[0].figure, 0.5);
}

#[test]
fn rows_and_customers_on_both_sides_are_found() {
    let (training, mut test) = honest();
    for (column, from) in test.columns.iter_mut().zip(&training.columns) {
        column[..300].copy_from_slice(&from[..300]);
    }
    let found = report(training.clone(), test, None, &[]).findings;
    assert_eq!(kinds(&found), [(LeakKind::TestRowsInTraining, "")]);
    assert_eq!(found[0].figure, 0.3);
    let (_, mut test) = honest();
    test.cuts.fill("2024-01-01".parse().unwrap());
    let found = report(training, test, None, &[]).findings;
    assert_eq!(kinds(&found), [(LeakKind::CustomersOnBothSides, "")]);
}

#[test]
fn drift_is_reported_but_is_no_leak() {
    let (training, mut test) = honest();
    for value in &mut test.columns[0] {
        *value += 40.0;
    }
    let found = report(training, test, None, &[]);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    assert_eq!(found.drift.iter().map(|drift| drift.feature.as_str()).collect::<Vec<_>>(), ["feature_0"]);
    assert!(found.drift[0].psi > 0.25 && found.drift[0].ks > 0.3);
}
