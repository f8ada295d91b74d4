//! The stage: a day of a table as Parquet files of ours that no Delta reader sees until they are published.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use mainstay_schema::table::TableContract;
use mainstay_schema::{Ds, RunId};
use tokio::task::JoinSet;

use crate::arrow_types::file_schema;
use crate::error::TableError;
use crate::lake::Lake;
use crate::parquet_file::{self, ParquetFile};
use crate::staged::{StagedFile, StagedTable};

/// Writes each partition's stream to one file `<table>/ds=<ds>/<run_id>-<n>.parquet`, all at once.
///
/// Batches have the contract's columns but `ds`, in its order; types may differ in their encoding only (string views,
/// dictionaries, narrower decimals). `on_rows` is called with the rows of every batch written. Partitions without rows write no file.
///
/// Errors: a column or type that breaks the contract, a null where none is allowed, and whatever the streams or the store
/// say. Files of a failed stage stay behind unpublished. Two rows with one key are found by the digest.
pub async fn stage(
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    run_id: &RunId,
    partitions: Vec<SendableRecordBatchStream>,
    on_rows: impl Fn(u64) + Send + Sync + 'static,
) -> Result<StagedTable, TableError> {
    let on_rows: Arc<dyn Fn(u64) + Send + Sync> = Arc::new(on_rows);
    let mut writers = JoinSet::new();
    for (number, stream) in partitions.into_iter().enumerate() {
        let partition = Partition {
            lake: lake.clone(),
            table: contract.name.clone(),
            path: file_path(&contract.name, ds, &format!("{run_id}-{number}")),
            schema: file_schema(contract),
            on_rows: on_rows.clone(),
        };
        writers.spawn(async move { Ok::<_, TableError>((number, partition.write(stream).await?)) });
    }
    let mut written = Vec::new();
    while let Some(joined) = writers.join_next().await {
        let (number, file) = joined.map_err(|error| TableError::task_failed(&contract.name, error))??;
        written.extend(file.map(|file| (number, file)));
    }
    written.sort_by_key(|(number, _)| *number);
    let files: Vec<StagedFile> = written.into_iter().map(|(_, file)| file).collect();
    let rows = files.iter().map(|file| file.rows).sum();
    Ok(StagedTable { table: contract.name.clone(), ds, rows, files })
}

/// Reads every file whole and holds it against its recorded size and digest.
///
/// Errors: [`TableError::FileMissing`] or [`TableError::FileCorrupt`], naming the first such file.
pub async fn verify_files(lake: &Lake, files: &[StagedFile]) -> Result<(), TableError> {
    for file in files {
        parquet_file::verify(lake, file).await?;
    }
    Ok(())
}

/// Where a file of a table's day lies below the target.
pub(crate) fn file_path(table: &str, ds: Ds, name: &str) -> String {
    format!("{table}/ds={ds}/{name}.parquet")
}

/// The batch with exactly the types of `schema`, which has no `ds`.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef, table: &str) -> Result<RecordBatch, TableError> {
    check_names(batch, schema, table)?;
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if !differs_in_encoding_only(field.data_type(), column.data_type()) {
            return Err(wrong_type(table, field, column.data_type()));
        }
        if !field.is_nullable() && column.logical_null_count() > 0 {
            return Err(TableError::Null {
                table: table.to_owned(),
                column: field.name().clone(),
                nulls: column.logical_null_count(),
            });
        }
        columns.push(cast(column, field.data_type()).map_err(TableError::arrow(table))?);
    }
    RecordBatch::try_new(schema.clone(), columns).map_err(TableError::arrow(table))
}

struct Partition {
    lake: Lake,
    table: String,
    path: String,
    schema: SchemaRef,
    on_rows: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Partition {
    async fn write(self, mut stream: SendableRecordBatchStream) -> Result<Option<StagedFile>, TableError> {
        let mut file: Option<ParquetFile> = None;
        while let Some(batch) = stream.try_next().await.map_err(TableError::engine(&self.table))? {
            let batch = conform(&batch, &self.schema, &self.table)?;
            if batch.num_rows() == 0 {
                continue;
            }
            let writing = match file.take() {
                Some(begun) => begun,
                None => ParquetFile::create(&self.lake, self.path.clone(), self.schema.clone())?,
            };
            file.insert(writing).write(&batch).await?;
            (self.on_rows)(batch.num_rows() as u64);
        }
        match file {
            Some(begun) => begun.finish().await.map(Some),
            None => Ok(None),
        }
    }
}

fn check_names(batch: &RecordBatch, schema: &SchemaRef, table: &str) -> Result<(), TableError> {
    let found = batch.schema();
    for position in 0..schema.fields().len().max(found.fields().len()) {
        let expected = schema.fields().get(position).map(|field| field.name());
        let found = found.fields().get(position).map(|field| field.name());
        if expected != found {
            let named = |name: Option<&String>| name.map_or("no column".to_owned(), |name| format!("`{name}`"));
            return Err(TableError::WrongColumn {
                table: table.to_owned(),
                position: position + 1,
                expected: named(expected),
                found: named(found),
            });
        }
    }
    Ok(())
}

/// Whether every value of `found` is a value of `expected` in another encoding.
fn differs_in_encoding_only(expected: &DataType, found: &DataType) -> bool {
    match (expected, found) {
        (DataType::Utf8, DataType::LargeUtf8 | DataType::Utf8View) => true,
        (_, DataType::Dictionary(_, values)) => differs_in_encoding_only(expected, values),
        (DataType::Decimal128(digits, scale), DataType::Decimal128(found_digits, found_scale)) => {
            scale == found_scale && found_digits <= digits
        }
        (
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)),
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)),
        ) => {
            matches!(zone.as_ref(), "UTC" | "+00:00" | "Z")
        }
        _ => expected == found,
    }
}

fn wrong_type(table: &str, field: &Field, found: &DataType) -> TableError {
    TableError::WrongType {
        table: table.to_owned(),
        column: field.name().clone(),
        expected: field.data_type().to_string(),
        found: found.to_string(),
    }
}

#[cfg(test)]
mod tests;
