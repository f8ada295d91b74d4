//! How the engine reads Parquet files: whatever their endings, and with no statistics of a column that is read in another type than it has.
//!
//! The engine takes the least and greatest value of a file as they stand, under the declared type: a time of a wall clock would be taken
//! for an instant, and 5 at scale 0 for five cents. It leaves out files by them, and reads a column with one value from them alone. What the
//! groups of rows within a file say is asked through the expression that reads a column, and stays.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::file_format::{FileFormat, FileMeta};
use datafusion::datasource::listing::{ListingOptions, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use mainstay_config::SourceTable;
use object_store::{ObjectMeta, ObjectStore};

use crate::files::reading::Readings;

/// Files as one table of a schema in which the declared columns have their declared types.
pub(crate) fn files_of(table: &SourceTable, urls: Vec<ListingTableUrl>, schema: SchemaRef) -> ListingTableConfig {
    let readings = Readings::of(table);
    let format = ReadParquet { parquet: parquet(), readings: readings.clone() };
    ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(ListingOptions::new(Arc::new(format)).with_file_extension(""))
        .with_schema(schema)
        .with_expr_adapter_factory(Arc::new(readings))
}

/// How files are read, whatever their endings.
pub(crate) fn options() -> ListingOptions {
    ListingOptions::new(Arc::new(parquet())).with_file_extension("")
}

/// Times of 96 bits reach further than nanoseconds do.
fn parquet() -> ParquetFormat {
    ParquetFormat::default().with_coerce_int96(Some("us".into()))
}

/// Parquet files with the columns of a table.
#[derive(Debug)]
struct ReadParquet {
    parquet: ParquetFormat,
    readings: Readings,
}

#[async_trait]
impl FileFormat for ReadParquet {
    fn get_ext(&self) -> String {
        self.parquet.get_ext()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        self.parquet.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.parquet.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        self.parquet.infer_schema(state, store, objects).await
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics> {
        Ok(self.infer_stats_and_ordering(state, store, table_schema, object).await?.statistics)
    }

    /// An order of the file's own values is none of the values that are read, and so is left out.
    async fn infer_stats_and_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<FileMeta> {
        let physical = self.parquet.infer_schema(state, store, std::slice::from_ref(object)).await?;
        let mut statistics = self.parquet.infer_stats(state, store, Arc::clone(&table_schema), object).await?;
        for (declared, of) in table_schema.fields().iter().zip(&mut statistics.column_statistics) {
            let found = physical.field_with_name(declared.name()).map(Field::data_type);
            if let Ok(found) = found
                && !self.is_as_it_stands(declared.name(), found, declared.data_type())
            {
                *of = ColumnStatistics::new_unknown();
            }
        }
        Ok(FileMeta::new(statistics))
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        config: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.parquet.create_physical_plan(state, config).await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.parquet.file_source(table_schema)
    }
}

impl ReadParquet {
    /// Whether the numbers behind the values of a column are those of the declared type.
    fn is_as_it_stands(&self, name: &str, found: &DataType, declared: &DataType) -> bool {
        let reading = self.readings.column(name).map(|column| column.reading(found));
        let is_cast = reading.is_none_or(|reading| reading.is_ok_and(|reading| reading.is_cast));
        is_cast
            && match (found, declared) {
                (DataType::Timestamp(found, _), DataType::Timestamp(declared, _)) => found == declared,
                (found, declared) => found == declared,
            }
    }
}
