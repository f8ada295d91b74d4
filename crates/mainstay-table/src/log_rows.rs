//! The small tables that only grow: their rows, written and read without a query engine.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Schema, SchemaRef};
use deltalake::DeltaTable;
use futures::{StreamExt, TryStreamExt};
use mainstay_schema::Ds;
use mainstay_schema::table::TableContract;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::arrow_types::file_schema;
use crate::error::TableError;
use crate::lake::Lake;
use crate::outside::{self, OwnCommit};
use crate::parquet_file::ParquetFile;
use crate::snapshot::{self, ActiveFile};
use crate::stage::{conform, file_path};
use crate::staged::StagedFile;

/// Files fetched at once.
const FETCHES: usize = 16;

/// A table that only grows, at its newest version.
pub(crate) struct GrowingTable {
    pub(crate) delta: DeltaTable,
    /// What the newest commit of ours says of itself.
    pub(crate) own: Option<OwnCommit>,
    table: String,
}

impl GrowingTable {
    /// Loads a table, `None` where it does not exist.
    ///
    /// Errors: [`TableError::ChangedOutside`] where another tool has added or removed rows.
    pub(crate) async fn load(lake: &Lake, table: &str) -> Result<Option<Self>, TableError> {
        let Some(delta) = snapshot::load(lake, table, None).await? else {
            return Ok(None);
        };
        let own = outside::newest_own_commit(lake, &delta, table).await?;
        Ok(Some(Self { delta, own, table: table.to_owned() }))
    }

    /// The rows of the days that `wanted` accepts, by file, sorted by its name. No other file is read.
    pub(crate) async fn rows(&self, lake: &Lake, wanted: impl Fn(Ds) -> bool) -> Result<Vec<Rows>, TableError> {
        let mut files = snapshot::active_files(&self.delta, &self.table, wanted)?;
        files.sort_by(|left, right| left.name().cmp(right.name()));
        futures::stream::iter(files).map(|file| read_file(lake, file)).buffered(FETCHES).try_collect().await
    }
}

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

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// The version in the name of the file, which those of the ledger begin with; `None` of a file that another tool wrote.
    pub(crate) fn version_in_name(&self) -> Option<u64> {
        let name = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name);
        let (version, _) = name.split_once('-')?;
        version.parse().ok().filter(|_| version.len() == VERSION_DIGITS)
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

/// Digits of a version in the name of a file.
pub(crate) const VERSION_DIGITS: usize = 20;

/// The text at a row, `None` where null.
pub(crate) fn optional(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

async fn read_file(lake: &Lake, file: ActiveFile) -> Result<Rows, TableError> {
    file.check_whole()?;
    let content = lake.get(&file.path).await?;
    let content = content.ok_or_else(|| TableError::FileMissing { path: file.path.clone() })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).map_err(TableError::parquet(&file.path))?;
    let schema: SchemaRef = reader.schema().clone();
    let batches = reader.build().map_err(TableError::parquet(&file.path))?.collect::<Result<Vec<_>, _>>();
    let batch = batches.and_then(|batches| concat_batches(&schema, &batches)).and_then(|batch| plain_text(&batch));
    Ok(Rows { batch: batch.map_err(TableError::arrow(&file.path))?, path: file.path, ds: file.ds })
}

/// Text in the encoding that we write: a tool that compacts files may choose another.
fn plain_text(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut columns: Vec<(Arc<Field>, ArrayRef)> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        columns.push(match column.data_type() {
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
                let plain = Field::new(field.name(), DataType::Utf8, field.is_nullable());
                (Arc::new(plain), cast(column, &DataType::Utf8)?)
            }
            _ => (field.clone(), column.clone()),
        });
    }
    let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
