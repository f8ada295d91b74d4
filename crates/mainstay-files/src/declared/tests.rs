use std::fmt::Write;

use arrow::array::{
    BooleanArray, Date64Array, Decimal256Array, DictionaryArray, Float32Array, Float64Array, Int16Array, Int32Array,
    NullArray, StringArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Int8Type, TimestampMicrosecondType, i256};
use arrow::util::display::array_value_to_string;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::read::{categories, numbers};

fn column(column_type: ColumnType) -> DeclaredColumn {
    let clock = Arc::new(LocalTime::new(TimeZone::get("Europe/Paris").unwrap()));
    DeclaredColumn { column_type, is_key: false, clock }
}

fn key(column_type: ColumnType) -> DeclaredColumn {
    DeclaredColumn { is_key: true, ..column(column_type) }
}

/// The values as texts; missing ones are empty.
fn texts(read: &ArrayRef) -> Vec<String> {
    let read = match read.data_type() {
        // Arrow has no database of zones here.
        DataType::Timestamp(unit, _) => cast(read, &DataType::Timestamp(*unit, None)).unwrap(),
        _ => Arc::clone(read),
    };
    (0..read.len()).map(|row| array_value_to_string(&read, row).unwrap()).collect()
}

fn read(declared: &DeclaredColumn, values: impl Array + 'static) -> Result<Vec<String>, String> {
    let values: ArrayRef = Arc::new(values);
    let read = declared.read(&values).map_err(|error| format!("row {}: {error}", error.row))?;
    assert_eq!(*read.data_type(), arrow_type(declared.column_type));
    Ok(texts(&read))
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> Decimal128Array {
    Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap()
}

/// Every kind of type, by what the reference calls it.
fn samples() -> Vec<DataType> {
    let timestamp = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut samples = vec![
        DataType::Null,
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float16,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal32(9, 2),
        DataType::Decimal64(18, 0),
        DataType::Decimal128(18, 2),
        DataType::Decimal128(38, 0),
        DataType::Decimal128(38, 2),
        DataType::Decimal128(18, 4),
        DataType::Decimal128(5, -2),
        DataType::Decimal256(76, 2),
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Date32,
        DataType::Date64,
    ];
    samples.extend(units.map(|unit| timestamp(unit, None)));
    samples.extend(units.map(|unit| timestamp(unit, Some("America/New_York"))));
    samples.extend([DataType::Time64(TimeUnit::Microsecond), DataType::Binary, DataType::FixedSizeBinary(16)]);
    samples.push(DataType::Struct(vec![arrow::datatypes::Field::new("a", DataType::Int32, true)].into()));
    samples
}

fn label(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(unit, None) => format!("`Timestamp({unit:?})`"),
        DataType::Timestamp(unit, Some(_)) => format!("`Timestamp({unit:?}, any zone)`"),
        DataType::Struct(_) => "`Struct`, `List`, `Map`".into(),
        DataType::Time64(_) => "`Time`, `Duration`".into(),
        other => format!("`{other}`"),
    }
}

/// The tables of `docs/types.md`.
fn reference() -> String {
    let mut text = String::new();
    for column_type in [
        ColumnType::Text,
        ColumnType::Integer,
        ColumnType::BigInt,
        ColumnType::Double,
        ColumnType::Boolean,
        ColumnType::Date,
        ColumnType::Timestamp,
        ColumnType::Money,
    ] {
        let outcome = |found: &DataType| match column(column_type).reading(found) {
            Ok(reading) => reading.rule.to_owned(),
            Err(advice) => format!("refused: {advice}"),
        };
        write_table(&mut text, &format!("`{column_type}`"), outcome);
    }
    write_table(&mut text, "A feature that is a number, in `train` and `score`", as_number);
    write_table(&mut text, "A feature that is a category, in `train` and `score`", as_category);
    text
}

