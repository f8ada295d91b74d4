//! How a column of a file becomes a declared one: the table of `docs/types.md`, which a test holds against this code.
//!
//! Nothing is lost without a word: a value that the declared type cannot hold is refused with its row, no failed conversion becomes null,
//! and ids keep all their digits. The one exception is the NaN of a column of floats, which is what pandas writes where a whole number, an
//! id or an amount is missing.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, TimeUnit,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use mainstay_schema::Ds;
use mainstay_schema::table::ColumnType;
use thiserror::Error;

use crate::kind::{ColumnKind, value_type};
use crate::local_time::{LocalTime, MICROSECONDS_OF_A_DAY};
use crate::read::{self, KeyError};

/// Digits of money, and those behind the point.
const MONEY_PRECISION: u8 = 18;
const MONEY_SCALE: i8 = 2;
const MOST_CENTS: u128 = 10u128.pow(MONEY_PRECISION as u32);
/// The times of a wall clock that Arrow's calendar knows, with a year to spare: until about the year 262000.
const MOST_MICROSECONDS: u64 = 8_200_000_000_000_000_000;
/// So far from whole cents a float may lie besides half of the gap to its neighbour: what sums of cents leave behind.
const CENT_TOLERANCE: f64 = 0.001;
/// Half a gap between floats, in cents, from which on they no longer distinguish cents.
const WIDEST_HALF_GAP: f64 = 0.25;

/// A declared column, as far as its reading depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeclaredColumn {
    /// Its type.
    pub column_type: ColumnType,
    /// Whether its values identify rows, so that two of them must not become one.
    pub is_key: bool,
    /// The clock that times without a zone and dates are written by.
    pub clock: Arc<LocalTime>,
}

/// How a column of one type becomes a declared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether Arrow's cast, which fails where a value does not fit, gives the same.
    pub is_cast: bool,
    /// Which values it refuses.
    pub refuses: Refused,
    /// What becomes of a value, in the words of the reference.
    pub rule: &'static str,
}

/// Which values a reading refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// None.
    None,
    /// Those beyond a range: where the least and the greatest value of a column are read, all are.
    BeyondRange,
    /// Any may be.
    Any,
}

/// A value that the declared type cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{value}`, {fault}")]
pub struct UnreadableValue {
    /// The row, from 0.
    pub row: usize,
    /// What it holds.
    pub value: String,
    /// Why it cannot be read, and what to do.
    pub fault: &'static str,
}

/// The Arrow type that a declared column is read as. Text is read as views: short ones are compared and hashed in place.
pub fn arrow_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Text => DataType::Utf8View,
        ColumnType::Integer => DataType::Int32,
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
    }
}

