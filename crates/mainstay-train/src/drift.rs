//! How features moved between two sets of rows.
//!
//! PSI = sum (p - q) ln(p / q) over ten bins at the deciles of the first rows, missing values in a bin of their own, empty bins as half
//! a row. Without drift it is about (1/N + 1/M) chi-square with bins - 1 degrees of freedom: below 0.1, or what that explains in 99 of
//! 100 cases, nothing is reported. KS is the greatest distance of the two distributions of present values.

use serde::{Deserialize, Serialize};

use crate::rows::TrainingSet;

const BINS: usize = 10;
const LEAST_PSI: f64 = 0.1;

/// The drift of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The feature.
    pub feature: String,
    /// Population stability index; from 0.25 on the drift is severe.
    pub psi: f64,
    /// The Kolmogorov-Smirnov distance.
    pub ks: f64,
}

/// The features that moved, the most first.
pub(crate) fn drift(before: &TrainingSet, after: &TrainingSet) -> Vec<Drift> {
    let columns = before.feature_names().iter().zip(before.columns()).zip(after.columns());
    let mut moved: Vec<Drift> = columns
        .filter_map(|((feature, before), after)| {
            let (psi, least) = psi(&before, &after);
            (psi > least).then(|| Drift { feature: feature.clone(), psi, ks: ks(&before, &after) })
        })
        .collect();
    moved.sort_by(|a, b| b.psi.total_cmp(&a.psi).then_with(|| a.feature.cmp(&b.feature)));
    moved
}

/// The index, and the least that chance does not explain.
fn psi(before: &[f64], after: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = before.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..BINS).filter_map(|bin| sorted.get(bin * sorted.len() / BINS).copied()).collect();
    edges.dedup();
    let shares = |values: &[f64]| {
        let mut counts = vec![0.0; edges.len() + 2];
        for value in values {
            let bin = if value.is_nan() { 0 } else { 1 + edges.partition_point(|edge| edge <= value) };
            counts[bin] += 1.0;
        }
        let n = values.len() as f64;
        counts.into_iter().map(|count: f64| count.max(0.5) / n).collect::<Vec<f64>>()
    };
    let (p, q) = (shares(before), shares(after));
    let psi = p.iter().zip(&q).map(|(p, q)| (p - q) * libm::log(p / q)).sum();
    let chance = 1.0 / before.len() as f64 + 1.0 / after.len() as f64;
    (psi, (chance * chi_square_99((edges.len() + 1) as f64)).max(LEAST_PSI))
}

/// The 99th percentile of chi-square, by Wilson and Hilferty's cube (1931).
fn chi_square_99(degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + 2.326_347_874 * spread.sqrt()).powi(3)
}

fn ks(before: &[f64], after: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        present.sort_by(f64::total_cmp);
        present
    };
    let (a, b) = (sorted(before), sorted(after));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let share = |of: &[f64], value: f64| of.partition_point(|other| *other <= value) as f64 / of.len() as f64;
    a.iter().chain(&b).map(|value| (share(&a, *value) - share(&b, *value)).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};

    fn uniform(seed: u64, rows: u64, shift: f64) -> Vec<f64> {
        (0..rows).map(|row| unit(mix(mix(seed) ^ row)) + shift).collect()
    }

    #[test]
    fn reports_a_shift_and_not_chance() {
        let (before, same, moved) = (uniform(1, 2_000, 0.0), uniform(2, 500, 0.0), uniform(3, 500, 0.3));
        let (figure, least) = psi(&before, &same);
        assert!(figure < least, "{figure} {least}");
        assert!(psi(&before, &moved).0 > 0.5);
        assert!(ks(&before, &same) < 0.08 && (ks(&before, &moved) - 0.3).abs() < 0.08);
        assert!((chi_square_99(9.0) - 21.666).abs() < 0.05);
    }

    #[test]
    fn missing_values_are_a_bin() {
        let before = uniform(1, 2_000, 0.0);
        let after: Vec<f64> = before.iter().enumerate().map(|(i, v)| if i % 2 == 0 { f64::NAN } else { *v }).collect();
        assert!(psi(&before, &after).0 > 1.0);
        assert_eq!(ks(&[f64::NAN], &before), 0.0);
    }
}