fn write_table(text: &mut String, title: &str, outcome: impl Fn(&DataType) -> String) {
    write!(text, "### {title}\n\n| in the file | becomes |\n|---|---|\n").unwrap();
    let mut outcomes: Vec<(String, Vec<String>)> = Vec::new();
    for found in samples() {
        let outcome = outcome(&found);
        match outcomes.iter_mut().find(|(other, _)| *other == outcome) {
            Some((_, labels)) => labels.push(label(&found)),
            None => outcomes.push((outcome, vec![label(&found)])),
        }
    }
    for (outcome, labels) in outcomes {
        writeln!(text, "| {} | {outcome} |", labels.join(", ")).unwrap();
    }
    text.push('\n');
}

/// What `read::numbers` makes of a type.
fn as_number(found: &DataType) -> String {
    let kind = ColumnKind::of(found);
    match kind {
        _ if !kind.is_number() => format!("not read: {}", kind.number_advice()),
        ColumnKind::Missing => "missing".to_owned(),
        ColumnKind::Boolean => {
            let read = |value| numbers(&flag(value)).unwrap().value(0);
            format!("{} for true, {} for false", read(true), read(false))
        }
        ColumnKind::Float => "as it is; NaN is missing".to_owned(),
        _ => "the nearest double".to_owned(),
    }
}

/// What `read::categories` makes of a type.
fn as_category(found: &DataType) -> String {
    let kind = ColumnKind::of(found);
    match kind {
        _ if !kind.is_category() => "not read".to_owned(),
        ColumnKind::Missing => "missing".to_owned(),
        ColumnKind::Boolean => {
            let read = |value| categories(&flag(value)).unwrap().remove(0).unwrap();
            format!("`{}` for true, `{}` for false", read(true), read(false))
        }
        ColumnKind::Integer => "its digits".to_owned(),
        ColumnKind::Float => "the fewest digits that give the double; NaN is missing".to_owned(),
        ColumnKind::Decimal { .. } => "its digits, no zeros behind the last decimal".to_owned(),
        _ => "as it is".to_owned(),
    }
}

fn flag(value: bool) -> ArrayRef {
    Arc::new(BooleanArray::from(vec![value]))
}

#[test]
fn the_reference_says_what_the_code_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/types.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, tables) = document.split_once("<!-- what follows is held against the code -->\n\n").unwrap();
    let expected = reference();
    assert!(tables.trim_end() == expected.trim_end(), "write these tables into docs/types.md:\n{expected}");
}

#[test]
fn a_reading_by_cast_gives_what_arrow_gives() {
    let dictionary: DictionaryArray<Int8Type> = vec!["a", "b", "a"].into_iter().collect();
    let samples: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int16Array::from(vec![Some(-7), None])),
        Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None])),
        Arc::new(UInt64Array::from(vec![Some(7), None])),
        Arc::new(Float32Array::from(vec![Some(1.5), None])),
        Arc::new(decimals(&[1250, -3], 9, 2)),
        Arc::new(StringArray::from(vec![Some("x"), None])),
        Arc::new(dictionary),
        Arc::new(Date32Array::from(vec![Some(20_000), None])),
        Arc::new(TimestampSecondArray::from(vec![Some(1_765_843_200), None]).with_timezone("Europe/Berlin")),
        Arc::new(TimestampNanosecondArray::from(vec![Some(1_765_843_200_000_000_999), None]).with_timezone("UTC")),
    ];
    let (mut casts, mut refusals) = (0, 0);
    for of in [
        ColumnType::Text,
        ColumnType::Integer,
        ColumnType::BigInt,
        ColumnType::Double,
        ColumnType::Money,
        ColumnType::Timestamp,
    ] {
        for values in &samples {
            let declared = column(of);
            let Ok(Reading { is_cast: true, .. }) = declared.reading(values.data_type()) else { continue };
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            let by_arrow = cast_with_options(values, &arrow_type(of), &strict);
            match declared.read(values) {
                Ok(read) => {
                    assert_eq!(&read, &by_arrow.unwrap(), "{of:?} {}", values.data_type());
                    casts += 1;
                }
                Err(error) => {
                    assert!(by_arrow.is_err(), "{of:?} {}: {error}", values.data_type());
                    refusals += 1;
                }
            }
        }
    }
    assert!(casts >= 12, "{casts}");
    // Of 64 bits as 32.
    assert_eq!(refusals, 1);
}

