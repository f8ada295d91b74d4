//! Columns read as numbers, categories, days and keys, as [`kind`](crate::kind) says.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, TimeUnit, UInt64Type,
    i256,
};
use arrow::error::ArrowError;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use mainstay_schema::Ds;
use thiserror::Error;

use crate::kind::{ColumnKind, value_type};

const SECONDS_OF_A_DAY: i64 = 86_400;
/// All powers of ten that a double holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Why a column was not read as days.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DayError {
    /// Its type holds no days.
    #[error("it is of type {found}: {advice}")]
    Type {
        /// The type.
        found: String,
        /// How to mend it.
        advice: &'static str,
    },
    /// A zone that the database of time zones does not have.
    #[error("its time zone `{zone}` is not known: write the instants in UTC or in a zone such as Europe/Paris")]
    Zone {
        /// The zone.
        zone: String,
    },
    /// A value that is no day.
    #[error("`{value}` is no day")]
    Value {
        /// The row, from 0.
        row: usize,
        /// What it holds.
        value: String,
    },
}

/// Why a column was not read as keys.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum KeyError {
    /// Its type holds no ids.
    #[error("it is of type {found}: {advice}")]
    Type {
        /// The type.
        found: String,
        /// How to mend it.
        advice: &'static str,
    },
    /// A double that does not give its id: not whole, or where doubles skip whole numbers.
    #[error("{value} is no id that a double holds exactly: write ids as texts or whole numbers")]
    Inexact {
        /// The row, from 0.
        row: usize,
        /// What it holds.
        value: f64,
    },
}

/// A value that is no whole number of 64 bits with a sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{value} is no whole number from -9223372036854775808 to 9223372036854775807")]
pub struct WholeNumberError {
    /// The row, from 0.
    pub row: usize,
    /// What it holds.
    pub value: String,
}

