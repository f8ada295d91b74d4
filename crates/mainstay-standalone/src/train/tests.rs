//! Files of anyone's: what is trained, what is told, and every refusal.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array, ListArray,
    NullArray, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use mainstay_train::Monotone;
use mainstay_train::leakage::LeakKind;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use super::*;

const ROWS: i64 = 2_000;

/// A number in [0, 1) of a row.
fn draw(row: i64, purpose: i64) -> f64 {
    let mixed = (row as u64 ^ (purpose as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

fn recency(row: i64) -> f64 {
    (draw(row, 1) * 300.0).floor()
}

fn churned(row: i64) -> bool {
    let city = if row % 4 == 0 { 0.35 } else { 0.0 };
    draw(row, 2) < 0.1 + 0.4 * recency(row) / 300.0 + city
}

fn of_rows<T>(value: impl Fn(i64) -> T) -> Vec<T> {
    (0..ROWS).map(value).collect()
}

/// The columns of an honest file.
fn columns() -> Vec<(&'static str, ArrayRef)> {
    let city = |row: i64| if row % 4 == 0 { "Oslo" } else { ["Paris", "Rome"][(row % 2) as usize] };
    vec![
        ("recency", Arc::new(Float64Array::from(of_rows(recency)))),
        (
            "orders",
            Arc::new(
                of_rows(|row| (row % 9 > 0).then_some((draw(row, 3) * 20.0) as i64))
                    .into_iter()
                    .collect::<Int64Array>(),
            ),
        ),
        ("city", Arc::new(StringArray::from(of_rows(city)))),
        ("is_new", Arc::new(BooleanArray::from(of_rows(|row| draw(row, 4) < 0.3)))),
        ("same", Arc::new(Int64Array::from(vec![7; ROWS as usize]))),
        ("note", Arc::new(StringArray::from(of_rows(|row| format!("note {row}"))))),
        ("day", Arc::new(Date32Array::from(of_rows(|row| 19_000 + (row / 200) as i32 * 30)))),
        ("churned", Arc::new(Int64Array::from(of_rows(|row| i64::from(churned(row)))))),
    ]
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
        let path = self.folder.path().join(name);
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }
}

fn request(input: PathBuf) -> TrainRequest {
    TrainRequest {
        input,
        test: None,
        label: "churned".into(),
        positive: None,
        key: None,
        time_column: Some("day".into()),
        label_days: 30,
        today: "2026-12-01".parse().unwrap(),
        exclude: Vec::new(),
        categories: Vec::new(),
        monotone: BTreeMap::new(),
        kinds: vec![LearnerKind::Tree],
        candidates: 1,
        baseline: None,
        segments: Vec::new(),
        champion: None,
        seed: 1,
        threads: NonZeroUsize::MIN,
    }
}

fn train(request: &TrainRequest) -> TrainedFile {
    train_file(request, &mut |_| {}).unwrap()
}

/// The message where a column is another one, or is gone.
fn refusal_with(column: &str, values: Option<ArrayRef>) -> String {
    refusal(column, values, |_| {})
}

fn refusal(column: &str, values: Option<ArrayRef>, change: impl Fn(&mut TrainRequest)) -> String {
    let files = Files::new();
    let mut columns: Vec<(&str, ArrayRef)> = columns().into_iter().filter(|(name, _)| *name != column).collect();
    columns.extend(values.map(|values| (column, values)));
    let mut request = request(files.write("rows.parquet", columns));
    change(&mut request);
    let message = train_file(&request, &mut |_| {}).unwrap_err().to_string();
    message.replace(&files.folder.path().display().to_string(), "FOLDER")
}

#[test]
fn trains_in_time_order_and_tells_everything() {
    let files = Files::new();
    let mut told = Vec::new();
    let request = request(files.write("rows.parquet", columns()));
    let trained = train_file(&request, &mut |progress| told.push(progress)).unwrap();
    let report = &trained.report;
    assert_eq!(report.features, ["recency", "orders", "city", "is_new"]);
    let left_out: Vec<_> = report.left_out.iter().map(|of| of.column.as_str()).collect();
    assert_eq!(left_out, ["same", "note"]);
    let expected = SplitReport {
        by: "time".into(),
        training_rows: 1_800,
        test_rows: 200,
        test_from: Some("2022-10-05".parse().unwrap()),
        time_zone: None,
        rows_between: 0,
    };
    assert_eq!(report.split, expected);
    assert!(
        report.facts.in_time_order && report.facts.judgement.evaluation.ranking.auc > 0.62,
        "{:?}",
        report.facts.judgement
    );
    assert_eq!(report.facts.judgement.others[0].name, "recency alone");
    let segments: Vec<_> =
        report.facts.judgement.segments.iter().map(|of| (of.by.as_str(), of.group.as_str())).collect();
    assert_eq!(segments, [("city", "Rome"), ("city", "Oslo"), ("city", "Paris")]);
    assert_eq!(report.facts.leakage.findings, []);
    assert!(told.last().unwrap().unit == "steps" && told[0].unit == "trials");
    assert_eq!(trained.model.features()[2].code_of("Rome"), 2.0);
    let json = serde_json::to_value(report).unwrap();
    assert_eq!((json["kind"].as_str(), json["judgement"]["rows"].as_u64()), (Some("tree"), Some(200)));
}

#[test]
fn neither_threads_nor_a_second_run_change_the_model() {
    let files = Files::new();
    let one = request(files.write("rows.parquet", columns()));
    let auto = TrainRequest { kinds: LearnerKind::ALL.to_vec(), candidates: 5, ..one };
    let digest = train(&auto).model.digest();
    let three = TrainRequest { threads: NonZeroUsize::new(3).unwrap(), ..auto };
    assert_eq!(train(&three).model.digest(), digest);
}

#[test]
fn rows_whose_label_is_not_known_yet_are_on_neither_side() {
    let files = Files::new();
    let request = TrainRequest { label_days: 60, ..request(files.write("rows.parquet", columns())) };
    let split = train(&request).report.split;
    assert_eq!((split.training_rows, split.test_rows, split.rows_between), (1_600, 200, 200));
}

#[test]
fn without_time_customers_are_parted() {
    let files = Files::new();
    let mut columns = columns();
    columns.push(("customer", Arc::new(Int64Array::from(of_rows(|row| row * 31 % 2_003)))));
    let request = TrainRequest {
        time_column: None,
        key: Some("customer".into()),
        exclude: vec!["day".into()],
        ..request(files.write("rows.parquet", columns))
    };
    let report = train(&request).report;
    assert_eq!(report.split.by, "customer");
    assert!(report.split.test_rows.abs_diff(400) < 80 && !report.facts.in_time_order);
    assert!(report.facts.leakage.findings.is_empty(), "{:?}", report.facts.leakage.findings);
}

#[test]
fn a_champion_is_judged_on_the_same_rows_and_so_is_another_file() {
    let files = Files::new();
    let input = files.write("rows.parquet", columns());
    let first = TrainRequest { kinds: vec![LearnerKind::Logistic], ..request(input.clone()) };
    let champion = train(&first).model;
    let request = TrainRequest {
        test: Some(input),
        champion: Some(champion),
        baseline: Some("orders".into()),
        monotone: BTreeMap::from([("recency".to_owned(), Monotone::Increasing)]),
        ..first
    };
    let report = train(&request).report;
    let names: Vec<_> = report.facts.judgement.others.iter().map(|other| other.name.as_str()).collect();
    assert_eq!(names, ["orders alone", "champion"]);
    assert!(report.facts.judgement.others[1].auc_difference.abs() < 0.02);
    assert_eq!((report.split.training_rows, report.split.test_rows), (2_000, 2_000));
    let kinds: Vec<_> = report.facts.leakage.findings.iter().map(|finding| finding.kind).collect();
    assert!(kinds.contains(&LeakKind::CustomersOnBothSides), "the same rows: {kinds:?}");
}

#[test]
fn dates_of_a_row_that_lie_in_its_future_are_told() {
    let files = Files::new();
    let mut columns = columns();
    columns.push(("cancelled_at", Arc::new(Date32Array::from(of_rows(|row| 19_010 + (row / 200) as i32 * 30)))));
    let report = train(&request(files.write("rows.parquet", columns))).report;
    assert_eq!(report.facts.leakage.findings[0].columns, ["cancelled_at"]);
    assert_eq!(report.facts.leakage.findings[0].figure, 1.0);
}

fn numbers(value: impl Fn(i64) -> f64) -> ArrayRef {
    Arc::new(of_rows(value).into_iter().map(|value| (!value.is_nan()).then_some(value)).collect::<Float64Array>())
}

/// Columns that each leak in a way of their own, with what they are to be told as. Rows of the newest day are judged on.
fn leaks() -> Vec<(LeakKind, &'static str, ArrayRef)> {
    let label = |row| f64::from(u8::from(churned(row)));
    let before = |row| (draw(row, 20) * 50.0).floor();
    let days = of_rows(|row| 19_010 + (row / 200) as i32 * 30);
    vec![
        (LeakKind::LabelCopy, "copy", numbers(label)),
        (LeakKind::LabelInverted, "stayed", numbers(|row| 1.0 - label(row))),
        (LeakKind::LabelFunction, "state", numbers(|row| if churned(row) { -3.0 } else { 7.5 })),
        (LeakKind::LabelBuckets, "code", numbers(|row| 2.0 * (draw(row, 21) * 20.0).floor() + label(row))),
        (LeakKind::NoisyLabel, "flag", numbers(|row| (label(row) - f64::from(u8::from(draw(row, 22) < 0.04))).abs())),
        (LeakKind::ImplausibleAlone, "score", numbers(|row| draw(row, 23) + 0.8 * label(row))),
        (LeakKind::MissingTellsLabel, "visit", numbers(|row| if churned(row) { f64::NAN } else { draw(row, 24) })),
        (
            LeakKind::ConstantWithinLabel,
            "refund",
            numbers(|row| if churned(row) || draw(row, 25) < 0.6 { 0.0 } else { draw(row, 26) }),
        ),
        (LeakKind::PairTellsLabel, "baskets", numbers(before)),
        (LeakKind::PairTellsLabel, "baskets_total", numbers(|row| before(row) + 1.0 - label(row))),
        (LeakKind::NamedLikeLabel, "was_churned", numbers(|row| draw(row, 27))),
        (LeakKind::IdLike, "line", numbers(|row| (row * 1_237 % 2_003) as f64)),
        (LeakKind::KnowsTheFuture, "cancelled_at", Arc::new(Date32Array::from(days))),
        (
            LeakKind::CollapsesLater,
            "mood",
            numbers(|row| draw(row, 28) + if churned(row) && row < 1_800 { 0.5 } else { 0.0 }),
        ),
    ]
}

#[test]
fn every_planted_leak_of_a_file_is_told_and_nothing_else() {
    let files = Files::new();
    let planted = leaks();
    let mut columns = columns();
    columns.extend(planted.iter().map(|(_, name, values)| (*name, Arc::clone(values))));
    let report = train(&request(files.write("rows.parquet", columns))).report;
    let told =
        report.facts.leakage.findings.iter().flat_map(|of| of.columns.iter().map(|column| (of.kind, column.as_str())));
    let expected: Vec<_> = planted.iter().map(|(kind, name, _)| (*kind, *name)).collect();
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let kinds: BTreeSet<LeakKind> = expected.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), 13);
}

