//! Newton's method for the ridge-penalised log-loss (iteratively reweighted least squares).
//!
//! Blocks of rows are summed side by side and added in one order, and exponentials come from one pure implementation: the coefficients
//! are the same to the bit whatever the number of threads, and on every machine. (linfa-logistic adds up its products in an order that
//! depends on the processor.)

use std::num::NonZeroUsize;

use mainstay_model::calibration::{logit, sigmoid};

use crate::parallel;

/// Rows of a block.
const BLOCK_ROWS: usize = 4_096;
/// It stops where the square of Newton's decrement, a row, is below this.
const TOLERANCE: f64 = 1e-12;
/// Added to the diagonal, so that columns that are sums of others leave the Hessian invertible.
const LEAST_RIDGE: f64 = 1e-6;

/// Rows of numbers, one after the other; the first column is all ones.
pub(crate) struct Matrix {
    pub(crate) values: Vec<f64>,
    pub(crate) width: usize,
}

/// The log-loss of some rows with its derivatives; the Hessian's lower triangle by rows.
struct Sums {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

/// The coefficients, the intercept first, after at most `steps` steps; `None` where they are not finite.
pub(crate) fn fit(matrix: &Matrix, labels: &[bool], l2: f64, steps: usize, threads: NonZeroUsize) -> Option<Vec<f64>> {
    let rows = labels.len() as f64;
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let mut at = vec![0.0; matrix.width];
    *at.first_mut()? = logit(positives / rows);
    let mut sums = sum(matrix, labels, &at, l2, threads);
    for _ in 0..steps {
        let step = solve(sums.hessian.clone(), &sums.gradient)?;
        let decrement: f64 = step.iter().zip(&sums.gradient).map(|(step, gradient)| step * gradient).sum();
        if decrement <= TOLERANCE * rows {
            break;
        }
        // The loss is convex: some part of the step lowers it.
        let candidates = (0..30).map(|halvings| 0.5f64.powi(halvings));
        let mut tried = candidates.map(|size| {
            let to: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at - size * step).collect();
            (sum(matrix, labels, &to, l2, threads), to)
        });
        match tried.find(|(found, _)| found.loss < sums.loss) {
            Some(better) => (sums, at) = better,
            None => break,
        }
    }
    at.iter().all(|coefficient| coefficient.is_finite()).then_some(at)
}

fn sum(matrix: &Matrix, labels: &[bool], at: &[f64], l2: f64, threads: NonZeroUsize) -> Sums {
    let width = matrix.width;
    let blocks = parallel::map(labels.len().div_ceil(BLOCK_ROWS), threads, |block| {
        let first = block * BLOCK_ROWS;
        let labels = &labels[first..labels.len().min(first + BLOCK_ROWS)];
        let rows = matrix.values[first * width..].chunks_exact(width);
        let mut sums = Sums { loss: 0.0, gradient: vec![0.0; width], hessian: vec![0.0; triangle(width)] };
        for (row, label) in rows.zip(labels) {
            let margin: f64 = row.iter().zip(at).map(|(x, coefficient)| x * coefficient).sum();
            let p = sigmoid(margin);
            let residual = p - f64::from(u8::from(*label));
            let toward = if *label { -margin } else { margin };
            sums.loss += toward.max(0.0) + libm::log1p(libm::exp(-toward.abs()));
            let weight = p * (1.0 - p);
            let mut next = 0;
            for (i, x) in row.iter().enumerate() {
                sums.gradient[i] += residual * x;
                let weighted = weight * x;
                if weighted != 0.0 {
                    for (sum, other) in sums.hessian[next..=next + i].iter_mut().zip(row) {
                        *sum += weighted * other;
                    }
                }
                next += i + 1;
            }
        }
        sums
    });
    let mut all = Sums { loss: 0.0, gradient: vec![0.0; width], hessian: vec![0.0; triangle(width)] };
    for block in blocks {
        all.loss += block.loss;
        all.gradient.iter_mut().zip(block.gradient).for_each(|(sum, more)| *sum += more);
        all.hessian.iter_mut().zip(block.hessian).for_each(|(sum, more)| *sum += more);
    }
    for (i, coefficient) in at.iter().enumerate() {
        let ridge = if i == 0 { 0.0 } else { l2 };
        all.loss += 0.5 * ridge * coefficient * coefficient;
        all.gradient[i] += ridge * coefficient;
        all.hessian[triangle(i) + i] += ridge + LEAST_RIDGE;
    }
    all
}

