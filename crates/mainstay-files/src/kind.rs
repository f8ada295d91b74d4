//! What a column of each Arrow type is read as. This table is the whole of it; a dash is a refusal.
//!
//! | Arrow type | as a number | as a category | as a day | as a key |
//! |---|---|---|---|---|
//! | `Null` | missing | missing | missing | missing |
//! | `Boolean` | 0 and 1 | `0` and `1` | - | - |
//! | `Int8` to `Int64`, `UInt8` to `UInt64` | the nearest double | its digits | - | its digits |
//! | `Float16`, `Float32`, `Float64` | as it is | the fewest digits that give the double; NaN is missing | - | its digits if it is whole and below 2^53 (`Float32` 2^24, `Float16` 2^11), otherwise - |
//! | `Decimal32` to `Decimal256` | the nearest double | its digits, no zeros behind the last decimal | - | its digits where the scale is 0, otherwise - |
//! | `Utf8`, `LargeUtf8`, `Utf8View` | - | the text | texts like `2024-03-01`, alone or before a `T` or a blank | the text |
//! | `Date32`, `Date64` | - | - | the day | - |
//! | `Timestamp` with a zone | - | - | the day in that zone | - |
//! | `Timestamp` without one | - | - | the day in UTC | - |
//! | `Dictionary`, `RunEndEncoded` | as their values | as their values | as their values | as their values |
//! | `Time32`, `Time64`, `Duration`, `Interval` | - | - | - | - |
//! | `Binary`, `LargeBinary`, `BinaryView`, `FixedSizeBinary` | - | - | - | - |
//! | `List` and its like, `Struct`, `Map`, `Union` | - | - | - | - |
//!
//! Where nothing is declared a `Boolean` is a number, in training as at scoring; a source that declares a number refuses one
//! ([`declared`](crate::declared)). `docs/types.md` says so too.
//!
//! A key is never changed: two ids that differ stay two, and each is the text that a reader of the file sees. A double is a key only
//! as far as it holds whole numbers exactly. Numbers like 20240301 are no days: they could as well be ids, seconds or days since 1970.

use std::sync::Arc;

use arrow::datatypes::DataType;

/// Of a row that is refused for a text that is no day, and of a type that holds none.
pub const DAY_ADVICE: &str = "give dates, timestamps, or texts like 2024-03-01";

/// What a column holds, whatever the width of its type and however it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// Nothing: every row is missing.
    Missing,
    /// True and false.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Numbers in half, single or double precision.
    Float,
    /// Numbers with so many decimals.
    Decimal {
        /// Digits behind the point.
        scale: i8,
    },
    /// Texts.
    Text,
    /// Days.
    Date,
    /// Instants.
    Timestamp {
        /// The zone that they are written in, such as `Europe/Paris` or `+01:00`; UTC where there is none.
        zone: Option<Arc<str>>,
    },
    /// Times of day and spans.
    Time,
    /// Bytes, with or without a text in them.
    Bytes,
    /// Lists, structures and maps.
    Nested,
}

impl ColumnKind {
    /// The kind of a type.
    pub fn of(data_type: &DataType) -> Self {
        match value_type(data_type) {
            DataType::Null => Self::Missing,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Self::Integer,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => Self::Decimal { scale: *scale },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, zone) => Self::Timestamp { zone: zone.clone() },
            DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) | DataType::Interval(_) => Self::Time,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytes
            }
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::FixedSizeList(..)
            | DataType::Struct(_)
            | DataType::Map(..)
            | DataType::Union(..)
            // Never: `value_type` has looked behind them.
            | DataType::Dictionary(..)
            | DataType::RunEndEncoded(..) => Self::Nested,
        }
    }

    /// Whether [`numbers`](crate::read::numbers) reads it.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Missing | Self::Boolean | Self::Integer | Self::Float | Self::Decimal { .. })
    }

    /// Whether [`categories`](crate::read::categories) reads it.
    pub fn is_category(&self) -> bool {
        self.is_number() || *self == Self::Text
    }

    /// Whether [`days`](crate::read::days) reads it.
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Missing | Self::Text | Self::Date | Self::Timestamp { .. })
    }

    /// Whether [`keys`](crate::read::keys) reads it.
    pub fn is_key(&self) -> bool {
        match self {
            Self::Missing | Self::Integer | Self::Float | Self::Text => true,
            Self::Decimal { scale } => *scale == 0,
            _ => false,
        }
    }

    /// How a column that is no number becomes one.
    pub fn number_advice(&self) -> &'static str {
        match self {
            Self::Text => {
                "cast it to a number, as in `cast(column as double)`, or write the number that stood for each text in training"
            }
            Self::Date | Self::Timestamp { .. } | Self::Time => {
                "write it as a number, such as the days until the day of scoring"
            }
            Self::Bytes => "write it as a number; bytes that are a text must be declared as text in the file first",
            _ => "write one number for each row",
        }
    }

    /// How a column of another kind becomes one of days.
    pub fn day_advice(&self) -> &'static str {
        match self {
            Self::Integer | Self::Float | Self::Decimal { .. } => {
                "numbers such as 20240301 or the seconds since 1970 may mean several things: convert them, as in \
                 `to_date(cast(column as varchar), '%Y%m%d')` or `to_timestamp(column)`"
            }
            _ => DAY_ADVICE,
        }
    }

    /// How a column of another kind becomes one of keys.
    pub fn key_advice(&self) -> &'static str {
        match self {
            Self::Decimal { .. } => "write ids as whole numbers or texts, as in `cast(column as decimal(38, 0))`",
            _ => "write ids as texts or whole numbers",
        }
    }
}

/// The type behind dictionaries and runs.
pub fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => value_type(values),
        DataType::RunEndEncoded(_, values) => value_type(values.data_type()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
