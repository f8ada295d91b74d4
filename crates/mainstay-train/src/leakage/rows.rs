//! Checks of rows: names of customers among the features, dates after the decision, test rows among the training rows.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_schema::Ds;

use super::finding::{DateColumn, Finding, LeakKind, LeakageInput};
use crate::draw::mix;
use crate::rows::TrainingSet;

/// Rows below which a coincidence is no surprise.
const LEAST_ROWS: usize = 100;
/// The share of distinct values from which on a column names its rows.
const DISTINCT: f64 = 0.999;
/// Numbers of rows have few gaps: their range is at most so many times their count.
const GAPS: f64 = 20.0;
/// The share of dates after the decision that is taken for an error of the clock.
const LATE_DATES: f64 = 0.001;
/// The share of test rows with a twin in training that is too much, beyond what training rows have among themselves.
const TWINS: f64 = 0.02;

pub(super) fn look(input: &LeakageInput<'_>) -> Vec<Finding> {
    let mut findings = id_like(input.training);
    findings.extend(input.dates.iter().filter_map(|dates| knows_the_future(input.training, dates)));
    findings.extend(twins(input));
    findings.extend(both_sides(input));
    findings
}

fn id_like(set: &TrainingSet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((name, values), declared) in set.feature_names().iter().zip(set.columns()).zip(set.declared()) {
        if declared.categories.is_some() || values.len() < LEAST_ROWS {
            continue;
        }
        let why = match () {
            () if is_key(set, &values) => "is the number of the customer",
            () if numbers_rows(&values) => "numbers the rows",
            () if names_customers(set, &values) => "has one value for each customer at every cut",
            () => continue,
        };
        findings.push(Finding {
            kind: LeakKind::IdLike,
            columns: vec![name.clone()],
            figure: 1.0,
            message: format!("`{name}` {why}: a model learns it by heart, leave it out"),
        });
    }
    findings
}

/// The digits of the key.
fn is_key(set: &TrainingSet, values: &[f64]) -> bool {
    let number = |key: &str| key.chars().filter(char::is_ascii_digit).collect::<String>().parse::<f64>().ok();
    set.keys().zip(values).all(|(key, value)| number(key) == Some(*value))
}

/// Whole numbers that hardly repeat, with few gaps.
fn numbers_rows(values: &[f64]) -> bool {
    if values.iter().any(|value| value.fract() != 0.0) {
        return false;
    }
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    distinct(values) as f64 >= DISTINCT * values.len() as f64 && high - low <= GAPS * values.len() as f64
}

/// One value a customer at all of several cuts, and one customer a value, whole numbers all.
fn names_customers(set: &TrainingSet, values: &[f64]) -> bool {
    let mut of_key: BTreeMap<&str, f64> = BTreeMap::new();
    let mut repeats = 0;
    for (key, value) in set.keys().zip(values) {
        if value.fract() != 0.0 {
            return false;
        }
        match of_key.insert(key, *value) {
            Some(before) if before != *value => return false,
            Some(_) => repeats += 1,
            None => {}
        }
    }
    let of_keys: Vec<f64> = of_key.values().copied().collect();
    let is_repeated = 10 * repeats >= of_keys.len();
    of_keys.len() >= LEAST_ROWS && is_repeated && distinct(&of_keys) as f64 >= DISTINCT * of_keys.len() as f64
}

fn distinct(values: &[f64]) -> usize {
    values.iter().map(|value| value.to_bits()).collect::<BTreeSet<_>>().len()
}

fn knows_the_future(set: &TrainingSet, dates: &DateColumn) -> Option<Finding> {
    let late = dates.days.iter().zip(set.cuts()).filter(|(day, cut)| **day > f64::from(cut.days_since(Ds::EPOCH)));
    let share = late.count() as f64 / dates.days.len().max(1) as f64;
    let name = &dates.name;
    let message = format!(
        "`{name}` lies after the day of the decision in {:.1} % of the rows: what it dates was not known then; leave out the features \
         that come with it",
        100.0 * share
    );
    let finding = Finding { kind: LeakKind::KnowsTheFuture, columns: vec![name.clone()], figure: share, message };
    (share > LATE_DATES).then_some(finding)
}

/// Test rows whose features are those of a training row to the bit, beyond how often training rows are like others.
fn twins(input: &LeakageInput<'_>) -> Option<Finding> {
    let mut training = fingerprints(input.training);
    training.sort_unstable();
    let repeated: usize = training.chunk_by(|a, b| a == b).map(<[u128]>::len).filter(|count| *count > 1).sum();
    let among_training = repeated as f64 / input.training.row_count() as f64;
    let rows = input.test.row_count();
    let found = fingerprints(input.test).iter().filter(|row| training.binary_search(row).is_ok()).count();
    let share = found as f64 / rows as f64;
    let message = format!(
        "{:.1} % of the test rows have the very features of a training row: rows were copied before they were split; remove the \
         copies",
        100.0 * share
    );
    let finding = Finding { kind: LeakKind::TestRowsInTraining, columns: Vec::new(), figure: share, message };
    (rows >= LEAST_ROWS && share > TWINS + 2.0 * among_training).then_some(finding)
}

/// A hash of the features of each row, in 128 bits, by which rows that differ are distinguished.
fn fingerprints(set: &TrainingSet) -> Vec<u128> {
    let mut halves = vec![(0_u64, u64::MAX); set.row_count()];
    for column in set.columns() {
        for ((low, high), value) in halves.iter_mut().zip(column) {
            *low = mix(*low ^ value.to_bits());
            *high = mix(high.rotate_left(17) ^ mix(!value.to_bits()));
        }
    }
    halves.into_iter().map(|(low, high)| u128::from(high) << 64 | u128::from(low)).collect()
}

/// A customer on both sides at one cut: rows were split at random, and the model may know the customer.
fn both_sides(input: &LeakageInput<'_>) -> Option<Finding> {
    let cuts: BTreeSet<_> = input.training.cuts().iter().collect();
    let keys: BTreeSet<&str> = input.training.keys().collect();
    let of_same_cut: Vec<&str> =
        input.test.keys().zip(input.test.cuts()).filter(|(_, cut)| cuts.contains(cut)).map(|(key, _)| key).collect();
    let found = of_same_cut.iter().filter(|key| keys.contains(*key)).count();
    let share = found as f64 / input.test.row_count() as f64;
    let message = format!(
        "{found} test rows are of customers who stand among the training rows of the same days: keep each customer on one side, or part \
         the rows by time"
    );
    let finding = Finding { kind: LeakKind::CustomersOnBothSides, columns: Vec::new(), figure: share, message };
    (found > 0).then_some(finding)
}
