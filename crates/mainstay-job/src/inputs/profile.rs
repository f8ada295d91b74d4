//! Column profiles of a source: what its tables hold and what looks wrong with them, before anybody relies on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use arrow::datatypes::DataType;
use datafusion::functions_aggregate::count::count_all;
use datafusion::functions_aggregate::sum::sum;
use datafusion::prelude::{DataFrame, Expr, ident, lit};
use futures::StreamExt;
use jiff::Timestamp;
use mainstay_config::source::Keep;
use mainstay_config::{Source, SourceTable, UnknownName};
use mainstay_profile::{ColumnSpec, TableSpec, TableTally};
use mainstay_run::{OpenProject, Step, StepProgress};
use mainstay_schema::Ds;
use mainstay_schema::table::ColumnType;
use mainstay_sql::{PinnedSources, PinnedTable, scanned_rows};

pub use mainstay_profile::{ColumnProfile, SourceProfile, TableProfile, yaml};

use crate::inputs::damaged;
use crate::inputs::simulated;

/// Profiles a source (`retailer`) or one of its tables (`retailer.orders`); values should lie before `ds`.
///
/// A first pass over each table tallies all columns, partitions side by side; a second one counts the keys that repeat.
pub async fn profile(open: &OpenProject, named: &str, ds: Ds) -> Result<SourceProfile> {
    let source = named_source(open, named)?;
    simulated::fill_absent_sources(open).await?;
    let as_of = ds.as_of(&open.project.time_zone()).with_context(|| format!("{ds} has no midnight"))?;
    let pinned = mainstay_sql::pin(&open.session, std::slice::from_ref(&source)).await?;
    pinned.warnings().into_iter().for_each(|warning| open.progress.warn(warning));
    let step = open.progress.start(Step::Profile);
    let mut tables = Vec::new();
    for (table, pinned) in source.tables.iter().zip(&pinned.tables) {
        let profile = profile_table(open, table, pinned, (ds, as_of), &step).await;
        let profile = damaged::named(open, &PinnedSources { tables: vec![pinned.clone()] }, profile).await;
        tables.push(profile.with_context(|| format!("cannot profile {}.{}", source.name, table.name))?);
    }
    let profile = SourceProfile { source: source.name, ds, tables };
    let rows: u64 = profile.tables.iter().map(|table| table.rows).sum();
    let findings: usize = profile.tables.iter().map(|table| table.findings.len()).sum();
    step.finish(format!("{} tables, {rows} rows, {findings} findings", profile.tables.len()));
    Ok(profile)
}

/// The named source, with the named table alone where one is.
fn named_source(open: &OpenProject, named: &str) -> Result<Source> {
    let (source_name, table_name) = match named.split_once('.') {
        Some((source, table)) => (source, Some(table)),
        None => (named, None),
    };
    let sources = &open.project.config().sources;
    let Some(source) = sources.iter().find(|source| source.name == source_name) else {
        let unknown = UnknownName::new("source", source_name, sources.iter().map(|source| source.name.as_str()));
        bail!("{unknown} ({})", unknown.known_names());
    };
    let mut source = source.clone();
    if let Some(name) = table_name {
        let unknown = UnknownName::new("table", name, source.tables.iter().map(|table| table.name.as_str()));
        source.tables.retain(|table| table.name == name);
        if source.tables.is_empty() {
            bail!("{unknown} of source {source_name} ({})", unknown.known_names());
        }
    }
    Ok(source)
}

async fn profile_table(
    open: &OpenProject,
    table: &SourceTable,
    pinned: &PinnedTable,
    before: (Ds, Timestamp),
    step: &StepProgress,
) -> Result<TableProfile> {
    let rows = scanned_rows(&open.session, table, pinned).await?;
    let spec = spec(table, pinned, &rows, before);
    let duplicate_keys = match table.unique_key && table.keep == Keep::FirstKnown {
        true => Some(rows_with_duplicate_keys(&rows, &table.key).await?),
        false => None,
    };
    let (mut parts, seen) = (Vec::new(), Arc::new(AtomicU64::new(0)));
    for mut stream in rows.execute_stream_partitioned().await? {
        let (mut tally, step, seen, all) = (TableTally::new(&spec), step.clone(), Arc::clone(&seen), spec.rows);
        parts.push(tokio::spawn(async move {
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                tally.add(&batch)?;
                let rows = batch.num_rows() as u64;
                step.advance(seen.fetch_add(rows, Ordering::Relaxed) + rows, Some(all), "rows");
            }
            anyhow::Ok(tally)
        }));
    }
    let mut all = TableTally::new(&spec);
    for part in parts {
        all = all.merged(part.await.context("a thread that tallied rows has died")??);
    }
    Ok(all.finish(&spec, duplicate_keys))
}

fn spec(table: &SourceTable, pinned: &PinnedTable, rows: &DataFrame, (ds, as_of): (Ds, Timestamp)) -> TableSpec {
    let column = |(name, data_type): (&String, &DataType)| {
        let declared = table.column(name);
        ColumnSpec {
            name: name.clone(),
            data_type: data_type.clone(),
            type_name: declared.map_or_else(|| data_type.to_string(), |column| column.column_type.to_string()),
            is_declared: declared.is_some(),
            is_personal: declared.is_some_and(|column| column.personal),
            is_identifier: table.key == [name.as_str()] || name == "id" || name.ends_with("_id"),
            is_money: declared.is_some_and(|column| column.column_type == ColumnType::Money),
        }
    };
    TableSpec {
        table: table.name.clone(),
        rows: pinned.files.iter().map(|file| file.rows).sum(),
        files: pinned.files.len() as u64,
        time_zone: table.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
        key: table.key.clone(),
        ds,
        as_of,
        columns: rows.schema().fields().iter().map(|field| column((field.name(), field.data_type()))).collect(),
    }
}

/// How many rows have a whole key that another row has.
async fn rows_with_duplicate_keys(rows: &DataFrame, key: &[String]) -> Result<u64> {
    let is_whole = key.iter().map(|name| ident(name).is_not_null()).reduce(Expr::and);
    let keys = key.iter().map(ident).collect();
    let duplicates = rows
        .clone()
        .filter(is_whole.unwrap_or_else(|| lit(true)))?
        .aggregate(keys, vec![count_all().alias("rows")])?
        .filter(ident("rows").gt(lit(1i64)))?
        .aggregate(Vec::new(), vec![sum(ident("rows")).alias("rows")])?;
    let batches = duplicates.collect().await?;
    let sum = batches.iter().find_map(|batch| {
        let rows = arrow::compute::cast(batch.column(0), &DataType::Int64).ok()?;
        arrow::array::AsArray::as_primitive_opt::<arrow::datatypes::Int64Type>(&rows)?.iter().next()?
    });
    Ok(sum.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
}