fn texts(value: impl Fn(i64) -> Option<&'static str>) -> Option<ArrayRef> {
    Some(Arc::new(StringArray::from(of_rows(value))))
}

fn integers(value: impl Fn(i64) -> Option<i64>) -> Option<ArrayRef> {
    Some(Arc::new(of_rows(value).into_iter().collect::<Int64Array>()))
}

#[test]
fn refuses_labels_that_say_nothing_or_too_much() {
    assert_eq!(
        refusal_with("churned", integers(|_| Some(1))),
        "label `churned` is `1` in all 2000 rows: add rows with the other outcome"
    );
    assert_eq!(
        refusal_with("churned", integers(|row| Some(row % 3))),
        "label `churned` has 3 values (`0`, `1`, `2`): name the one that stands for churn with --positive, and all others count as \
         retained"
    );
    assert_eq!(
        refusal_with("churned", integers(|row| (row != 5).then_some(row % 2))),
        "label `churned` is missing in row 5 (counted from 0): remove rows whose outcome is not known yet"
    );
    let gone = |row| Some(if row % 2 == 0 { "gone" } else { "here" });
    assert_eq!(
        refusal_with("churned", texts(gone)),
        "label `churned` is `gone` or `here`: name the one that stands for churn with --positive"
    );
    assert_eq!(
        refusal("churned", texts(gone), |request| request.positive = Some("left".into())),
        "no row has `left` in the label `churned`: its values are `gone`, `here`"
    );
    assert_eq!(
        refusal_with("churned", None),
        "FOLDER/rows.parquet has no column `churned`, which --label names: it has recency, orders, city, is_new, same, note, day"
    );
}

