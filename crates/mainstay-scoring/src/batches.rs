//! The features of a row group, batch by batch, in memory that depends neither on the rows nor on the length of texts.
//!
//! Columns of numbers are decoded as whole batches. A column of texts is read a few values at a time, each of which is a part of its page
//! or of the page of its dictionary, and only the codes of the texts are kept: a file of few bytes may hold gigabytes of text.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::basic::Type as PhysicalType;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::ScoringError;
use crate::features::{Codes, Features, FileFeature, Source};
use crate::pages::{MOST_PAGE_BYTES, largest_page};
use crate::seen::Seen;

/// Rows that are decoded and scored together: each thread of many still gets whole blocks of the kernels.
const MOST_ROWS: usize = 16_384;
const LEAST_ROWS: usize = 256;
/// Bytes that the numbers of a batch may take, which decides for models of many features.
const BATCH_BYTES: usize = 64 << 20;
/// Texts that are read together, and how long they may be together where the last ones are a measure.
const MOST_TEXTS: usize = 32;
const TEXT_BYTES: usize = 8 << 20;

/// The features of a row group.
pub(crate) struct FeatureBatches<'a> {
    path: &'a Path,
    features: &'a Features,
    numbers: ParquetRecordBatchReader,
    /// Of each feature, its reader where it is a column of texts.
    texts: Vec<Option<TextReader<'a>>>,
    /// What the rows so far held of each feature.
    seen: Vec<Seen>,
}

/// The features of some rows, in the model's order.
pub(crate) struct FeatureBatch {
    pub(crate) rows: usize,
    pub(crate) arrays: Vec<ArrayRef>,
}

/// Rows of a batch for a model of so many features.
pub(crate) fn batch_rows(features: usize) -> usize {
    let rows = BATCH_BYTES / size_of::<f64>() / features.max(1);
    (rows / LEAST_ROWS * LEAST_ROWS).clamp(LEAST_ROWS, MOST_ROWS)
}

impl<'a> FeatureBatches<'a> {
    /// `file` is shared by the readers of texts, which run in one thread and seek before they read.
    ///
    /// Errors: a page that is too large, a column of texts that is stored as something else.
    pub(crate) fn new(
        path: &'a Path,
        features: &'a Features,
        numbers: ParquetRecordBatchReader,
        metadata: &ParquetMetaData,
        row_group: usize,
        file: File,
    ) -> Result<Self, ScoringError> {
        for feature in features.iter() {
            let chunk = metadata.row_group(row_group).column(feature.leaf);
            check_pages(path, &feature.name, &file, chunk, MOST_PAGE_BYTES)?;
        }
        let file = Arc::new(file);
        let reader = |feature: &'a FileFeature| match &feature.source {
            Source::Texts(codes) => TextReader::new(&file, metadata, row_group, feature.leaf, codes).map(Some),
            Source::Numbers(_) | Source::Categories(..) => Ok(None),
        };
        let texts: Result<_, ParquetError> = features.iter().map(reader).collect();
        let seen = vec![Seen::default(); features.iter().len()];
        Ok(Self { path, features, numbers, texts: texts.map_err(ScoringError::read(path))?, seen })
    }

    /// The next batch, whose first row stands at `first_row` of the file; `None` behind the last.
    pub(crate) fn next(&mut self, first_row: u64) -> Result<Option<FeatureBatch>, ScoringError> {
        let failed = ScoringError::read(self.path);
        let Some(batch) = self.numbers.next() else { return Ok(None) };
        let batch = batch.map_err(|source| failed(source.into()))?;
        let rows = batch.num_rows();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.texts.len());
        for ((feature, texts), seen) in self.features.iter().zip(&mut self.texts).zip(&mut self.seen) {
            let array = match (feature.array(&batch, seen), texts) {
                (Some(array), _) => array.map_err(|source| failed(source.into()))?,
                (None, Some(texts)) => Arc::new(texts.codes(rows, seen).map_err(|error| match error {
                    TextError::Read(source) => failed(source),
                    TextError::NotUtf8 { row } => ScoringError::NotUtf8 {
                        path: self.path.to_owned(),
                        column: feature.name.clone(),
                        row: first_row + row as u64,
                    },
                })?),
                (None, None) => return Err(failed(ParquetError::General("a feature has no reader".to_owned()))),
            };
            arrays.push(array);
        }
        Ok(Some(FeatureBatch { rows, arrays }))
    }

    /// What the rows held of each feature, in the model's order.
    pub(crate) fn into_seen(self) -> Vec<Seen> {
        self.seen
    }
}

