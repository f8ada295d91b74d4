//! Sum and mean of integers and decimals.

use std::fmt::Debug;
use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;

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
    /// The sum, without rows none; `Err` where it takes more than 128 bits.
    pub(crate) fn total(&self) -> Result<Option<i128>, TooLarge> {
        match self.rows {
            0 => Ok(None),
            _ => self.sum().map(Some).ok_or(TooLarge),
        }
    }

    /// The sum; `None` where it takes more than 128 bits.
    fn sum(&self) -> Option<i128> {
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

/// A sum takes more than 128 bits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Whether 2^64 values of a type stay within 127 bits, so that a [`NarrowSum`] holds them.
pub(crate) fn is_narrow(values: &DataType) -> bool {
    matches!(
        values,
        DataType::Int64 | DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..=18, _)
    )
}

/// A sum that cannot leave 128 bits, in half the memory: see [`is_narrow`].
#[derive(Debug)]
pub(crate) struct NarrowSum<T> {
    /// The sum, or the one number that it cannot be where there are no rows.
    halves: [u64; 2],
    values: PhantomData<T>,
}

const NO_ROWS: i128 = i128::MIN;

impl<T> Default for NarrowSum<T> {
    fn default() -> Self {
        let mut none = Self { halves: [0; 2], values: PhantomData };
        none.set(NO_ROWS);
        none
    }
}

impl<T> NarrowSum<T> {
    /// The sum, without rows none.
    pub(crate) fn total(&self) -> Result<Option<i128>, TooLarge> {
        Ok(Some(self.get()).filter(|&sum| sum != NO_ROWS))
    }

    fn get(&self) -> i128 {
        (u128::from(self.halves[1]) << 64 | u128::from(self.halves[0])).cast_signed()
    }

    fn set(&mut self, sum: i128) {
        self.halves = [sum as u64, (sum >> 64) as u64];
    }

    fn add(&mut self, value: i128) {
        let sum = self.get();
        self.set(if sum == NO_ROWS { value } else { sum.wrapping_add(value) });
    }
}

impl<T: Integer> Tally for NarrowSum<T> {
    type Row = i128;

    const ENCODED_BYTES: Option<i32> = Some(16);

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<i128>, DataFusionError> {
        IntegerSum::<T>::read(columns)
    }

    /// Never asked to take a row out, which takes a count of the rows: sliding windows sum wide.
    #[inline]
    fn count(&mut self, value: i128, sign: Sign) {
        debug_assert_eq!(sign, Sign::Plus);
        self.add(value);
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.get().to_le_bytes());
    }

    fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let sum = take(bytes).map(i128::from_le_bytes)?;
        if sum != NO_ROWS {
            self.add(sum);
        }
        Some(())
    }

    fn heap_size(&self) -> usize {
        0
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

    fn read(columns: &[ArrayRef]) -> Result<impl Fn(usize) -> Option<i128>, DataFusionError> {
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
    use arrow::datatypes::{Decimal128Type, Int64Type};

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
            assert_eq!((beyond.sum(), beyond.mean(), beyond.rows), (None, None, 3));
            assert_eq!(sum([(most, Sign::Plus), (most, Sign::Plus), (most, Sign::Minus)]).sum(), Some(most));
            assert_eq!(sum([(0, Sign::Plus), (most, Sign::Minus)]).sum(), most.checked_neg());
            let mut merged = sum([(most, Sign::Plus), (most, Sign::Plus)]);
            let mut bytes = Vec::new();
            sum([(!most, Sign::Plus)]).encode(&mut bytes);
            merged.merge_encoded(&mut bytes.as_slice()).unwrap();
            assert_eq!((merged.sum(), merged.rows), (most.checked_sub(1), 3));
        }
    }

    #[test]
    fn a_narrow_sum_holds_the_largest_values_and_knows_when_there_were_none() {
        let none = NarrowSum::<Int64Type>::default();
        assert_eq!(none.total(), Ok(None));
        let mut sum = NarrowSum::<Int64Type>::default();
        for value in [i64::MAX, i64::MAX, i64::MIN, -3] {
            sum.count(value.into(), Sign::Plus);
        }
        let mut bytes = Vec::new();
        [&sum, &none, &sum].into_iter().for_each(|sum| sum.encode(&mut bytes));
        let (mut merged, mut bytes) = (NarrowSum::<Int64Type>::default(), bytes.as_slice());
        (0..3).for_each(|_| merged.merge_encoded(&mut bytes).unwrap());
        assert_eq!(sum.total(), Ok(Some(i128::from(i64::MAX) - 4)));
        assert_eq!(merged.total(), Ok(Some(2 * (i128::from(i64::MAX) - 4))));
    }

    #[test]
    fn a_sum_takes_32_bytes_and_a_narrow_one_half_of_it() {
        assert_eq!(size_of::<IntegerSum<Decimal128Type>>(), 32);
        assert_eq!(size_of::<NarrowSum<Int64Type>>(), 16);
    }
}
