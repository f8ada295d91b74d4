//! Input columns as Arrow holds them: a slice of values and the bits that say which of them are there. Nothing is copied.

use std::ops::Range;

use crate::error::ModelError;

/// Rows that are binned and scored together: a byte for each of them, feature by feature, stays in the cache.
pub(crate) const BLOCK_ROWS: usize = 256;

/// Refuses columns that are not one a feature, or not all of so many rows.
pub(crate) fn check_columns(features: &[String], columns: &[Column<'_>], rows: usize) -> Result<(), ModelError> {
    if columns.len() != features.len() {
        return Err(ModelError::ColumnCount { expected: features.len(), found: columns.len() });
    }
    match features.iter().zip(columns).find(|(_, column)| column.len() != rows) {
        None => Ok(()),
        Some((feature, column)) => {
            Err(ModelError::ColumnLength { feature: feature.clone(), expected: rows, found: column.len() })
        }
    }
}

/// One column of rows to score. A value that is null or NaN is missing.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    values: Values<'a>,
    validity: Option<Bits<'a>>,
}

/// The values of a column in the type that they have; each is read as the nearest double-precision number.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the variants are named after the types that they hold")]
pub enum Values<'a> {
    F64(&'a [f64]),
    F32(&'a [f32]),
    I64(&'a [i64]),
    I32(&'a [i32]),
    I16(&'a [i16]),
    I8(&'a [i8]),
    U64(&'a [u64]),
    U32(&'a [u32]),
    U16(&'a [u16]),
    U8(&'a [u8]),
    /// Read as 0 and 1.
    Bool(Bits<'a>),
}

/// A run of bits, the least significant of each byte first.
#[derive(Debug, Clone, Copy)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    offset: usize,
    len: usize,
}

impl<'a> Column<'a> {
    /// A column without nulls.
    pub fn new(values: impl Into<Values<'a>>) -> Self {
        Self { values: values.into(), validity: None }
    }

    /// The same column with nulls: a value is there where its bit is set.
    ///
    /// # Errors
    /// Where there is not one bit for each value.
    pub fn with_validity(self, validity: Bits<'a>) -> Result<Self, ModelError> {
        if validity.len != self.len() {
            return Err(ModelError::Validity { bits: validity.len, values: self.len() });
        }
        Ok(Self { validity: Some(validity), ..self })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self.values {
            Values::F64(values) => values.len(),
            Values::F32(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::I32(values) => values.len(),
            Values::I16(values) => values.len(),
            Values::I8(values) => values.len(),
            Values::U64(values) => values.len(),
            Values::U32(values) => values.len(),
            Values::U16(values) => values.len(),
            Values::U8(values) => values.len(),
            Values::Bool(bits) => bits.len,
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as numbers, NaN where missing; at most [`BLOCK_ROWS`] of them. Infinite values are refused by their row.
    #[inline(always)]
    pub(crate) fn read<'b>(
        &'b self,
        rows: Range<usize>,
        buffer: &'b mut [f64; BLOCK_ROWS],
    ) -> Result<&'b [f64], InfiniteRow> {
        let first_row = rows.start;
        let read: &[f64] = match (self.values, self.validity) {
            (Values::F64(values), None) => &values[rows],
            (_, validity) => {
                let read = &mut buffer[..rows.len()];
                self.convert(rows.clone(), read);
                if let Some(validity) = validity {
                    validity.blank(rows, read);
                }
                read
            }
        };
        // A sum of integers, because a loop over them is one over vectors.
        if read.iter().map(|value| u64::from(value.is_infinite())).sum::<u64>() > 0 {
            let offset = read.iter().position(|value| value.is_infinite()).unwrap_or_default();
            return Err(InfiniteRow(first_row + offset));
        }
        Ok(read)
    }

    #[inline(always)]
    fn convert(&self, rows: Range<usize>, out: &mut [f64]) {
        match self.values {
            Values::F64(values) => out.copy_from_slice(&values[rows]),
            Values::F32(values) => widen(out, &values[rows], f64::from),
            Values::I64(values) => widen(out, &values[rows], |value| value as f64),
            Values::I32(values) => widen(out, &values[rows], f64::from),
            Values::I16(values) => widen(out, &values[rows], f64::from),
            Values::I8(values) => widen(out, &values[rows], f64::from),
            Values::U64(values) => widen(out, &values[rows], |value| value as f64),
            Values::U32(values) => widen(out, &values[rows], f64::from),
            Values::U16(values) => widen(out, &values[rows], f64::from),
            Values::U8(values) => widen(out, &values[rows], f64::from),
            Values::Bool(bits) => {
                for (row, out) in rows.zip(out) {
                    *out = f64::from(u8::from(bits.get(row)));
                }
            }
        }
    }
}

/// The row, from 0, of a value that is neither finite nor missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InfiniteRow(pub(crate) usize);

#[inline(always)]
fn widen<T: Copy>(out: &mut [f64], values: &[T], to_f64: impl Fn(T) -> f64) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = to_f64(*value);
    }
}

impl<'a> Bits<'a> {
    /// `len` bits from bit `offset` on.
    ///
    /// # Errors
    /// Where there are not as many bytes.
    pub fn new(bytes: &'a [u8], offset: usize, len: usize) -> Result<Self, ModelError> {
        match offset.checked_add(len) {
            Some(end) if end.div_ceil(8) <= bytes.len() => Ok(Self { bytes, offset, len }),
            _ => Err(ModelError::Validity { bits: (bytes.len() * 8).saturating_sub(offset), values: len }),
        }
    }

    #[inline(always)]
    fn get(&self, at: usize) -> bool {
        let bit = self.offset + at;
        self.bytes[bit / 8] >> (bit % 8) & 1 == 1
    }

    /// Makes those of the values missing whose bit is not set.
    #[inline(always)]
    fn blank(&self, rows: Range<usize>, values: &mut [f64]) {
        for (row, value) in rows.zip(values) {
            *value = if self.get(row) { *value } else { f64::NAN };
        }
    }
}

macro_rules! values_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl<'a> From<&'a [$type]> for Values<'a> {
            fn from(values: &'a [$type]) -> Self {
                Self::$variant(values)
            }
        }
    )*};
}

values_from!(
    f64 => F64, f32 => F32, i64 => I64, i32 => I32, i16 => I16, i8 => I8, u64 => U64, u32 => U32, u16 => U16, u8 => U8
);

impl<'a> From<Bits<'a>> for Values<'a> {
    fn from(bits: Bits<'a>) -> Self {
        Self::Bool(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(column: Column<'_>, rows: Range<usize>) -> Vec<f64> {
        column.read(rows, &mut [0.0; BLOCK_ROWS]).unwrap().to_vec()
    }

    #[test]
    fn reads_every_type() {
        fn read_slice<'a, T>(values: &'a [T]) -> Vec<f64>
        where
            Values<'a>: From<&'a [T]>,
        {
            read(Column::new(values), 1..3)
        }
        assert_eq!(read_slice(&[9.0, -1.5, 2.0]), [-1.5, 2.0]);
        assert_eq!(read_slice(&[9.0f32, -1.5, 0.1]), [-1.5, f64::from(0.1f32)]);
        assert_eq!(read_slice(&[9i64, -1, i64::MAX]), [-1.0, 9_223_372_036_854_775_807.0]);
        assert_eq!(read_slice(&[9i32, -1, i32::MIN]), [-1.0, -2_147_483_648.0]);
        assert_eq!(read_slice(&[9i16, -1, 2]), [-1.0, 2.0]);
        assert_eq!(read_slice(&[9i8, -1, 2]), [-1.0, 2.0]);
        assert_eq!(read_slice(&[9u64, 1, u64::MAX]), [1.0, 18_446_744_073_709_551_615.0]);
        assert_eq!(read_slice(&[9u32, 1, 2]), [1.0, 2.0]);
        assert_eq!(read_slice(&[9u16, 1, 2]), [1.0, 2.0]);
        assert_eq!(read_slice(&[9u8, 1, 2]), [1.0, 2.0]);
        assert_eq!(read(Column::new(Bits::new(&[0b100], 0, 3).unwrap()), 1..3), [0.0, 1.0]);
    }

    #[test]
    fn what_a_null_hides_is_missing() {
        let values = [f64::INFINITY, 1.0, 2.0, f64::NAN];
        let validity = Bits::new(&[0b1100_0000, 0b1], 5, 4).unwrap();
        let column = Column::new(&values[..]).with_validity(validity).unwrap();
        let read = read(column, 0..4);
        assert!(read[0].is_nan() && read[3].is_nan());
        assert_eq!(read[1..3], [1.0, 2.0]);
        assert_eq!((column.len(), column.is_empty()), (4, false));
    }

    #[test]
    fn an_infinite_value_is_refused_by_its_row() {
        let mut values = vec![0.0f32; 300];
        values[299] = f32::NEG_INFINITY;
        let column = Column::new(&values[..]);
        let mut buffer = [0.0; BLOCK_ROWS];
        assert!(column.read(0..256, &mut buffer).is_ok());
        assert_eq!(column.read(256..300, &mut buffer), Err(InfiniteRow(299)));
    }

    #[test]
    fn refuses_bits_that_do_not_fit() {
        let message = |bits: Result<Bits<'_>, ModelError>| bits.unwrap_err().to_string();
        assert_eq!(
            message(Bits::new(&[0xff], 2, 7)),
            "a bitmap has 6 bits for 7 values: give the values and the bits the same rows"
        );
        assert!(message(Bits::new(&[0xff], usize::MAX, 2)).starts_with("a bitmap has 0 bits for 2 values"));
        let column = Column::new(&[1.0, 2.0][..]).with_validity(Bits::new(&[0xff], 0, 3).unwrap());
        assert!(column.unwrap_err().to_string().starts_with("a bitmap has 3 bits for 2 values"));
    }
}
