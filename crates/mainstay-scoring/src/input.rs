//! The file that is scored: opened, its footer read, the model's features found in it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use mainstay_files::{open, read_footer};
use mainstay_model::Ensemble;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::batches::{FeatureBatches, batch_rows};
use crate::error::ScoringError;
use crate::features::Features;

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
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let footer = read_footer(path, options)?;
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
    pub(crate) fn batches(&self, row_group: usize) -> Result<FeatureBatches<'_>, ScoringError> {
        // Clones of a file share one position: each reader opens its own.
        let numbers = ParquetRecordBatchReaderBuilder::new_with_metadata(open(&self.path)?, self.footer.clone())
            .with_projection(self.features.projection().clone())
            .with_row_groups(vec![row_group])
            .with_batch_size(batch_rows(self.features.iter().len()))
            .build()
            .map_err(ScoringError::read(&self.path))?;
        FeatureBatches::new(&self.path, &self.features, numbers, self.metadata(), row_group, open(&self.path)?)
    }

    /// Another handle of the file, with a position of its own.
    pub(crate) fn reopen(&self) -> Result<File, ScoringError> {
        Ok(open(&self.path)?)
    }

    /// All column chunks of a row group, as they would be described if they had just been written.
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
