//! Sum and mean of integers and decimals.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::i256;
use datafusion::error::Result;

use super::exact_sum::{Sign, take};
use super::float_sum::quotient;
use super::tally::{Row, Tally};

/// How many rows there are, and their sum. Wide enough for 2^127 of the largest values, so that an overflow of the result is
/// seen at the end and does not depend on the order of the rows.
#[derive(Debug)]
pub(crate) struct IntegerSum<T> {
    total: i256,
    rows: u64,
    values: PhantomData<T>,
}

impl<T> Default for IntegerSum<T> {
    fn default() -> Self {
        Self { total: i256::ZERO, rows: 0, values: PhantomData }
    }
}

impl<T> IntegerSum<T> {
    /// The sum; `None` without rows.
    pub(crate) fn sum(&self) -> Option<i256> {
        (self.rows > 0).then_some(self.total)
    }

    /// The float nearest to the mean; `None` without rows.
    pub(crate) fn mean(&self) -> Option<f64> {
        let total = self.total.to_i128()?;
        (self.rows > 0).then(|| quotient(total, self.rows, 0))
    }
}

/// A type of integers or decimals of at most 128 bits.
pub(crate) trait Integer: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync {}

impl<T: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync> Integer for T {}

impl<T: Integer> Tally for IntegerSum<T> {
    type Row = i256;

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<i256>> {
        let values = columns[0].as_primitive::<T>();
        Ok(move |row| values.is_valid(row).then(|| i256::from_i128(values.value(row).into())))
    }

    #[inline]
    fn count(&mut self, value: i256, sign: Sign) {
        self.rows = self.rows.wrapping_add_signed(sign.of(1));
        self.total = match sign {
            Sign::Plus => self.total.wrapping_add(value),
            Sign::Minus => self.total.wrapping_sub(value),
        };
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.total.to_le_bytes());
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.rows += u64::from_le_bytes(take(bytes)?);
        self.total = self.total.wrapping_add(i256::from_le_bytes(take(bytes)?));
        Some(())
    }

    fn heap_size(&self) -> usize {
        0
    }
}

impl Row for i256 {
    type Key = Self;

    fn key(self) -> Self {
        self
    }

    fn of_key(key: Self) -> Self {
        key
    }

    fn encode(key: Self, bytes: &mut Vec<u8>) {
        bytes.extend(key.to_le_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self::from_le_bytes)
    }
}