const fn reading(is_cast: bool, refuses: Refused, rule: &'static str) -> Result<Reading, &'static str> {
    Ok(Reading { is_cast, refuses, rule })
}

const AS_IT_IS: Result<Reading, &'static str> = reading(true, Refused::None, "as it is");
const IN_RANGE: Result<Reading, &'static str> = reading(true, Refused::BeyondRange, "as it is, if in range");
const WHOLE: Result<Reading, &'static str> = reading(false, Refused::Any, "if whole and in range");
const WHOLE_FLOAT: Result<Reading, &'static str> =
    reading(false, Refused::Any, "if whole, in range and below 2^53 (`Float32` 2^24); NaN is missing");
const DIGITS: Result<Reading, &'static str> = reading(false, Refused::None, "its digits");

impl DeclaredColumn {
    /// How a column of a type is read; otherwise what to do instead.
    pub fn reading(&self, found: &DataType) -> Result<Reading, &'static str> {
        let values = value_type(found);
        if *values == DataType::Null {
            return reading(false, Refused::None, "missing");
        }
        let kind = ColumnKind::of(values);
        let of_values = match self.column_type {
            ColumnType::Text => as_text(&kind),
            ColumnType::Integer => as_integer(values, &kind, 32),
            ColumnType::BigInt => as_integer(values, &kind, 64),
            ColumnType::Double => as_double(&kind),
            ColumnType::Boolean => as_boolean(&kind),
            ColumnType::Date => as_date(values, &kind),
            ColumnType::Timestamp => self.as_timestamp(values, &kind),
            ColumnType::Money => as_money(values, &kind),
        }?;
        Ok(Reading { is_cast: of_values.is_cast && values == found, ..of_values })
    }

    fn as_timestamp(&self, values: &DataType, kind: &ColumnKind) -> Result<Reading, &'static str> {
        let DataType::Timestamp(unit, zone) = values else {
            return match kind {
                // A day has no one instant: as a timestamp it would be seen before it is over.
                ColumnKind::Date => Err("declare it as date"),
                ColumnKind::Text => reading(
                    false,
                    Refused::Any,
                    "if like `2024-03-01T13:30:00`, in the zone of the table, or with an offset behind it",
                ),
                _ => Err(kind.day_advice()),
            };
        };
        let is_instant = zone.is_some();
        let is_cast = is_instant || self.clock.is_utc();
        let rule = if is_instant { "the instant" } else { "the time in the zone of the table" };
        match unit {
            TimeUnit::Second | TimeUnit::Millisecond => reading(is_cast, Refused::BeyondRange, rule),
            // Arrow gives a zone to what its calendar knows alone.
            TimeUnit::Microsecond if !is_instant => reading(is_cast, Refused::BeyondRange, rule),
            TimeUnit::Microsecond => reading(is_cast, Refused::None, rule),
            TimeUnit::Nanosecond if self.is_key => reading(false, Refused::Any, "if in whole microseconds"),
            TimeUnit::Nanosecond if is_instant => {
                reading(is_cast, Refused::None, "the instant, cut to microseconds; in a key if in whole ones")
            }
            TimeUnit::Nanosecond => reading(
                is_cast,
                Refused::None,
                "the time in the zone of the table, cut to microseconds; in a key if in whole ones",
            ),
        }
    }

    /// The values of a column in the declared type.
    ///
    /// # Errors
    /// The first value that it cannot hold, and a type that [`DeclaredColumn::reading`] refuses.
    pub fn read(&self, array: &ArrayRef) -> Result<ArrayRef, UnreadableValue> {
        let fault = |fault| UnreadableValue { row: 0, value: format!("a value of type {}", array.data_type()), fault };
        self.reading(array.data_type()).map_err(fault)?;
        let values =
            read::plain(array).map_err(|_| fault("whose encoding cannot be read: write the column plainly"))?;
        let kind = ColumnKind::of(values.data_type());
        match (self.column_type, &kind) {
            (of, ColumnKind::Missing) => Ok(new_null_array(&arrow_type(of), values.len())),
            (ColumnType::Text, ColumnKind::Integer | ColumnKind::Float | ColumnKind::Decimal { .. }) => digits(&values),
            (ColumnType::Integer | ColumnType::BigInt, ColumnKind::Float) => {
                let skip_from = read::floats_skip_from(values.data_type());
                self.of_floats(&values, |value| whole_float(value, skip_from))
            }
            (ColumnType::Integer | ColumnType::BigInt, ColumnKind::Decimal { scale }) => {
                let scale = *scale;
                self.of_decimals(&values, |value| rescaled(value, scale, 0), NOT_WHOLE)
            }
            (ColumnType::Double, ColumnKind::Decimal { .. }) => {
                let numbers = read::numbers(&values);
                Ok(Arc::new(numbers.map_err(|_| fault("whose encoding cannot be read: write the column plainly"))?))
            }
            (ColumnType::Money, ColumnKind::Float) => {
                let gaps = match values.data_type() {
                    DataType::Float16 => Gaps { digits: 11, smallest_exponent: -14 },
                    DataType::Float32 => Gaps { digits: 24, smallest_exponent: -126 },
                    _ => Gaps { digits: 53, smallest_exponent: -1022 },
                };
                self.of_floats(&values, |value| cents(value, gaps))
            }
            (ColumnType::Money, ColumnKind::Decimal { scale }) => {
                let scale = *scale;
                let cents =
                    move |value| rescaled(value, scale, MONEY_SCALE).filter(|cents| cents.unsigned_abs() < MOST_CENTS);
                self.of_decimals(&values, cents, NO_MONEY)
            }
            (ColumnType::Date, ColumnKind::Text) => by_text(&values, NO_DAY, day_of_text).map(dates),
            (ColumnType::Timestamp, ColumnKind::Text) => {
                by_text(&values, NO_TIME, |text| self.instant_of_text(text)).map(instants)
            }
            (ColumnType::Date, ColumnKind::Date | ColumnKind::Timestamp { .. }) => self.days(&values),
            (ColumnType::Timestamp, ColumnKind::Timestamp { .. }) => self.instants(&values),
            (of, _) => cast_all(&values, &arrow_type(of), out_of_range(of)),
        }
    }

    /// What no value of a column exceeds, in the declared type, by the greatest values of its parts; `None` where that does not follow.
    pub fn latest(&self, greatest: &ArrayRef) -> Option<ArrayRef> {
        let is_naive = matches!(greatest.data_type(), DataType::Timestamp(_, None));
        match (self.column_type, greatest.data_type()) {
            (ColumnType::Timestamp, DataType::Timestamp(..)) if is_naive && !self.clock.is_utc() => {
                let latest = |(row, micros)| {
                    Ok(self.micros(greatest, row, micros)?.map(|micros| self.clock.latest_instant(micros)))
                };
                by_integer(greatest, latest).ok().map(instants)
            }
            (
                ColumnType::Timestamp | ColumnType::Date,
                DataType::Timestamp(..) | DataType::Date32 | DataType::Date64,
            ) => self.read(greatest).ok(),
            _ => None,
        }
    }

    fn of_floats(
        &self,
        values: &ArrayRef,
        read: impl Fn(f64) -> Result<i128, &'static str>,
    ) -> Result<ArrayRef, UnreadableValue> {
        let out_of_range = out_of_range(self.column_type);
        let doubles = cast_all(values, &DataType::Float64, out_of_range)?;
        let doubles = doubles.as_primitive::<Float64Type>().iter().enumerate();
        let read = |(row, value): (usize, Option<f64>)| {
            let Some(value) = value.filter(|value| !value.is_nan()) else { return Ok(None) };
            let unreadable = |fault| UnreadableValue { row, value: value.to_string(), fault };
            let whole = read(value).map_err(unreadable)?;
            self.fits(whole).then_some(Some(whole)).ok_or_else(|| unreadable(out_of_range))
        };
        self.whole(doubles.map(read))
    }

    fn of_decimals(
        &self,
        values: &ArrayRef,
        read: impl Fn(i128) -> Option<i128>,
        fault: &'static str,
    ) -> Result<ArrayRef, UnreadableValue> {
        let unreadable = |row| UnreadableValue { row, value: shown(values, row), fault };
        let read = |(row, value): (usize, Option<Option<i128>>)| match value {
            None => Ok(None),
            Some(value) => {
                let whole = value.and_then(&read).filter(|whole| self.fits(*whole));
                whole.map(Some).ok_or_else(|| unreadable(row))
            }
        };
        match values.data_type() {
            DataType::Decimal256(..) => {
                let wide = values.as_primitive::<Decimal256Type>();
                self.whole(wide.iter().map(|value| value.map(arrow::datatypes::i256::to_i128)).enumerate().map(read))
            }
            other => {
                let ColumnKind::Decimal { scale } = ColumnKind::of(other) else { return Err(unreadable(0)) };
                let wide = cast_all(values, &DataType::Decimal128(38, scale), fault)?;
                let wide = wide.as_primitive::<Decimal128Type>();
                self.whole(wide.iter().map(|value| value.map(Some)).enumerate().map(read))
            }
        }
    }

    /// Whether a whole number fits the declared type; of money in cents.
    fn fits(&self, whole: i128) -> bool {
        match self.column_type {
            ColumnType::Integer => i32::try_from(whole).is_ok(),
            ColumnType::Money => whole.unsigned_abs() < MOST_CENTS,
            _ => i64::try_from(whole).is_ok(),
        }
    }

    fn whole(
        &self,
        values: impl Iterator<Item = Result<Option<i128>, UnreadableValue>>,
    ) -> Result<ArrayRef, UnreadableValue> {
        if self.column_type == ColumnType::Money {
            let money: Decimal128Array = values.collect::<Result<_, _>>()?;
            return Ok(Arc::new(money.with_data_type(arrow_type(ColumnType::Money))));
        }
        let narrow = |value: Option<i128>| value.and_then(|value| i64::try_from(value).ok());
        let whole: Int64Array = values.map(|value| value.map(narrow)).collect::<Result<_, _>>()?;
        cast_all(&(Arc::new(whole) as ArrayRef), &arrow_type(self.column_type), out_of_range(self.column_type))
    }

    /// The days of times that are midnights, and of dates.
    fn days(&self, values: &ArrayRef) -> Result<ArrayRef, UnreadableValue> {
        if *values.data_type() == DataType::Date32 {
            return Ok(Arc::clone(values));
        }
        let has_zone = matches!(values.data_type(), DataType::Timestamp(_, Some(_)));
        let unreadable = |row| UnreadableValue { row, value: shown(values, row), fault: NO_MIDNIGHT };
        let day = |(row, value)| {
            let Some(micros) = self.exact_micros(values, row, value)? else { return Ok(None) };
            let local = if has_zone { self.clock.at(micros) } else { micros };
            let day = i32::try_from(local.div_euclid(MICROSECONDS_OF_A_DAY)).map_err(|_| unreadable(row))?;
            let begins = i64::from(day) * MICROSECONDS_OF_A_DAY;
            // Where clocks go forward at midnight, the day begins later.
            let is_midnight = local == begins || has_zone && self.clock.instant(begins) == micros;
            is_midnight.then_some(Some(day)).ok_or_else(|| unreadable(row))
        };
        let days: Vec<Option<i64>> = by_integer(values, |value| day(value).map(|day| day.map(i64::from)))?;
        Ok(dates(days.into_iter().map(|day| day.and_then(|day| i32::try_from(day).ok())).collect()))
    }

    fn instants(&self, values: &ArrayRef) -> Result<ArrayRef, UnreadableValue> {
        let has_zone = matches!(values.data_type(), DataType::Timestamp(_, Some(_)));
        let instant = |(row, value)| {
            let micros = self.micros(values, row, value)?;
            if !has_zone && micros.is_some_and(|micros| micros.unsigned_abs() > MOST_MICROSECONDS) {
                return Err(UnreadableValue { row, value: shown(values, row), fault: out_of_range(self.column_type) });
            }
            Ok(micros.map(|micros| if has_zone { micros } else { self.clock.instant(micros) }))
        };
        by_integer(values, instant).map(instants)
    }

    /// Microseconds of a date or time as it stands.
    fn micros(&self, values: &ArrayRef, row: usize, value: Option<i64>) -> Result<Option<i64>, UnreadableValue> {
        let DataType::Timestamp(TimeUnit::Nanosecond, _) = values.data_type() else {
            return self.exact_micros(values, row, value);
        };
        if self.is_key { self.exact_micros(values, row, value) } else { Ok(value.map(|nanos| nanos / 1000)) }
    }

    fn exact_micros(&self, values: &ArrayRef, row: usize, value: Option<i64>) -> Result<Option<i64>, UnreadableValue> {
        let Some(value) = value else { return Ok(None) };
        let unreadable = |fault| UnreadableValue { row, value: shown(values, row), fault };
        let unit = match values.data_type() {
            DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000,
            DataType::Timestamp(TimeUnit::Second, _) => 1_000_000,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let is_exact = value.rem_euclid(1000) == 0;
                return is_exact.then_some(Some(value.div_euclid(1000))).ok_or_else(|| unreadable(NANOSECONDS));
            }
            _ => 1,
        };
        value.checked_mul(unit).map(Some).ok_or_else(|| unreadable(out_of_range(self.column_type)))
    }

    fn instant_of_text(&self, text: &str) -> Option<i64> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return self.whole_micros(instant);
        }
        // A day alone has no time, and what follows the time would be a zone.
        let is_sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b' ');
        let is_plain = matches!(text.as_bytes().get(10), Some(b'T' | b' ')) && text.bytes().all(is_sign);
        let local: DateTime = is_plain.then(|| text.parse().ok()).flatten()?;
        let instant = jiff::tz::TimeZone::UTC.to_timestamp(local).ok()?;
        self.whole_micros(instant).map(|micros| self.clock.instant(micros))
    }

    /// Cut to microseconds, but for a key, which must lose none of its digits.
    fn whole_micros(&self, instant: Timestamp) -> Option<i64> {
        let is_exact = instant.subsec_nanosecond() % 1000 == 0;
        (is_exact || !self.is_key).then(|| instant.as_microsecond())
    }
}

