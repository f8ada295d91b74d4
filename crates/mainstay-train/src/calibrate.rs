//! Calibration: a sigmoid over raw scores, fitted on rows that the trees have not seen.
//!
//! Boosting the log-loss gives margins that are nearly log-odds, so a curve must be fitted on many customers to better them: on the
//! tenth of the customers that a held-back part has, it makes tomorrow's Brier score worse more often than not. Hence the scores
//! are those of trees fitted without the customer's fold ([`crate::recipe`]), for all customers that are learnt from. Two parameters
//! are enough: on two real retailers beta calibration did no better, and isotonic regression worse.

use mainstay_model::Calibration;
use mainstay_model::calibration::sigmoid;

use crate::error::TrainError;
use crate::evaluate::check_scores;

const MAX_STEPS: usize = 100;
/// Newton stops where both derivatives are below this, a row.
const GRADIENT_TOLERANCE: f64 = 1e-12;
/// Added to the diagonal of the Hessian, so that scores that do not vary leave it invertible.
const RIDGE: f64 = 1e-12;

/// Fits Platt's sigmoid p = 1 / (1 + exp(-(a raw + b))) by maximum likelihood with his smoothed targets.
///
/// Newton's method with backtracking, as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs for support vector
/// machines" (2007). The smoothed targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2) keep the optimum finite where scores part the labels.
///
/// # Errors
/// No rows, one class only, scores that are not finite or not one a label, and a slope that is not above 0.
pub fn platt(raw: &[f64], labels: &[bool]) -> Result<Calibration, TrainError> {
    check_scores(raw, labels)?;
    let problem = Problem::new(raw, labels);
    let mut line = Line { a: 0.0, b: problem.start() };
    for _ in 0..MAX_STEPS {
        match problem.improve(line) {
            Some(better) => line = better,
            None => break,
        }
    }
    let Line { a, b } = line;
    // A slope this small is rounding: the scores say nothing.
    if a.is_nan() || a <= 1e-9 {
        return Err(TrainError::Slope { rows: raw.len(), slope: a });
    }
    Ok(Calibration::Platt { a, b })
}

#[derive(Debug, Clone, Copy)]
struct Line {
    a: f64,
    b: f64,
}

struct Problem<'a> {
    raw: &'a [f64],
    targets: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(raw: &'a [f64], labels: &[bool]) -> Self {
        let positives = labels.iter().filter(|label| **label).count() as f64;
        let negatives = labels.len() as f64 - positives;
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        Self { raw, targets: labels.iter().map(|label| if *label { high } else { low }).collect() }
    }

    /// The intercept that is best without a slope.
    fn start(&self) -> f64 {
        let mean = self.targets.iter().sum::<f64>() / self.targets.len() as f64;
        mainstay_model::calibration::logit(mean)
    }

    /// One Newton step, halved until the loss falls; `None` at the optimum.
    fn improve(&self, line: Line) -> Option<Line> {
        let rows = self.raw.len() as f64;
        let (mut to_a, mut to_b, mut aa, mut ab, mut bb) = (0.0, 0.0, RIDGE, 0.0, RIDGE);
        for (raw, target) in self.raw.iter().zip(&self.targets) {
            let p = sigmoid(line.a * raw + line.b);
            let weight = p * (1.0 - p);
            to_a += (p - target) * raw;
            to_b += p - target;
            aa += weight * raw * raw;
            ab += weight * raw;
            bb += weight;
        }
        if to_a.abs() < GRADIENT_TOLERANCE * rows && to_b.abs() < GRADIENT_TOLERANCE * rows {
            return None;
        }
        let determinant = aa * bb - ab * ab;
        let (step_a, step_b) = ((ab * to_b - bb * to_a) / determinant, (ab * to_a - aa * to_b) / determinant);
        let loss = self.loss(line);
        let halvings = (0..40).map(|i| 0.5f64.powi(i));
        let mut steps = halvings.map(|size| Line { a: line.a + size * step_a, b: line.b + size * step_b });
        steps.find(|candidate| self.loss(*candidate) < loss)
    }

    /// The negative log-likelihood: sum of ln(1 + exp(z)) - target z.
    fn loss(&self, line: Line) -> f64 {
        let terms = self.raw.iter().zip(&self.targets).map(|(raw, target)| {
            let z = line.a * raw + line.b;
            z.max(0.0) + libm::log1p(libm::exp(-z.abs())) - target * z
        });
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::mix;

    /// Labels drawn from sigmoid(a raw + b).
    fn drawn(rows: u64, a: f64, b: f64) -> (Vec<f64>, Vec<bool>) {
        let uniform = |x: u64| (mix(x) >> 11) as f64 / (1u64 << 53) as f64;
        let raw: Vec<f64> = (0..rows).map(|row| 6.0 * uniform(2 * row) - 3.0).collect();
        let labels = raw.iter().zip(0..).map(|(raw, row)| uniform(2 * row + 1) < sigmoid(a * raw + b)).collect();
        (raw, labels)
    }

    fn fitted(raw: &[f64], labels: &[bool]) -> (f64, f64) {
        match platt(raw, labels).unwrap() {
            Calibration::Platt { a, b } => (a, b),
            Calibration::Identity => panic!("not fitted"),
        }
    }

    #[test]
    fn finds_the_sigmoid_that_drew_the_labels() {
        let (raw, labels) = drawn(40_000, 0.7, -0.9);
        let (a, b) = fitted(&raw, &labels);
        assert!((a - 0.7).abs() < 0.03 && (b + 0.9).abs() < 0.03, "{a} {b}");
    }

    #[test]
    fn the_mean_probability_is_the_mean_target() {
        let (raw, labels) = drawn(500, 1.3, 0.4);
        let (a, b) = fitted(&raw, &labels);
        let problem = Problem::new(&raw, &labels);
        let mean: f64 = raw.iter().map(|raw| sigmoid(a * raw + b)).sum::<f64>() / 500.0;
        assert!((mean - problem.targets.iter().sum::<f64>() / 500.0).abs() < 1e-9);
    }

    #[test]
    fn stays_finite_where_scores_part_the_labels() {
        let (a, b) = fitted(&[-2.0, -1.0, 1.0, 2.0], &[false, false, true, true]);
        assert!(a > 0.5 && a < 10.0 && b.abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn refuses_scores_that_rank_backwards_or_not_at_all() {
        let (raw, labels) = drawn(1_000, -1.0, 0.0);
        let message = platt(&raw, &labels).unwrap_err().to_string();
        assert!(
            message.starts_with("on 1000 rows that the trees have not seen churn falls as the score rises (slope -1."),
            "{message}"
        );
        assert!(matches!(platt(&[3.0; 4], &[true, false, true, false]), Err(TrainError::Slope { .. })));
    }

    #[test]
    fn refuses_scores_that_cannot_be_fitted() {
        assert!(matches!(platt(&[], &[]), Err(TrainError::NoRows)));
        assert!(matches!(platt(&[1.0, 2.0], &[true, true]), Err(TrainError::OneClass { rows: 2, label: true })));
        assert!(matches!(platt(&[1.0], &[true, false]), Err(TrainError::ScoreCount { scores: 1, labels: 2 })));
        assert!(matches!(platt(&[1.0, f64::NAN], &[true, false]), Err(TrainError::Score { row: 1, .. })));
    }
}
