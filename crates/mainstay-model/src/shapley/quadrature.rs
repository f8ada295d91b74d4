//! Gauss-Legendre quadrature on the unit interval.

use crate::tree::MAX_DEPTH;

/// Points that are enough for the deepest tree.
pub(super) const MOST_POINTS: usize = MAX_DEPTH.div_ceil(2);

/// A point of a quadrature rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Where the integrand is taken, within (0, 1).
    pub(super) at: f64,
    /// How much it counts there; the weights of a rule sum to 1.
    pub(super) weight: f64,
}

/// The rule of `count` points: exact, up to rounding, for polynomials of a degree below 2 · `count`.
///
/// The points are the roots of the Legendre polynomial of that degree, found by Newton's method from Chebyshev-like guesses, which
/// lie in each root's own basin (Press et al., Numerical Recipes, section 4.6).
pub(super) fn gauss_legendre(count: usize) -> Vec<Point> {
    let root = |nth: usize| {
        let mut x = libm::cos(std::f64::consts::PI * (nth as f64 + 0.75) / (count as f64 + 0.5));
        for _ in 0..NEWTON_STEPS {
            let (value, slope) = legendre(count, x);
            x -= value / slope;
        }
        let (_, slope) = legendre(count, x);
        Point { at: 0.5 * (1.0 - x), weight: 1.0 / ((1.0 - x * x) * slope * slope) }
    };
    (0..count).map(root).collect()
}

/// Steps of Newton's method, each doubling the digits of a guess that has three or more.
const NEWTON_STEPS: usize = 6;

/// The Legendre polynomial of this degree, at least 1, and its derivative, at `x` within (-1, 1).
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrates_every_power_that_it_should() {
        for count in 1..=MOST_POINTS {
            let rule = gauss_legendre(count);
            assert_eq!(rule.len(), count);
            for power in 0..2 * count {
                let sum: f64 = rule.iter().map(|point| point.weight * point.at.powi(power as i32)).sum();
                let error = sum * (power + 1) as f64 - 1.0;
                assert!(error.abs() < 1e-13, "{count} points, power {power}: {error:e}");
            }
        }
    }

    #[test]
    fn points_rise_within_the_interval() {
        for count in 1..=MOST_POINTS {
            let rule = gauss_legendre(count);
            assert!(rule.is_sorted_by(|a, b| a.at < b.at) && rule[0].at > 0.0 && rule[count - 1].at < 1.0, "{count}");
        }
        assert_eq!(gauss_legendre(1)[0].weight, 1.0);
    }
}
