//! Run records: the table `runs`, one row a finished attempt, written last. A published day is what its record names.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::Timestamp;
use mainstay_schema::table::{TableContract, runs};
use mainstay_schema::{Digest, Ds, RunId};
use serde::{Deserialize, Serialize};

use crate::claim::Attempt;
use crate::error::TableError;
use crate::lake::Lake;
use crate::log_rows;
use crate::publish::{self, Published, Sequence};
use crate::snapshot::load;
use crate::stage::StagedFile;

/// What one attempt read, decided and published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run_id: RunId,
    /// The job.
    pub job: String,
    /// The day.
    pub ds: Ds,
    /// Which attempt at the day it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub status: RunStatus,
    /// When the run began.
    pub started_at: Timestamp,
    /// When the record was made.
    pub finished_at: Timestamp,
    /// The instant before which data was known to the run.
    pub as_of: Timestamp,
    /// Whether the sources hold simulated data: then none of it is about anybody.
    #[serde(default)]
    pub simulated: bool,
    /// The tables that make up the day; empty where the run failed before publishing.
    pub tables: Vec<PublishedTable>,
    /// Pinned inputs, counts, gates, allocation: the business of the job.
    pub details: serde_json::Value,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum RunStatus {
    /// The day is published.
    Published,
    /// It is not.
    Failed {
        /// Why.
        error: String,
    },
}

/// A table's day as a run published it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedTable {
    /// The table.
    pub table: String,
    /// The Delta version that holds the day.
    pub version: u64,
    /// Rows of the day.
    pub rows: u64,
    /// The canonical digest of the day.
    pub digest: Digest,
    /// Its files.
    pub files: Vec<StagedFile>,
}

impl RunRecord {
    /// The table of that name, `None` where the run did not publish it.
    pub fn table(&self, name: &str) -> Option<&PublishedTable> {
        self.tables.iter().find(|table| table.table == name)
    }
}

/// Writes a record, once for each attempt: a second record of the same attempt changes nothing, and an attempt that was fenced
/// out is told so.
///
/// Errors as [`publish::append`].
pub async fn append(lake: &Lake, record: &RunRecord) -> Result<Published, TableError> {
    let contract = runs();
    let json = serde_json::to_string(record).map_err(TableError::bad_record(&contract.name))?;
    let name = format!("{}-{}", record.run_id, Digest::of(json.as_bytes()).short());
    let rows = batch_of(record, json, &contract)?;
    let file = log_rows::write(lake, &contract, record.ds, &name, &rows).await?;
    let sequence = sequence(&record.job, record.ds, 2 * record.attempt);
    publish::append(lake, &contract, record.ds, &[file], &record.run_id, &sequence).await
}

/// Keeps every attempt at the day before this one from writing a record from now on.
///
/// Both are commits to one log under one transaction, so that of a record and a fence one comes first: once the fence stands, a
/// record of a lower attempt either stands already and can be read, or never will.
pub async fn fence(lake: &Lake, attempt: &Attempt) -> Result<(), TableError> {
    let sequence = sequence(&attempt.job, attempt.ds, 2 * attempt.number - 1);
    publish::append(lake, &runs(), attempt.ds, &[], &attempt.run_id, &sequence).await.map(|_| ())
}

/// A fence of attempt n stands between the records of n - 1 and n.
fn sequence(job: &str, ds: Ds, number: u32) -> Sequence {
    Sequence { app_id: format!("mainstay/runs/{job}/{ds}"), number }
}

/// The record of the highest attempt that published a day.
pub async fn latest_published(lake: &Lake, job: &str, ds: Ds) -> Result<Option<RunRecord>, TableError> {
    let records = records(lake, job, |day| day == ds).await?;
    Ok(records.into_iter().filter(is_published).max_by_key(|record| record.attempt))
}

/// The record of the newest published day.
pub async fn latest(lake: &Lake, job: &str) -> Result<Option<RunRecord>, TableError> {
    Ok(published_days(lake, job, |_| true).await?.pop())
}

/// For each published day that `wanted` accepts, in order, the record of the highest attempt that published it.
pub async fn published_days(lake: &Lake, job: &str, wanted: impl Fn(Ds) -> bool) -> Result<Vec<RunRecord>, TableError> {
    let mut by_day: BTreeMap<Ds, RunRecord> = BTreeMap::new();
    for record in records(lake, job, wanted).await?.into_iter().filter(is_published) {
        let known = by_day.get(&record.ds).map_or(0, |known| known.attempt);
        if record.attempt > known {
            by_day.insert(record.ds, record);
        }
    }
    Ok(by_day.into_values().collect())
}

/// All records of a job for the days that `wanted` accepts, by day and attempt: failed ones too.
pub async fn records(lake: &Lake, job: &str, wanted: impl Fn(Ds) -> bool) -> Result<Vec<RunRecord>, TableError> {
    let contract = runs();
    let Some(delta) = load(lake, &contract.name, None).await? else {
        return Ok(Vec::new());
    };
    let mut records: Vec<RunRecord> = Vec::new();
    for rows in log_rows::read(lake, &delta, &contract.name, wanted).await? {
        let (jobs, written) = (rows.text("job")?, rows.text("record")?);
        for row in (0..rows.len()).filter(|row| jobs.value(*row) == job) {
            records.push(serde_json::from_str(written.value(row)).map_err(|error| rows.bad(error))?);
        }
    }
    records.sort_by_key(|record| (record.ds, record.attempt));
    Ok(records)
}

fn is_published(record: &RunRecord) -> bool {
    record.status == RunStatus::Published
}

fn batch_of(record: &RunRecord, json: String, contract: &TableContract) -> Result<RecordBatch, TableError> {
    let text = |value: String| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let instant = |at: Timestamp| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![at.as_microsecond()]).with_timezone("UTC"))
    };
    let attempt = i32::try_from(record.attempt).map_err(TableError::bad_record(&contract.name))?;
    let status = if is_published(record) { "published" } else { "failed" };
    RecordBatch::try_from_iter([
        ("run_id", text(record.run_id.to_string())),
        ("job", text(record.job.clone())),
        ("attempt", Arc::new(Int32Array::from(vec![attempt])) as ArrayRef),
        ("status", text(status.to_owned())),
        ("started_at", instant(record.started_at)),
        ("finished_at", instant(record.finished_at)),
        ("record", text(json)),
    ])
    .map_err(TableError::arrow(&contract.name))
}

#[cfg(test)]
mod tests;
