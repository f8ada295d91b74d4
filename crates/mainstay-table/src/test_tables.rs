//! Tiny tables for the tests of this crate: a contract with every type, rows of it, and a target in a temporary folder.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::memory::MemoryStream;
use mainstay_schema::table::{Column, ColumnType, TableContract};
use mainstay_schema::{Ds, RunId, column};
use serde_json::{Value, json};

use crate::arrow_types::file_schema;
use crate::claim::Attempt;
use crate::lake::Lake;
use crate::series::Series;
use crate::stage::stage;
use crate::staged::StagedTable;

/// One row of the contract [`every_type`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) small: Option<i32>,
    pub(crate) big: Option<i64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) flag: Option<bool>,
    pub(crate) day: Option<i32>,
    pub(crate) at: Option<i64>,
    pub(crate) money: Option<i128>,
    pub(crate) note: Option<String>,
}

impl Row {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            small: Some(7),
            big: Some(1 << 40),
            ratio: Some(0.25),
            flag: Some(true),
            day: Some(19_000),
            at: Some(1_700_000_000_000_001),
            money: Some(12_345),
            note: Some(format!("note of {id}")),
        }
    }
}

pub(crate) fn rows(count: usize) -> Vec<Row> {
    (0..count).map(|number| Row::new(&format!("c{number:03}"))).collect()
}

pub(crate) fn every_type() -> TableContract {
    let nullable = |name: &str, kind| Column::new(name, kind, format!("The {name}")).nullable();
    TableContract {
        name: "every_type".into(),
        comment: "One row an id".into(),
        key: vec!["id".into()],
        allows_repeats: false,
        columns: vec![
            Column::new(column::DS, ColumnType::Date, "The day"),
            Column::new("id", ColumnType::Text, "The key"),
            nullable("small", ColumnType::Integer),
            nullable("big", ColumnType::BigInt),
            nullable("ratio", ColumnType::Double),
            nullable("flag", ColumnType::Boolean),
            nullable("day", ColumnType::Date),
            nullable("at", ColumnType::Timestamp),
            nullable("money", ColumnType::Money),
            nullable("note", ColumnType::Text),
            Column::new(column::RUN_ID, ColumnType::Text, "The run").volatile(),
        ],
    }
}

pub(crate) fn batch(rows: &[Row], run_id: &str) -> RecordBatch {
    let money = Decimal128Array::from_iter(rows.iter().map(|row| row.money)).with_precision_and_scale(18, 2).unwrap();
    let at = TimestampMicrosecondArray::from_iter(rows.iter().map(|row| row.at)).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.id))),
        Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.small))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.big))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.ratio))),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.flag))),
        Arc::new(Date32Array::from_iter(rows.iter().map(|row| row.day))),
        Arc::new(at),
        Arc::new(money),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.note.as_deref()))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| run_id))),
    ];
    RecordBatch::try_new(file_schema(&every_type()), columns).unwrap()
}

pub(crate) fn stream(batches: Vec<RecordBatch>) -> SendableRecordBatchStream {
    let schema = batches[0].schema();
    Box::pin(MemoryStream::try_new(batches, schema, None).unwrap())
}

/// Stages rows of [`every_type`], one partition a group.
pub(crate) async fn stage_rows(lake: &Lake, day: &str, run_id: &str, partitions: &[Vec<Row>]) -> StagedTable {
    let streams = partitions.iter().map(|rows| stream(vec![batch(rows, run_id)])).collect();
    stage(lake, &every_type(), ds(day), &RunId::new(run_id), streams, |_| {}).await.unwrap()
}

pub(crate) fn attempt(day: &str, number: u32, run_id: &str) -> Attempt {
    Attempt { series: daily(), ds: ds(day), number, run_id: RunId::new(run_id) }
}

/// A series with a name of its own, as an earlier version gave to the plans of a job.
pub(crate) fn daily() -> Series {
    Series::Training { job: "daily".into() }
}

pub(crate) fn ds(text: &str) -> Ds {
    text.parse().unwrap()
}

/// A commit as another tool makes it: no mark of ours, these files out and those in.
pub(crate) struct OutsideCommit<'a> {
    pub(crate) table: &'a str,
    pub(crate) day: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) changes_rows: bool,
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<String>,
}

impl OutsideCommit<'_> {
    /// Writes it as the next version of the log; paths are below the target.
    pub(crate) async fn commit(&self, lake: &Lake) {
        let Self { table, day, operation, changes_rows, .. } = self;
        let inside = |path: &String| path.strip_prefix(&format!("{table}/")).unwrap().to_owned();
        let mut lines = vec![json!({"commitInfo": {"timestamp": 0, "operation": operation}})];
        for path in &self.removed {
            lines.push(json!({"remove": {
                "path": inside(path), "deletionTimestamp": 0, "dataChange": changes_rows, "partitionValues": {"ds": day},
            }}));
        }
        for path in &self.added {
            let size = lake.head(path).await.unwrap().unwrap().size;
            lines.push(json!({"add": {
                "path": inside(path), "partitionValues": {"ds": day}, "size": size, "modificationTime": 0,
                "dataChange": changes_rows,
            }}));
        }
        next_commit(lake, table, &lines).await;
    }
}

/// Writes actions as the next version of a table's log.
pub(crate) async fn next_commit(lake: &Lake, table: &str, actions: &[Value]) {
    let version = crate::read::newest_version(lake, table).await.unwrap().unwrap() + 1;
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    lake.put(&format!("{table}/_delta_log/{version:020}.json"), lines.join("\n")).await.unwrap();
}

pub(crate) async fn new_lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
    (folder, lake)
}