#[test]
fn refuses_columns_that_cannot_be_read() {
    assert_eq!(
        refusal_with("orders", texts(|row| Some(if row == 17 { "n/a" } else { "12.5" }))),
        "column `orders` holds numbers as texts, but `n/a` in row 17 (counted from 0): write it as a number or null, or name the column \
         in --categories"
    );
    assert_eq!(
        refusal_with("orders", texts(|_| Some("12"))),
        "column `orders` holds numbers as texts: cast it to a number, or name it in --categories"
    );
    let infinite = Arc::new(Float64Array::from(of_rows(|row| if row == 3 { f64::INFINITY } else { 1.0 })));
    assert_eq!(
        refusal_with("recency", Some(infinite)),
        "column `recency` is infinite in row 3 (counted from 0): make it null or finite"
    );
    let constant = refusal("recency", None, |request| {
        request.exclude = ["orders", "city", "is_new", "note"].map(str::to_owned).into();
    });
    assert_eq!(
        constant,
        "FOLDER/rows.parquet has no feature that varies: `same` is the same in all training rows; give at least one column that differs \
         between rows"
    );
    let message = refusal("x", None, |request| request.baseline = Some("same".into()));
    assert!(message.starts_with("`same`, which --baseline needs, is no feature here"), "{message}");
    let message = refusal("x", None, |request| request.exclude = vec!["citty".into()]);
    assert!(message.starts_with("FOLDER/rows.parquet has no column `citty`, which --exclude names"), "{message}");
}

