//! Delta tables of others: the files of the newest version, so that whoever reads plain Parquet reads the table as it stands.
//!
//! What a reader of whole files would read wrong is refused: rows marked as deleted, columns under other names, files that lie elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake::logstore::{StorageConfig, logstore_with};
use deltalake::{DeltaTable, DeltaTableError};
use object_store::ObjectStore;
use object_store::path::Path;
use thiserror::Error;
use url::Url;

use crate::error::is_transient;

/// Where a table says whether its columns have other names in its files.
const COLUMN_MAPPING: &str = "delta.columnMapping.mode";

/// The newest version of a table that another tool writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTable {
    /// Its number.
    pub version: u64,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its files in the order of their paths.
    pub files: Vec<ForeignFile>,
}

/// A file that belongs to the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFile {
    /// Where it lies in the store.
    pub location: Path,
    /// The values of the table's partition columns, which its rows share and do not hold; `None` where they are null.
    pub partition: BTreeMap<String, Option<String>>,
}

/// Why a table is not read. What is said goes behind the table's name.
#[derive(Debug, Error)]
pub enum ForeignError {
    /// The log cannot be read, or needs what the reader does not have.
    #[error("its Delta log cannot be read ({0}): restore it, or write the table's rows to a folder of Parquet files")]
    Log(#[from] Box<DeltaTableError>),
    /// Columns have other names in the files.
    #[error(
        "the Delta table maps its columns to other names in its files ({COLUMN_MAPPING} = {mode}), which is not read: write it to a table \
         without column mapping, as CREATE TABLE ... AS SELECT does"
    )]
    ColumnMapping {
        /// `name` or `id`.
        mode: String,
    },
    /// Rows of a file are marked as deleted.
    #[error(
        "`{file}` of the Delta table has rows that are marked as deleted (a deletion vector), which are not read: rewrite its files \
         without them, as REORG TABLE ... APPLY (PURGE) does"
    )]
    DeletionVector {
        /// Path below the table.
        file: String,
    },
    /// A file of another table, as in a shallow clone.
    #[error(
        "`{file}` of the Delta table lies outside its folder, as in a shallow clone, and is not read: clone the table with its files"
    )]
    Elsewhere {
        /// As the log names it.
        file: String,
    },
}

impl ForeignError {
    /// Whether the same call may succeed later: the store failed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => {
                matches!(error.as_ref(), DeltaTableError::ObjectStore { source } if is_transient(source))
            }
            _ => false,
        }
    }
}

/// The newest version of the Delta table in a folder.
///
/// `url` is the folder's, and the root of `store` is that of the URL's scheme and host.
///
/// # Errors
/// See [`ForeignError`].
pub async fn newest(store: Arc<dyn ObjectStore>, url: &Url) -> Result<ForeignTable, ForeignError> {
    let mut folder = url.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", folder.path()));
    }
    let mut delta = DeltaTable::new(logstore_with(store, &folder, StorageConfig::default()).map_err(Box::new)?);
    delta.load().await.map_err(Box::new)?;
    let state = delta.snapshot().map_err(Box::new)?;
    let mapping = state.metadata().configuration().get(COLUMN_MAPPING);
    if let Some(mode) = mapping.filter(|mode| mode.as_str() != "none") {
        return Err(ForeignError::ColumnMapping { mode: mode.clone() });
    }
    let root = Path::from_url_path(folder.path()).map_err(|error| {
        let path = Box::new(error);
        Box::new(DeltaTableError::GenericError { source: path })
    })?;
    let mut files = Vec::new();
    for view in state.log_data().iter() {
        let file = view.path().into_owned();
        if file.starts_with('/') || file.contains("://") {
            return Err(ForeignError::Elsewhere { file });
        }
        if view.deletion_vector_descriptor().is_some() {
            return Err(ForeignError::DeletionVector { file });
        }
        let location = root.parts().chain(view.object_store_path().parts()).collect();
        // An empty value is a null: so the format says.
        let of = |value: Option<String>| value.filter(|value| !value.is_empty());
        let partition = view.partition_values_map().into_iter().map(|(name, value)| (name, of(value))).collect();
        files.push(ForeignFile { location, partition });
    }
    files.sort_by(|left, right| left.location.cmp(&right.location));
    let columns = state.schema().fields().map(|field| field.name().clone()).collect();
    Ok(ForeignTable { version: state.version(), columns, files })
}

