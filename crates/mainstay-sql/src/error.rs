//! What can go wrong with sources and models, and how it is reported.

use std::fmt;

use datafusion::error::DataFusionError;
use mainstay_config::{ConfigError, UnknownName};
use mainstay_table::foreign::ForeignError;

/// Why sources or models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// A model, or the file that describes it, is wrong.
    #[error("{0}")]
    Model(#[from] Box<ModelFault>),
    /// No model, source or table has the name.
    #[error("{unknown} ({known})", unknown = .0, known = .0.known_names())]
    Unknown(UnknownName),
    /// Models that build on each other, so that none can come first.
    #[error("models build on each other in a circle: {}: remove one of these references", .path.join(" -> "))]
    Cycle {
        /// The models in order of reference, the first one again at the end.
        path: Vec<String>,
    },
    /// A label was asked for without an instant up to which it may look.
    #[error("model `{model}` is a label: it needs the end of its horizon besides the as-of")]
    NoLabelEnd {
        /// The label.
        model: String,
    },
    /// A source table has no files.
    #[error(
        "source {table}: no Parquet file below `{path}`{found}: put its files there, or set the path of the source in mainstay.yml"
    )]
    NoFiles {
        /// `source.table`.
        table: String,
        /// Where its files would be.
        path: String,
        /// What is there instead: empty, or such as ` (found orders.csv)`.
        found: String,
    },
    /// A file cannot be read as Parquet.
    #[error("source {table}: `{file}` cannot be read as Parquet: {found} ({}); write it again, or move it out of the folder", parquet_cause(.cause))]
    Unreadable {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
        /// What it is instead, as a sentence.
        found: String,
        /// What the reader said, which the message says: a source would say it again.
        cause: Box<DataFusionError>,
    },
    /// A file whose footer can be read and whose rows cannot, which was found as they were read.
    #[error(
        "source {table}: `{file}` is damaged: its footer can be read, and the values of its column `{column}` cannot ({}); restore the \
         file or write it again, or move it out of the folder{policy}",
        parquet_cause(.cause)
    )]
    Damaged {
        /// `source.table`.
        table: String,
        /// The file.
        file: Box<str>,
        /// The first column that cannot be read.
        column: Box<str>,
        /// Why the policy for bad files does not leave it out, where there is one.
        policy: &'static str,
        /// What the reader said, which the message says: a source would say it again.
        cause: Box<DataFusionError>,
    },
    /// `_metadata` or the like, which describes the files beside it.
    #[error(
        "source {table}: `{file}` holds no rows, it only describes the Parquet files beside it: give their folder as the path"
    )]
    Summary {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
    },
    /// A file that cannot be used for another reason.
    #[error("source {table}: `{file}` cannot be used: {message}")]
    File {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
        /// Why not, and what to do.
        message: String,
    },
    /// A file of several is bad, and the table does not say that the others are enough.
    #[error("{0}; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file")]
    BadFile(Box<FeatureError>),
    /// A Delta table cannot be read as it stands.
    #[error("source {table}: {source}")]
    Delta {
        /// `source.table`.
        table: String,
        /// Why not, and what to do.
        source: ForeignError,
    },
    /// A file lacks a declared column.
    #[error(
        "source {table}: `{file}` has no column `{column}` (it has {}): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml",
        .present.join(", ")
    )]
    MissingColumn {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
        /// The declared column.
        column: String,
        /// The columns of the file.
        present: Vec<String>,
    },
    /// No file has a declared column that may be null.
    #[error(
        "source {table}: no file of `{path}` has a column `{column}` (they have {}): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml",
        .present.join(", ")
    )]
    UnknownColumn {
        /// `source.table`.
        table: String,
        /// The declared column.
        column: String,
        /// Where the files are.
        path: String,
        /// The columns of all files.
        present: Vec<String>,
    },
    /// A column of a file has another type than declared.
    #[error(
        "source {table}: column `{column}` of `{file}` is {found}, expected {expected}: {advice}, or change its type in mainstay.yml"
    )]
    WrongType {
        /// `source.table`.
        table: String,
        /// The file.
        file: Box<str>,
        /// The column.
        column: String,
        /// The declared type and what it accepts.
        expected: &'static str,
        /// The Arrow type of the file.
        found: Box<str>,
        /// How to mend it.
        advice: &'static str,
    },
    /// A declared column stands more than once in a file.
    #[error(
        "source {table}: `{file}` has several columns `{column}`, and nothing says which one counts: write one of them, or rename the others"
    )]
    DuplicateColumn {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// A value that the declared type of its column cannot hold.
    #[error(
        "source {table}: column `{column}` of `{file}` is declared {declared} and holds {value} in row {row} (counted from 0), {fault}"
    )]
    UnreadableValue {
        /// `source.table`.
        table: String,
        /// The file.
        file: Box<str>,
        /// The column.
        column: Box<str>,
        /// Its declared type.
        declared: &'static str,
        /// The row of the file, from 0.
        row: u64,
        /// What it holds, in backticks; of a personal or protected column no more than that there is a value.
        value: Box<str>,
        /// Why it cannot be read, and what to do.
        fault: &'static str,
    },
    /// A contract names a column or an address that cannot work.
    #[error("source {table}: {message}")]
    Contract {
        /// `source.table`.
        table: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The pins of a run lack a table of the project.
    #[error("source {table} is not pinned: pin the sources again with the project as it is now")]
    NotPinned {
        /// `source.table`.
        table: String,
    },
    /// A file is not the one that was pinned.
    #[error(
        "source {table}: `{file}` was {change} during the run, so that nobody can check what was read of it and nothing is published: run again once the source has been loaded"
    )]
    Changed {
        /// `source.table`.
        table: String,
        /// The file.
        file: String,
        /// What happened to it.
        change: &'static str,
    },
    /// A source has not been loaded recently enough.
    #[error("{0}")]
    Stale(String),
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Object storage failed.
    #[error("source {table}: cannot list `{path}`: {source}")]
    Storage {
        /// `source.table`.
        table: String,
        /// Where its files are.
        path: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A folder or file of the project cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A query failed as it was planned or ran.
    #[error("query failed: {0}")]
    Query(#[from] DataFusionError),
}

impl FeatureError {
    /// Whether the same call may work later: object storage failed, or a source was being loaded.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Storage { .. } | Self::Changed { .. } => true,
            Self::Query(error) => is_storage(error),
            Self::Unreadable { cause, .. } | Self::Damaged { cause, .. } => is_storage(cause),
            Self::Delta { source, .. } => source.is_retryable(),
            Self::BadFile(error) => error.is_retryable(),
            _ => false,
        }
    }
}

fn parquet_cause(error: &DataFusionError) -> String {
    error.find_root().strip_backtrace().replace("Parquet error: ", "")
}

fn is_storage(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ObjectStore(_) | DataFusionError::IoError(_))
}

/// What is wrong in a file of a model, shown as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFault {
    /// The file, as the project's folders name it.
    pub file: String,
    /// Line from 1, where known.
    pub line: Option<usize>,
    /// Column from 1, where known.
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl ModelFault {
    pub(crate) fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, message: message.into() }
    }

    pub(crate) fn at_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl fmt::Display for ModelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ModelFault {}

impl From<ModelFault> for FeatureError {
    fn from(fault: ModelFault) -> Self {
        Self::Model(Box::new(fault))
    }
}
