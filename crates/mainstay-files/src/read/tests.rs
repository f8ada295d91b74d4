use arrow::array::{
    BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array, DictionaryArray, Float32Array,
    Int64Array, LargeStringArray, NullArray, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Int8Type, i256};

use super::*;

fn array(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn texts_of(found: Vec<Option<String>>) -> Vec<String> {
    found.into_iter().map(|text| text.unwrap_or_else(|| "-".to_owned())).collect()
}

fn decimals(values: Vec<Option<i128>>, scale: i8) -> ArrayRef {
    array(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap())
}

#[test]
fn integers_of_64_bits_are_keys_to_the_last_digit() {
    let above = (1i64 << 53) + 1;
    let signed = keys(&array(Int64Array::from(vec![Some(above), Some(above - 1), None, Some(i64::MIN)]))).unwrap();
    assert_eq!(texts_of(signed), ["9007199254740993", "9007199254740992", "-", "-9223372036854775808"]);
    let unsigned = keys(&array(UInt64Array::from(vec![u64::MAX, u64::MAX - 1]))).unwrap();
    assert_eq!(texts_of(unsigned), ["18446744073709551615", "18446744073709551614"]);
}

#[test]
fn decimals_are_keys_as_whole_numbers_only() {
    let large = 12_345_678_901_234_567_890_123_456_789_012_345_678;
    assert_eq!(
        texts_of(keys(&decimals(vec![Some(large), None, Some(0), Some(-7)], 0)).unwrap())[..],
        ["12345678901234567890123456789012345678", "-", "0", "-7"]
    );
    let larger = i256::from_i128(i128::MAX);
    let wide = array(Decimal256Array::from(vec![larger]).with_precision_and_scale(76, 0).unwrap());
    assert_eq!(texts_of(keys(&wide).unwrap()), [i128::MAX.to_string()]);
    assert_eq!(
        keys(&decimals(vec![Some(1_200)], 2)).unwrap_err().to_string(),
        "it is of type Decimal128(38, 2): write ids as whole numbers or texts, as in `cast(column as decimal(38, 0))`"
    );
}

#[test]
fn doubles_are_keys_where_they_are_exact() {
    let floats = |values: Vec<f64>| array(Float64Array::from(values));
    assert_eq!(texts_of(keys(&floats(vec![12.0, f64::NAN, -3.0])).unwrap()), ["12", "-", "-3"]);
    for (value, shown) in [(0.5, "0.5"), (9_007_199_254_740_992.0, "9007199254740992"), (f64::INFINITY, "inf")] {
        let error = keys(&floats(vec![f64::NAN, value])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{shown} is no id that a double holds exactly: write ids as texts or whole numbers")
        );
        assert_eq!(error, KeyError::Inexact { row: 1, value });
    }
    let dates = array(Date32Array::from(vec![1]));
    assert_eq!(keys(&dates).unwrap_err().to_string(), "it is of type Date32: write ids as texts or whole numbers");
}

#[test]
fn texts_are_the_same_in_every_encoding() {
    let values = vec![Some("Paris"), None, Some("")];
    let dictionary: DictionaryArray<Int8Type> = values.iter().copied().collect();
    let encodings = [
        array(StringArray::from(values.clone())),
        array(LargeStringArray::from(values.clone())),
        array(StringViewArray::from(values)),
        array(dictionary),
    ];
    for encoding in encodings {
        assert_eq!(texts_of(categories(&encoding).unwrap()), ["Paris", "-", ""], "{}", encoding.data_type());
        assert_eq!(texts_of(keys(&encoding).unwrap()), ["Paris", "-", ""]);
    }
}

#[test]
fn numbers_as_categories_have_one_text_in_every_type() {
    let category = |values: ArrayRef| texts_of(categories(&values).unwrap());
    assert_eq!(category(array(Int64Array::from(vec![Some(12), None]))), ["12", "-"]);
    assert_eq!(category(array(Float32Array::from(vec![12.0, 0.5, f32::NAN]))), ["12", "0.5", "-"]);
    assert_eq!(
        category(decimals(vec![Some(1_200), Some(1_250), Some(100_000), Some(0)], 2)),
        ["12", "12.5", "1000", "0"]
    );
    assert_eq!(category(array(BooleanArray::from(vec![true, false]))), ["1", "0"]);
    assert_eq!(category(array(NullArray::new(2))), ["-", "-"]);
}

#[test]
fn numbers_are_doubles_and_other_columns_none() {
    let read = |values: ArrayRef| numbers(&values).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(read(decimals(vec![Some(1_250), None], 3)), [Some(1.25), None]);
    assert_eq!(read(array(UInt64Array::from(vec![u64::MAX]))), [Some(u64::MAX as f64)]);
    assert_eq!(read(array(BooleanArray::from(vec![Some(true), None]))), [Some(1.0), None]);
    assert_eq!(read(array(NullArray::new(1))), [None]);
    let half = cast(&array(Float32Array::from(vec![1.5])), &DataType::Float16).unwrap();
    assert_eq!(read(half), [Some(1.5)]);
    let error = numbers(&array(StringArray::from(vec!["12"]))).unwrap_err().to_string();
    assert_eq!(error, "Cast error: a column of type Utf8 is not read as numbers");
}

#[test]
fn whole_numbers_beyond_64_bits_are_named() {
    let whole = |values: ArrayRef| whole_numbers(&values).map(|read| read.iter().collect::<Vec<_>>());
    assert_eq!(whole(decimals(vec![Some(1_200), None], 2)).unwrap(), [Some(12), None]);
    assert_eq!(whole(array(Float64Array::from(vec![3.0]))).unwrap(), [Some(3)]);
    let message = whole(array(UInt64Array::from(vec![1, 1 << 63]))).unwrap_err();
    assert_eq!(
        (message.row, message.to_string().as_str()),
        (1, "9223372036854775808 is no whole number from -9223372036854775808 to 9223372036854775807")
    );
    assert!(whole(array(Float64Array::from(vec![0.5]))).unwrap_err().to_string().starts_with("0.5 is no whole"));
    let texts = whole(array(StringArray::from(vec!["12"]))).unwrap_err();
    assert!(texts.to_string().starts_with("a value of type Utf8 is no whole number"), "{texts}");
}

#[test]
fn an_instant_falls_on_the_day_of_its_zone_and_of_utc_without_one() {
    // 2024-03-01T00:30 in UTC, and a moment before 1970.
    let (seconds, before) = (1_709_253_000, -1);
    let (march, february) = (19_783, 19_782);
    let day = |instants: ArrayRef| days(&instants).unwrap();
    assert_eq!(
        day(array(TimestampSecondArray::from(vec![Some(seconds), Some(before), None]))),
        [Some(march), Some(-1), None]
    );
    let zoned = |zone: &str| day(array(TimestampMicrosecondArray::from(vec![seconds * 1_000_000]).with_timezone(zone)));
    for (zone, expected) in [
        ("UTC", march),
        ("Europe/Paris", march),
        ("America/New_York", february),
        ("-01:00", february),
        ("+0530", march),
    ] {
        assert_eq!(zoned(zone), [Some(expected)], "{zone}");
    }
    assert_eq!(day(array(TimestampMillisecondArray::from(vec![seconds * 1_000, -1]))), [Some(march), Some(-1)]);
    assert_eq!(day(array(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000]))), [Some(march)]);
    assert_eq!(day(array(Date64Array::from(vec![seconds * 1_000, -1]))), [Some(march), Some(-1)]);
    let unknown = array(TimestampSecondArray::from(vec![0]).with_timezone("Mars/Olympus"));
    assert_eq!(
        days(&unknown).unwrap_err().to_string(),
        "its time zone `Mars/Olympus` is not known: write the instants in UTC or in a zone such as Europe/Paris"
    );
    let never = array(TimestampSecondArray::from(vec![i64::MAX]));
    assert_eq!(days(&never).unwrap_err().to_string(), "`9223372036854775807 seconds since 1970` is no day");
}

