//! Opening a Parquet file, or saying what the file is instead.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::datatypes::Schema;
use mainstay_schema::FileFormat;
use mainstay_schema::file_format::HEAD_BYTES;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use thiserror::Error;

/// What stands at both ends of a Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";
/// Both marks, and the length of the footer.
const LEAST_FILE_BYTES: u64 = 12;

/// Why a file was not opened.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is not there, or may not be read.
    #[error("cannot open {}: check the path", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is a file of another format.
    #[error("{} is {found}, no Parquet file: {}", path.display(), table_advice(*found))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: FileFormat,
    },
    /// It begins as a Parquet file, but does not end as one.
    #[error("{} begins as a Parquet file, but is cut off: copy or write it anew", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: ParquetError,
    },
    /// It is neither a Parquet file nor one of another format that is known.
    #[error("{} is no Parquet file: convert it to Parquet, or check the path", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: ParquetError,
    },
    /// Its footer is damaged.
    #[error("cannot read the footer of {}: it is damaged, write it anew", path.display())]
    Footer {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: ParquetError,
    },
    /// `_metadata` or `_common_metadata`, which describe the files beside them.
    #[error("{} holds no rows, it only describes the Parquet files beside it: give one of those", path.display())]
    Summary {
        /// The file.
        path: PathBuf,
    },
    /// A name that stands for two columns.
    #[error("{} has more than one column `{column}`: keep one of them, or give the others names of their own", path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
}

/// Opens a file of rows.
///
/// # Errors
/// [`FileError::Open`]; a folder is one too.
pub fn open(path: &Path) -> Result<File, FileError> {
    let failed = |source| FileError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Reads what a Parquet file says of itself.
///
/// # Errors
/// Every [`FileError`].
pub fn read_footer(path: &Path, options: ArrowReaderOptions) -> Result<ArrowReaderMetadata, FileError> {
    let mut file = open(path)?;
    let footer = match ArrowReaderMetadata::load(&file, options) {
        Ok(footer) => footer,
        Err(source) => return Err(not_read(path, &mut file, source)),
    };
    if is_summary(path, footer.metadata()) {
        return Err(FileError::Summary { path: path.to_owned() });
    }
    Ok(footer)
}

/// Refuses a file in which a name stands for two columns: nobody knows which one is meant.
///
/// # Errors
/// [`FileError::RepeatedColumn`], of the first such name.
pub fn refuse_repeated(path: &Path, schema: &Schema) -> Result<(), FileError> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(field) => Err(FileError::RepeatedColumn { path: path.to_owned(), column: field.name().clone() }),
        None => Ok(()),
    }
}

fn not_read(path: &Path, file: &mut File, source: ParquetError) -> FileError {
    let path = path.to_owned();
    match recognise(file) {
        Some(FileFormat::Parquet) if is_marked_at_end(file) => FileError::Footer { path, source },
        Some(FileFormat::Parquet) => FileError::CutOff { path, source },
        Some(found) => FileError::Foreign { path, found },
        None => FileError::NotParquet { path, source },
    }
}

fn recognise(file: &mut File) -> Option<FileFormat> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    FileFormat::of(&head)
}

fn is_marked_at_end(file: &mut File) -> bool {
    let is_long_enough = file.metadata().is_ok_and(|metadata| metadata.len() >= LEAST_FILE_BYTES);
    let mut mark = [0; 4];
    is_long_enough && file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut mark)).is_ok() && mark == *MAGIC
}

/// Whether the rows that the footer describes stand in other files.
fn is_summary(path: &Path, footer: &ParquetMetaData) -> bool {
    let mut chunks = footer.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let is_named = path.file_name().is_some_and(|name| name == "_metadata" || name == "_common_metadata");
    (is_named && footer.row_groups().is_empty()) || chunks.any(|chunk| chunk.file_path().is_some())
}

/// How a file of another format becomes one that is read.
fn table_advice(found: FileFormat) -> &'static str {
    match found {
        FileFormat::Empty => "write it anew",
        FileFormat::EncryptedParquet => "write it without encryption",
        FileFormat::Gzip | FileFormat::Zstd | FileFormat::Bzip2 | FileFormat::Zlib => {
            "unpack it, and convert what is in it to Parquet"
        }
        FileFormat::Zip => "unpack it, or save the sheet as CSV, and convert that to Parquet",
        FileFormat::Pickle => "write it with `to_parquet` where it was made",
        FileFormat::XgboostBinary | FileFormat::LightgbmText | FileFormat::Onnx | FileFormat::Ubjson => {
            "that is a model; give the file of rows"
        }
        _ => {
            "convert it, as in `duckdb -c \"copy 'rows.csv' to 'rows.parquet'\"` or with `to_parquet` of pandas or polars"
        }
    }
}

#[cfg(test)]
mod tests;