#[cfg(test)]
mod tests {
    use object_store::local::LocalFileSystem;

    use super::*;

    /// A table as a writer of Delta leaves it: three commits, of which the last one takes away the file of the first.
    fn write(folder: &std::path::Path, configuration: &str, deletion_vector: &str) {
        let log = folder.join("_delta_log");
        std::fs::create_dir_all(&log).unwrap();
        let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}},{\"name\":\"day\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}"#;
        let protocol = match deletion_vector {
            "" => r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
            _ => {
                r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#
            }
        };
        let metadata = format!(
            r#"{{"metaData":{{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":["day"],"configuration":{{{configuration}}},"createdTime":1}}}}"#
        );
        let add = |path: &str, day: &str, more: &str| {
            format!(
                r#"{{"add":{{"path":"{path}","partitionValues":{{"day":"{day}"}},"size":3,"modificationTime":1,"dataChange":true{more}}}}}"#
            )
        };
        let commits = [
            format!("{protocol}\n{metadata}\n{}", add("day=2025-01-01/a.parquet", "2025-01-01", "")),
            add("day=2025-01-02/b%20c.parquet", "2025-01-02", deletion_vector),
            format!(
                "{}\n{}",
                r#"{"remove":{"path":"day=2025-01-01/a.parquet","deletionTimestamp":2,"dataChange":true,"partitionValues":{"day":"2025-01-01"},"size":3}}"#,
                add("d.parquet", "", "")
            ),
        ];
        for (version, commit) in commits.iter().enumerate() {
            std::fs::write(log.join(format!("{version:020}.json")), commit).unwrap();
        }
    }

    async fn newest_in(folder: &std::path::Path) -> Result<ForeignTable, ForeignError> {
        newest(Arc::new(LocalFileSystem::new()), &Url::from_directory_path(folder).unwrap()).await
    }

    #[tokio::test]
    async fn the_files_of_the_newest_version_with_their_partitions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "", "");
        let table = newest_in(&folder.path().canonicalize().unwrap()).await.unwrap();
        assert_eq!((table.version, table.columns), (2, vec!["id".to_owned(), "day".to_owned()]));
        let files: Vec<_> =
            table.files.iter().map(|file| (file.location.filename().unwrap(), file.partition["day"].clone())).collect();
        assert_eq!(files, [("d.parquet", None), ("b c.parquet", Some("2025-01-02".to_owned()))]);
    }

    #[tokio::test]
    async fn what_whole_files_would_show_wrong_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), r#""delta.columnMapping.mode":"name""#, "");
        let error = newest_in(folder.path()).await.unwrap_err();
        assert!(error.to_string().contains("(delta.columnMapping.mode = name)"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let vector = r#","deletionVector":{"storageType":"i","pathOrInlineDv":"wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L","sizeInBytes":40,"cardinality":6}"#;
        write(folder.path(), "", vector);
        let error = newest_in(folder.path()).await.unwrap_err();
        assert!(error.to_string().starts_with("`day=2025-01-02/b c.parquet` of the Delta table has rows"), "{error}");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_log_that_is_damaged_is_said() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "", "");
        std::fs::write(folder.path().join("_delta_log/00000000000000000001.json"), "{").unwrap();
        let error = newest_in(folder.path()).await.unwrap_err();
        assert!(error.to_string().starts_with("its Delta log cannot be read ("), "{error}");
    }
}
