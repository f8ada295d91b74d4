//! Rows of the small append-only tables, written and read without a query engine.

use arrow::array::PrimitiveArray;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{ArrowPrimitiveType, SchemaRef};
use deltalake::DeltaTable;
use futures::{StreamExt, TryStreamExt};
use mainstay_schema::Ds;
use mainstay_schema::table::TableContract;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::arrow_types::file_schema;
use crate::error::TableError;
use crate::lake::Lake;
use crate::parquet_file::ParquetFile;
use crate::snapshot::{self, ActiveFile};
use crate::stage::{StagedFile, conform, file_path};

/// Files fetched at once.
const FETCHES: usize = 16;

/// The rows of one file and where they came from.
pub(crate) struct Rows {
    pub(crate) path: String,
    pub(crate) ds: Ds,
    batch: RecordBatch,
}

/// Writes rows as one file of a day.
pub(crate) async fn write(
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    name: &str,
    rows: &RecordBatch,
) -> Result<StagedFile, TableError> {
    let schema = file_schema(contract);
    let rows = conform(rows, &schema, &contract.name)?;
    let mut file = ParquetFile::create(lake, file_path(&contract.name, ds, name), schema)?;
    file.write(&rows).await?;
    file.finish().await
}

/// Reads the active files of the days that `wanted` accepts, sorted by file name.
pub(crate) async fn read(
    lake: &Lake,
    delta: &DeltaTable,
    table: &str,
    wanted: impl Fn(Ds) -> bool,
) -> Result<Vec<Rows>, TableError> {
    let mut files = snapshot::active_files(delta, table, wanted)?;
    files.sort_by(|left, right| file_name(left).cmp(file_name(right)));
    futures::stream::iter(files).map(|file| read_file(lake, file)).buffered(FETCHES).try_collect().await
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column of text.
    pub(crate) fn text(&self, name: &str) -> Result<&StringArray, TableError> {
        let column = self.batch.column_by_name(name).and_then(|column| column.as_string_opt());
        column.ok_or_else(|| self.bad(format!("no text column `{name}`")))
    }

    /// A column of numbers.
    pub(crate) fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&PrimitiveArray<T>, TableError> {
        let column = self.batch.column_by_name(name).and_then(|column| column.as_primitive_opt());
        column.ok_or_else(|| self.bad(format!("no column `{name}` of type {}", T::DATA_TYPE)))
    }

    /// The error of rows that do not say what they should.
    pub(crate) fn bad(&self, reason: impl std::fmt::Display) -> TableError {
        TableError::bad_record(&self.path)(reason)
    }
}

/// The text at a row, `None` where null.
pub(crate) fn optional(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

fn file_name(file: &ActiveFile) -> &str {
    file.path.rsplit_once('/').map_or(file.path.as_str(), |(_, name)| name)
}

async fn read_file(lake: &Lake, file: ActiveFile) -> Result<Rows, TableError> {
    let content = lake.get(&file.path).await?;
    let content = content.ok_or_else(|| TableError::FileMissing { path: file.path.clone() })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).map_err(TableError::parquet(&file.path))?;
    let schema: SchemaRef = reader.schema().clone();
    let batches = reader.build().map_err(TableError::parquet(&file.path))?.collect::<Result<Vec<_>, _>>();
    let batch = batches.and_then(|batches| concat_batches(&schema, &batches)).map_err(TableError::arrow(&file.path))?;
    Ok(Rows { path: file.path, ds: file.ds, batch })
}
