//! Bad rows among the data: the day is published without them, and the quarantine tells which they were and why.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::harness::{Project, digests, text};

const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];
const BEFORE: &str = "2025-07-20T10:00:00Z";
const AFTER: &str = "2025-08-01T00:00:00Z";

/// Changes of a row: a column and its new value as text, or null.
pub(crate) type Changes<'a> = &'a [(&'a str, Option<&'a str>)];

/// How often each (source, reason) stands in the quarantine.
type Reasons = BTreeMap<(String, String), u64>;

pub(crate) fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    concat_batches(&schema, &reader.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

/// The first row of a table's oldest file.
fn first_row(table: &Path) -> RecordBatch {
    let mut files: Vec<PathBuf> = std::fs::read_dir(table).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).find(|rows| rows.num_rows() > 0).unwrap().slice(0, 1)
}

fn changed(row: &RecordBatch, changes: Changes<'_>) -> RecordBatch {
    let mut columns = row.columns().to_vec();
    for (name, value) in changes {
        let index = row.schema().index_of(name).unwrap();
        let value: ArrayRef = Arc::new(StringArray::from(vec![*value]));
        columns[index] = cast(&value, row.schema().field(index).data_type()).unwrap();
    }
    RecordBatch::try_new(nullable(row), columns).unwrap()
}

fn nullable(row: &RecordBatch) -> Arc<arrow::datatypes::Schema> {
    let fields =
        row.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    Arc::new(arrow::datatypes::Schema::new(fields))
}