/// Refuses pages that would take too much memory once they are unpacked.
pub(crate) fn check_pages(
    path: &Path,
    column: &str,
    file: &File,
    chunk: &ColumnChunkMetaData,
    limit: u64,
) -> Result<(), ScoringError> {
    match largest_page(file, chunk) {
        Ok(bytes) if bytes > limit => {
            let (path, column) = (path.to_owned(), column.to_owned());
            Err(ScoringError::LargePage { path, column, megabytes: bytes >> 20, limit: limit >> 20 })
        }
        // What is damaged is said by whoever reads the pages.
        _ => Ok(()),
    }
}

struct TextReader<'a> {
    reader: ColumnReaderImpl<ByteArrayType>,
    codes: &'a Codes,
    /// The level of definition of a text that is there.
    present: i16,
    texts_at_once: usize,
}

enum TextError {
    Read(ParquetError),
    /// A text of a row of the batch that is in another encoding.
    NotUtf8 {
        row: usize,
    },
}

impl<'a> TextReader<'a> {
    fn new(
        file: &Arc<File>,
        metadata: &ParquetMetaData,
        row_group: usize,
        leaf: usize,
        codes: &'a Codes,
    ) -> Result<Self, ParquetError> {
        let group = metadata.row_group(row_group);
        let column = group.schema_descr().column(leaf);
        if column.physical_type() != PhysicalType::BYTE_ARRAY || column.max_rep_level() > 0 {
            return Err(ParquetError::General(format!("column {} is stored as no text", column.name())));
        }
        let rows = usize::try_from(group.num_rows())?;
        let pages = SerializedPageReader::new(Arc::clone(file), group.column(leaf), rows, None)?;
        let present = column.max_def_level();
        Ok(Self { reader: ColumnReaderImpl::new(column, Box::new(pages)), codes, present, texts_at_once: MOST_TEXTS })
    }

    /// The code of each text of the next rows; null where it is missing or training did not know it.
    fn codes(&mut self, rows: usize, seen: &mut Seen) -> Result<Float64Array, TextError> {
        let mut codes: Vec<Option<f64>> = Vec::with_capacity(rows);
        let (mut levels, mut texts) = (Vec::new(), Vec::new());
        while codes.len() < rows {
            levels.clear();
            texts.clear();
            let wanted = self.texts_at_once.min(rows - codes.len());
            let read =
                self.reader.read_records(wanted, Some(&mut levels), None, &mut texts).map_err(TextError::Read)?;
            if read.0 == 0 {
                return Err(TextError::Read(ParquetError::EOF("a column of texts ends before the others".to_owned())));
            }
            self.add(&mut codes, &levels, &texts, read.0, seen)?;
            let longest = texts.iter().map(ByteArray::len).max().unwrap_or(0);
            self.texts_at_once = (TEXT_BYTES / longest.max(1)).clamp(1, MOST_TEXTS);
        }
        Ok(codes.into_iter().collect())
    }

    fn add(
        &self,
        codes: &mut Vec<Option<f64>>,
        levels: &[i16],
        texts: &[ByteArray],
        rows: usize,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let mut texts = texts.iter().map(ByteArray::data);
        // Equal texts of a dictionary are one place in memory: what is looked up once need not be again.
        let mut last: Option<(&[u8], Option<f64>)> = None;
        for row in 0..rows {
            // A column that is never null has no levels.
            let is_present = levels.get(row).is_none_or(|level| *level == self.present);
            let Some(text) = (if is_present { texts.next() } else { None }) else {
                codes.push(None);
                continue;
            };
            let code = match last {
                Some((place, code)) if std::ptr::eq(place, text) => code,
                _ => {
                    let not_utf8 = |_| TextError::NotUtf8 { row: codes.len() };
                    self.codes.of_text(std::str::from_utf8(text).map_err(not_utf8)?)
                }
            };
            seen.category(code, || String::from_utf8_lossy(text).into_owned());
            last = Some((text, code));
            codes.push(code);
        }
        Ok(())
    }
}
