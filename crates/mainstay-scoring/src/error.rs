//! What can be wrong with a file to score.

use std::path::{Path, PathBuf};

use mainstay_files::FileError;
use mainstay_model::ModelError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// How many missing features a message lists.
const LISTED: usize = 5;

/// Why a file was not scored. Nothing is left behind then.
#[derive(Debug, Error)]
pub enum ScoringError {
    /// The input is not there, or is no Parquet file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A page of the input is damaged, or written in a way that is not read.
    #[error("cannot read {}: if it is damaged, write it anew; if it is foreign, use zstd, snappy or no compression", path.display())]
    Read {
        /// The input.
        path: PathBuf,
        /// What the reader said.
        source: ParquetError,
    },
    /// Features of the model that the input does not have.
    #[error("{} has no column {}: add {}, or give the columns the model's names", path.display(), listed(missing), them(missing))]
    MissingFeatures {
        /// The input.
        path: PathBuf,
        /// Names of the missing features, at least one.
        missing: Vec<String>,
    },
    /// A feature that the input has more than once.
    #[error("{} has more than one column `{column}`, which the model needs: keep one of them", path.display())]
    DuplicateColumn {
        /// The input.
        path: PathBuf,
        /// Its name.
        column: String,
    },
    /// A feature that holds no numbers.
    #[error("column `{column}` of {} is of type {found}, but the model needs {needs} there: {advice}", path.display())]
    FeatureType {
        /// The input.
        path: PathBuf,
        /// The feature.
        column: String,
        /// Type of the column.
        found: String,
        /// What the model reads there.
        needs: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A page that would take too much memory: it is read as a whole.
    #[error(
        "column `{column}` of {} has a page of {megabytes} MB, at most {limit} MB are read at once: write the file with smaller pages (most \
         programs make them 1 MB)",
        path.display()
    )]
    LargePage {
        /// The input.
        path: PathBuf,
        /// The feature.
        column: String,
        /// The size of the page once it is unpacked.
        megabytes: u64,
        /// What is read.
        limit: u64,
    },
    /// A column of texts in another encoding, declared as UTF-8.
    #[error("column `{column}` of {} holds a text in row {row} (counted from 0) that is no UTF-8: write the file anew in UTF-8", path.display())]
    NotUtf8 {
        /// The input.
        path: PathBuf,
        /// The feature.
        column: String,
        /// The row within the file, from 0.
        row: u64,
    },
    /// Infinity is no measurement.
    #[error("column `{column}` of {} is infinite in row {row} (counted from 0): make it null or finite", path.display())]
    Infinite {
        /// The input.
        path: PathBuf,
        /// The feature.
        column: String,
        /// The row within the file, from 0.
        row: u64,
    },
    /// A column that would be added is there already.
    #[error("{} has a column `{column}` already, which would be added: rename or drop it", path.display())]
    ColumnExists {
        /// The input.
        path: PathBuf,
        /// Its name.
        column: String,
    },
    /// A feature whose contribution would be called like the bias.
    #[error(
        "the model has a feature `{feature}`, so that `contribution_{feature}` would be added twice: rename the feature"
    )]
    AddedTwice {
        /// The feature.
        feature: String,
    },
    /// Input and output are one file.
    #[error("input and output are both {}: give the output another name", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The output is there already.
    #[error("{} exists already: choose another name, or replace it with --force", path.display())]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// The output cannot be written.
    #[error("cannot write {}: check that its folder exists, may be written and has room", path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// What the writer said.
        source: ParquetError,
    },
    /// The model could not score.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Somebody asked to stop.
    #[error("stopped: no output was written")]
    Stopped,
}

impl ScoringError {
    pub(crate) fn read(path: &Path) -> impl Fn(ParquetError) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write<E: Into<ParquetError>>(path: &Path) -> impl Fn(E) -> Self {
        move |source| Self::Write { path: path.to_owned(), source: source.into() }
    }
}

fn listed(missing: &[String]) -> String {
    let names: Vec<String> = missing.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match missing.len().saturating_sub(LISTED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn them(missing: &[String]) -> &'static str {
    if missing.len() == 1 { "it" } else { "them" }
}
