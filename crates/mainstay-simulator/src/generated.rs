//! What a folder of simulated data holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What was written of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Rows in all files.
    pub rows: u64,
    /// One a period that has rows.
    pub files: u64,
    /// Size of all files in bytes.
    pub bytes: u64,
}

/// What a folder of simulated data holds, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generated {
    /// What was written of each table, by its name.
    pub tables: BTreeMap<String, Written>,
}

impl Generated {
    /// What was written of a table; nothing where there is no such table.
    pub fn table(&self, name: &str) -> Written {
        self.tables.get(name).copied().unwrap_or_default()
    }

    /// Number of all files.
    pub fn files(&self) -> u64 {
        self.tables.values().map(|written| written.files).sum()
    }

    /// Size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.tables.values().map(|written| written.bytes).sum()
    }
}

impl fmt::Display for Generated {
    /// `2000 customers, 24000 orders, 60000 order_lines: 2190 files, 9.5 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, written)) in self.tables.iter().enumerate() {
            write!(f, "{}{} {name}", if position == 0 { "" } else { ", " }, written.rows)?;
        }
        write!(f, ": {} files, {:.1} MB", self.files(), self.bytes() as f64 / 1e6)
    }
}