#[test]
fn refuses_days_that_order_nothing() {
    assert_eq!(
        refusal_with("day", integers(|_| Some(20_240_301))),
        "time column `day` of FOLDER/rows.parquet is of type Int64: numbers such as 20240301 or the seconds since 1970 may mean several \
         things: convert them, as in `to_date(cast(column as varchar), '%Y%m%d')` or `to_timestamp(column)`"
    );
    assert_eq!(
        refusal_with("day", texts(|_| Some("01.03.2024"))),
        "time column `day` of FOLDER/rows.parquet holds `01.03.2024` in row 0 (counted from 0), which is no day: give dates, timestamps, \
         or texts like 2024-03-01"
    );
    let late = texts(|row| Some(if row == 1_999 { "2024-02-30" } else { "2024-01-01" }));
    let message = refusal_with("day", late);
    assert!(message.contains("holds `2024-02-30` in row 1999 (counted from 0), which is no day"), "{message}");
    assert_eq!(
        refusal_with("day", texts(|row| (row != 9).then_some("2024-01-01"))),
        "time column `day` of FOLDER/rows.parquet is missing in row 9 (counted from 0): fill it in or remove the row"
    );
    let nothing = Some(Arc::new(NullArray::new(ROWS as usize)) as ArrayRef);
    assert!(refusal_with("day", nothing).contains("is missing in row 0"));
    assert_eq!(
        refusal_with("day", texts(|_| Some("2024-01-01T08:00"))),
        "time column `day` has one day only, 2024-01-01: add rows of other days, or leave --time-column out"
    );
    let olympus = TimestampMicrosecondArray::from(vec![0; ROWS as usize]).with_timezone("Mars/Olympus");
    assert_eq!(
        refusal_with("day", Some(Arc::new(olympus))),
        "the instants of time column `day` of FOLDER/rows.parquet are in the time zone `Mars/Olympus`, which is not known: write them in \
         UTC or in a zone such as Europe/Paris"
    );
}