/// Of a value beyond a type, with the wider type to declare where there is one.
fn out_of_range(declared: ColumnType) -> &'static str {
    match declared {
        ColumnType::Integer => "which lies beyond the range of the declared type: correct it, or declare bigint",
        ColumnType::BigInt => {
            "which lies beyond the range of the declared type: correct it, or declare text where it is an id and double where it is an amount"
        }
        _ => "which lies beyond the range of the declared type: correct it, or write null where it stands for none",
    }
}

const NOT_WHOLE: &str = "which is no whole number in the range of the declared type: correct it, or declare double";
const INEXACT: &str = "which a float need not hold exactly (it is not whole, or so large that floats skip whole numbers): write whole numbers, texts or \
     decimals";
const NO_MONEY: &str = "which is no whole number of cents of at most 16 digits before the point: correct it, or round it where the file is written";
const NO_CENTS: &str =
    "which is no whole number of cents: round it where the file is written, as in `cast(column as decimal(18, 2))`";
const COARSE: &str = "where floats of its size no longer distinguish cents: write it as a decimal, as in `cast(column as decimal(18, 2))`";
const NO_DAY: &str = "which is no day like 2024-03-01: correct it where the file is written";
const NO_TIME: &str =
    "which is no time like 2024-03-01T13:30:00 or 2024-03-01T13:30:00+01:00: correct it where the file is written";
