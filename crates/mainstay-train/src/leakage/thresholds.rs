//! Features that say whether another one lies beyond a threshold: whether there was an order in 90 days, beside the days since the last.
//!
//! Where nobody stays who has not come for long, such a feature has one value for all who stay, as one has that is cleared by what
//! happened. But it says nothing that the other does not, which varies among those who stay as honest ones do, and is looked at by itself.

use std::collections::BTreeSet;

use super::alone::present_or_low;
use super::finding::{Finding, LeakKind};
use crate::rows::TrainingSet;

/// The findings but for features that are constant within a label as a threshold of a feature that nothing was found in.
pub(super) fn without_explained(findings: Vec<Finding>, training: &TrainingSet) -> Vec<Finding> {
    let found: BTreeSet<String> = findings.iter().flat_map(|finding| finding.columns.iter().cloned()).collect();
    let is_explained = |finding: &Finding| {
        finding.kind == LeakKind::ConstantWithinLabel
            && finding.columns.iter().all(|name| is_threshold_of_another(name, training, &found))
    };
    findings.into_iter().filter(|finding| !is_explained(finding)).collect()
}

fn is_threshold_of_another(name: &str, training: &TrainingSet, found: &BTreeSet<String>) -> bool {
    let labels = training.labels();
    let Some(position) = training.feature_names().iter().position(|feature| feature == name) else { return false };
    let values = training.column(position);
    let Some((constant, label)) = constant_of(&values, labels) else { return false };
    let is_constant: Vec<bool> = values.iter().map(|value| same(*value, constant)).collect();
    let others = training.feature_names().iter().zip(training.columns()).zip(training.declared());
    others
        .filter(|((other, _), declared)| !found.contains(*other) && declared.categories.is_none())
        .any(|((_, other), _)| varies_within(&other, labels, label) && parts(&present_or_low(&other), &is_constant))
}

/// The one value of all rows of a label, and that label.
fn constant_of(values: &[f64], labels: &[bool]) -> Option<(f64, bool)> {
    [true, false].into_iter().find_map(|label| {
        let mut of_label = values.iter().zip(labels).filter(|(_, of)| **of == label).map(|(value, _)| *value);
        let first = of_label.next()?;
        of_label.all(|value| same(value, first)).then_some((first, label))
    })
}

fn varies_within(values: &[f64], labels: &[bool], label: bool) -> bool {
    let mut of_label = values.iter().zip(labels).filter(|(_, of)| **of == label).map(|(value, _)| *value);
    let first = of_label.next();
    of_label.any(|value| first.is_some_and(|first| !same(value, first)))
}

/// Whether all rows of one side lie above all rows of the other.
fn parts(values: &[f64], sides: &[bool]) -> bool {
    let range = |side: bool| {
        let of_side = values.iter().zip(sides).filter(|(_, of)| **of == side).map(|(value, _)| *value);
        of_side.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (one, other) = (range(true), range(false));
    one.0 > other.1 || other.0 > one.1
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}