/// A typing error of a year would be a later cut, on whose few rows the model would be judged.
#[test]
fn refuses_days_to_come_by_their_row() {
    let day = |row: i64| 19_000 + (row / 200) as i32 * 30;
    let days = |late: &dyn Fn(i64) -> Option<i32>| -> Option<ArrayRef> {
        Some(Arc::new(Date32Array::from(of_rows(|row| late(row).unwrap_or(day(row))))))
    };
    // 2099-01-01
    let of_2099 = |row: i64| (row % 200 == 7).then_some(47_117);
    assert_eq!(
        refusal_with("day", days(&of_2099)),
        "time column `day` of FOLDER/rows.parquet is 2099-01-01 in row 7 (counted from 0), after today, 2026-12-01, as in 10 rows in all: \
         what is still to come has no outcome, and such rows alone would be judged on; correct the dates or remove the rows"
    );
    // Tomorrow may have begun east of UTC: the few rows of it are refused as too few, and no sooner than that.
    let tomorrow = |row: i64| (row % 200 == 7).then_some(20_789);
    assert_eq!(
        refusal_with("day", days(&tomorrow)),
        "time column `day` of FOLDER/rows.parquet has 10 rows from 2026-12-02 on, which alone would be judged on, of 2000 in all: a figure \
         of so few says little; remove them, or add the rest of these days, or give the rows to judge on with --test"
    );
    let after = |row: i64| (row == 7).then_some(20_790);
    assert!(refusal_with("day", days(&after)).contains("is 2026-12-03 in row 7 (counted from 0), after today"));

    // As well in a file that is judged on.
    let files = Files::new();
    let mut other = columns();
    other.retain(|(name, _)| *name != "day");
    other.push(("day", days(&of_2099).unwrap()));
    let test = Some(files.write("test.parquet", other));
    let request = TrainRequest { test, ..request(files.write("rows.parquet", columns())) };
    let message = train_file(&request, &mut |_| {}).unwrap_err().to_string();
    assert!(message.contains("test.parquet is 2099-01-01 in row 7 (counted from 0)"), "{message}");
}

#[test]
fn few_rows_to_judge_on_are_said_with_the_figures() {
    let files = Files::new();
    let path = files.write("rows.parquet", columns());
    assert_eq!(train(&request(path.clone())).report.warnings, Vec::<String>::new());
    let few: Vec<(&str, ArrayRef)> = columns().into_iter().map(|(name, values)| (name, values.slice(0, 40))).collect();
    let test = Some(files.write("few.parquet", few));
    let report = train(&TrainRequest { test, ..request(path) }).report;
    let churned = (0..40).filter(|row| churned(*row)).count();
    assert_eq!(
        report.warnings,
        [format!(
            "the model is judged on 40 rows, {churned} of which churned: with fewer than 20 of either outcome its figures are rough, and an \
             AUC may be off by a tenth and more; give a larger file with --test"
        )]
    );
}

/// True and false are 1 and 0, in training as at scoring, whichever of them the files hold.
#[test]
fn flags_and_their_numbers_are_one_to_training_and_scoring() {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    use mainstay_scoring::{Explanation, ScoreRequest, score_file};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use std::sync::atomic::AtomicBool;

    let flags: ArrayRef =
        Arc::new(of_rows(|row| (row % 11 > 0).then_some(draw(row, 4) < 0.3)).into_iter().collect::<BooleanArray>());
    let kinds = [DataType::Boolean, DataType::Int8, DataType::UInt64, DataType::Float64];
    for categories in [vec![], vec!["is_new".to_owned()]] {
        let files = Files::new();
        let file = |kind: &DataType| {
            let mut columns = columns();
            columns.retain(|(name, _)| *name != "is_new");
            columns.push(("is_new", cast(&flags, kind).unwrap()));
            files.write(&format!("{kind}.parquet"), columns)
        };
        let paths = kinds.clone().map(|kind| file(&kind));
        let models =
            paths.clone().map(|path| train(&TrainRequest { categories: categories.clone(), ..request(path) }).model);
        assert!(models.iter().all(|model| model.digest() == models[0].digest()), "{categories:?}");
        let scores = paths.map(|input| {
            let output = files.folder.path().join("scored.parquet");
            let stop = AtomicBool::new(false);
            let request = ScoreRequest {
                model: &models[0],
                input: &input,
                output: &output,
                replaces: true,
                explanation: Explanation::default(),
                threads: NonZeroUsize::MIN,
                stop: &stop,
            };
            assert!(score_file(&request, &|_, _| {}).unwrap().warnings.is_empty());
            let scored = ParquetRecordBatchReaderBuilder::try_new(File::open(&output).unwrap()).unwrap();
            let batches = scored.build().unwrap().map(Result::unwrap);
            batches
                .flat_map(|batch| batch["raw_score"].as_primitive::<Float64Type>().values().to_vec())
                .collect::<Vec<f64>>()
        });
        assert_eq!(scores[0].len(), ROWS as usize);
        assert!(scores.iter().all(|of| *of == scores[0]), "{categories:?}");
    }
}