/// The nearest double of each row; null where missing.
///
/// # Errors
/// Where [`ColumnKind::is_number`] is false.
pub fn numbers(array: &ArrayRef) -> Result<Float64Array, ArrowError> {
    if !ColumnKind::of(array.data_type()).is_number() {
        return Err(refused(array, "numbers"));
    }
    let array = plain(array)?;
    if let ColumnKind::Decimal { scale } = ColumnKind::of(array.data_type()) {
        return decimals(&array, scale);
    }
    Ok(cast(&array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

/// The nearest doubles of decimals. Arrow's cast rounds twice: the digits, and what they are divided by or its quotient.
fn decimals(array: &ArrayRef, scale: i8) -> Result<Float64Array, ArrowError> {
    if let Some(wide) = array.as_primitive_opt::<Decimal256Type>() {
        let number = |digits: i256| match digits.to_i128() {
            Some(digits) => nearest(digits, scale),
            None => nearest_of_text(&digits, scale),
        };
        return Ok(wide.iter().map(|digits| digits.map(number)).collect());
    }
    let digits = cast(array, &DataType::Decimal128(38, scale))?;
    Ok(digits.as_primitive::<Decimal128Type>().iter().map(|digits| Some(nearest(digits?, scale))).collect())
}

fn nearest(digits: i128, scale: i8) -> f64 {
    let is_exact = digits.unsigned_abs() <= 1 << 53;
    match POWERS_OF_TEN.get(usize::from(scale.unsigned_abs())) {
        _ if scale == 0 => digits as f64,
        // Of two exact numbers one operation gives the nearest.
        Some(power) if is_exact && scale > 0 => digits as f64 / power,
        Some(power) if is_exact => digits as f64 * power,
        _ => nearest_of_text(&digits, scale),
    }
}

fn nearest_of_text(digits: &impl std::fmt::Display, scale: i8) -> f64 {
    // Of digits and an exponent a double is always read.
    format!("{digits}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}

/// The text that names the category of each row; `None` where missing.
///
/// # Errors
/// Where [`ColumnKind::is_category`] is false.
pub fn categories(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    let array = plain(array)?;
    match ColumnKind::of(array.data_type()) {
        ColumnKind::Missing => Ok(vec![None; array.len()]),
        ColumnKind::Boolean => {
            Ok(array.as_boolean().iter().map(|value| value.map(|value| u8::from(value).to_string())).collect())
        }
        ColumnKind::Integer => digits(&array),
        ColumnKind::Float => {
            let numbers = cast(&array, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            let text = |number: f64| (!number.is_nan()).then(|| format!("{number}"));
            Ok(numbers.iter().map(|number| number.and_then(text)).collect())
        }
        ColumnKind::Decimal { .. } => {
            Ok(texts(&array)?.into_iter().map(|text| text.map(|text| without_last_zeros(&text).to_owned())).collect())
        }
        ColumnKind::Text => texts(&array),
        _ => Err(refused(&array, "categories")),
    }
}

/// The text of each id, exactly; `None` where missing.
///
/// # Errors
/// Where [`ColumnKind::is_key`] is false, or a double gives no id.
pub fn keys(array: &ArrayRef) -> Result<Vec<Option<String>>, KeyError> {
    let kind = ColumnKind::of(array.data_type());
    let wrong_type = || KeyError::Type { found: array.data_type().to_string(), advice: kind.key_advice() };
    if !kind.is_key() {
        return Err(wrong_type());
    }
    if kind == ColumnKind::Float {
        let numbers = numbers(array).map_err(|_| wrong_type())?;
        let skip_from = floats_skip_from(value_type(array.data_type()));
        // NaN is what pandas writes where an id is missing.
        let is_inexact = |value: &f64| !value.is_nan() && (value.fract() != 0.0 || value.abs() >= skip_from);
        let found = numbers.iter().enumerate().find_map(|(row, value)| Some((row, value.filter(is_inexact)?)));
        if let Some((row, value)) = found {
            return Err(KeyError::Inexact { row, value });
        }
    }
    categories(array).map_err(|_| wrong_type())
}

/// Whole numbers of 64 bits, exactly; null where missing. Doubles and decimals are read where they are whole.
///
/// # Errors
/// The first value that is none, and where [`ColumnKind::is_number`] is false.
pub fn whole_numbers(array: &ArrayRef) -> Result<Int64Array, WholeNumberError> {
    let wrong_type = || WholeNumberError { row: 0, value: format!("a value of type {}", array.data_type()) };
    if !ColumnKind::of(array.data_type()).is_number() {
        return Err(wrong_type());
    }
    let texts = categories(array).map_err(|_| wrong_type())?;
    let whole = |(row, text): (usize, Option<String>)| match text {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| WholeNumberError { row, value: text }),
    };
    texts.into_iter().enumerate().map(whole).collect()
}

/// The days since 1970 of each row; `None` where missing.
///
/// # Errors
/// See [`DayError`].
pub fn days(array: &ArrayRef) -> Result<Vec<Option<i32>>, DayError> {
    let kind = ColumnKind::of(array.data_type());
    let wrong_type = || DayError::Type { found: array.data_type().to_string(), advice: kind.day_advice() };
    let array = plain(array).map_err(|_| wrong_type())?;
    match (&kind, array.data_type()) {
        (ColumnKind::Missing, _) => Ok(vec![None; array.len()]),
        (ColumnKind::Text, _) => days_of_texts(texts(&array).map_err(|_| wrong_type())?),
        (_, DataType::Date32) => Ok(array.as_primitive::<Date32Type>().iter().collect()),
        (_, DataType::Date64) => {
            let seconds = array.as_primitive::<Date64Type>().iter().map(|value| value.map(|ms| ms.div_euclid(1000)));
            days_of(seconds, &TimeZone::UTC)
        }
        (ColumnKind::Timestamp { zone }, DataType::Timestamp(unit, _)) => {
            let zone = zone.as_deref().map_or(Ok(TimeZone::UTC), time_zone)?;
            let values = cast(&array, &DataType::Int64).map_err(|_| wrong_type())?;
            let of_a_second = units_of_a_second(*unit);
            let seconds = values.as_primitive::<Int64Type>().iter();
            days_of(seconds.map(|value| value.map(|value| value.div_euclid(of_a_second))), &zone)
        }
        _ => Err(wrong_type()),
    }
}

fn days_of(seconds: impl Iterator<Item = Option<i64>>, zone: &TimeZone) -> Result<Vec<Option<i32>>, DayError> {
    let is_utc = *zone == TimeZone::UTC;
    let day = |(row, seconds): (usize, Option<i64>)| {
        let Some(seconds) = seconds else { return Ok(None) };
        let outside = || DayError::Value { row, value: format!("{seconds} seconds since 1970") };
        if is_utc {
            return i32::try_from(seconds.div_euclid(SECONDS_OF_A_DAY)).map(Some).map_err(|_| outside());
        }
        let instant = Timestamp::from_second(seconds).map_err(|_| outside())?;
        Ok(Some(Ds::of(instant, zone).days_since(Ds::EPOCH)))
    };
    seconds.enumerate().map(day).collect()
}

fn days_of_texts(texts: Vec<Option<String>>) -> Result<Vec<Option<i32>>, DayError> {
    let day = |text: &str| -> Option<i32> {
        let is_alone = matches!(text.as_bytes().get(10), None | Some(b'T' | b' '));
        let day: Ds = text.get(..10)?.parse().ok()?;
        is_alone.then(|| day.days_since(Ds::EPOCH))
    };
    let read = |(row, text): (usize, Option<String>)| match text {
        None => Ok(None),
        Some(text) => day(&text).map(Some).ok_or(DayError::Value { row, value: text }),
    };
    texts.into_iter().enumerate().map(read).collect()
}

/// A zone by its name, or by its distance from UTC as in `+05:30`.
fn time_zone(name: &str) -> Result<TimeZone, DayError> {
    let offset = || {
        let sign = match name.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let digits: String = name.get(1..)?.chars().filter(|letter| *letter != ':').collect();
        let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i32>().ok();
        let minutes = if digits.len() == 2 { 0 } else { number(2..4)? };
        Offset::from_seconds(sign * (number(0..2)? * 3600 + minutes * 60)).ok().map(TimeZone::fixed)
    };
    TimeZone::get(name).ok().or_else(offset).ok_or_else(|| DayError::Zone { zone: name.to_owned() })
}

fn units_of_a_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// From where on floats of a type skip whole numbers.
pub(crate) fn floats_skip_from(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Float16 => 2_048.0,
        DataType::Float32 => 16_777_216.0,
        _ => 9_007_199_254_740_992.0,
    }
}

/// The values behind a dictionary or runs, one for each row.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let values = value_type(array.data_type());
    if values == array.data_type() { Ok(Arc::clone(array)) } else { cast(array, values) }
}

fn digits(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if *array.data_type() == DataType::UInt64 {
        let numbers = array.as_primitive::<UInt64Type>().iter();
        return Ok(numbers.map(|number| number.map(|number| number.to_string())).collect());
    }
    let numbers = cast(array, &DataType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().iter().map(|number| number.map(|number| number.to_string())).collect())
}

fn texts(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    let texts = cast(array, &DataType::LargeUtf8)?;
    Ok(texts.as_string::<i64>().iter().map(|text| text.map(str::to_owned)).collect())
}

/// The shortest form of a decimal, which is that of its double where that is exact.
fn without_last_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn refused(array: &ArrayRef, wanted: &str) -> ArrowError {
    ArrowError::CastError(format!("a column of type {} is not read as {wanted}", array.data_type()))
}

#[cfg(test)]
mod tests;
