//! Sum and mean of integers and decimals.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use datafusion::error::Result;

use super::exact_sum::{Sign, take};
use super::float_sum::quotient;
use super::tally::{Row, Tally};

/// How many rows there are, and their sum in 192 bits: wide enough for 2^64 of the largest values, so that an overflow of the result
/// is seen at the end and does not depend on the order of the rows. There may be millions of groups with a dozen sums each, so that
/// every byte counts.
#[derive(Debug)]
pub(crate) struct IntegerSum<T> {
    low: [u64; 2],
    high: i64,
    rows: u64,
    values: PhantomData<T>,
}

impl<T> Default for IntegerSum<T> {
    fn default() -> Self {
        Self { low: [0; 2], high: 0, rows: 0, values: PhantomData }
    }
}

impl<T> IntegerSum<T> {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The sum; `None` where it takes more than 128 bits.
    pub(crate) fn sum(&self) -> Option<i128> {
        let low = self.low().cast_signed();
        (self.high == high_bits(low)).then_some(low)
    }

    /// The float nearest to the mean; `None` without rows.
    pub(crate) fn mean(&self) -> Option<f64> {
        let sum = self.sum()?;
        (self.rows > 0).then(|| quotient(sum, self.rows, 0))
    }

    fn low(&self) -> u128 {
        u128::from(self.low[1]) << 64 | u128::from(self.low[0])
    }

    /// Takes the lower 128 bits, and the carry into the higher ones.
    fn set(&mut self, low: u128, high: i64) {
        self.low = [low as u64, (low >> 64) as u64];
        self.high = high;
    }

    fn add(&mut self, low: u128, high: i64) {
        let (low, carry) = self.low().overflowing_add(low);
        self.set(low, self.high.wrapping_add(high).wrapping_add(carry.into()));
    }

    fn subtract(&mut self, low: u128, high: i64) {
        let (low, borrow) = self.low().overflowing_sub(low);
        self.set(low, self.high.wrapping_sub(high).wrapping_sub(borrow.into()));
    }
}

/// What stands above the 128 bits of a number: its sign.
fn high_bits(value: i128) -> i64 {
    (value >> 127) as i64
}

/// A type of integers or decimals of at most 128 bits.
pub(crate) trait Integer: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync {}

impl<T: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>> + Debug + Send + Sync> Integer for T {}

impl<T: Integer> Tally for IntegerSum<T> {
    type Row = i128;

    const ENCODED_BYTES: Option<i32> = Some(32);

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<i128>> {
        let values = columns[0].as_primitive::<T>();
        Ok(move |row| values.is_valid(row).then(|| values.value(row).into()))
    }

    #[inline]
    fn count(&mut self, value: i128, sign: Sign) {
        self.rows = self.rows.wrapping_add_signed(sign.of(1));
        match sign {
            Sign::Plus => self.add(value.cast_unsigned(), high_bits(value)),
            Sign::Minus => self.subtract(value.cast_unsigned(), high_bits(value)),
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.low().to_le_bytes());
        bytes.extend(self.high.to_le_bytes());
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.rows += u64::from_le_bytes(take(bytes)?);
        self.add(u128::from_le_bytes(take(bytes)?), i64::from_le_bytes(take(bytes)?));
        Some(())
    }

    fn heap_size(&self) -> usize {
        0
    }
}

impl Row for i128 {
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

#[cfg(test)]
mod tests {
    use arrow::datatypes::Decimal128Type;

    use super::*;

    fn sum(values: impl IntoIterator<Item = (i128, Sign)>) -> IntegerSum<Decimal128Type> {
        let mut sum = IntegerSum::default();
        values.into_iter().for_each(|(value, sign)| sum.count(value, sign));
        sum
    }

    #[test]
    fn a_sum_leaves_128_bits_and_comes_back() {
        for most in [i128::MAX, i128::MIN] {
            let beyond = sum([(most, Sign::Plus), (most, Sign::Plus), (most, Sign::Plus)]);
            assert_eq!((beyond.sum(), beyond.mean(), beyond.rows()), (None, None, 3));
            assert_eq!(sum([(most, Sign::Plus), (most, Sign::Plus), (most, Sign::Minus)]).sum(), Some(most));
            assert_eq!(sum([(0, Sign::Plus), (most, Sign::Minus)]).sum(), most.checked_neg());
            let mut merged = sum([(most, Sign::Plus), (most, Sign::Plus)]);
            let mut bytes = Vec::new();
            sum([(!most, Sign::Plus)]).encode(&mut bytes);
            merged.merge_encoded(&mut bytes.as_slice()).unwrap();
            assert_eq!((merged.sum(), merged.rows()), (most.checked_sub(1), 3));
        }
    }

    #[test]
    fn a_sum_takes_32_bytes() {
        assert_eq!(size_of::<IntegerSum<Decimal128Type>>(), 32);
    }
}