const NO_MIDNIGHT: &str = "which is no midnight in the `time_zone` of the table, so that a date would lose its time of day: declare it as \
                           timestamp, or correct the zone";
const NANOSECONDS: &str = "whose nanoseconds a timestamp in microseconds would lose: write whole microseconds";
const BYTES: &str = "bytes that are a text must be declared as text in the file first";

fn as_text(kind: &ColumnKind) -> Result<Reading, &'static str> {
    match kind {
        ColumnKind::Text => AS_IT_IS,
        ColumnKind::Integer | ColumnKind::Decimal { scale: 0 } => DIGITS,
        ColumnKind::Float => {
            reading(false, Refused::Any, "its digits, if whole and below 2^53 (`Float32` 2^24); NaN is missing")
        }
        ColumnKind::Bytes => Err(BYTES),
        ColumnKind::Date | ColumnKind::Timestamp { .. } => Err("declare it as date or timestamp"),
        ColumnKind::Boolean => Err("declare it as boolean"),
        _ => Err(kind.key_advice()),
    }
}

fn as_integer(values: &DataType, kind: &ColumnKind, bits: u32) -> Result<Reading, &'static str> {
    let always_fits = match values {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => true,
        DataType::Int64 | DataType::UInt32 => bits == 64,
        _ => false,
    };
    match kind {
        ColumnKind::Integer if always_fits => AS_IT_IS,
        ColumnKind::Integer => IN_RANGE,
        ColumnKind::Decimal { .. } => WHOLE,
        ColumnKind::Float => WHOLE_FLOAT,
        _ => Err("write whole numbers"),
    }
}

