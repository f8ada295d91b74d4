//! One Parquet file of ours: written through the object store, counted and digested on the way.

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use futures::future::BoxFuture;
use mainstay_schema::DigestHasher;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tokio::io::AsyncWriteExt;

use crate::error::TableError;
use crate::lake::Lake;
use crate::staged::StagedFile;
use crate::statistics;

/// Rows in a row group: bounds the memory of a partition that is being written.
const ROW_GROUP_ROWS: usize = 131_072;

/// A dictionary of so many bytes is given up: looking most values of a column up costs more than it saves.
const DICTIONARY_BYTES: usize = 64 << 10;

/// How files of ours are written.
///
/// Statistics of floats leave NaN out. A reader that takes equal minimum and maximum for a constant column, as DataFusion 55
/// does, reads another value in place of NaN: columns of floats have no statistics.
fn properties(schema: &Schema) -> WriterProperties {
    let is_float = |field: &&FieldRef| field.data_type().is_floating();
    let floats = schema.fields().iter().filter(is_float).map(|field| ColumnPath::from(field.name().as_str()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    floats.fold(properties, |all, column| all.set_column_statistics_enabled(column, EnabledStatistics::None)).build()
}

/// A file that is being written. Dropped unfinished, it leaves nothing that a reader sees.
pub(crate) struct ParquetFile {
    writer: AsyncArrowWriter<DigestedObject>,
    path: String,
}

impl ParquetFile {
    /// Begins a file at a path below the target; the schema is that of all its batches.
    pub(crate) fn create(lake: &Lake, path: String, schema: SchemaRef) -> Result<Self, TableError> {
        let object = DigestedObject {
            object: BufWriter::new(lake.store().clone(), Path::from(path.as_str())),
            hasher: DigestHasher::new(),
            bytes: 0,
        };
        let properties = properties(&schema);
        let writer = AsyncArrowWriter::try_new(object, schema, Some(properties)).map_err(TableError::parquet(&path))?;
        Ok(Self { writer, path })
    }

    /// Adds rows.
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        self.writer.write(batch).await.map_err(TableError::parquet(&self.path))
    }

    /// Ends the file.
    pub(crate) async fn finish(mut self) -> Result<StagedFile, TableError> {
        let metadata = self.writer.finish().await.map_err(TableError::parquet(&self.path))?;
        let object = self.writer.into_inner();
        Ok(StagedFile {
            path: self.path,
            rows: metadata.file_metadata().num_rows().unsigned_abs(),
            bytes: object.bytes,
            digest: object.hasher.finish(),
            statistics: statistics::of(&metadata),
        })
    }
}

/// An object that knows the digest of what went into it.
struct DigestedObject {
    object: BufWriter,
    hasher: DigestHasher,
    bytes: u64,
}

impl AsyncFileWriter for DigestedObject {
    fn write(&mut self, content: Bytes) -> BoxFuture<'_, ParquetResult<()>> {
        self.hasher.update(&content);
        self.bytes += content.len() as u64;
        Box::pin(async move { self.object.put(content).await.map_err(|error| ParquetError::External(Box::new(error))) })
    }

    fn complete(&mut self) -> BoxFuture<'_, ParquetResult<()>> {
        Box::pin(async move { self.object.shutdown().await.map_err(|error| ParquetError::External(Box::new(error))) })
    }
}

/// A file is read in pieces of so many bytes to be verified.
const VERIFIED_BYTES: u64 = 16 << 20;

/// Reads a file whole and holds it against its recorded size and digest.
///
/// Errors: [`TableError::FileMissing`] or [`TableError::FileCorrupt`], naming the file.
pub(crate) async fn verify(lake: &Lake, file: &StagedFile) -> Result<ObjectMeta, TableError> {
    let path = Path::from(file.path.as_str());
    let refused = |source| match source {
        object_store::Error::NotFound { .. } => TableError::FileMissing { path: file.path.clone() },
        other => TableError::store("read", &file.path)(other),
    };
    let meta = lake.store().head(&path).await.map_err(refused)?;
    if meta.size != file.bytes {
        return Err(corrupt(file, format!("{} bytes", file.bytes), format!("{} bytes", meta.size)));
    }
    let mut hasher = DigestHasher::new();
    for start in (0..meta.size).step_by(VERIFIED_BYTES as usize) {
        let piece = start..meta.size.min(start + VERIFIED_BYTES);
        hasher.update(&lake.store().get_range(&path, piece).await.map_err(refused)?);
    }
    let found = hasher.finish();
    if found == file.digest { Ok(meta) } else { Err(corrupt(file, file.digest.to_string(), found.to_string())) }
}

fn corrupt(file: &StagedFile, expected: String, found: String) -> TableError {
    TableError::FileCorrupt { path: file.path.clone(), expected, found }
}
