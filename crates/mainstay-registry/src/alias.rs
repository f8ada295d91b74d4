//! Aliases: names such as `champion` that point to a version, and their history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A change of an alias to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasChange {
    /// The version that it shall point to.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// The person or job behind the change.
    pub by: String,
    /// The reason, for those who ask later.
    pub why: String,
}

/// A change of an alias that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasEntry {
    /// The version that it points to since.
    pub version: String,
    /// When it was made.
    pub at: Timestamp,
    /// The person or job behind the change.
    pub by: String,
    /// The reason.
    pub why: String,
    /// The version that it pointed to before; `None` for the first entry.
    pub from: Option<String>,
}