#[test]
fn ids_keep_all_their_digits() {
    let text = key(ColumnType::Text);
    let exact = Int64Array::from(vec![Some(9_007_199_254_740_993), Some(i64::MIN), None]);
    assert_eq!(read(&text, exact).unwrap(), ["9007199254740993", "-9223372036854775808", ""]);
    assert_eq!(read(&text, UInt64Array::from(vec![u64::MAX])).unwrap(), ["18446744073709551615"]);
    let whole = decimals(&[123_456_789_012_345_678_901_234_567_890, 7], 38, 0);
    assert_eq!(read(&text, whole).unwrap(), ["123456789012345678901234567890", "7"]);
    assert_eq!(read(&text, Float64Array::from(vec![12345.0, f64::NAN])).unwrap(), ["12345", ""]);
    let inexact = read(&text, Float64Array::from(vec![1.0, 9_007_199_254_740_992.0])).unwrap_err();
    assert!(inexact.starts_with("row 1: `9007199254740992`, which a float need not hold exactly"), "{inexact}");
    let single = read(&text, Float32Array::from(vec![16_777_215.0, 16_777_216.0])).unwrap_err();
    assert!(single.starts_with("row 1: `16777216`"), "{single}");
    assert!(text.reading(&DataType::Decimal128(9, 2)).is_err());
    let dictionary: DictionaryArray<Int8Type> = vec!["007", "7", "007"].into_iter().collect();
    assert_eq!(read(&text, dictionary).unwrap(), ["007", "7", "007"]);
}

#[test]
fn whole_numbers_are_read_in_any_width_and_refused_beyond_their_range() {
    let (integer, bigint) = (column(ColumnType::Integer), column(ColumnType::BigInt));
    assert_eq!(read(&integer, Int64Array::from(vec![Some(1980), None])).unwrap(), ["1980", ""]);
    let wide = read(&integer, Int64Array::from(vec![1, 3_000_000_000])).unwrap_err();
    let found = "row 1: `3000000000`, which lies beyond the range of the declared type: correct it, or declare bigint";
    assert_eq!(wide, found);
    let wide = read(&integer, Float64Array::from(vec![1.0, 3e9])).unwrap_err();
    assert!(wide.ends_with("correct it, or declare bigint"), "{wide}");
    let wide = read(&bigint, Float64Array::from(vec![1e300])).unwrap_err();
    assert!(!wide.contains("bigint"), "{wide}");
    let wide = read(&bigint, UInt64Array::from(vec![9_223_372_036_854_775_808])).unwrap_err();
    assert_eq!(
        wide,
        "row 0: `9223372036854775808`, which lies beyond the range of the declared type: correct it, or declare text where it is an id \
         and double where it is an amount"
    );
    assert_eq!(read(&integer, Float64Array::from(vec![1980.0, f64::NAN, -0.0])).unwrap(), ["1980", "", "0"]);
    let half = read(&integer, Float64Array::from(vec![1.0, 1980.5])).unwrap_err();
    assert!(half.starts_with("row 1: `1980.5`, which is no whole number"), "{half}");
    assert_eq!(read(&bigint, decimals(&[7_00, -2_00], 38, 2)).unwrap(), ["7", "-2"]);
    let half = read(&bigint, decimals(&[7_00, 7_50], 38, 2)).unwrap_err();
    assert!(half.starts_with("row 1: `7.50`, which is no whole number"), "{half}");
    let wide = decimals(&[i128::from(i64::MAX) + 1], 38, 0);
    assert!(read(&bigint, wide).unwrap_err().starts_with("row 0: `9223372036854775808`"));
    assert!(integer.reading(&DataType::Utf8).is_err());
}

