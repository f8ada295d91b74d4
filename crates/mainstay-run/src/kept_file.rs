//! A small file of a run, by name and digest.

use mainstay_schema::Digest;
use serde::{Deserialize, Serialize};

/// A small file that a run has kept below the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// The object.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
}
