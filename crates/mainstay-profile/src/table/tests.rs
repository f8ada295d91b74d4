//! Profiles of small tables, and that they do not depend on how their rows arrive.

use std::sync::Arc;

use arrow::array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::finding::Suspicion;
use crate::spec::ColumnSpec;
use crate::yaml::findings_file;

const DAY: i64 = 86_400_000_000;

fn spec(name: &str, values: &ArrayRef) -> ColumnSpec {
    ColumnSpec {
        name: name.to_owned(),
        data_type: values.data_type().clone(),
        type_name: "text".to_owned(),
        is_declared: true,
        is_personal: false,
        is_identifier: false,
        is_money: false,
    }
}

fn table(columns: &[(&str, ArrayRef)]) -> (TableSpec, RecordBatch) {
    let batch = RecordBatch::try_from_iter(columns.iter().map(|(name, values)| (*name, Arc::clone(values)))).unwrap();
    let spec = TableSpec {
        table: "orders".into(),
        rows: batch.num_rows() as u64,
        files: 1,
        key: vec!["order_id".into()],
        time_zone: "Europe/Paris".into(),
        ds: Ds::EPOCH.plus_days(20_000),
        as_of: Timestamp::from_microsecond(20_000 * DAY).unwrap(),
        columns: columns.iter().map(|(name, values)| spec(name, values)).collect(),
    };
    (spec, batch)
}

fn profile(spec: &TableSpec, batch: &RecordBatch) -> TableProfile {
    let mut tally = TableTally::new(spec);
    tally.add(batch).unwrap();
    tally.finish(spec, Some(0))
}

/// What is suspected of each column, and the messages.
fn suspected(profile: &TableProfile) -> Vec<(Option<&str>, Suspicion, Option<u64>)> {
    profile.findings.iter().map(|found| (found.column.as_deref(), found.suspicion, found.rows)).collect()
}

fn of_one(name: &str, values: ArrayRef) -> TableProfile {
    let (spec, batch) = table(&[(name, values)]);
    profile(&spec, &batch)
}

fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn times(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

#[test]
fn counts_ranges_and_quantiles_are_exact() {
    let numbers: ArrayRef = Arc::new((0..100).map(|row| (row % 10 != 0).then_some(row)).collect::<Int64Array>());
    let profile = of_one("age", numbers);
    let column = &profile.columns[0];
    assert_eq!((profile.rows, column.missing), (100, 10));
    assert_eq!(column.distinct, crate::Distinct { values: 90, is_exact: true });
    assert_eq!((column.least.as_deref(), column.greatest.as_deref()), (Some("1"), Some("99")));
    assert_eq!((column.quantiles["q05"].as_str(), column.quantiles["q50"].as_str()), ("5", "49"));
    assert!(column.frequent.is_empty(), "every value stands once");
    assert_eq!(suspected(&profile), []);
}

/// One row is enough, at whatever time of day and on whatever clock.
#[test]
fn the_year_9999_stands_for_no_time() {
    let day = 2_932_896; // 9999-12-31
    let dates = of_one("closed_on", Arc::new(Date32Array::from(vec![Some(19_000), None, Some(19_100), Some(day)])));
    assert_eq!(suspected(&dates), [(Some("closed_on"), Suspicion::Sentinel, Some(1))]);
    let expected =
        "9999-12-31 of the year 9999 stands for no time, such as an end that is not known: read it as null in staging";
    assert_eq!(dates.findings[0].message, expected);
    for micros in [i64::from(day) * DAY, i64::from(day) * DAY + DAY - 1, i64::from(day) * DAY - DAY / 24] {
        let profile = of_one("closed_at", times(vec![Some(19_000 * DAY), Some(30_000 * DAY), Some(micros)]));
        let expected =
            [(Some("closed_at"), Suspicion::AfterAsOf, Some(1)), (Some("closed_at"), Suspicion::Sentinel, Some(1))];
        assert_eq!(suspected(&profile), expected);
        assert!(profile.findings[0].message.starts_with("lie at or after 2024-10-04T00:00:00Z: planned"));
        assert!(profile.findings[1].message.starts_with("9999-12-3"), "{}", profile.findings[1].message);
        let source = SourceProfile { source: "shop".into(), ds: "2024-10-04".parse().unwrap(), tables: vec![profile] };
        let file = findings_file(&source);
        assert!(file.contains("range: [2022-01-08T00:00:00Z, 9999-12-3"), "{file}");
    }
}

#[test]
fn the_most_frequent_values_come_first() {
    let channels = ["web", "app", "web", "shop", "web", "app", "call"].map(Some);
    let profile = of_one("channel", texts(channels));
    let shown: Vec<_> = profile.columns[0].frequent.iter().map(|of| (of.value.as_str(), of.rows)).collect();
    assert_eq!(shown, [("web", 3), ("app", 2)], "a value of one row alone is not shown");
}

#[test]
fn values_of_personal_and_undeclared_columns_are_never_shown() {
    let mails: Vec<String> = (0..200).map(|row| format!("Ana{row}@example.org")).collect();
    let mixed: Vec<&str> = (0..200).map(|row| if row % 2 == 0 { "Berlin" } else { "berlin" }).collect();
    let late = times((0..200).map(|row| Some((20_000 + row) * DAY)).collect());
    let amounts: ArrayRef = Arc::new(Int64Array::from((0..200).map(|row| row - 100).collect::<Vec<_>>()));
    let columns = [
        ("email", texts(mails.iter().map(|mail| Some(mail.as_str())))),
        ("city", texts(mixed.into_iter().map(Some))),
        ("birthday", late),
        ("total_amount", amounts),
    ];
    for (is_declared, is_personal) in [(true, true), (false, false)] {
        let (mut spec, batch) = table(&columns);
        spec.columns.iter_mut().for_each(|column| {
            column.is_declared = is_declared;
            column.is_personal = is_personal;
        });
        let profile = profile(&spec, &batch);
        assert_eq!(profile.columns[1].distinct.values, 2);
        let source = SourceProfile { source: "shop".into(), ds: "2024-10-04".parse().unwrap(), tables: vec![profile] };
        let shown = findings_file(&source) + &serde_json::to_string(&source).unwrap();
        for value in ["example.org", "erlin", "2024-10-0", "2025", "-100"] {
            let shown = shown.replace("before: 2024-10-04", "").replace("\"ds\":\"2024-10-04\"", "");
            let shown = shown.replace("at or after 2024-10-04T00:00:00Z", "");
            assert!(!shown.contains(value), "{value} is shown:\n{shown}");
        }
    }
}

#[test]
fn each_suspicion_is_shown() {
    let rows = 200;
    let alternating = |odd: &'static str, even: &'static str| {
        texts((0..rows).map(move |row| Some(if row % 2 == 0 { even } else { odd })))
    };
    let owned = |value: &dyn Fn(i64) -> String| {
        let values: Vec<String> = (0..rows).map(value).collect();
        Arc::new(StringArray::from(values)) as ArrayRef
    };
    let integers =
        |value: &dyn Fn(i64) -> Option<i64>| Arc::new((0..rows).map(value).collect::<Int64Array>()) as ArrayRef;
    let cases: Vec<(&str, ArrayRef, Suspicion, Option<u64>)> = vec![
        ("a", integers(&|_| None), Suspicion::AllMissing, Some(200)),
        ("a", integers(&|row| (row < 5).then_some(row)), Suspicion::MostlyMissing, Some(195)),
        ("a", integers(&|_| Some(7)), Suspicion::Constant, Some(200)),
        ("a", integers(&Some), Suspicion::IdLike, None),
        ("a", owned(&|row| format!("u{}@shop.example", row % 50)), Suspicion::Personal, Some(200)),
        ("a", owned(&|row| format!("{}.5", row % 50)), Suspicion::NumberAsText, Some(200)),
        ("a", owned(&|row| format!("{}.3.2025", 1 + row % 28)), Suspicion::DateAsText, Some(200)),
        ("a", alternating("Berlin", "berlin"), Suspicion::MixedCase, None),
        ("a", alternating("Berlin ", "Rome"), Suspicion::Padded, Some(100)),
        ("a", alternating(" ", "Rome"), Suspicion::Blank, Some(100)),
        ("a", alternating("N/A", "Rome"), Suspicion::Sentinel, Some(100)),
        ("net_amount", integers(&|row| Some(row % 50 - 1)), Suspicion::Negative, Some(4)),
        ("a", integers(&|row| Some(if row < 5 { -999 } else { row % 50 })), Suspicion::Sentinel, Some(5)),
        ("a", integers(&|row| Some(if row < 5 { 9999 } else { row % 50 })), Suspicion::Sentinel, Some(5)),
        ("a", times((0..rows).map(|row| Some((19_900 + row) * DAY)).collect()), Suspicion::AfterAsOf, Some(100)),
        (
            "a",
            times((0..rows).map(|row| Some(if row < 3 { -25_567 } else { 19_000 + row } * DAY)).collect()),
            Suspicion::Sentinel,
            Some(3),
        ),
    ];
    for (name, values, suspicion, in_rows) in cases {
        let profile = of_one(name, values);
        assert_eq!(suspected(&profile), [(Some(name), suspicion, in_rows)], "{:?}", profile.findings);
    }
    let floats: Vec<f64> = (0..rows).map(|row| if row == 3 { f64::NAN } else { (row % 20) as f64 }).collect();
    assert_eq!(suspected(&of_one("a", Arc::new(Float64Array::from(floats))))[0].1, Suspicion::NotFinite);
}

#[test]
fn ordinary_columns_raise_no_suspicion() {
    let rows = 300;
    let money = Decimal128Array::from_iter_values((0..rows).map(|row| i128::from(row % 97) * 100))
        .with_precision_and_scale(18, 2);
    let flags: BooleanArray = (0..rows).map(|row| Some(row % 9 == 0)).collect();
    let days: Date32Array = (0..rows).map(|row| Some(19_000 + row as i32 % 300)).collect();
    let codes: Vec<String> = (0..rows).map(|row| format!("{:03}", row % 40)).collect();
    let (mut spec, batch) = table(&[
        ("order_id", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("net_amount", Arc::new(money.unwrap())),
        ("is_return", Arc::new(flags)),
        ("day", Arc::new(days)),
        ("shop_code", Arc::new(StringArray::from(codes))),
        ("seen_at", times((0..rows).map(|row| Some((19_000 + row % 50) * DAY + row)).collect())),
    ]);
    spec.columns[0].is_identifier = true;
    let profile = profile(&spec, &batch);
    assert_eq!(suspected(&profile), [], "{:#?}", profile.findings);
    assert_eq!(profile.columns[1].greatest.as_deref(), Some("96.00"));
    assert!(profile.columns[0].frequent.is_empty(), "the values of a key are not shown");
}

#[test]
fn duplicate_keys_and_empty_tables_are_reported() {
    let (spec, batch) = table(&[("a", texts(["x", "y", "x"].map(Some)))]);
    let mut tally = TableTally::new(&spec);
    assert_eq!(suspected(&tally.finish(&spec, None)), [(None, Suspicion::Empty, None)]);
    tally.add(&batch).unwrap();
    assert_eq!(suspected(&tally.finish(&spec, Some(2))), [(None, Suspicion::DuplicateKeys, Some(2))]);
}

#[test]
fn columns_that_say_the_same_are_reported_once() {
    let rows = 1000;
    let one: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 83)));
    let near: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 83 + i64::from(row < 9))));
    let far: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 83 + i64::from(row < 20))));
    let (spec, batch) = table(&[("one", one), ("near", near), ("far", far)]);
    let profile = profile(&spec, &batch);
    assert_eq!(suspected(&profile), [(Some("near"), Suspicion::NearDuplicate, Some(991))]);
    assert!(profile.findings[0].message.starts_with("differs from one in 9 rows only"), "{:?}", profile.findings);
}

