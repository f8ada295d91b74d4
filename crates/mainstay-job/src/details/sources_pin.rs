//! What a run has pinned of its sources, whatever its job.

use mainstay_schema::Digest;
use mainstay_sql::{PinnedSources, SetAsideFile};
use serde::{Deserialize, Serialize};

/// What the sources held, in short; the file below the target lists every file with its size, time and tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesPin {
    /// Object with the whole list.
    pub file: String,
    /// Digest of that object.
    pub digest: Digest,
    /// One entry a source table.
    pub tables: Vec<SourceTablePin>,
}

/// One source table in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTablePin {
    /// `source.table`.
    pub table: String,
    /// How many files.
    pub files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
    /// The version of a Delta table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_version: Option<u64>,
    /// Bad files that are left out, as the table says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAsideFile>,
    /// Their rows, estimated where they do not say them.
    #[serde(default)]
    pub rows_set_aside: u64,
    /// Files of the folder that are not read, and are no marks of writers; the whole list names them.
    #[serde(default)]
    pub files_not_read: usize,
}

impl SourcesPin {
    /// The short form of a list that was written to `file`.
    pub fn new(file: String, digest: Digest, pinned: &PinnedSources) -> Self {
        let tables = pinned.tables.iter().map(|table| SourceTablePin {
            table: format!("{}.{}", table.source, table.table),
            files: table.files.len(),
            rows: table.rows(),
            bytes: table.files.iter().map(|file| file.bytes).sum(),
            delta_version: table.delta_version,
            set_aside: table.set_aside.clone(),
            rows_set_aside: table.rows_set_aside(),
            files_not_read: table.not_read.len(),
        });
        Self { file, digest, tables: tables.collect() }
    }
}
