//! Values that the declared type of their column cannot hold: found as files are pinned, so that no query fails on one later.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::Schema;
use datafusion::error::DataFusionError;
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use mainstay_config::SourceTable;
use mainstay_files::{DeclaredColumn, Refused, UnreadableValue};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::error::FeatureError;
use crate::files::reading::{self, Readings};

/// A file whose values are looked at.
pub(crate) struct ValuesOfFile<'a> {
    /// `source.table`.
    pub(crate) name: &'a str,
    pub(crate) table: &'a SourceTable,
    pub(crate) readings: &'a Readings,
    /// The file as messages call it.
    pub(crate) shown: &'a str,
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) file: &'a ObjectMeta,
    pub(crate) metadata: &'a Arc<ParquetMetaData>,
    pub(crate) schema: &'a Schema,
}

impl ValuesOfFile<'_> {
    /// Refuses a file with a value that its declared type cannot hold, with the column and the row.
    ///
    /// Nothing is read of a file whose types or statistics show that there is none, and of another one the columns in doubt alone.
    pub(crate) async fn refuse_unreadable(&self) -> Result<(), FeatureError> {
        let doubtful: Vec<(&str, &DeclaredColumn)> =
            self.readings.iter().filter(|(name, declared)| self.is_in_doubt(name, declared)).collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        self.refuse_among(&doubtful).await
    }

    fn is_in_doubt(&self, name: &str, declared: &DeclaredColumn) -> bool {
        let Ok(field) = self.schema.field_with_name(name) else { return false };
        match declared.reading(field.data_type()).map(|reading| reading.refuses) {
            Ok(Refused::Any) => true,
            Ok(Refused::BeyondRange) => !self.ends_are_readable(name, declared).unwrap_or(false),
            Ok(Refused::None) | Err(_) => false,
        }
    }

    /// Whether the least and the greatest value of each group of rows are there and can be read, and so all between them.
    fn ends_are_readable(&self, name: &str, declared: &DeclaredColumn) -> Option<bool> {
        let groups = self.metadata.row_groups();
        let of_column =
            StatisticsConverter::try_new(name, self.schema, self.metadata.file_metadata().schema_descr()).ok()?;
        let nulls = of_column.row_group_null_counts(groups).ok()?;
        let ends = [of_column.row_group_mins(groups).ok()?, of_column.row_group_maxes(groups).ok()?];
        let is_stated = |ends: &ArrayRef| {
            groups.iter().zip(&nulls).enumerate().all(|(group, (rows, nulls))| {
                ends.is_valid(group) || nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(rows.num_rows()))
            })
        };
        Some(ends.iter().all(|ends| is_stated(ends) && declared.read(ends).is_ok()))
    }

    async fn refuse_among(&self, doubtful: &[(&str, &DeclaredColumn)]) -> Result<(), FeatureError> {
        let unreadable = |error: DataFusionError| self.rows_unreadable(error);
        let names = doubtful.iter().map(|(name, _)| *name);
        let rows = open_rows(Arc::clone(self.store), self.file, self.metadata, self.schema, names);
        let mut rows = rows.map_err(unreadable)?;
        let mut first = 0;
        while let Some(batch) = rows.try_next().await.map_err(|error| unreadable(error.into()))? {
            for (name, declared) in doubtful {
                let Some(values) = batch.column_by_name(name) else { continue };
                declared.read(values).map_err(|error| self.refusal(name, declared, first, &error))?;
            }
            first += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// Of a file whose footer could be read.
    pub(crate) fn rows_unreadable(&self, error: DataFusionError) -> FeatureError {
        FeatureError::Unreadable {
            table: self.name.to_owned(),
            file: self.shown.to_owned(),
            found: "its footer can be read and its rows cannot".to_owned(),
            cause: Box::new(error),
        }
    }

    pub(crate) fn refusal(
        &self,
        column: &str,
        declared: &DeclaredColumn,
        first: u64,
        error: &UnreadableValue,
    ) -> FeatureError {
        let is_shown = self.table.column(column).is_some_and(|column| column.guard().is_none());
        FeatureError::UnreadableValue {
            table: self.name.to_owned(),
            file: self.shown.into(),
            column: column.into(),
            declared: declared.column_type.as_str(),
            row: first + error.row as u64,
            value: if is_shown { format!("`{}`", error.value).into() } else { "a value".into() },
            fault: error.fault,
        }
    }
}

/// The rows of a file whose footer was read, of these of its columns.
pub(crate) fn open_rows<'a>(
    store: Arc<dyn ObjectStore>,
    file: &ObjectMeta,
    metadata: &Arc<ParquetMetaData>,
    schema: &Schema,
    columns: impl Iterator<Item = &'a str>,
) -> Result<ParquetRecordBatchStream<StoredFile>, DataFusionError> {
    let is_coerced = reading::has_int96(metadata.file_metadata().schema_descr());
    let options = match is_coerced {
        true => ArrowReaderOptions::new().with_schema(Arc::new(schema.clone())),
        false => ArrowReaderOptions::new(),
    };
    let read = ArrowReaderMetadata::try_new(Arc::clone(metadata), options)?;
    let reader = StoredFile { store, path: file.location.clone(), metadata: Arc::clone(metadata) };
    let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, read);
    let roots = columns.filter_map(|name| schema.index_of(name).ok());
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    Ok(builder.with_projection(mask).build()?)
}

/// A file of a store whose footer was read.
pub(crate) struct StoredFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    metadata: Arc<ParquetMetaData>,
}

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let bytes = async move { self.store.get_range(&self.path, range).await };
        bytes.map(|read| read.map_err(|error| ParquetError::External(Box::new(error)))).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        futures::future::ready(Ok(Arc::clone(&self.metadata))).boxed()
    }
}