/// The newest day is 2022-10-05; half an hour past its midnight in Paris it is still the day before in UTC.
#[test]
fn instants_are_parted_by_the_days_of_their_zone_which_is_said() {
    let of_day = |row: i64| ((19_000 + row / 200 * 30) * 86_400 - 90 * 60) * 1_000;
    let instants = || TimestampMillisecondArray::from(of_rows(of_day));
    let split = |instants: TimestampMillisecondArray| {
        let files = Files::new();
        let mut columns: Vec<(&str, ArrayRef)> = columns().into_iter().filter(|(name, _)| *name != "day").collect();
        columns.push(("day", Arc::new(instants)));
        train(&request(files.write("rows.parquet", columns))).report.split
    };
    let paris = split(instants().with_timezone("Europe/Paris"));
    assert_eq!((paris.time_zone.as_deref(), paris.test_from), (Some("Europe/Paris"), "2022-10-05".parse().ok()));
    let naive = split(instants());
    assert_eq!((naive.time_zone.as_deref(), naive.test_from), (Some("UTC"), "2022-10-04".parse().ok()));
}

/// Neighbours above 2^53 are one double.
#[test]
fn keys_of_64_bits_are_kept_apart() {
    let by_key = |key: ArrayRef| {
        let files = Files::new();
        let mut columns = columns();
        columns.push(("customer", key));
        let request = TrainRequest { key: Some("customer".into()), ..request(files.write("rows.parquet", columns)) };
        train(&request).model.digest()
    };
    let of_text = by_key(Arc::new(StringArray::from(of_rows(|row| format!("{}", (1i64 << 53) + row)))));
    let keys: [ArrayRef; 4] = [
        Arc::new(Int64Array::from(of_rows(|row| (1i64 << 53) + row))),
        Arc::new(UInt64Array::from(of_rows(|row| (1u64 << 53) + row as u64))),
        Arc::new(
            Decimal128Array::from(of_rows(|row| (1i128 << 53) + i128::from(row)))
                .with_precision_and_scale(38, 0)
                .unwrap(),
        ),
        Arc::new(
            of_rows(|row| Some(format!("{}", (1i64 << 53) + row)))
                .iter()
                .map(Option::as_deref)
                .collect::<DictionaryArray<Int32Type>>(),
        ),
    ];
    for key in keys {
        let kind = key.data_type().to_string();
        assert_eq!(by_key(key), of_text, "{kind}");
    }
}

#[test]
fn refuses_keys_that_are_not_exact() {
    let message = |key: ArrayRef| refusal("customer", Some(key), |request| request.key = Some("customer".into()));
    assert_eq!(
        message(Arc::new(Float64Array::from(of_rows(|row| (row + (1 << 53)) as f64)))),
        "key column `customer` of FOLDER/rows.parquet holds 9007199254740992 in row 0 (counted from 0), which is no id that a double \
         holds exactly: write ids as texts or whole numbers"
    );
    let decimals = Decimal128Array::from(of_rows(i128::from)).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(
        message(Arc::new(decimals)),
        "key column `customer` of FOLDER/rows.parquet is of type Decimal128(10, 2): write ids as whole numbers or texts, as in \
         `cast(column as decimal(38, 0))`"
    );
    assert_eq!(
        message(Arc::new(BooleanArray::from(of_rows(|row| row % 2 == 0)))),
        "key column `customer` of FOLDER/rows.parquet is of type Boolean: write ids as texts or whole numbers"
    );
}