#[test]
fn money_is_whole_cents_or_refused() {
    let money = column(ColumnType::Money);
    assert_eq!(read(&money, decimals(&[12, -7], 9, 0)).unwrap(), ["12.00", "-7.00"]);
    assert_eq!(read(&money, decimals(&[12_5000], 18, 4)).unwrap(), ["12.50"]);
    assert_eq!(read(&money, decimals(&[3], 5, -2)).unwrap(), ["300.00"]);
    let lost = read(&money, decimals(&[12_5000, 12_3456], 18, 4)).unwrap_err();
    assert!(lost.starts_with("row 1: `12.3456`, which is no whole number of cents"), "{lost}");
    let beyond = decimals(&[100, 1_234_567_890_123_456_789_000], 38, 2);
    let found = read(&money, beyond).unwrap_err();
    assert!(
        found.starts_with("row 1: `12345678901234567890.00`, which is no whole number of cents of at most 16 digits"),
        "{found}"
    );
    assert_eq!(read(&money, decimals(&[999_999_999_999_999_999], 38, 2)).unwrap(), ["9999999999999999.99"]);
    assert!(read(&money, decimals(&[1_000_000_000_000_000_000], 38, 2)).is_err());
    let wide = Decimal256Array::from(vec![i256::from_i128(1999), i256::MAX]).with_precision_and_scale(76, 2).unwrap();
    assert!(read(&money, wide).unwrap_err().starts_with("row 1: `"));

    let sums = Float64Array::from(vec![19.99, 0.1 + 0.2, -1e12 - 0.01, f64::NAN, 0.0, 4.35 * 100.0 / 100.0]);
    assert_eq!(read(&money, sums).unwrap(), ["19.99", "0.30", "-1000000000000.01", "", "0.00", "4.35"]);
    let half_cent = read(&money, Float64Array::from(vec![1.0, 12.345])).unwrap_err();
    assert!(half_cent.starts_with("row 1: `12.345`, which is no whole number of cents: round it"), "{half_cent}");
    assert!(read(&money, Float64Array::from(vec![f64::INFINITY])).unwrap_err().contains("beyond the range"));
    assert!(read(&money, Float64Array::from(vec![1e14])).unwrap_err().contains("no longer distinguish cents"));
    assert_eq!(read(&money, Float32Array::from(vec![19.99, 59_999.99])).unwrap(), ["19.99", "59999.99"]);
    assert!(read(&money, Float32Array::from(vec![65_536.0])).unwrap_err().contains("no longer distinguish cents"));
    assert!(read(&money, Float32Array::from(vec![40_000.125])).unwrap_err().contains("no whole number of cents"));
    let advice = money.reading(&DataType::Int64).unwrap_err();
    assert!(advice.contains("may count units or cents"), "{advice}");
}

/// Arrow rounds such decimals twice.
#[test]
fn decimals_become_the_nearest_doubles() {
    let double = column(ColumnType::Double);
    let values: ArrayRef = Arc::new(decimals(&[9_007_199_254_740_993_001, 900_719_925_474_099_301], 38, 3));
    let read = double.read(&values).unwrap();
    let nearest = ["9007199254740993.001", "900719925474099.301"].map(|text| text.parse::<f64>().unwrap());
    assert_eq!(read.as_primitive::<Float64Type>().values()[..], nearest);
    assert!(!double.reading(values.data_type()).unwrap().is_cast);
}

#[test]
fn a_column_of_nulls_is_missing_whatever_was_declared() {
    for of in [ColumnType::Text, ColumnType::Money, ColumnType::Timestamp, ColumnType::Boolean, ColumnType::Date] {
        assert_eq!(read(&column(of), NullArray::new(2)).unwrap(), ["", ""]);
    }
}

