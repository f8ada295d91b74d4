//! Second moments: variance, covariance, correlation and regression.
//!
//! With n rows, `n * sum(x * y) - sum(x) * sum(y)` is n times the sum of the products of the deviations. It is worked out in
//! integers, where nothing cancels, and so each result is the float nearest to the true one: there is one rounding, at the end.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::dyadic::{Dyadic, ratio, root_of_ratio};
use super::exact_sum::{ExactSum, Sign};
use super::float_sum::FloatSum;
use super::tally::Tally;

/// The first two moments of a column.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    values: FloatSum,
    squares: ExactSum<2>,
}

impl Spread {
    /// The variance of the population; `None` without rows.
    pub(crate) fn variance_of_population(&self) -> Option<f64> {
        self.over_rows(0, ratio)
    }

    /// The variance that the population is expected to have; `None` below two rows.
    pub(crate) fn variance_of_sample(&self) -> Option<f64> {
        self.over_rows(1, ratio)
    }

    /// The root of the variance of the population; `None` without rows.
    pub(crate) fn deviation_of_population(&self) -> Option<f64> {
        self.over_rows(0, root_of_ratio)
    }

    /// The root of the variance of the sample; `None` below two rows.
    pub(crate) fn deviation_of_sample(&self) -> Option<f64> {
        self.over_rows(1, root_of_ratio)
    }

    fn over_rows(&self, less: u64, quotient: fn(&Dyadic, &Dyadic) -> f64) -> Option<f64> {
        let rows = self.values.rows();
        if rows <= less {
            return None;
        }
        if !self.values.is_finite() {
            return Some(f64::NAN);
        }
        let deviations = deviations(rows, &self.squares, &self.values, &self.values);
        Some(quotient(&deviations, &(&Dyadic::new(rows, 0) * &Dyadic::new(rows - less, 0))))
    }
}

impl Tally for Spread {
    type Row = f64;

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<f64>> {
        FloatSum::read(columns)
    }

    fn count(&mut self, value: f64, sign: Sign) {
        self.values.add(value, sign);
        if value.is_finite() {
            self.squares.add_product(value, value, sign);
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        self.values.encode(bytes);
        self.squares.encode(bytes);
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.values.merge_encoded(bytes)?;
        self.squares.merge_encoded(bytes)
    }

    fn heap_size(&self) -> usize {
        self.values.heap_size() + self.squares.heap_size()
    }
}

/// The first two moments of two columns, from the rows in which neither is null. SQL names the dependent variable first:
/// `regr_slope(y, x)`.
#[derive(Debug, Default)]
pub(crate) struct Joint {
    y: FloatSum,
    x: FloatSum,
    yy: ExactSum<2>,
    xx: ExactSum<2>,
    xy: ExactSum<2>,
}

impl Joint {
    /// Rows without a null.
    pub(crate) fn rows(&self) -> u64 {
        self.x.rows()
    }

    pub(crate) fn covariance_of_population(&self) -> Option<f64> {
        self.covariance(0)
    }

    pub(crate) fn covariance_of_sample(&self) -> Option<f64> {
        self.covariance(1)
    }

    fn covariance(&self, less: u64) -> Option<f64> {
        let rows = self.rows();
        self.at_least(less + 1, || Some(ratio(&self.n_sxy(), &(&Dyadic::new(rows, 0) * &Dyadic::new(rows - less, 0)))))
    }

    /// Pearson's correlation; `None` below two rows or where a column does not vary.
    pub(crate) fn correlation(&self) -> Option<f64> {
        self.at_least(2, || {
            let (sxy, variation) = (self.n_sxy(), &self.n_sxx() * &self.n_syy());
            let magnitude = (!variation.is_zero()).then(|| root_of_ratio(&sxy.squared(), &variation))?;
            Some(if sxy.is_negative() { -magnitude } else { magnitude })
        })
    }

    /// `None`, as for the intercept, below two rows or where x does not vary.
    pub(crate) fn slope(&self) -> Option<f64> {
        self.at_least(2, || {
            let sxx = self.n_sxx();
            (!sxx.is_zero()).then(|| ratio(&self.n_sxy(), &sxx))
        })
    }