/// Rows that have something of everything.
fn anything(seed: &[u16]) -> (TableSpec, RecordBatch) {
    let value = |row: &u16, of: u16| (!row.is_multiple_of(of)).then_some(i64::from(*row));
    let texts: Vec<Option<String>> = seed
        .iter()
        .map(|row| value(row, 5).map(|of| format!("{}{}", if of % 2 == 0 { "V" } else { "v" }, of % 7)))
        .collect();
    table(&[
        ("id", Arc::new(seed.iter().map(|row| value(row, 11)).collect::<Int64Array>())),
        ("id_again", Arc::new(seed.iter().map(|row| value(row, 11)).collect::<Int64Array>())),
        ("text", Arc::new(StringArray::from(texts))),
        ("number", Arc::new(seed.iter().map(|row| value(row, 3).map(|of| of as f64 / 8.0)).collect::<Float64Array>())),
        ("at", times(seed.iter().map(|row| value(row, 13).map(|of| of * DAY)).collect())),
    ])
}

proptest! {
    #[test]
    fn the_profile_does_not_depend_on_order_or_split(seed in prop::collection::vec(any::<u16>(), 1..200), cut in 0usize..200) {
        let (spec, batch) = anything(&seed);
        let whole = profile(&spec, &batch);
        let reversed: Vec<u16> = seed.iter().rev().copied().collect();
        let (_, other_way) = anything(&reversed);
        let cut = cut.min(seed.len());
        let mut parts = [TableTally::new(&spec), TableTally::new(&spec)];
        parts[1].add(&other_way.slice(0, cut)).unwrap();
        for row in cut..seed.len() {
            parts[0].add(&other_way.slice(row, 1)).unwrap();
        }
        let [first, second] = parts;
        prop_assert_eq!(&first.clone().merged(second.clone()).finish(&spec, Some(0)), &whole);
        prop_assert_eq!(&second.merged(first).finish(&spec, Some(0)), &whole);
    }
}

