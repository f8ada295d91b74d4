//! Identifiers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One execution of a job for one date. Unique and sortable by time of creation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Takes an identifier that the edge of the program has drawn.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text of the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