/// Numbers in a triangle of so many rows; also where row `width` of a greater one begins.
fn triangle(width: usize) -> usize {
    width * (width + 1) / 2
}

/// Solves by Cholesky's decomposition, in place; `None` where the matrix is not positive.
fn solve(mut lower: Vec<f64>, right: &[f64]) -> Option<Vec<f64>> {
    let at = |i: usize, j: usize| triangle(i) + j;
    for i in 0..right.len() {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[at(i, k)] * lower[at(j, k)]).sum();
            let rest = lower[at(i, j)] - dot;
            if i == j && (rest.is_nan() || rest <= 0.0) {
                return None;
            }
            lower[at(i, j)] = if i == j { rest.sqrt() } else { rest / lower[at(j, j)] };
        }
    }
    let mut solution = right.to_vec();
    for i in 0..solution.len() {
        let dot: f64 = (0..i).map(|k| lower[at(i, k)] * solution[k]).sum();
        solution[i] = (solution[i] - dot) / lower[at(i, i)];
    }
    for i in (0..solution.len()).rev() {
        let dot: f64 = (i + 1..solution.len()).map(|k| lower[at(k, i)] * solution[k]).sum();
        solution[i] = (solution[i] - dot) / lower[at(i, i)];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};

    fn drawn(rows: u64) -> (Matrix, Vec<bool>) {
        let x = |row: u64, column: u64| unit(mix(mix(row) ^ column)) - 0.5;
        let values = (0..rows).flat_map(|row| [1.0, x(row, 1), x(row, 2), x(row, 1) + x(row, 2)]).collect();
        let labels = (0..rows).map(|row| x(row, 9) + 0.5 < sigmoid(3.0 * x(row, 1) - x(row, 2) - 0.4)).collect();
        (Matrix { values, width: 4 }, labels)
    }

    /// The last column is the sum of two others: the ridge divides the effect.
    #[test]
    fn the_gradient_is_zero_at_the_optimum_and_one_for_all_threads() {
        let (matrix, labels) = drawn(10_000);
        let [one, three] = [1, 3].map(|threads| fit(&matrix, &labels, 2.0, 100, NonZeroUsize::new(threads).unwrap()));
        let found = one.unwrap();
        assert_eq!(three.unwrap(), found);
        let gradient = sum(&matrix, &labels, &found, 2.0, NonZeroUsize::MIN).gradient;
        assert!(gradient.iter().all(|of| of.abs() < 1e-3), "{gradient:?}");
        assert!((found[1] + found[3] - 3.0).abs() < 0.3 && (found[2] + found[3] + 1.0).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn labels_that_a_line_parts_stay_finite() {
        let values = (0..100).flat_map(|row| [1.0, f64::from(row) / 50.0 - 1.0]).collect();
        let labels: Vec<bool> = (0..100).map(|row| row >= 50).collect();
        let found = fit(&Matrix { values, width: 2 }, &labels, 0.01, 100, NonZeroUsize::MIN).unwrap();
        assert!(found[1] > 5.0 && found[1] < 1e4, "{found:?}");
    }

    #[test]
    fn refuses_what_is_not_positive() {
        assert_eq!(solve(vec![1.0, 2.0, 1.0], &[1.0, 1.0]), None);
        let found = solve(vec![4.0, 2.0, 3.0], &[2.0, 5.0]).unwrap();
        assert!((found[0] + 0.5).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12, "{found:?}");
    }
}