#[test]
fn too_many_values_are_estimated_alike_in_any_split() {
    let rows: i64 = 260_000;
    let batch = |from: i64, to: i64| {
        let numbers = Int64Array::from_iter_values((from..to).map(|row| row * 7 % rows));
        let texts: StringArray = (from..to).map(|row| Some(format!("C{row}"))).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(texts)];
        let schema =
            Schema::new(vec![Field::new("number", DataType::Int64, true), Field::new("text", DataType::Utf8, true)]);
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    };
    let all = batch(0, rows);
    let (spec, _) = table(&[("number", Arc::clone(all.column(0))), ("text", Arc::clone(all.column(1)))]);
    let whole = profile(&spec, &all);
    let mut parts = vec![TableTally::new(&spec), TableTally::new(&spec), TableTally::new(&spec)];
    for (part, bounds) in parts.iter_mut().zip([[0, 40_000], [40_000, 200_000], [200_000, rows]]) {
        part.add(&batch(bounds[0], bounds[1])).unwrap();
    }
    let merged = parts.into_iter().rev().reduce(TableTally::merged).unwrap().finish(&spec, Some(0));
    assert_eq!(merged, whole);
    let number = &whole.columns[0];
    assert!(!number.distinct.is_exact && number.distinct.values.abs_diff(260_000) < 5_200, "{number:?}");
    let median: f64 = number.quantiles["q50"].parse().unwrap();
    assert!((median / 130_000.0 - 1.0).abs() < 0.001, "{median}");
    assert_eq!((number.least.as_deref(), number.greatest.as_deref()), (Some("0"), Some("259999")));
    assert_eq!(whole.columns[1].distinct.values.abs_diff(260_000) / 5_200, 0);
}

#[test]
fn types_of_every_kind_are_read() {
    let nanos = arrow::array::TimestampNanosecondArray::from(vec![Some(1_700_000_000_000_000_000), None]);
    assert_eq!(nanos.data_type(), &DataType::Timestamp(TimeUnit::Nanosecond, None));
    let profile = of_one("at", Arc::new(nanos));
    assert_eq!(profile.columns[0].least.as_deref(), Some("2023-11-14T22:13:20Z"));
    let bytes = arrow::array::BinaryArray::from(vec![Some(b"x".as_slice()), None]);
    let profile = of_one("raw", Arc::new(bytes));
    assert_eq!((profile.columns[0].missing, profile.columns[0].distinct.values), (1, 0));
}

#[test]
fn a_findings_file_reads_well() {
    let rows = 120;
    let channel = texts((0..rows).map(|row| Some(["web", "Web", "app", "n/a", "on"][row as usize % 5])));
    let amount = Decimal128Array::from_iter_values((0..rows).map(|row| i128::from(row % 60) * 250 - 500));
    let (mut spec, batch) = table(&[
        ("order_id", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("channel", channel),
        ("net_amount", Arc::new(amount.with_precision_and_scale(18, 2).unwrap())),
        ("ordered_at", times((0..rows).map(|row| Some((19_890 + row % 115) * DAY)).collect())),
        ("e-mail", texts((0..rows).map(|_| Some("ana@example.org")))),
        ("note", texts((0..rows).map(|_| None))),
    ]);
    for (column, type_name) in spec.columns.iter_mut().zip(["bigint", "text", "money", "timestamp", "text", "Utf8"]) {
        column.type_name = type_name.to_owned();
    }
    spec.columns[0].is_identifier = true;
    spec.columns[2].is_money = true;
    spec.columns[4].is_personal = true;
    spec.columns[5].is_declared = false;
    let source = SourceProfile {
        source: "shop".into(),
        ds: "2024-10-04".parse().unwrap(),
        tables: vec![profile(&spec, &batch)],
    };
    insta::assert_snapshot!("findings_file", findings_file(&source));
}
