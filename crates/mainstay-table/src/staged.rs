//! Files of ours that are written and not yet published.

use mainstay_schema::{Digest, Ds};
use serde::{Deserialize, Serialize};

/// A Parquet file of ours and what it held when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Path below the target.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Delta's statistics of it as JSON; not part of a run record, and empty in a file that was read from one.
    #[serde(skip)]
    pub statistics: String,
}

/// A day of a table, written but not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedTable {
    /// The table.
    pub table: String,
    /// The day.
    pub ds: Ds,
    /// Rows in all files.
    pub rows: u64,
    /// The files, in order of their partition.
    pub files: Vec<StagedFile>,
}
