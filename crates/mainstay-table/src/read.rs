//! Reading tables back as lazy DataFusion frames, pinned to a version and to exactly its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::{DataFrame, Expr, SessionContext, ident, lit};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Ds, column};

use crate::arrow_types::table_schema;
use crate::error::TableError;
use crate::lake::Lake;
use crate::snapshot::{self, ActiveFile};
use crate::staged::{StagedFile, StagedTable};

/// Which days of a table to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// All that it holds.
    All,
    /// One.
    One(Ds),
    /// From the first to the second, both included.
    Between(Ds, Ds),
}

impl Days {
    /// Whether a day is among them.
    pub fn contain(self, ds: Ds) -> bool {
        match self {
            Self::All => true,
            Self::One(only) => ds == only,
            Self::Between(first, last) => (first..=last).contains(&ds),
        }
    }
}

/// A frame over the days of a table at a version, or at the newest; `ds` is its first column. `None` where the table does not
/// exist, an empty frame where it does not hold the days.
///
/// Errors: [`TableError::VersionMissing`] for a pin that the log does not have, [`TableError::FileMissing`] and
/// [`TableError::FileCorrupt`] where an active file is absent or of another size.
pub async fn open(
    ctx: &SessionContext,
    lake: &Lake,
    table: &str,
    version: Option<u64>,
    days: Days,
) -> Result<Option<DataFrame>, TableError> {
    let Some(delta) = snapshot::load(lake, table, version).await? else {
        return Ok(None);
    };
    let state = delta.snapshot().map_err(TableError::delta(table))?;
    let schema = state.snapshot().arrow_schema();
    let files = snapshot::active_files(&delta, table, |ds| days.contain(ds))?;
    frame(ctx, lake, table, &schema, files).await.map(Some)
}

/// A frame over a staged day, with `ds` first.
pub async fn read_staged(
    ctx: &SessionContext,
    lake: &Lake,
    contract: &TableContract,
    staged: &StagedTable,
) -> Result<DataFrame, TableError> {
    frame_of_day(ctx, lake, contract, staged.ds, &staged.files).await
}

/// The newest version of a table: what a run pins. `None` where the table does not exist.
pub async fn newest_version(lake: &Lake, table: &str) -> Result<Option<u64>, TableError> {
    let delta = snapshot::load(lake, table, None).await?;
    Ok(delta.and_then(|delta| delta.version()))
}

/// The days that a table holds at a version, or at the newest, in order; empty where it does not exist.
pub async fn days(lake: &Lake, table: &str, version: Option<u64>) -> Result<Vec<Ds>, TableError> {
    let Some(delta) = snapshot::load(lake, table, version).await? else {
        return Ok(Vec::new());
    };
    let mut days: Vec<Ds> = snapshot::active_files(&delta, table, |_| true)?.into_iter().map(|file| file.ds).collect();
    days.sort();
    days.dedup();
    Ok(days)
}

/// A frame over files of ours that need not be published.
pub(crate) async fn frame_of_day(
    ctx: &SessionContext,
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    files: &[StagedFile],
) -> Result<DataFrame, TableError> {
    let files = files
        .iter()
        .map(|file| ActiveFile { path: file.path.clone(), bytes: file.bytes, ds, has_deleted_rows: false })
        .collect();
    frame(ctx, lake, &contract.name, &table_schema(contract), files).await
}

/// A frame over files of a table, by day.
pub(crate) async fn frame(
    ctx: &SessionContext,
    lake: &Lake,
    table: &str,
    schema: &SchemaRef,
    files: Vec<ActiveFile>,
) -> Result<DataFrame, TableError> {
    ctx.register_object_store(lake.url(), lake.root_store().clone());
    let mut by_day: BTreeMap<Ds, Vec<ListingTableUrl>> = BTreeMap::new();
    for file in files {
        file.check_whole()?;
        check_presence(lake, &file).await?;
        let url = ListingTableUrl::try_new(lake.object_url(&file.path)?, None).map_err(TableError::engine(table))?;
        by_day.entry(file.ds).or_default().push(url);
    }
    let mut frames = Vec::with_capacity(by_day.len());
    for (ds, urls) in by_day {
        frames.push(day_frame(ctx, table, schema, ds, urls)?);
    }
    match union_all(frames, table)? {
        Some(frame) => Ok(frame),
        None => ctx.read_batch(RecordBatch::new_empty(schema.clone())).map_err(TableError::engine(table)),
    }
}

/// A listing of files treats one that is gone as empty: look before.
pub(crate) async fn check_presence(lake: &Lake, file: &ActiveFile) -> Result<(), TableError> {
    let meta = lake.head(&file.path).await?;
    let meta = meta.ok_or_else(|| TableError::FileMissing { path: file.path.clone() })?;
    if meta.size == file.bytes {
        return Ok(());
    }
    Err(TableError::FileCorrupt {
        path: file.path.clone(),
        expected: format!("{} bytes", file.bytes),
        found: format!("{} bytes", meta.size),
    })
}

/// The files of one day, behind `ds` as a literal: a listing of single files cannot take it from their paths.
fn day_frame(
    ctx: &SessionContext,
    table: &str,
    schema: &SchemaRef,
    ds: Ds,
    urls: Vec<ListingTableUrl>,
) -> Result<DataFrame, TableError> {
    let stored: Fields = schema.fields().iter().filter(|field| field.name() != column::DS).cloned().collect();
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(Arc::new(Schema::new(stored.clone())));
    let listing = ListingTable::try_new(config).map_err(TableError::engine(table))?;
    let mut columns: Vec<Expr> = vec![lit(date_scalar(ds)).alias(column::DS)];
    columns.extend(stored.iter().map(|field| ident(field.name())));
    ctx.read_table(Arc::new(listing)).and_then(|rows| rows.select(columns)).map_err(TableError::engine(table))
}

/// The union of all frames as a balanced tree: the planner recurses, and a year has 365 days.
fn union_all(mut frames: Vec<DataFrame>, table: &str) -> Result<Option<DataFrame>, TableError> {
    while frames.len() > 1 {
        let mut halved = Vec::with_capacity(frames.len().div_ceil(2));
        let mut pending = frames.into_iter();
        while let Some(left) = pending.next() {
            halved.push(match pending.next() {
                Some(right) => left.union(right).map_err(TableError::engine(table))?,
                None => left,
            });
        }
        frames = halved;
    }
    Ok(frames.pop())
}

fn date_scalar(ds: Ds) -> ScalarValue {
    ScalarValue::Date32(Some(ds.days_since(Ds(jiff::civil::date(1970, 1, 1)))))
}

#[cfg(test)]
mod tests;