fn as_double(kind: &ColumnKind) -> Result<Reading, &'static str> {
    match kind {
        ColumnKind::Float => AS_IT_IS,
        ColumnKind::Integer => reading(true, Refused::None, "the nearest double"),
        // Arrow rounds twice.
        ColumnKind::Decimal { .. } => reading(false, Refused::None, "the nearest double"),
        ColumnKind::Boolean => Err("declare it as boolean"),
        _ => Err(kind.number_advice()),
    }
}

fn as_boolean(kind: &ColumnKind) -> Result<Reading, &'static str> {
    match kind {
        ColumnKind::Boolean => AS_IT_IS,
        _ => Err("write true and false, as in `column = 1`"),
    }
}

fn as_date(values: &DataType, kind: &ColumnKind) -> Result<Reading, &'static str> {
    match kind {
        ColumnKind::Date if *values == DataType::Date32 => AS_IT_IS,
        ColumnKind::Date => reading(false, Refused::Any, "the day, if it is a whole one"),
        ColumnKind::Timestamp { zone: None } => reading(false, Refused::Any, "the day, if the time is midnight"),
        ColumnKind::Timestamp { .. } => {
            reading(false, Refused::Any, "the day, if the instant is midnight in the zone of the table")
        }
        ColumnKind::Text => reading(false, Refused::Any, "if like `2024-03-01`"),
        _ => Err(kind.day_advice()),
    }
}

