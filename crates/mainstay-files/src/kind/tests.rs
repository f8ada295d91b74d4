use arrow::array::new_null_array;
use arrow::datatypes::{Field, IntervalUnit, TimeUnit, UnionFields, UnionMode};

use super::*;
use crate::read::{categories, days, keys, numbers};

/// Every type of Arrow, and whether it is read as a number, a category, a day and a key.
fn table() -> Vec<(DataType, [bool; 4])> {
    const NOTHING: [bool; 4] = [false; 4];
    const TEXT: [bool; 4] = [false, true, true, true];
    const DAY: [bool; 4] = [false, false, true, false];
    let item = || Arc::new(Field::new("item", DataType::Int32, true));
    let entries = || {
        let fields = vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int32, true)];
        Arc::new(Field::new("entries", DataType::Struct(fields.into()), false))
    };
    let union = UnionFields::try_new([0], [Field::new("a", DataType::Int32, true)]).unwrap();
    let dictionary = |values| DataType::Dictionary(Box::new(DataType::Int32), Box::new(values));
    let runs = |values| {
        let ends = Arc::new(Field::new("run_ends", DataType::Int32, false));
        DataType::RunEndEncoded(ends, Arc::new(Field::new("values", values, true)))
    };
    let mut table = vec![
        (DataType::Null, [true; 4]),
        (DataType::Boolean, [true, true, false, false]),
        (DataType::Utf8, TEXT),
        (DataType::LargeUtf8, TEXT),
        (DataType::Utf8View, TEXT),
        (DataType::Date32, DAY),
        (DataType::Date64, DAY),
        (DataType::Time32(TimeUnit::Second), NOTHING),
        (DataType::Time64(TimeUnit::Nanosecond), NOTHING),
        (DataType::Duration(TimeUnit::Second), NOTHING),
        (DataType::Interval(IntervalUnit::DayTime), NOTHING),
        (DataType::Binary, NOTHING),
        (DataType::LargeBinary, NOTHING),
        (DataType::BinaryView, NOTHING),
        (DataType::FixedSizeBinary(4), NOTHING),
        (DataType::List(item()), NOTHING),
        (DataType::LargeList(item()), NOTHING),
        (DataType::ListView(item()), NOTHING),
        (DataType::LargeListView(item()), NOTHING),
        (DataType::FixedSizeList(item(), 2), NOTHING),
        (DataType::Struct(vec![item()].into()), NOTHING),
        (DataType::Map(entries(), false), NOTHING),
        (DataType::Union(union, UnionMode::Sparse), NOTHING),
        (dictionary(DataType::Utf8), TEXT),
        (dictionary(DataType::Float64), [true, true, false, true]),
        (dictionary(DataType::Binary), NOTHING),
        (dictionary(DataType::Date32), DAY),
        (runs(DataType::Utf8), TEXT),
        (runs(DataType::Int64), [true, true, false, true]),
    ];
    let integers = [DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64];
    let unsigned = [DataType::UInt8, DataType::UInt16, DataType::UInt32, DataType::UInt64];
    let floats = [DataType::Float16, DataType::Float32, DataType::Float64];
    let numbers = integers.into_iter().chain(unsigned).chain(floats);
    table.extend(numbers.map(|kind| (kind, [true, true, false, true])));
    for scale in [0, 2] {
        let decimals = [
            DataType::Decimal32(9, scale),
            DataType::Decimal64(18, scale),
            DataType::Decimal128(38, scale),
            DataType::Decimal256(76, scale),
        ];
        table.extend(decimals.map(|kind| (kind, [true, true, false, scale == 0])));
    }
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        let zones = [None, Some("UTC".into()), Some("+05:30".into()), Some("Europe/Berlin".into())];
        table.extend(zones.map(|zone| (DataType::Timestamp(unit, zone), DAY)));
    }
    table
}

#[test]
fn every_type_of_arrow_is_read_as_the_table_says_or_refused() {
    for (data_type, expected) in table() {
        let kind = ColumnKind::of(&data_type);
        assert_eq!([kind.is_number(), kind.is_category(), kind.is_day(), kind.is_key()], expected, "{data_type}");
        // A union has no bits of validity: none of its rows is missing as such.
        if matches!(data_type, DataType::Union(..)) {
            continue;
        }
        let array = new_null_array(&data_type, 2);
        let read = [numbers(&array).is_ok(), categories(&array).is_ok(), days(&array).is_ok(), keys(&array).is_ok()];
        assert_eq!(read, expected, "{data_type}: what is decided is what is done");
        for advice in [kind.number_advice(), kind.day_advice(), kind.key_advice()] {
            assert!(!advice.is_empty());
        }
    }
}