#[test]
fn days_are_midnights_of_the_zone() {
    let date = column(ColumnType::Date);
    let midnight = 1_765_843_200_000; // 2025-12-16T00:00:00Z
    assert_eq!(read(&date, TimestampMillisecondArray::from(vec![midnight])).unwrap(), ["2025-12-16"]);
    let of_paris = TimestampMillisecondArray::from(vec![midnight - 3_600_000]).with_timezone("UTC");
    assert_eq!(read(&date, of_paris).unwrap(), ["2025-12-16"]);
    let of_utc = TimestampMillisecondArray::from(vec![midnight]).with_timezone("UTC");
    let found = read(&date, of_utc).unwrap_err();
    assert!(
        found.starts_with("row 0: `2025-12-16T00:00:00Z`, which is no midnight in the `time_zone` of the table"),
        "{found}"
    );
    assert!(read(&date, TimestampMillisecondArray::from(vec![midnight + 1])).is_err());
    assert_eq!(read(&date, Date64Array::from(vec![midnight, -86_400_000])).unwrap(), ["2025-12-16", "1969-12-31"]);
    assert!(read(&date, Date64Array::from(vec![midnight + 1])).is_err());
    assert_eq!(read(&date, StringArray::from(vec![Some("2024-02-29"), None])).unwrap(), ["2024-02-29", ""]);
    let found = read(&date, StringArray::from(vec!["29.02.2024"])).unwrap_err();
    assert!(found.starts_with("row 0: `29.02.2024`, which is no day like 2024-03-01"), "{found}");
    assert!(
        date.reading(&DataType::Int32).unwrap_err().contains("numbers such as 20240301 may mean several things")
            || date.reading(&DataType::Int32).unwrap_err().contains("may mean several things")
    );
}

#[test]
fn times_without_a_zone_are_those_of_the_table_and_others_are_instants() {
    let (timestamp, key) = (column(ColumnType::Timestamp), key(ColumnType::Timestamp));
    let noon = 1_765_886_400; // 2025-12-16T12:00:00Z
    assert_eq!(read(&timestamp, TimestampSecondArray::from(vec![noon])).unwrap(), ["2025-12-16T11:00:00"]);
    let zoned = TimestampSecondArray::from(vec![noon]).with_timezone("Europe/Paris");
    assert_eq!(read(&timestamp, zoned).unwrap(), ["2025-12-16T12:00:00"]);
    let nanos = noon * 1_000_000_000 + 999;
    assert_eq!(read(&timestamp, TimestampNanosecondArray::from(vec![nanos])).unwrap(), ["2025-12-16T11:00:00"]);
    let found = read(&key, TimestampNanosecondArray::from(vec![nanos])).unwrap_err();
    assert!(found.contains("whose nanoseconds a timestamp in microseconds would lose"), "{found}");
    assert!(read(&timestamp, TimestampSecondArray::from(vec![i64::MAX])).is_err());
    let texts = vec![
        Some("2025-07-01T12:00:00"),
        Some("2025-07-01 12:00"),
        Some("2025-07-01T12:00:00Z"),
        Some("2025-07-01T12:00:00-04:00"),
        None,
    ];
    assert_eq!(
        read(&timestamp, StringArray::from(texts)).unwrap(),
        ["2025-07-01T10:00:00", "2025-07-01T10:00:00", "2025-07-01T12:00:00", "2025-07-01T16:00:00", ""]
    );
    for wrong in ["2025-07-01", "01.07.2025 12:00", "1751371200", "2025-07-01T12:00:00 CET"] {
        let found = read(&timestamp, StringArray::from(vec![wrong])).unwrap_err();
        assert!(found.contains("no time like"), "{found}");
    }
    assert_eq!(timestamp.reading(&DataType::Date32), Err("declare it as date"));
    assert!(timestamp.reading(&DataType::Int64).unwrap_err().contains("may mean several things"));
}