fn as_money(values: &DataType, kind: &ColumnKind) -> Result<Reading, &'static str> {
    let (precision, scale) = match values {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => (*precision, *scale),
        _ => (0, 0),
    };
    let digits_before = i16::from(precision) - i16::from(scale);
    match kind {
        ColumnKind::Decimal { .. } if scale > MONEY_SCALE => {
            reading(false, Refused::Any, "if whole cents of at most 16 digits before the point")
        }
        ColumnKind::Decimal { .. } => {
            let refuses = if digits_before <= 16 { Refused::None } else { Refused::BeyondRange };
            reading(
                scale >= 0,
                refuses,
                if refuses == Refused::None { "as it is" } else { "if of at most 16 digits before the point" },
            )
        }
        ColumnKind::Float => reading(
            false,
            Refused::Any,
            "the nearest cent, if it is that but for the precision of floats; NaN is missing",
        ),
        ColumnKind::Integer => Err(
            "a whole number may count units or cents: write a decimal, as in `cast(column as decimal(18, 2))`, of cents \
                 `cast(column as decimal(18, 2)) / 100`",
        ),
        _ => Err("write a decimal, as in `cast(column as decimal(18, 2))`"),
    }
}

/// A whole number with other digits behind its point; `None` where it would lose some, or has too many.
fn rescaled(value: i128, from: i8, to: i8) -> Option<i128> {
    let apart = u32::from(from.abs_diff(to));
    let power = 10i128.checked_pow(apart);
    match (from <= to, power) {
        (_, None) => (value == 0).then_some(0),
        (true, Some(power)) => value.checked_mul(power),
        (false, Some(power)) => (value % power == 0).then_some(value / power),
    }
}

/// How far floats of a size lie apart.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    digits: i32,
    smallest_exponent: i32,
}

impl Gaps {
    fn half_at(self, value: f64) -> f64 {
        let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        2f64.powi(exponent.max(self.smallest_exponent) - self.digits)
    }
}

