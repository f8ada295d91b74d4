//! Run records: the table `runs`, one row a finished attempt, written last. A published day is what its record names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::Timestamp;
use mainstay_schema::table::{TableContract, campaign_allocations, runs};
use mainstay_schema::{Digest, Ds, JobKind, RunId};
use serde::{Deserialize, Serialize};

use crate::claim::Attempt;
use crate::error::TableError;
use crate::lake::Lake;
use crate::log_rows::{self, GrowingTable, Rows};
use crate::publish::{self, Published, Sequence};
use crate::series::Series;
use crate::snapshot;
use crate::staged::StagedFile;

/// What one attempt read, decided and published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run_id: RunId,
    /// The job, as it was called then.
    pub job: String,
    /// What kind of job it is; `None` in records of an earlier version, see [`RunRecord::kind`].
    #[serde(default)]
    pub kind: Option<JobKind>,
    /// The project; `None` in records of an earlier version.
    #[serde(default)]
    pub project: Option<String>,
    /// ISO 4217 code of all its money; `None` in records of an earlier version.
    #[serde(default)]
    pub currency: Option<String>,
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
    /// The business of the job, whose crate knows what it says by its kind; null where the run failed.
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

impl Series {
    /// Whether a record is of one of these days.
    pub fn contains(&self, record: &RunRecord) -> bool {
        let kind = record.kind();
        match self {
            Self::Plans { former } => kind == Some(JobKind::Daily) || kind.is_none() && former.contains(&record.job),
            Self::Training { job } => kind != Some(JobKind::Daily) && record.job == *job,
        }
    }
}

impl RunRecord {
    /// What kind of job it was. A record that does not say it follows from what it published; `None` where it failed.
    pub fn kind(&self) -> Option<JobKind> {
        let by_content = || match (is_published(self), self.table(&campaign_allocations().name)) {
            (true, Some(_)) => Some(JobKind::Daily),
            (true, None) => Some(JobKind::Training),
            (false, _) => None,
        };
        self.kind.or_else(by_content)
    }

    /// The table of that name, `None` where the run did not publish it.
    pub fn table(&self, name: &str) -> Option<&PublishedTable> {
        self.tables.iter().find(|table| table.table == name)
    }
}

/// Writes a record of an attempt in `series`, once for each attempt: a second record of the same attempt changes nothing, and an attempt
/// that was fenced out gets an error that says so.
///
/// Errors as [`publish::append`].
pub async fn append(lake: &Lake, series: &Series, record: &RunRecord) -> Result<Published, TableError> {
    let contract = runs();
    let json = serde_json::to_string(record).map_err(TableError::bad_record(&contract.name))?;
    let name = format!("{}-{}", record.run_id, Digest::of(json.as_bytes()).short());
    let rows = batch_of(record, json, &contract)?;
    let file = log_rows::write(lake, &contract, record.ds, &name, &rows).await?;
    let sequence = sequence(series, record.ds, 2 * record.attempt);
    publish::append(lake, &contract, record.ds, &[file], &record.run_id, &sequence).await
}

/// Keeps every attempt at the day before this one from writing a record from now on.
///
/// Both are commits to one log under one transaction, so that of a record and a fence one comes first: once the fence stands, a
/// record of a lower attempt either stands already and can be read, or never will. A run of an earlier version writes under the name of
/// its job, so that the fence stands there too.
pub async fn fence(lake: &Lake, attempt: &Attempt) -> Result<(), TableError> {
    let (table, number) = (runs().name, 2 * attempt.number - 1);
    for key in attempt.series.keys() {
        let sequence = Sequence { app_id: publish::app_id(&table, key, attempt.ds), former: Vec::new(), number };
        publish::append(lake, &runs(), attempt.ds, &[], &attempt.run_id, &sequence).await?;
    }
    Ok(())
}

/// A fence of attempt n stands between the records of n - 1 and n.
fn sequence(series: &Series, ds: Ds, number: u32) -> Sequence {
    let mut app_ids = series.keys().map(|key| publish::app_id(&runs().name, key, ds));
    Sequence { app_id: app_ids.next().unwrap_or_default(), former: app_ids.collect(), number }
}

/// The record that speaks for a published day, see [`published_days`].
pub async fn latest_published(lake: &Lake, series: &Series, ds: Ds) -> Result<Option<RunRecord>, TableError> {
    Ok(published_days(lake, series, |day| day == ds).await?.pop())
}

/// The record of the newest published day. Days are read from the newest on until one is found.
pub async fn latest(lake: &Lake, series: &Series) -> Result<Option<RunRecord>, TableError> {
    let table = runs().name;
    let Some(log) = GrowingTable::load(lake, &table).await? else {
        return Ok(None);
    };
    let days: BTreeSet<Ds> =
        snapshot::active_files(&log.delta, &table, |_| true)?.into_iter().map(|file| file.ds).collect();
    for ds in days.into_iter().rev() {
        let found = speaking_for_days(of_series(log.rows(lake, |day| day == ds).await?, series)?).pop();
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// For each published day that `wanted` accepts, in order, the record of the highest attempt that published it.
///
/// Earlier versions counted attempts by the name of the job: of two names at one day the record that was made last speaks for it. Only the
/// files of the days wanted are read.
pub async fn published_days(
    lake: &Lake,
    series: &Series,
    wanted: impl Fn(Ds) -> bool,
) -> Result<Vec<RunRecord>, TableError> {
    Ok(speaking_for_days(records(lake, series, wanted).await?))
}

/// All records of a series for the days that `wanted` accepts, by day and attempt: failed ones too.
pub async fn records(lake: &Lake, series: &Series, wanted: impl Fn(Ds) -> bool) -> Result<Vec<RunRecord>, TableError> {
    match GrowingTable::load(lake, &runs().name).await? {
        Some(log) => of_series(log.rows(lake, wanted).await?, series),
        None => Ok(Vec::new()),
    }
}

fn of_series(rows: Vec<Rows>, series: &Series) -> Result<Vec<RunRecord>, TableError> {
    let mut records: Vec<RunRecord> = Vec::new();
    for rows in rows {
        let written = rows.text("record")?;
        for row in 0..rows.len() {
            records.push(serde_json::from_str(written.value(row)).map_err(|error| rows.bad(error))?);
        }
    }
    records.retain(|record| series.contains(record));
    records.sort_by_key(|record| (record.ds, record.attempt));
    Ok(records)
}

fn speaking_for_days(records: Vec<RunRecord>) -> Vec<RunRecord> {
    let mut by_day: BTreeMap<Ds, RunRecord> = BTreeMap::new();
    for record in records.into_iter().filter(is_published) {
        if by_day.get(&record.ds).is_none_or(|known| is_newer(&record, known)) {
            by_day.insert(record.ds, record);
        }
    }
    by_day.into_values().collect()
}

/// Numbers of attempts compare within a name; those of this version are above all others at their day.
fn is_newer(record: &RunRecord, known: &RunRecord) -> bool {
    match record.job == known.job || record.kind.is_some() || known.kind.is_some() {
        true => record.attempt > known.attempt,
        false => record.finished_at > known.finished_at,
    }
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
