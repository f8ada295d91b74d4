//! The file that is scored: opened, its footer read, the model's features found in it.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use mainstay_model::Ensemble;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::error::ScoringError;
use crate::features::Features;

/// Rows that are decoded and scored together: each thread of many still gets whole blocks of the kernels.
const BATCH_ROWS: usize = 16_384;
/// What stands at both ends of a Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";
/// Both marks, and the length of the footer.
const LEAST_FILE_BYTES: u64 = 12;

pub(crate) struct InputFile {
    path: PathBuf,
    footer: ArrowReaderMetadata,
    features: Features,
    first_rows: Vec<u64>,
}

impl InputFile {
    /// Reads the footer and finds the features.
    ///
    /// Errors: no Parquet file at the path, or the columns are not those of the model.
    pub(crate) fn open(path: &Path, model: &Ensemble) -> Result<Self, ScoringError> {
        let mut file = open(path)?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = match ArrowReaderMetadata::load(&file, options) {
            Ok(footer) => footer,
            Err(source) if is_marked(&mut file) => return Err(ScoringError::read(path)(source)),
            Err(source) => return Err(ScoringError::NotParquet { path: path.to_owned(), source }),
        };
        let features = Features::find(path, model, &footer)?;
        let mut rows = 0;
        let first_rows = footer.metadata().row_groups().iter().map(|group| {
            let first_row = rows;
            rows += group.num_rows().unsigned_abs();
            first_row
        });
        Ok(Self { path: path.to_owned(), first_rows: first_rows.collect(), footer, features })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        self.footer.metadata()
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    pub(crate) fn row_groups(&self) -> usize {
        self.first_rows.len()
    }

    /// The position within the file of a row group's first row.
    pub(crate) fn first_row(&self, row_group: usize) -> u64 {
        self.first_rows[row_group]
    }

    pub(crate) fn rows(&self) -> u64 {
        self.metadata().row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum()
    }

    /// The features of one row group, batch by batch.
    pub(crate) fn batches(&self, row_group: usize) -> Result<ParquetRecordBatchReader, ScoringError> {
        // Clones of a file share one position: each reader opens its own.
        let file = open(&self.path)?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_projection(self.features.projection().clone())
            .with_row_groups(vec![row_group])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(ScoringError::read(&self.path))
    }

    /// Another handle of the file, with a position of its own.
    pub(crate) fn reopen(&self) -> Result<File, ScoringError> {
        open(&self.path)
    }

    /// All column chunks of a row group, as they would be told of if they had just been written.
    pub(crate) fn chunks(&self, row_group: usize, file: &File) -> impl Iterator<Item = ColumnCloseResult> {
        let metadata = self.metadata();
        let group = metadata.row_group(row_group);
        group.columns().iter().enumerate().map(move |(column, chunk)| ColumnCloseResult {
            bytes_written: chunk.compressed_size().unsigned_abs(),
            rows_written: group.num_rows().unsigned_abs(),
            metadata: chunk.clone(),
            // Filters and indexes only make readers faster: without one that cannot be read, the file is still right.
            bloom_filter: Sbbf::read_from_column_chunk(chunk, file).ok().flatten(),
            column_index: metadata.column_index().map(|index| index[row_group][column].clone()),
            offset_index: metadata.offset_index().map(|index| index[row_group][column].clone()),
        })
    }
}

fn open(path: &Path) -> Result<File, ScoringError> {
    let failed = |source| ScoringError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Whether a file has the marks of Parquet at both ends.
fn is_marked(file: &mut File) -> bool {
    let is_long_enough = file.metadata().is_ok_and(|metadata| metadata.len() >= LEAST_FILE_BYTES);
    let mut mark = |from| {
        let mut bytes = [0; 4];
        file.seek(from).and_then(|_| file.read_exact(&mut bytes)).is_ok_and(|()| bytes == *MAGIC)
    };
    is_long_enough && mark(SeekFrom::Start(0)) && mark(SeekFrom::End(-4))
}

/// The error of a reader that decodes batches.
pub(crate) fn decode_error(path: &Path) -> impl Fn(arrow::error::ArrowError) -> ScoringError {
    let failed = ScoringError::read(path);
    move |source| failed(ParquetError::from(source))
}