    pub(crate) fn intercept(&self) -> Option<f64> {
        self.at_least(2, || {
            let (sxx, sxy) = (self.n_sxx(), self.n_sxy());
            let above = &(&self.y.finite() * &sxx) - &(&sxy * &self.x.finite());
            (!sxx.is_zero()).then(|| ratio(&above, &(&sxx * &Dyadic::new(self.rows(), 0))))
        })
    }

    /// The share of the variation of y that the line explains; `None` below two rows or where a column does not vary.
    pub(crate) fn determination(&self) -> Option<f64> {
        self.at_least(2, || {
            let variation = &self.n_sxx() * &self.n_syy();
            (!variation.is_zero()).then(|| ratio(&self.n_sxy().squared(), &variation))
        })
    }

    pub(crate) fn mean_x(&self) -> Option<f64> {
        self.x.mean()
    }

    pub(crate) fn mean_y(&self) -> Option<f64> {
        self.y.mean()
    }

    /// The sum of the squared deviations of x.
    pub(crate) fn sxx(&self) -> Option<f64> {
        self.over_rows(self.x.is_finite(), || self.n_sxx())
    }

    pub(crate) fn syy(&self) -> Option<f64> {
        self.over_rows(self.y.is_finite(), || self.n_syy())
    }

    /// The sum of the products of the deviations of x and y.
    pub(crate) fn sxy(&self) -> Option<f64> {
        self.over_rows(self.is_finite(), || self.n_sxy())
    }

    fn over_rows(&self, is_finite: bool, deviations: impl Fn() -> Dyadic) -> Option<f64> {
        let rows = self.rows();
        let quotient = || if is_finite { ratio(&deviations(), &Dyadic::new(rows, 0)) } else { f64::NAN };
        (rows > 0).then(quotient)
    }

    /// A result that needs so many rows, and that no infinite or missing number leaves defined.
    fn at_least(&self, rows: u64, result: impl Fn() -> Option<f64>) -> Option<f64> {
        if self.rows() < rows {
            None
        } else if self.is_finite() {
            result()
        } else {
            Some(f64::NAN)
        }
    }

    fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }

    fn n_sxx(&self) -> Dyadic {
        deviations(self.rows(), &self.xx, &self.x, &self.x)
    }

    fn n_syy(&self) -> Dyadic {
        deviations(self.rows(), &self.yy, &self.y, &self.y)
    }

    fn n_sxy(&self) -> Dyadic {
        deviations(self.rows(), &self.xy, &self.x, &self.y)
    }
}

/// n times the sum of the products of the deviations.
fn deviations(rows: u64, products: &ExactSum<2>, x: &FloatSum, y: &FloatSum) -> Dyadic {
    &(&Dyadic::new(rows, 0) * &products.value()) - &(&x.finite() * &y.finite())
}

impl Tally for Joint {
    type Row = (f64, f64);

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<(f64, f64)>> {
        let (y, x) = (columns[0].as_primitive::<Float64Type>(), columns[1].as_primitive::<Float64Type>());
        Ok(move |row| (y.is_valid(row) && x.is_valid(row)).then(|| (y.value(row), x.value(row))))
    }

    fn count(&mut self, (y, x): (f64, f64), sign: Sign) {
        self.y.add(y, sign);
        self.x.add(x, sign);
        if y.is_finite() {
            self.yy.add_product(y, y, sign);
        }
        if x.is_finite() {
            self.xx.add_product(x, x, sign);
        }
        if x.is_finite() && y.is_finite() {
            self.xy.add_product(x, y, sign);
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        self.y.encode(bytes);
        self.x.encode(bytes);
        for products in [&self.yy, &self.xx, &self.xy] {
            products.encode(bytes);
        }
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.y.merge_encoded(bytes)?;
        self.x.merge_encoded(bytes)?;
        self.yy.merge_encoded(bytes)?;
        self.xx.merge_encoded(bytes)?;
        self.xy.merge_encoded(bytes)
    }

    fn heap_size(&self) -> usize {
        let products = [&self.yy, &self.xx, &self.xy].map(ExactSum::heap_size);
        self.y.heap_size() + self.x.heap_size() + products.iter().sum::<usize>()
    }
}
