//! The few kinds of values that all columns come down to.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use jiff::Timestamp;
use jiff::civil::Date;

/// Decimals beyond this many digits behind the point are rounded to so many.
const DECIMAL_SCALE: i8 = 6;

const MICROS_PER_DAY: i128 = 86_400_000_000;
/// The first day of the year 9999, since 1970: whoever writes a time of that year means that there is none.
const FIRST_DAY_OF_NEVER: i128 = 2_932_532;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Text,
    Integer,
    Double,
    /// With so many digits behind the point.
    Decimal(u32),
    Boolean,
    Date,
    Timestamp,
    /// Lists, structs, bytes: missing values are counted and nothing else.
    Other,
}

impl ValueKind {
    pub(crate) fn of(data_type: &DataType) -> Self {
        use DataType::{
            Boolean, Date32, Date64, Decimal32, Decimal64, Decimal128, Float16, Float32, Float64, Int8, Int16, Int32,
            Int64, LargeUtf8, Timestamp, UInt8, UInt16, UInt32, Utf8, Utf8View,
        };
        match data_type {
            Utf8 | LargeUtf8 | Utf8View => Self::Text,
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => Self::Integer,
            Float16 | Float32 | Float64 => Self::Double,
            Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) => {
                Self::Decimal(u32::from(scale.clamp(&0, &DECIMAL_SCALE).unsigned_abs()))
            }
            Boolean => Self::Boolean,
            Date32 | Date64 => Self::Date,
            Timestamp(..) => Self::Timestamp,
            DataType::Dictionary(_, values) => Self::of(values),
            _ => Self::Other,
        }
    }

    /// The values in the one type of their kind.
    pub(crate) fn normalised(self, values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let data_type = match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Decimal(scale) => DataType::Decimal128(38, i8::try_from(scale).unwrap_or_default()),
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            // The offset, as names of time zones need a database.
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            Self::Other => return Ok(ArrayRef::clone(values)),
        };
        if *values.data_type() == data_type { Ok(ArrayRef::clone(values)) } else { cast(values, &data_type) }
    }

    /// The values in order, as whole numbers that compare as the values do; `None` where missing. Not for text.
    pub(crate) fn ordinals(self, values: &ArrayRef) -> Box<dyn Iterator<Item = Option<i128>> + '_> {
        match self {
            Self::Integer => Box::new(values.as_primitive::<Int64Type>().iter().map(|value| value.map(i128::from))),
            Self::Double => Box::new(values.as_primitive::<Float64Type>().iter().map(|value| value.map(ordinal_of))),
            Self::Decimal(_) => Box::new(values.as_primitive::<Decimal128Type>().iter()),
            Self::Boolean => Box::new(values.as_boolean().iter().map(|value| value.map(i128::from))),
            Self::Date => Box::new(values.as_primitive::<Date32Type>().iter().map(|value| value.map(i128::from))),
            Self::Timestamp => {
                let micros = values.as_primitive::<TimestampMicrosecondType>();
                Box::new(micros.iter().map(|value| value.map(i128::from)))
            }
            Self::Text | Self::Other => Box::new(std::iter::empty()),
        }
    }

    /// A value as people write it.
    pub(crate) fn shown(self, ordinal: i128) -> String {
        match self {
            Self::Double => format!("{}", double_of(ordinal)),
            Self::Decimal(scale) => decimal(ordinal, scale),
            Self::Boolean => (ordinal != 0).to_string(),
            Self::Date => date(ordinal),
            Self::Timestamp => {
                let instant = i64::try_from(ordinal).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
                // The calendar of days reaches some hours further than that of instants.
                instant.map(|instant| instant.to_string()).unwrap_or_else(|| date_and_time(ordinal))
            }
            Self::Integer | Self::Text | Self::Other => ordinal.to_string(),
        }
    }

    /// A value as a number, for those kinds that are numbers.
    pub(crate) fn number(self, ordinal: i128) -> Option<f64> {
        match self {
            Self::Integer => Some(ordinal as f64),
            Self::Double => Some(double_of(ordinal)),
            Self::Decimal(scale) => Some(ordinal as f64 / 10f64.powi(i32::try_from(scale).unwrap_or_default())),
            _ => None,
        }
    }

    /// Whether a time stands for none, as 9999-12-31 does on whatever clock and at whatever time of day.
    pub(crate) fn is_never(self, ordinal: i128) -> bool {
        match self {
            Self::Date => ordinal >= FIRST_DAY_OF_NEVER,
            Self::Timestamp => ordinal >= FIRST_DAY_OF_NEVER * MICROS_PER_DAY,
            _ => false,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Double | Self::Decimal(_))
    }

    pub(crate) fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }
}

/// A float as a whole number that compares as it does; -0 as 0.
pub(crate) fn ordinal_of(value: f64) -> i128 {
    let bits = (value + 0.0).to_bits().cast_signed();
    i128::from(if bits < 0 { bits ^ i64::MAX } else { bits })
}

fn double_of(ordinal: i128) -> f64 {
    let bits = i64::try_from(ordinal).unwrap_or_default();
    f64::from_bits((if bits < 0 { bits ^ i64::MAX } else { bits }).cast_unsigned())
}

fn decimal(ordinal: i128, scale: u32) -> String {
    if scale == 0 {
        return ordinal.to_string();
    }
    let unit = 10u128.pow(scale);
    let sign = if ordinal < 0 { "-" } else { "" };
    let magnitude = ordinal.unsigned_abs();
    format!("{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = scale as usize)
}

fn date_and_time(micros: i128) -> String {
    let (days, of_day) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    match day(days) {
        Some(day) => {
            format!("{day}T{:02}:{:02}:{:02}{fraction}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
        None => micros.to_string(),
    }
}

fn date(days: i128) -> String {
    day(days).map_or_else(|| days.to_string(), |date| date.to_string())
}

fn day(days: i128) -> Option<Date> {
    let since_1970 = jiff::Span::new().try_days(i64::try_from(days).ok()?).ok()?;
    Date::constant(1970, 1, 1).checked_add(since_1970).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_of_floats_compare_as_they_do() {
        let floats = [f64::NEG_INFINITY, -1e300, -2.5, -1e-300, 0.0, 1e-300, 2.5, f64::INFINITY];
        let ordinals = floats.map(ordinal_of);
        assert!(ordinals.is_sorted());
        assert_eq!(ordinals.map(double_of), floats);
        assert_eq!(ordinal_of(-0.0), ordinal_of(0.0));
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        assert_eq!(ValueKind::Decimal(2).shown(-1205), "-12.05");
        assert_eq!(ValueKind::Decimal(0).shown(7), "7");
        assert_eq!(ValueKind::Date.shown(-25567), "1900-01-01");
        assert_eq!(ValueKind::Date.shown(i128::MAX), i128::MAX.to_string());
        assert_eq!(ValueKind::Timestamp.shown(1_700_000_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(ValueKind::Timestamp.shown(253_402_300_799_000_001), "9999-12-31T23:59:59.000001Z");
        assert_eq!(ValueKind::Timestamp.shown(253_402_214_400_000_000), "9999-12-31T00:00:00Z");
        assert_eq!(ValueKind::Timestamp.shown(i128::from(i64::MAX)), i64::MAX.to_string());
        assert_eq!(ValueKind::Date.shown(FIRST_DAY_OF_NEVER), "9999-01-01");
        assert_eq!(ValueKind::Boolean.shown(1), "true");
        assert_eq!(ValueKind::Double.shown(ordinal_of(2.5)), "2.5");
    }
}
