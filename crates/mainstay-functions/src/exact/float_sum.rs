//! Sum and mean of floats.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::error::Result;

use super::dyadic::{self, Dyadic};
use super::exact_sum::{ExactSum, Sign, take};
use super::tally::Tally;

/// How many rows there are, their exact sum, and what of them is no finite number.
#[derive(Debug, Default)]
pub(crate) struct FloatSum {
    finite: ExactSum<1>,
    rows: u64,
    not_finite: Option<Box<NotFinite>>,
}

/// How often each value that is no finite number stands: counted, so that a sliding window can lose them again.
#[derive(Debug, Default)]
struct NotFinite {
    nan: u64,
    infinite: u64,
    minus_infinite: u64,
}

impl FloatSum {
    #[inline]
    pub(crate) fn add(&mut self, value: f64, sign: Sign) {
        self.rows = self.rows.wrapping_add_signed(sign.of(1));
        if value.is_finite() {
            self.finite.add(value, sign);
        } else {
            self.not_finite.get_or_insert_default().add(value, sign);
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether every value is a finite number.
    pub(crate) fn is_finite(&self) -> bool {
        self.not_finite().is_none()
    }

    /// The exact sum of the values that are finite.
    pub(crate) fn finite(&self) -> Dyadic {
        self.finite.value()
    }

    /// The float nearest to the sum; `None` without rows.
    pub(crate) fn sum(&self) -> Option<f64> {
        self.nearest(1)
    }

    /// The float nearest to the mean; `None` without rows.
    pub(crate) fn mean(&self) -> Option<f64> {
        self.nearest(self.rows)
    }

    /// What the values that are no finite number make of the sum.
    fn not_finite(&self) -> Option<f64> {
        self.not_finite.as_ref().and_then(|values| values.sum())
    }

    fn nearest(&self, divisor: u64) -> Option<f64> {
        if self.rows == 0 {
            return None;
        }
        Some(self.not_finite().unwrap_or_else(|| match self.finite.as_small() {
            Some((sum, exponent)) => quotient(sum, divisor, exponent),
            None => dyadic::ratio(&self.finite.value(), &Dyadic::new(divisor, 0)),
        }))
    }
}

/// The float nearest to `numerator / denominator * 2^exponent`, without integers of any length.
pub(crate) fn quotient(numerator: i128, denominator: u64, exponent: i32) -> f64 {
    let magnitude = numerator.unsigned_abs();
    if denominator == 1 || magnitude == 0 {
        return dyadic::round(numerator < 0, magnitude, false, exponent);
    }
    let shift = magnitude.leading_zeros();
    let (magnitude, denominator) = (magnitude << shift, u128::from(denominator));
    let quotient = magnitude / denominator;
    dyadic::round(numerator < 0, quotient, quotient * denominator != magnitude, exponent - shift as i32)
}

impl NotFinite {
    #[cold]
    fn add(&mut self, value: f64, sign: Sign) {
        let times = match value {
            f64::INFINITY => &mut self.infinite,
            f64::NEG_INFINITY => &mut self.minus_infinite,
            _ => &mut self.nan,
        };
        *times = times.wrapping_add_signed(sign.of(1));
    }

    fn sum(&self) -> Option<f64> {
        match (self.nan, self.infinite, self.minus_infinite) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(f64::INFINITY),
            (0, 0, _) => Some(f64::NEG_INFINITY),
            _ => Some(f64::NAN),
        }
    }
}

impl Tally for FloatSum {
    type Row = f64;

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<f64>> {
        let values = columns[0].as_primitive::<Float64Type>();
        Ok(move |row| values.is_valid(row).then(|| values.value(row)))
    }

    #[inline]
    fn count(&mut self, value: f64, sign: Sign) {
        self.add(value, sign);
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        bytes.push(u8::from(self.not_finite.is_some()));
        if let Some(values) = &self.not_finite {
            for times in [values.nan, values.infinite, values.minus_infinite] {
                bytes.extend(times.to_le_bytes());
            }
        }
        self.finite.encode(bytes);
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.rows += u64::from_le_bytes(take(bytes)?);
        if take(bytes)? != [0] {
            let values = self.not_finite.get_or_insert_default();
            for times in [&mut values.nan, &mut values.infinite, &mut values.minus_infinite] {
                *times += u64::from_le_bytes(take(bytes)?);
            }
        }
        self.finite.merge_encoded(bytes)
    }

    fn heap_size(&self) -> usize {
        self.finite.heap_size() + self.not_finite.as_ref().map_or(0, |_| size_of::<NotFinite>())
    }
}
