//! Two features that measure the same, one of them after the day of the decision: their difference is what happened.

use super::alone::{auc_either_way, present_or_low};
use super::finding::{Finding, LeakKind, LeakageInput};

/// Rows that pairs are looked at on, drawn evenly.
const ROWS: usize = 5_000;
/// The least correlation of features that measure the same.
const SAME: f64 = 0.7;
/// The AUC of a difference from which on it reveals the label, and how far it must lie above that of either feature.
const REVEALS: f64 = 0.96;
const ABOVE: f64 = 0.1;
/// The most features whose pairs are looked at.
const MOST_FEATURES: usize = 300;

pub(super) fn look(input: &LeakageInput<'_>, known: &[Finding]) -> Vec<Finding> {
    let training = input.training;
    let step = training.row_count().div_ceil(ROWS);
    let drawn = |values: &[f64]| -> Vec<f64> { values.iter().step_by(step).copied().collect() };
    let labels: Vec<bool> = training.labels().iter().step_by(step).copied().collect();
    let is_known = |name: &String| known.iter().any(|finding| finding.columns.contains(name));
    let features: Vec<(&String, Vec<f64>)> = training
        .feature_names()
        .iter()
        .zip(training.columns())
        .zip(training.declared())
        .filter(|((name, _), declared)| declared.categories.is_none() && !is_known(name))
        .map(|((name, values), _)| (name, drawn(&values)))
        .take(MOST_FEATURES)
        .collect();
    let mut findings = Vec::new();
    for (position, (name, values)) in features.iter().enumerate() {
        for (other, others) in &features[position + 1..] {
            if correlation(values, others).abs() < SAME {
                continue;
            }
            let difference: Vec<f64> = values.iter().zip(others).map(|(a, b)| a - b).collect();
            let (Some(auc), Some(a), Some(b)) = (auc(&difference, &labels), auc(values, &labels), auc(others, &labels))
            else {
                continue;
            };
            if auc >= REVEALS && auc >= a.max(b) + ABOVE {
                let message = format!(
                    "the difference of `{name}` and `{other}` reveals the label (AUC {auc:.3}): one of them is measured after the day of \
                     the decision, leave it out"
                );
                let columns = vec![(*name).clone(), (*other).clone()];
                findings.push(Finding { kind: LeakKind::PairTellsLabel, columns, figure: auc, message });
            }
        }
    }
    findings
}

fn auc(values: &[f64], labels: &[bool]) -> Option<f64> {
    auc_either_way(&present_or_low(values), labels)
}

/// Pearson's, over the rows that have both; 0 where either does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let both: Vec<(f64, f64)> =
        a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| (*a, *b)).collect();
    let n = both.len() as f64;
    let (mean_a, mean_b) = both.iter().fold((0.0, 0.0), |(x, y), (a, b)| (x + a / n, y + b / n));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in &both {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a) * (a - mean_a);
        bb += (b - mean_b) * (b - mean_b);
    }
    let scale = (aa * bb).sqrt();
    if scale > 0.0 { ab / scale } else { 0.0 }
}