#[test]
fn a_time_that_no_calendar_knows_is_refused_and_a_key_keeps_its_nanoseconds() {
    let utc = DeclaredColumn { clock: Arc::new(LocalTime::utc()), ..column(ColumnType::Timestamp) };
    for declared in [&utc, &column(ColumnType::Timestamp)] {
        let infinite: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(i64::MAX)]));
        let found = declared.read(&infinite).unwrap_err();
        assert_eq!((found.row, found.fault), (1, out_of_range(ColumnType::Timestamp)));
        assert!(found.fault.ends_with("correct it, or write null where it stands for none"), "no type is wider");
        assert_ne!(declared.reading(infinite.data_type()).unwrap().refuses, Refused::None);
    }
    let texts = || Arc::new(StringArray::from(vec!["2025-07-01T12:00:00.123456789Z"])) as ArrayRef;
    assert!(utc.read(&texts()).is_ok());
    let key = DeclaredColumn { is_key: true, ..utc };
    assert!(key.read(&texts()).is_err());
    // Before 1970 as well, nanoseconds are cut as Arrow cuts them.
    let before: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![-1_500]));
    let read = column(ColumnType::Timestamp)
        .read(&(Arc::new(TimestampNanosecondArray::from(vec![-1_500]).with_timezone("UTC")) as ArrayRef))
        .unwrap();
    let cast = arrow::compute::cast(&before, &DataType::Timestamp(TimeUnit::Microsecond, None)).unwrap();
    assert_eq!(
        read.as_primitive::<TimestampMicrosecondType>().value(0),
        cast.as_primitive::<TimestampMicrosecondType>().value(0)
    );
}

#[test]
fn a_day_or_time_in_whole_files_is_bounded_by_its_greatest() {
    let timestamp = column(ColumnType::Timestamp);
    let greatest: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(1_765_886_400), None]));
    assert_eq!(texts(&timestamp.latest(&greatest).unwrap()), ["2025-12-16T11:00:00", ""]);
    // 2025-03-30 03:00 in Paris is 01:00 UTC, and 02:59, which is missing, 01:59.
    let after_the_gap: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1_743_303_600]));
    assert_eq!(texts(&timestamp.latest(&after_the_gap).unwrap()), ["2025-03-30T01:59:59.999999"]);
    let text: ArrayRef = Arc::new(StringArray::from(vec!["2025-01-01T00:00:00"]));
    assert_eq!(timestamp.latest(&text), None);
    let wrong: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    assert_eq!(timestamp.latest(&wrong), None);
}

proptest! {
    #[test]
    fn cents_come_back_from_floats(cents in -3_000_000_000_000_000..3_000_000_000_000_000_i64) {
        let double = Float64Array::from(vec![cents as f64 / 100.0]);
        let read = column(ColumnType::Money).read(&(Arc::new(double) as ArrayRef)).unwrap();
        prop_assert_eq!(read.as_primitive::<Decimal128Type>().value(0), i128::from(cents));
    }

    #[test]
    fn cents_come_back_from_single_floats(cents in -6_553_599..6_553_599_i64) {
        let single = Float32Array::from(vec![(cents as f64 / 100.0) as f32]);
        let read = column(ColumnType::Money).read(&(Arc::new(single) as ArrayRef)).unwrap();
        prop_assert_eq!(read.as_primitive::<Decimal128Type>().value(0), i128::from(cents));
    }

    #[test]
    fn what_the_ends_allow_all_values_between_are_allowed(least in any::<i64>(), greatest in any::<i64>(), share in 0.0..1.0f64) {
        let (least, greatest) = (least.min(greatest), least.max(greatest));
        let between = least.saturating_add(((i128::from(greatest) - i128::from(least)) as f64 * share) as i64);
        let between = between.clamp(least, greatest);
        for (of, values) in [
            (ColumnType::Integer, Arc::new(Int64Array::from(vec![least, greatest])) as ArrayRef),
            (ColumnType::Timestamp, Arc::new(TimestampMillisecondArray::from(vec![least, greatest])) as ArrayRef),
        ] {
            let declared = column(of);
            prop_assert_eq!(declared.reading(values.data_type()).unwrap().refuses, Refused::BeyondRange);
            if declared.read(&values).is_ok() {
                let between = cast(&(Arc::new(Int64Array::from(vec![between])) as ArrayRef), values.data_type()).unwrap();
                prop_assert!(declared.read(&between).is_ok());
            }
        }
    }
}