#[test]
fn texts_are_days_where_they_begin_with_one() {
    let day = |text: &str| days(&array(StringArray::from(vec![None, Some(text)])));
    for text in ["2024-03-01", "2024-03-01T08:00:00Z", "2024-03-01 23:59"] {
        assert_eq!(day(text).unwrap(), [None, Some(19_783)], "{text}");
    }
    for text in ["01.03.2024", "20240301", "2024-02-30", "2024-03-011", "", "é2024-03-01"] {
        assert_eq!(day(text).unwrap_err(), DayError::Value { row: 1, value: text.to_owned() });
    }
    let number = days(&array(Int64Array::from(vec![20_240_301]))).unwrap_err().to_string();
    assert_eq!(
        number,
        "it is of type Int64: numbers such as 20240301 or the seconds since 1970 may mean several things: convert them, as in \
         `to_date(cast(column as varchar), '%Y%m%d')` or `to_timestamp(column)`"
    );
    let other = days(&array(BooleanArray::from(vec![true]))).unwrap_err().to_string();
    assert_eq!(other, "it is of type Boolean: give dates, timestamps, or texts like 2024-03-01");
}

/// As the texts of the decimals say, which are read rightly.
#[test]
fn decimals_become_the_nearest_doubles() {
    let mut digits: Vec<i128> =
        vec![0, 1, -1, 10i128.pow(37), i128::from(i64::MAX), (1 << 53) + 1, (1 << 60) + (1 << 7) + 1];
    let drawn = |row: i128| (row * row * row + 1) * 8_319_472_615_093_847_261 % 10i128.pow(18 + (row % 12) as u32);
    digits.extend((0..2_000).map(drawn));
    let mut doubly_rounded = 0;
    for scale in [0, 1, 2, 9, 18, 22, 23, 30, 38, -2] {
        let values = decimals(digits.iter().copied().map(Some).collect(), scale);
        let read = numbers(&values).unwrap();
        let of_arrow = cast(&values, &DataType::Float64).unwrap();
        for (row, of) in digits.iter().enumerate() {
            let expected: f64 = format!("{of}e{}", -i32::from(scale)).parse().unwrap();
            assert_eq!(read.value(row), expected, "{of} of scale {scale}");
            doubly_rounded += usize::from(of_arrow.as_primitive::<Float64Type>().value(row) != expected);
        }
        let wide = cast(&values, &DataType::Decimal256(76, scale)).unwrap();
        assert_eq!(numbers(&wide).unwrap(), read);
    }
    assert!(doubly_rounded > 100, "{doubly_rounded}");
    let beyond = array(Decimal256Array::from(vec![Some(i256::MAX), None]).with_precision_and_scale(76, 3).unwrap());
    let read = numbers(&beyond).unwrap();
    assert_eq!((read.value(0), read.is_null(1)), (format!("{}e-3", i256::MAX).parse().unwrap(), true));
}
