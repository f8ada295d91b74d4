//! How far probabilities can be trusted, beside the uncalibrated ones.

use std::collections::BTreeMap;

use mainstay_model::Calibration;
use mainstay_model::calibration::sigmoid;
use mainstay_schema::Reliability;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::evaluate::{calibration_bins, evaluate};

/// The probabilities of some rows against what happened, and what the margins alone, taken as log-odds, would have done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationCheck {
    /// How many rows.
    pub rows: usize,
    /// The probabilities. A customer at several cuts is not several customers: the noise floor knows that its rows churn together.
    #[serde(flatten)]
    pub reliability: Reliability,
    /// Mean squared distance of sigmoid(margin) and label.
    pub uncalibrated_brier: f64,
    /// Expected calibration error of sigmoid(margin).
    pub uncalibrated_ece: f64,
}

/// Rows to judge: their customers, raw scores, probabilities and labels.
#[derive(Debug, Clone, Default)]
pub struct JudgedRows<'a> {
    /// The customers; one may stand in several rows.
    pub customers: Vec<&'a str>,
    /// Raw scores by trees that have not seen the customer.
    pub raw: Vec<f64>,
    /// Probabilities by a curve that has not seen the customer.
    pub probabilities: Vec<f64>,
    /// The labels.
    pub labels: Vec<bool>,
}

impl CalibrationCheck {
    /// Judges probabilities by what happened.
    ///
    /// # Errors
    /// No rows, one class only, or scores that are not finite or not one a label.
    pub fn of(rows: &JudgedRows<'_>) -> Result<Self, TrainError> {
        let JudgedRows { customers, raw, probabilities: calibrated, labels } = rows;
        let uncalibrated: Vec<f64> = raw.iter().map(|raw| sigmoid(*raw)).collect();
        let judged = evaluate(calibrated, labels)?;
        let plain = evaluate(&uncalibrated, labels)?;
        Ok(Self {
            rows: judged.ranking.rows,
            reliability: Reliability {
                base_rate: judged.ranking.base_rate,
                mean_probability: calibrated.iter().sum::<f64>() / raw.len() as f64,
                brier: judged.brier,
                ece: judged.ece,
                ece_noise_floor: noise_floor(calibrated, labels, customers),
            },
            uncalibrated_brier: plain.brier,
            uncalibrated_ece: plain.ece,
        })
    }

    /// Whether the calibration brought the probabilities nearer to what happened.
    pub fn is_improved(&self) -> bool {
        self.reliability.brier < self.uncalibrated_brier
    }
}

/// sum over bins of sqrt(2 / pi variance) / n, where the variance of a bin's sum of p - y is sum p(1 - p) and, for pairs of rows of
/// one customer, their covariance, estimated by the products of their p - y.
fn noise_floor(probabilities: &[f64], labels: &[bool], customers: &[&str]) -> f64 {
    let residual = |row: usize| probabilities[row] - f64::from(u8::from(labels[row]));
    let bins = calibration_bins(probabilities).into_iter().map(|bin| {
        let independent: f64 = bin.iter().map(|&row| probabilities[row] * (1.0 - probabilities[row])).sum();
        let mut of_customer: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for &row in &bin {
            let sums = of_customer.entry(customers.get(row).copied().unwrap_or_default()).or_default();
            sums.0 += residual(row);
            sums.1 += residual(row) * residual(row);
        }
        let covariance: f64 = of_customer.values().map(|(sum, squares)| sum * sum - squares).sum();
        (std::f64::consts::FRAC_2_PI * (independent + covariance.max(0.0))).sqrt()
    });
    bins.sum::<f64>() / labels.len() as f64
}

/// How the scores of a model became probabilities, and how those hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationReport {
    /// Log-odds = slope * margin + intercept.
    pub slope: f64,
    /// The intercept.
    pub intercept: f64,
    /// Rows that the curve was fitted on.
    pub rows: usize,
    /// The share of them that churned.
    pub base_rate: f64,
    /// Every training row, by trees and a curve learnt without the fold of its customer.
    pub check: CalibrationCheck,
    /// The test cut.
    pub test: CalibrationCheck,
    /// The base rate of the test cut less that of the calibration: what a curve learnt from the past cannot know.
    pub base_rate_shift: f64,
}

impl CalibrationReport {
    /// The report of a curve that was fitted on rows with these labels.
    pub(crate) fn new(curve: Calibration, labels: &[bool], check: CalibrationCheck, test: CalibrationCheck) -> Self {
        let base_rate = labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64;
        let (slope, intercept) = match curve {
            Calibration::Identity => (1.0, 0.0),
            Calibration::Platt { a, b } => (a, b),
        };
        let base_rate_shift = test.reliability.base_rate - base_rate;
        Self { slope, intercept, rows: labels.len(), base_rate, check, test, base_rate_shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::mix;

    fn names(customers: usize) -> Vec<String> {
        (0..customers).map(|customer| format!("C{customer}")).collect()
    }

    /// Each row of a customer of its own, calibrated by log-odds = a * raw + b.
    fn rows<'a>(names: &'a [String], raw: &[f64], labels: &[bool], (a, b): (f64, f64)) -> JudgedRows<'a> {
        let customers = names.iter().map(String::as_str).collect();
        let probabilities = raw.iter().map(|raw| sigmoid(a * raw + b)).collect();
        JudgedRows { customers, raw: raw.to_vec(), probabilities, labels: labels.to_vec() }
    }