#[test]
fn refuses_rows_of_nobody_and_rows_that_stand_twice() {
    let with = |key: ArrayRef, time: Option<&str>| {
        refusal("customer", Some(key), |request| {
            request.key = Some("customer".into());
            request.time_column = time.map(str::to_owned);
        })
    };
    assert_eq!(
        with(texts(|row| (row != 1_204).then_some("c")).unwrap(), Some("day")),
        "key column `customer` of FOLDER/rows.parquet is null in row 1204 (counted from 0): fill it in or remove the row, or leave --key \
         out where each row is a customer of its own"
    );
    let nobody = with(Arc::new(NullArray::new(ROWS as usize)), None);
    assert!(nobody.contains("is null in row 0 (counted from 0)"), "{nobody}");
    let missing = with(numbers(|row| if row == 7 { f64::NAN } else { row as f64 }), None);
    assert!(missing.contains("is null in row 7 (counted from 0)"), "{missing}");
    let twice = integers(|row| Some(if row == 1_999 { 1_998 } else { row })).unwrap();
    assert_eq!(
        with(Arc::clone(&twice), None),
        "key column `customer` of FOLDER/rows.parquet is `1998` in rows 1998 and 1999 (counted from 0): keep one of them, or name the \
         column of the day of each row with --time-column"
    );
    assert_eq!(
        with(twice, Some("day")),
        "key column `customer` of FOLDER/rows.parquet is `1998` in rows 1998 and 1999 (counted from 0): on 2022-10-05, as `day` says: \
         keep one row for each customer and day"
    );
}

/// The days are 2022-01-08 and each 30th day after it until 2022-10-05.
#[test]
fn refuses_a_window_of_the_label_that_the_days_do_not_cover() {
    assert_eq!(
        refusal("x", None, |request| request.label_days = 271),
        "time column `day` reaches from 2022-01-08 to 2022-10-05, and rows from 2022-10-05 on are judged on: with --label-days 271 no \
         label is known by then, so that there is nothing to learn from; give at most --label-days 270, or add rows of earlier days"
    );
    let endless = refusal("x", None, |request| request.label_days = u32::MAX);
    assert!(endless.ends_with("give at most --label-days 270, or add rows of earlier days"), "{endless}");
    let files = Files::new();
    let longest = TrainRequest { label_days: 270, ..request(files.write("rows.parquet", columns())) };
    assert_eq!(train(&longest).report.split.training_rows, 200);
}

#[test]
fn refuses_an_order_of_what_has_none_by_its_flag() {
    let with = |column: &str, monotone| {
        refusal("x", None, |request| request.monotone = BTreeMap::from([(column.to_owned(), monotone)]))
    };
    assert_eq!(
        with("city", Monotone::Increasing),
        "column `city` has categories, which have no order: take it out of --increasing"
    );
    assert_eq!(
        with("note", Monotone::Decreasing),
        "column `note` has categories, which have no order: take it out of --decreasing"
    );
    assert!(
        with("churned", Monotone::Decreasing).starts_with("`churned`, which --decreasing needs, is no feature here")
    );
    assert!(with("citty", Monotone::Increasing).contains("has no column `citty`, which --increasing names"));
}

#[test]
fn refuses_infinite_values_of_the_file_that_is_judged_on() {
    let files = Files::new();
    let infinite: ArrayRef = Arc::new(Float64Array::from(of_rows(|row| if row == 3 { f64::INFINITY } else { 1.0 })));
    let mut test: Vec<(&str, ArrayRef)> = columns().into_iter().filter(|(name, _)| *name != "recency").collect();
    test.push(("recency", infinite));
    let test = Some(files.write("test.parquet", test));
    let request = TrainRequest { test, ..request(files.write("rows.parquet", columns())) };
    let message = train_file(&request, &mut |_| {}).unwrap_err().to_string();
    assert_eq!(message, "column `recency` is infinite in row 3 (counted from 0): make it null or finite");
}

#[test]
fn a_file_that_is_damaged_inside_is_named() {
    let files = Files::new();
    let path = files.write("rows.parquet", columns());
    damage(&path);
    let message = train_file(&request(path.clone()), &mut |_| {}).unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "cannot read {}: if it is damaged, write it anew; if it is foreign, use zstd, snappy or no compression",
            path.display()
        )
    );
}