/// The cents of a float that is whole cents but for its precision.
fn cents(value: f64, gaps: Gaps) -> Result<i128, &'static str> {
    if !value.is_finite() {
        return Err(out_of_range(ColumnType::Money));
    }
    let half_gap = 100.0 * gaps.half_at(value);
    if half_gap > WIDEST_HALF_GAP {
        return Err(COARSE);
    }
    let nearest = (value * 100.0).round();
    // The product is rounded, to whole eighths of large amounts; what is nearest to a quotient of cents is not.
    let is_whole = (value - nearest / 100.0).abs() * 100.0 <= half_gap + CENT_TOLERANCE;
    is_whole.then_some(nearest as i128).ok_or(NO_CENTS)
}

fn whole_float(value: f64, skip_from: f64) -> Result<i128, &'static str> {
    if value.fract() != 0.0 || !value.is_finite() {
        return Err(NOT_WHOLE);
    }
    if value.abs() >= skip_from { Err(INEXACT) } else { Ok(value as i128) }
}

fn digits(values: &ArrayRef) -> Result<ArrayRef, UnreadableValue> {
    let unreadable = |error| match error {
        KeyError::Inexact { row, value } => UnreadableValue { row, value: value.to_string(), fault: INEXACT },
        KeyError::Type { advice, found } => UnreadableValue { row: 0, value: found, fault: advice },
    };
    Ok(Arc::new(StringViewArray::from_iter(read::keys(values).map_err(unreadable)?)))
}

/// Arrow's cast, with the first value that it cannot do.
fn cast_all(values: &ArrayRef, to: &DataType, fault: &'static str) -> Result<ArrayRef, UnreadableValue> {
    let unreadable = |row| UnreadableValue { row, value: shown(values, row), fault };
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = cast_with_options(values, to, &options).map_err(|_| unreadable(0))?;
    if cast.logical_null_count() == values.logical_null_count() {
        return Ok(cast);
    }
    match (0..values.len()).find(|row| cast.is_null(*row) && values.is_valid(*row)) {
        Some(row) => Err(unreadable(row)),
        None => Ok(cast),
    }
}

fn by_text<T>(
    values: &ArrayRef,
    fault: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>, UnreadableValue> {
    let texts = cast_all(values, &DataType::LargeUtf8, fault)?;
    let texts = texts.as_string::<i64>().iter().enumerate();
    let read = |(row, text): (usize, Option<&str>)| match text {
        None => Ok(None),
        Some(text) => read(text).map(Some).ok_or(UnreadableValue { row, value: text.to_owned(), fault }),
    };
    texts.map(read).collect()
}

fn by_integer(
    values: &ArrayRef,
    read: impl Fn((usize, Option<i64>)) -> Result<Option<i64>, UnreadableValue>,
) -> Result<Vec<Option<i64>>, UnreadableValue> {
    match values.data_type() {
        DataType::Date32 => {
            let days = values.as_primitive::<Date32Type>().iter().map(|day| day.map(i64::from));
            days.enumerate().map(read).collect()
        }
        DataType::Date64 => values.as_primitive::<Date64Type>().iter().enumerate().map(read).collect(),
        _ => {
            let units = cast_all(values, &DataType::Int64, out_of_range(ColumnType::Timestamp))?;
            units.as_primitive::<Int64Type>().iter().enumerate().map(read).collect()
        }
    }
}

fn instants(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

fn dates(values: Vec<Option<i32>>) -> ArrayRef {
    Arc::new(Date32Array::from(values))
}

fn day_of_text(text: &str) -> Option<i32> {
    text.parse::<Ds>().ok().map(|ds| ds.days_since(Ds::EPOCH))
}

/// A value as people write it.
fn shown(values: &ArrayRef, row: usize) -> String {
    // Names of zones need a database, which Arrow does not have here.
    let values = match values.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            cast(values, &DataType::Timestamp(*unit, Some("+00:00".into()))).unwrap_or_else(|_| Arc::clone(values))
        }
        _ => Arc::clone(values),
    };
    arrow::util::display::array_value_to_string(&values, row).unwrap_or_default()
}

#[cfg(test)]
mod tests;
