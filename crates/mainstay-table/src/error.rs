//! What can go wrong between a target and its tables.

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;
use mainstay_schema::Ds;
use parquet::errors::ParquetError;
use tokio::task::JoinError;

/// An error of a target, with where it happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The location is no place for tables.
    #[error("cannot open `{location}`: {reason}")]
    Location {
        /// As it was given.
        location: String,
        /// Why not.
        reason: String,
    },
    /// The location cannot be written.
    #[error(
        "cannot write to {location}: {source}; check that it is a folder that this user may write to, with space left"
    )]
    CannotWrite {
        /// As it was given.
        location: String,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The object store failed.
    #[error("cannot {action} {path}: {source}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// Path below the target.
        path: String,
        /// What the store says.
        source: object_store::Error,
    },
    /// The Delta log failed.
    #[error("the log of table `{table}`: {source}")]
    Delta {
        /// The table.
        table: String,
        /// What delta-rs says.
        source: Box<DeltaTableError>,
    },
    /// A query over a table failed, or the stream that was to be staged.
    #[error("table `{table}`: {source}")]
    Engine {
        /// The table.
        table: String,
        /// What DataFusion says.
        source: Box<DataFusionError>,
    },
    /// A Parquet file could not be written or read.
    #[error("{path}: {source}")]
    Parquet {
        /// Path below the target.
        path: String,
        /// What the Parquet library says.
        source: ParquetError,
    },
    /// A column stands where the contract has another or none.
    #[error(
        "table `{table}`: expected {expected} as column {position}, found {found}; select the contract's columns in its order"
    )]
    WrongColumn {
        /// The table.
        table: String,
        /// Position, from 1, `ds` not counted.
        position: usize,
        /// What the contract has there.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A column has another type than the contract says.
    #[error("table `{table}`, column `{column}`: expected {expected}, found {found}; cast it in the query")]
    WrongType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Arrow type of the contract.
        expected: String,
        /// Arrow type found.
        found: String,
    },
    /// A column that is never null holds a null.
    #[error("table `{table}`, column `{column}`: {nulls} nulls in a column that allows none")]
    Null {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// How many, in the batch that was refused.
        nulls: usize,
    },
    /// Two different rows have the same key.
    #[error("table `{table}`: two rows for ({key}) = ({value}); the key must be unique within the day")]
    DuplicateKey {
        /// The table.
        table: String,
        /// Names of the key's columns.
        key: String,
        /// Their values.
        value: String,
    },
    /// A file of ours is gone.
    #[error("{path} is missing, though the run that wrote it recorded it; restore it, or run the day again")]
    FileMissing {
        /// Path below the target.
        path: String,
    },
    /// A file of ours is not what was written.
    #[error("{path} is corrupt: expected {expected}, found {found}; restore it, or run the day again")]
    FileCorrupt {
        /// Path below the target.
        path: String,
        /// Size or digest when written.
        expected: String,
        /// Size or digest now.
        found: String,
    },
    /// A pinned version is not in the table's log.
    #[error("table `{table}` has no version {version}: the newest is {newest}")]
    VersionMissing {
        /// The table.
        table: String,
        /// The version asked for.
        version: u64,
        /// The newest one, or `none` where the table does not exist.
        newest: String,
    },
    /// A column of the published table has another type than the contract.
    #[error("table `{table}`, column `{column}`: published as {published}, now {now}; name the new column differently")]
    TypeChanged {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Delta type in the table.
        published: String,
        /// Delta type of the contract.
        now: String,
    },
    /// Rows of a table that only grows were changed by another tool.
    #[error(
        "table `{table}` was changed by another tool: {operation} at version {version}; its rows are the memory of what was published \
         and paid, and only mainstay may add to them: restore it to version {before}, which the tool's RESTORE does"
    )]
    ChangedOutside {
        /// The table.
        table: String,
        /// What the log calls the change.
        operation: String,
        /// The version that made it.
        version: u64,
        /// The newest version before it.
        before: u64,
    },
    /// Another tool has marked rows of a file as deleted.
    #[error(
        "{path} has rows that another tool marked as deleted (a deletion vector), which this version does not read: rewrite the file \
         without them, as REORG TABLE ... APPLY (PURGE) does"
    )]
    DeletionVector {
        /// Path below the target.
        path: String,
    },
    /// A published day has left its table.
    #[error(
        "{ds} is gone from table `{table}`: {path} is missing, though the run that wrote it recorded it, and the table as it stands now \
         (version {version}) has no rows of the day; restore it, or run the day again"
    )]
    DayGone {
        /// The table.
        table: String,
        /// The day.
        ds: Ds,
        /// The first recorded file that is gone.
        path: String,
        /// The version that was looked at.
        version: u64,
    },
    /// A record of ours cannot be read.
    #[error("{path}: {reason}; it was not written by this version of mainstay, or has been edited")]
    BadRecord {
        /// Path below the target, or the table.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Other writers were always faster.
    #[error("table `{table}`: gave up after {tries} commits that other writers overtook; try again when they are done")]
    Contention {
        /// The table.
        table: String,
        /// How often it was tried.
        tries: usize,
    },
}