/// Overwrites the head of the first page: its footer stays.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[4..24].fill(0xff);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn refuses_a_name_that_stands_for_two_columns() {
    for twice in ["churned", "orders", "note"] {
        let files = Files::new();
        let mut columns = columns();
        columns.push((twice, Arc::new(Int64Array::from(of_rows(|row| row % 2)))));
        let fields: Vec<Field> =
            columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
        let values = columns.into_iter().map(|(_, values)| values).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values).unwrap();
        let path = files.folder.path().join("rows.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let message = train_file(&request(path), &mut |_| {}).unwrap_err().to_string();
        let told =
            format!("has more than one column `{twice}`: keep one of them, or give the others names of their own");
        assert!(message.ends_with(&told), "{message}");
    }
}

/// The same numbers and texts in the types that files of anyone have: the same model.
#[test]
fn the_type_of_a_column_does_not_change_the_model() {
    let recency = of_rows(|row| recency(row).round());
    let with = |name: &str, values: ArrayRef| {
        let files = Files::new();
        let mut columns: Vec<(&str, ArrayRef)> = columns()
            .into_iter()
            .map(|(other, old)| (other, if other == name { Arc::clone(&values) } else { old }))
            .collect();
        columns.push(("nothing", Arc::new(NullArray::new(ROWS as usize))));
        let report = train(&request(files.write("rows.parquet", columns))).report;
        assert!(report.left_out.iter().any(|of| of.column == "nothing"), "{:?}", report.left_out);
        report.model
    };
    let doubles = with("recency", Arc::new(Float64Array::from(recency.clone())));
    let numbers: ArrayRef = Arc::new(Float64Array::from(recency));
    let kinds = [
        DataType::Int16,
        DataType::UInt16,
        DataType::Int32,
        DataType::UInt64,
        DataType::Float16,
        DataType::Float32,
        DataType::Decimal128(12, 3),
        DataType::Decimal256(40, 0),
    ];
    for kind in kinds {
        assert_eq!(with("recency", cast(&numbers, &kind).unwrap()), doubles, "{kind}");
    }
    let is_new = columns().swap_remove(3).1;
    let flags = with("is_new", Arc::clone(&is_new));
    assert_eq!(with("is_new", cast(&is_new, &DataType::Int64).unwrap()), flags, "as at scoring");
    let cities = columns().swap_remove(2).1;
    let texts = with("city", Arc::clone(&cities));
    for kind in [
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
    ] {
        assert_eq!(with("city", cast(&cities, &kind).unwrap()), texts, "{kind}");
    }
}

#[test]
fn refuses_a_label_without_values() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(of_rows(|_| Some(vec![Some(1)])));
    let message = refusal_with("churned", Some(Arc::new(lists)));
    assert!(message.starts_with("label `churned` of FOLDER/rows.parquet is of type List("), "{message}");
    assert!(message.ends_with(": give numbers, texts, or true and false"), "{message}");
}

#[test]
fn refuses_too_few_rows_and_files_that_are_none() {
    let files = Files::new();
    let few: Vec<(&str, ArrayRef)> = columns().into_iter().map(|(name, values)| (name, values.slice(0, 30))).collect();
    let few =
        TrainRequest { time_column: None, exclude: vec!["day".into()], ..request(files.write("few.parquet", few)) };
    let message = train_file(&few, &mut |_| {}).unwrap_err().to_string();
    assert!(message.contains("rows are too few, at least 100 are needed"), "{message}");
    let absent = request(files.folder.path().join("absent.parquet"));
    assert!(train_file(&absent, &mut |_| {}).unwrap_err().to_string().ends_with("absent.parquet: check the path"));
    let text = files.folder.path().join("rows.csv");
    std::fs::write(&text, "a,b\n1,2\n").unwrap();
    let message = train_file(&request(text), &mut |_| {}).unwrap_err().to_string();
    assert!(
        message.contains("rows.csv is text (such as CSV), no Parquet file: convert it, as in `duckdb"),
        "{message}"
    );
    let none: Vec<(&str, ArrayRef)> = columns().into_iter().map(|(name, values)| (name, values.slice(0, 0))).collect();
    let message = train_file(&request(files.write("none.parquet", none)), &mut |_| {}).unwrap_err().to_string();
    assert!(message.ends_with("none.parquet has no rows: give one row for each past decision"), "{message}");
}