    /// Each figure against the plainest code for it: a bin is a stretch of the rows sorted by falling probability.
    fn slowly(probabilities: &[f64], labels: &[bool]) -> (f64, f64, f64) {
        let n = probabilities.len();
        let mut rows: Vec<(f64, f64)> = probabilities.iter().zip(labels).map(|(p, l)| (*p, f64::from(*l))).collect();
        let brier = rows.iter().map(|(p, y)| (p - y).powi(2)).sum::<f64>() / n as f64;
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut ece, mut floor) = (0.0, 0.0);
        for bin in 0..10 {
            let bin = &rows[bin * n / 10..(bin + 1) * n / 10];
            let of = |value: fn(&(f64, f64)) -> f64| bin.iter().map(value).sum::<f64>() / bin.len() as f64;
            let share = bin.len() as f64 / n as f64;
            ece += share * (of(|row| row.0) - of(|row| row.1)).abs();
            let deviation = (of(|row| row.0 * (1.0 - row.0)) / bin.len() as f64).sqrt();
            floor += share * deviation * (2.0 / std::f64::consts::PI).sqrt();
        }
        (brier, ece, floor)
    }

    #[test]
    fn agrees_with_slow_code() {
        let names = names(200);
        let raw: Vec<f64> = (0..200).map(|row| f64::from(row * 37 % 200) / 40.0 - 2.5).collect();
        let labels: Vec<bool> = (0..200).map(|row| row * 37 % 200 > row * 91 % 200).collect();
        let found = CalibrationCheck::of(&rows(&names, &raw, &labels, (2.0, -0.3))).unwrap();
        let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
        let calibrated: Vec<f64> = raw.iter().map(|raw| logistic(2.0 * raw - 0.3)).collect();
        let (brier, ece, floor) = slowly(&calibrated, &labels);
        let uncalibrated: Vec<f64> = raw.iter().map(|raw| logistic(*raw)).collect();
        let (plain_brier, plain_ece, _) = slowly(&uncalibrated, &labels);
        let pairs = [
            (found.reliability.brier, brier),
            (found.reliability.ece, ece),
            (found.reliability.ece_noise_floor, floor),
            (found.uncalibrated_brier, plain_brier),
            (found.uncalibrated_ece, plain_ece),
            (found.reliability.mean_probability, calibrated.iter().sum::<f64>() / 200.0),
            (found.reliability.base_rate, labels.iter().filter(|l| **l).count() as f64 / 200.0),
        ];
        assert!(pairs.iter().all(|(found, expected)| (found - expected).abs() < 1e-12), "{pairs:?}");
    }

    /// Exact probabilities whose labels are drawn once a customer, who then stands in four rows.
    #[test]
    fn repeated_customers_raise_the_noise_floor_to_the_error_of_exact_probabilities() {
        let uniform = |x: u64| (mix(x) >> 11) as f64 / (1u64 << 53) as f64;
        let (mut error, mut clustered, mut independent) = (0.0, 0.0, 0.0);
        let names = names(150);
        for sample in 0..100u64 {
            let of = |row: u64| mix(sample) ^ (row / 4);
            let p: Vec<f64> = (0..600).map(|row| uniform(of(row))).collect();
            let labels: Vec<bool> = (0..600).map(|row| uniform(!of(row)) < p[row as usize]).collect();
            let raw = p.iter().map(|p| mainstay_model::calibration::logit(*p)).collect();
            let customers = (0..600).map(|row| names[row / 4].as_str()).collect();
            let rows = JudgedRows { customers, raw, probabilities: p.clone(), labels: labels.clone() };
            let found = CalibrationCheck::of(&rows).unwrap();
            error += found.reliability.ece;
            clustered += found.reliability.ece_noise_floor;
            independent += evaluate(&p, &labels).unwrap().ece_noise_floor;
        }
        assert!((clustered / error - 1.0).abs() < 0.1, "{error} {clustered}");
        assert!(independent < 0.6 * error, "{error} {independent}");
    }

    #[test]
    fn distinguishes_chance_from_error_and_better_from_worse() {
        let names = names(100);
        let raw: Vec<f64> = (0..100).map(|row| if row < 50 { 1.0 } else { -1.0 }).collect();
        let labels: Vec<bool> = (0..100).map(|row| row % 50 < if row < 50 { 36 } else { 14 }).collect();
        let exact = CalibrationCheck::of(&rows(&names, &raw, &labels, (1.0, 0.0))).unwrap();
        let far_off = CalibrationCheck::of(&rows(&names, &raw, &labels, (1.0, 3.0))).unwrap();
        assert!(far_off.reliability.error_above_noise() > 0.1 && !far_off.is_improved(), "{far_off:?}");
        assert!(!exact.is_improved(), "the margins were log-odds before");
        let report = CalibrationReport::new(Calibration::Identity, &[true, false], exact, exact);
        assert_eq!((report.slope, report.intercept, report.rows, report.base_rate_shift), (1.0, 0.0, 2, 0.0));
        let edge = Reliability { ece: 0.0625, ece_noise_floor: 0.03125, ..exact.reliability };
        assert_eq!(edge.error_above_noise(), 0.03125);
    }
}