impl TableError {
    /// Whether the same call may succeed later without any change: failures of storage and contention.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Contention { .. } => true,
            Self::Store { source, .. } => is_transient(source),
            Self::Delta { source, .. } => match source.as_ref() {
                DeltaTableError::ObjectStore { source } => is_transient(source),
                _ => false,
            },
            _ => false,
        }
    }

    /// Names the action and the path at which the store failed.
    pub(crate) fn store(action: &'static str, path: &str) -> impl FnOnce(object_store::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Store { action, path, source }
    }

    /// Names the table whose log failed.
    pub(crate) fn delta(table: &str) -> impl FnOnce(DeltaTableError) -> Self {
        let table = table.to_owned();
        move |source| Self::Delta { table, source: Box::new(source) }
    }

    /// Names the table whose query failed.
    pub(crate) fn engine(table: &str) -> impl FnOnce(DataFusionError) -> Self {
        let table = table.to_owned();
        move |source| Self::Engine { table, source: Box::new(source) }
    }

    /// Names the table whose rows could not be converted.
    pub(crate) fn arrow(table: &str) -> impl FnOnce(arrow::error::ArrowError) -> Self {
        let table = table.to_owned();
        move |source| Self::Engine { table, source: Box::new(source.into()) }
    }

    /// Names the file that could not be written or read.
    pub(crate) fn parquet(path: &str) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }

    /// Names the record that cannot be read.
    pub(crate) fn bad_record<E: std::fmt::Display>(path: &str) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |reason| Self::BadRecord { path, reason: reason.to_string() }
    }

    /// A task beside others that did not come to its end.
    pub(crate) fn task_failed(table: &str, error: JoinError) -> Self {
        Self::engine(table)(DataFusionError::ExecutionJoin(Box::new(error)))
    }
}

pub(crate) fn is_transient(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { .. } | object_store::Error::JoinError { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_error(source: object_store::Error) -> TableError {
        TableError::Store { action: "read", path: "claims/daily/1.json".into(), source }
    }

    #[test]
    fn only_storage_and_contention_are_worth_a_retry() {
        let generic = || object_store::Error::Generic { store: "S3", source: "connection reset".into() };
        assert!(store_error(generic()).retryable());
        let log = DeltaTableError::ObjectStore { source: generic() };
        assert!(TableError::Delta { table: "runs".into(), source: Box::new(log) }.retryable());
        assert!(TableError::Contention { table: "runs".into(), tries: 3 }.retryable());
        assert!(
            !store_error(object_store::Error::NotImplemented { operation: "x".into(), implementer: "y".into() })
                .retryable()
        );
        assert!(!TableError::FileMissing { path: "x".into() }.retryable());
    }

    #[test]
    fn messages_say_where_and_what() {
        let error = store_error(object_store::Error::Generic { store: "S3", source: "connection reset".into() });
        assert_eq!(error.to_string(), "cannot read claims/daily/1.json: Generic S3 error: connection reset");
        let error = TableError::Contention { table: "runs".into(), tries: 3 };
        assert_eq!(
            error.to_string(),
            "table `runs`: gave up after 3 commits that other writers overtook; try again when they are done"
        );
    }
}
