//! The least and the greatest of floats.
//!
//! The built-in ones of groups keep whatever follows a NaN, start from the largest finite number, and take the 0 or -0 that
//! comes first.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;

use super::exact_sum::{Sign, take};
use super::tally::Tally;

/// The least and the greatest value; NaN is above all others.
#[derive(Debug, Default)]
pub(crate) struct Extremes {
    range: Option<(f64, f64)>,
}

impl Extremes {
    pub(crate) fn least(&self) -> Option<f64> {
        self.range.map(|(least, _)| least)
    }

    pub(crate) fn greatest(&self) -> Option<f64> {
        self.range.map(|(_, greatest)| greatest)
    }

    fn include(&mut self, least: f64, greatest: f64) {
        let (smallest, largest) = self.range.unwrap_or((least, greatest));
        let smallest = if least.total_cmp(&smallest).is_lt() { least } else { smallest };
        let largest = if greatest.total_cmp(&largest).is_gt() { greatest } else { largest };
        self.range = Some((smallest, largest));
    }
}

/// One NaN, positive and so above all others in the total order of IEEE 754, and one 0.
fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

impl Tally for Extremes {
    type Row = f64;

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<f64>> {
        let values = cast(&columns[0], &DataType::Float64)?.as_primitive::<Float64Type>().clone();
        Ok(move |row| values.is_valid(row).then(|| values.value(row)))
    }

    /// Never asked to take a row out: sliding windows are left to the built-in functions.
    fn count(&mut self, value: f64, _: Sign) {
        let value = canonical(value);
        self.include(value, value);
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.range.is_some()));
        if let Some((least, greatest)) = self.range {
            bytes.extend(least.to_le_bytes());
            bytes.extend(greatest.to_le_bytes());
        }
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        if take(bytes)? != [0] {
            let least = f64::from_le_bytes(take(bytes)?);
            self.include(least, f64::from_le_bytes(take(bytes)?));
        }
        Some(())
    }

    fn heap_size(&self) -> usize {
        0
    }
}