/// Adds a file to a table: its first row, changed so.
pub(crate) fn plant(project: &Project, table: &str, rows: &[Changes<'_>]) {
    let folder = project.data().join(table);
    let template = first_row(&folder);
    let planted: Vec<RecordBatch> = rows.iter().map(|changes| changed(&template, changes)).collect();
    let file = File::create(folder.join("planted.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, nullable(&template), None).unwrap();
    planted.iter().for_each(|row| writer.write(row).unwrap());
    writer.close().unwrap();
}

/// The published quarantine of a run as (source, reason, row).
fn quarantine(project: &Project, run: &Value) -> Vec<(String, String, String)> {
    let tables = run["record"]["tables"].as_array().unwrap();
    let table = tables.iter().find(|table| table["table"] == "quarantine").unwrap();
    let files = table["files"].as_array().unwrap().iter();
    let files = files.map(|file| read(&project.lake().join(file["path"].as_str().unwrap())));
    let rows = files.flat_map(|rows| {
        let texts = |name: &str| {
            let column = rows.column_by_name(name).unwrap().as_string::<i32>();
            column.iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
        };
        let rows = texts("source").into_iter().zip(texts("reason")).zip(texts("row"));
        rows.map(|((source, reason), row)| (source, reason, row)).collect::<Vec<_>>()
    });
    rows.collect()
}

fn recorded(run: &Value) -> Reasons {
    let reasons = run["record"]["details"]["quarantine"].as_array().unwrap().iter();
    let field = |refused: &Value, name: &str| refused[name].as_str().unwrap().to_owned();
    let counted = reasons
        .map(|refused| ((field(refused, "source"), field(refused, "reason")), refused["rows"].as_u64().unwrap()));
    counted.collect()
}

#[test]
fn bad_rows_are_quarantined_and_change_nothing_else() {
    let clean = Project::reference();
    let without = clean.json(&DAY);

    let project = Project::copy();
    let order: Changes<'_> =
        &[("order_id", Some("PLANTED-1")), ("ordered_at", Some(BEFORE)), ("loaded_at", Some(BEFORE))];
    let also = |more: Changes<'static>| order.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    plant(
        &project,
        "orders",
        &[
            &also(&[("net_amount", Some("-5.00"))]),
            &also(&[("order_id", None)]),
            &[],
            &[("net_amount", Some("99999.00")), ("loaded_at", Some(BEFORE))],
            // Came after as-of: neither seen nor refused.
            &also(&[("order_id", Some("PLANTED-LATE")), ("loaded_at", Some(AFTER))]),
        ],
    );
    plant(
        &project,
        "order_lines",
        &[
            &[],
            &[("order_id", Some("PLANTED-1")), ("line_number", Some("1"))],
            &[("order_id", Some("PLANTED-NOWHERE")), ("line_number", Some("1"))],
        ],
    );
    plant(
        &project,
        "customers",
        &[&[("customer_id", Some("PLANTED-PERSON")), ("email", Some("someone@example.org")), ("signed_up_at", None)]],
    );
    plant(
        &project,
        "indicators",
        &[&[("indicator", Some("nan")), ("value", Some("NaN"))], &[("indicator", Some("inf")), ("value", Some("inf"))]],
    );
    let run = project.json(&DAY);
    assert_eq!(run["outcome"], "published", "{run}");

    let all_but_quarantine = |run: &Value| {
        let tables = digests(run).into_iter();
        tables.filter(|(table, _)| table != "quarantine").collect::<Vec<_>>()
    };
    assert_eq!(all_but_quarantine(&run), all_but_quarantine(&without), "bad rows change a table");

    let mut expected = recorded(&without);
    for (source, reason, rows) in [
        ("retailer.customers", "signed_up_at is null", 1),
        ("retailer.indicators", "value is infinite", 1),
        ("retailer.indicators", "value is not a number", 1),
        ("retailer.order_lines", "duplicate key (order_id, line_number)", 1),
        ("retailer.order_lines", "order_id names no row of retailer.orders", 2),
        ("retailer.orders", "duplicate key (order_id)", 2),
        ("retailer.orders", "net_amount is below 0", 1),
        ("retailer.orders", "order_id is null", 1),
    ] {
        *expected.entry((source.to_owned(), reason.to_owned())).or_default() += rows;
    }
    assert_eq!(recorded(&run), expected);

    let quarantined = quarantine(&project, &run);
    let mut counted = Reasons::new();
    for (source, reason, row) in &quarantined {
        *counted.entry((source.clone(), reason.clone())).or_default() += 1;
        assert!(!row.contains('@') && !reason.contains('@'), "personal data in the quarantine: {row}");
    }
    assert_eq!(counted, expected);
    let named = |planted: &str| quarantined.iter().filter(|(.., row)| row.contains(planted)).count();
    assert_eq!((named("PLANTED-1"), named("PLANTED-NOWHERE"), named("PLANTED-PERSON")), (2, 1, 1));
    assert_eq!((named("99999.00"), named("PLANTED-LATE")), (1, 0));

    let message = project.failure(&["show", "risk", "--customer", "PLANTED-PERSON"]);
    assert!(message.contains("PLANTED-PERSON is not among the known customers"), "{message}");
    let shown = text(&project.output(&["show", "run"]).stdout);
    for part in ["quarantined from", "duplicate key (order_id)", "order_id names no row of retailer.orders"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    assert!(project.output(&["verify"]).status.success());

    // A day later all are refused still: none stands in the quarantine a second time, and the record says since when.
    let next = project.json(&["run", "daily_risk", "--date", "2025-08-02"]);
    let planted = |run: &Value| {
        let rows = quarantine(&project, run).into_iter();
        rows.filter(|(.., row)| row.contains("PLANTED") || row.contains("99999.00")).count()
    };
    assert!(planted(&run) > 0 && planted(&next) == 0, "{} and {}", planted(&run), planted(&next));
    let counted: Vec<&Value> = next["record"]["details"]["quarantine"].as_array().unwrap().iter().collect();
    let below_0 = counted.iter().find(|of| of["reason"] == "net_amount is below 0").unwrap();
    assert_eq!(
        (&below_0["rows"], &below_0["new_rows"], &below_0["since"]),
        (&1.into(), &0.into(), &"2025-08-01".into())
    );
    assert_eq!(next["record"]["details"]["quarantine_file"]["since"], "2025-08-01");
    let known = recorded(&run);
    assert!(known.iter().all(|(named, rows)| recorded(&next)[named] >= *rows), "what is refused stays refused");

    // Once the source is mended, that is said, and the row stays where it was listed.
    std::fs::remove_file(project.data().join("customers/planted.parquet")).unwrap();
    let mended = project.json(&["run", "daily_risk", "--date", "2025-08-03"]);
    let of = mended["record"]["details"]["quarantine"].as_array().unwrap();
    let signed_up = of.iter().find(|of| of["reason"] == "signed_up_at is null").unwrap();
    assert_eq!((&signed_up["rows"], &signed_up["mended_rows"]), (&0.into(), &1.into()));
    assert_eq!(planted(&mended), 0);
    assert!(project.output(&["verify"]).status.success());
}
