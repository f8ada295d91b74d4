//! Rows with a known truth for tests, drawn by hashing.

use mainstay_model::calibration::sigmoid;

use crate::draw::mix;
use crate::rows::TrainingRows;

pub(crate) const FEATURES: usize = 8;

/// Rows and the true log-odds of each.
pub(crate) struct DrawnTruth {
    pub(crate) rows: TrainingRows,
    pub(crate) log_odds: Vec<f64>,
}

/// A number in [0, 1) that depends on seed, row and purpose alone.
fn uniform(seed: u64, row: u64, purpose: u64) -> f64 {
    (mix(mix(seed ^ mix(row)) ^ purpose) >> 11) as f64 / (1u64 << 53) as f64
}

/// Eight features: four that matter by a threshold, a bend, a product and their being missing; a constant; a tiny scale; noise.
pub(crate) fn draw_truth(seed: u64, rows: u64) -> DrawnTruth {
    let mut columns = vec![Vec::new(); FEATURES];
    let (mut labels, mut log_odds) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let u: Vec<f64> = (0..6).map(|feature| uniform(seed, row, feature)).collect();
        let is_missing = uniform(seed, row, 6) < 0.2;
        let truth = -1.2
            + if u[0] > 0.6 { 1.2 } else { -0.6 }
            + 6.0 * (u[1] - 0.5) * (u[1] - 0.5)
            + 4.0 * (u[2] - 0.5) * (u[3] - 0.5)
            + if is_missing { 1.5 } else { 0.0 };
        let missing_or = if is_missing { f64::NAN } else { u[4] };
        let values =
            [100.0 * u[0], u[1], u[2] * 1e-7, u[3].mul_add(1e6, -3.0), missing_or, 1.0, u[5], (8.0 * u[5]).floor()];
        for (column, value) in columns.iter_mut().zip(values) {
            column.push(value);
        }
        labels.push(uniform(seed, row, 7) < sigmoid(truth));
        log_odds.push(truth);
    }
    let cuts = (0..rows).map(|row| if row % 2 == 0 { "2024-01-01" } else { "2024-02-01" }.parse().unwrap()).collect();
    let keys = (0..rows).map(|row| format!("C{:06}", row / 2)).collect();
    let feature_names = (0..FEATURES).map(|i| format!("feature_{i}")).collect();
    DrawnTruth { rows: TrainingRows { feature_names, columns, labels, keys, cuts }, log_odds }
}
