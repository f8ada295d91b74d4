//! The rows of a published day: from the files that its record names, else from the table, where another tool has rewritten them.
//!
//! Compaction and vacuum put the same rows into other files; an erasure does so with fewer rows. Files in Delta are never changed in
//! place, so that a recorded file which the table still has and which is not what was written is damage, and an error.

use std::collections::BTreeMap;

use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Digest, Ds};

use crate::arrow_types::table_schema;
use crate::digest::digest_of_rows;
use crate::error::TableError;
use crate::lake::Lake;
use crate::parquet_file;
use crate::read::{self, check_presence};
use crate::run_record::PublishedTable;
use crate::snapshot::{self, ActiveFile};

/// How closely recorded files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// They are there, with their size.
    Presence,
    /// They are read and held against their digests.
    Digests,
}

/// Where the rows of a day were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundIn {
    /// In the files of the run record, all as they were written.
    RecordedFiles,
    /// In the table as it stands now: other software has rewritten the day.
    Table {
        /// The version of the table.
        version: u64,
        /// Recorded files that are gone, below the target.
        gone: Vec<String>,
    },
}

/// The files that hold a published day now.
#[derive(Debug, Clone)]
pub struct DayFiles {
    /// Where they were found.
    pub found_in: FoundIn,
    ds: Ds,
    table: String,
    files: Vec<ActiveFile>,
}

/// Finds the day that a run record names.
///
/// Errors: [`TableError::FileMissing`] and [`TableError::FileCorrupt`] for a recorded file that the table still names,
/// [`TableError::DayGone`] where neither the recorded files nor the table hold the day.
pub async fn find(lake: &Lake, ds: Ds, published: &PublishedTable, check: Check) -> Result<DayFiles, TableError> {
    let PublishedTable { table, files, .. } = published;
    let mut gone: Vec<(String, TableError)> = Vec::new();
    let mut recorded = Vec::with_capacity(files.len());
    for file in files {
        let of_record = ActiveFile { path: file.path.clone(), bytes: file.bytes, ds, has_deleted_rows: false };
        let checked = match check {
            Check::Presence => check_presence(lake, &of_record).await,
            Check::Digests => parquet_file::verify(lake, file).await.map(|_| ()),
        };
        match checked {
            Ok(()) => recorded.push(of_record),
            Err(error @ (TableError::FileMissing { .. } | TableError::FileCorrupt { .. })) => {
                gone.push((file.path.clone(), error));
            }
            Err(error) => return Err(error),
        }
    }
    if gone.is_empty() {
        return Ok(DayFiles { found_in: FoundIn::RecordedFiles, ds, table: table.clone(), files: recorded });
    }
    in_table(lake, ds, table, gone).await
}

async fn in_table(lake: &Lake, ds: Ds, table: &str, gone: Vec<(String, TableError)>) -> Result<DayFiles, TableError> {
    let delta = snapshot::load(lake, table, None).await?;
    let (version, files) = match &delta {
        Some(delta) => (snapshot::version(delta, table)?, snapshot::active_files(delta, table, |day| day == ds)?),
        None => (0, Vec::new()),
    };
    let mut paths = Vec::with_capacity(gone.len());
    for (path, error) in gone {
        if delta.is_none() || files.iter().any(|file| file.path == path) {
            return Err(error);
        }
        paths.push(path);
    }
    if files.is_empty() {
        let path = paths.into_iter().next().unwrap_or_default();
        return Err(TableError::DayGone { table: table.to_owned(), ds, path, version });
    }
    Ok(DayFiles { found_in: FoundIn::Table { version, gone: paths }, ds, table: table.to_owned(), files })
}

/// The days of a table at its newest version: what whoever reads the table sees.
#[derive(Debug, Clone)]
pub struct TableNow {
    version: u64,
    table: String,
    by_day: BTreeMap<Ds, Vec<ActiveFile>>,
}

impl TableNow {
    /// Reads the newest version of a table; one that is not there has no days.
    pub async fn load(lake: &Lake, table: &str) -> Result<Self, TableError> {
        let (mut version, mut by_day) = (0, BTreeMap::<Ds, Vec<ActiveFile>>::new());
        if let Some(delta) = snapshot::load(lake, table, None).await? {
            version = snapshot::version(&delta, table)?;
            for file in snapshot::active_files(&delta, table, |_| true)? {
                by_day.entry(file.ds).or_default().push(file);
            }
        }
        Ok(Self { version, table: table.to_owned(), by_day })
    }

    /// The files of a day.
    pub fn day(&self, ds: Ds) -> DayFiles {
        DayFiles {
            found_in: FoundIn::Table { version: self.version, gone: Vec::new() },
            ds,
            table: self.table.clone(),
            files: self.by_day.get(&ds).cloned().unwrap_or_default(),
        }
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl DayFiles {
    /// The files, below the target.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// The rows, with `ds` first.
    pub async fn frame(
        &self,
        ctx: &SessionContext,
        lake: &Lake,
        contract: &TableContract,
    ) -> Result<DataFrame, TableError> {
        read::frame(ctx, lake, &self.table, &table_schema(contract), self.files.clone()).await
    }

    /// The canonical digest of the rows, see [`crate::digest::canonical_digest`]: compaction leaves it as it was.
    pub async fn digest(
        &self,
        ctx: &SessionContext,
        lake: &Lake,
        contract: &TableContract,
    ) -> Result<Digest, TableError> {
        let rows = self.frame(ctx, lake, contract).await?;
        digest_of_rows(contract, self.ds, Some(rows)).await
    }
}

#[cfg(test)]
mod tests;
