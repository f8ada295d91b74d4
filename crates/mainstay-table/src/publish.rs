//! Publishing: a staged day becomes the table's day in one Delta commit that writes no data anew.
//!
//! Invariants. A day is replaced whole: all its active files go and the staged ones come in the same commit. An attempt
//! publishes once: the commit carries a Delta transaction `mainstay/<table>/<series>/<ds>` with the attempt as its version,
//! which is read before each try, because delta-rs does not refuse one that was committed before. A lower attempt never
//! replaces a higher one.

use std::collections::{HashMap, HashSet};

use deltalake::DeltaTable;
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Ds, RunId, column};

use crate::claim::{self, Attempt};
use crate::commit::{self, Change, Landing, commit_next};
use crate::error::TableError;
use crate::evolve;
use crate::lake::Lake;
use crate::parquet_file;
use crate::snapshot::{self, WriteMode, load_or_create};
use crate::staged::{StagedFile, StagedTable};

/// Every lost try means that another writer's commit landed, so a try is only ever lost to progress.
const TRIES: usize = 100;

/// What became of a day that was to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is in the table from this version on.
    Committed {
        /// The Delta version.
        version: u64,
    },
    /// This attempt had published the same files before.
    AlreadyDone {
        /// The Delta version that holds them.
        version: u64,
    },
    /// Another run has taken the day; nothing was changed.
    Conflicted {
        /// Its attempt.
        by: u32,
    },
}

/// Replaces the day of a table by its stage, after checking every staged file against its digest. Creates the table where
/// absent, and adds columns that the contract has gained.
///
/// Errors: [`TableError::FileMissing`] and [`TableError::FileCorrupt`] for a stage that is not what was written,
/// [`TableError::TypeChanged`], [`TableError::Contention`], and whatever store and log say.
pub async fn publish(
    lake: &Lake,
    contract: &TableContract,
    staged: &StagedTable,
    attempt: &Attempt,
) -> Result<Published, TableError> {
    let adds = add_actions(lake, contract, staged.ds, &staged.files).await?;
    let publication = Publication { contract, staged, attempt };
    for _ in 0..TRIES {
        let delta = load_or_create(lake, contract, WriteMode::Replaced).await?;
        if let Some(decided) = publication.decided(lake, &delta).await? {
            return Ok(decided);
        }
        let change = publication.change(&delta, &adds)?;
        if let Landing::Landed(version) = commit_next(&delta, &contract.name, change).await? {
            return Ok(Published::Committed { version });
        }
    }
    Err(TableError::Contention { table: contract.name.clone(), tries: TRIES })
}

/// The name and number under which a commit to a growing table stands in its log: once, and after all lower numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Delta's app id.
    pub app_id: String,
    /// App ids under which earlier versions may have committed; their numbers count too.
    pub former: Vec<String>,
    /// Delta's transaction version.
    pub number: u32,
}

/// Adds files, or none, to a table that only grows. A number that stands already changes nothing, a higher one that stands
/// already fences this one out.
///
/// Errors as [`publish`].
pub async fn append(
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    files: &[StagedFile],
    run_id: &RunId,
    sequence: &Sequence,
) -> Result<Published, TableError> {
    let table = &contract.name;
    let adds = add_actions(lake, contract, ds, files).await?;
    let Sequence { app_id, former, number } = sequence;
    let app_ids: Vec<&String> = std::iter::once(app_id).chain(former).collect();
    let mark = format!("{app_id}/{number}");
    for _ in 0..TRIES {
        let delta = load_or_create(lake, contract, WriteMode::AppendOnly).await?;
        match committed_attempt(&delta, table, &app_ids).await? {
            Some(by) if by > *number => return Ok(Published::Conflicted { by }),
            Some(by) if by == *number => {
                let version = commit::version_of(&delta, table, &mark).await?;
                return Ok(Published::AlreadyDone { version: version.unwrap_or(snapshot::version(&delta, table)?) });
            }
            _ => {}
        }
        let change = Change {
            actions: evolve::metadata_action(&delta, contract)?.into_iter().chain(adds.iter().cloned()).collect(),
            operation: write_operation(SaveMode::Append, None),
            transaction: Some(Transaction::new(app_id, i64::from(*number))),
            run_id: run_id.clone(),
            mark: mark.clone(),
            notes: Vec::new(),
        };
        if let Landing::Landed(version) = commit_next(&delta, table, change).await? {
            return Ok(Published::Committed { version });
        }
    }
    Err(TableError::Contention { table: table.clone(), tries: TRIES })
}

/// The add actions of files below the target, each checked against its digest.
pub(crate) async fn add_actions(
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    files: &[StagedFile],
) -> Result<Vec<Action>, TableError> {
    let mut actions = Vec::with_capacity(files.len());
    for file in files {
        let meta = parquet_file::verify(lake, file).await?;
        let path = path_in_table(&contract.name, file)?;
        actions.push(Action::Add(Add {
            path: path.to_owned(),
            partition_values: HashMap::from([(column::DS.to_owned(), Some(ds.to_string()))]),
            size: file.bytes as i64,
            modification_time: meta.last_modified.timestamp_millis(),
            data_change: true,
            stats: Some(file.statistics.clone()).filter(|statistics| !statistics.is_empty()),
            ..Add::default()
        }));
    }
    Ok(actions)
}

/// The operation that Delta's history shows.
pub(crate) fn write_operation(mode: SaveMode, predicate: Option<String>) -> DeltaOperation {
    DeltaOperation::Write { mode, partition_by: Some(vec![column::DS.to_owned()]), predicate }
}

struct Publication<'a> {
    contract: &'a TableContract,
    staged: &'a StagedTable,
    attempt: &'a Attempt,
}

impl Publication<'_> {
    fn app_id(&self) -> String {
        app_id(&self.contract.name, self.attempt.series.key(), self.staged.ds)
    }

    fn mark(&self) -> String {
        format!("{}/{}/{}", self.app_id(), self.attempt.number, self.attempt.run_id)
    }

    /// The outcome that stands already, `None` where the commit is still to be made.
    async fn decided(&self, lake: &Lake, delta: &DeltaTable) -> Result<Option<Published>, TableError> {
        let ours = self.attempt.number;
        let table = &self.contract.name;
        let app_ids: Vec<String> = self.attempt.series.keys().map(|key| app_id(table, key, self.staged.ds)).collect();
        match committed_attempt(delta, table, &app_ids).await? {
            Some(by) if by > ours => return Ok(Some(Published::Conflicted { by })),
            Some(by) if by == ours => return self.done_before(delta).await.map(Some),
            _ => {}
        }
        let newest = claim::latest(lake, &self.attempt.series, self.staged.ds).await?;
        Ok(newest.filter(|newest| newest.number > ours).map(|newest| Published::Conflicted { by: newest.number }))
    }

    /// Our attempt is in the log: with our files, or with those of another run under the same number.
    async fn done_before(&self, delta: &DeltaTable) -> Result<Published, TableError> {
        let table = &self.contract.name;
        let active = snapshot::active_files(delta, table, |ds| ds == self.staged.ds)?;
        let active: HashSet<&str> = active.iter().map(|file| file.path.as_str()).collect();
        let staged: HashSet<&str> = self.staged.files.iter().map(|file| file.path.as_str()).collect();
        if active != staged {
            return Ok(Published::Conflicted { by: self.attempt.number });
        }
        let version = commit::version_of(delta, table, &self.mark()).await?;
        Ok(Published::AlreadyDone { version: version.unwrap_or(snapshot::version(delta, table)?) })
    }

    fn change(&self, delta: &DeltaTable, adds: &[Action]) -> Result<Change, TableError> {
        let table = &self.contract.name;
        let mut actions: Vec<Action> = evolve::metadata_action(delta, self.contract)?.into_iter().collect();
        let state = delta.snapshot().map_err(TableError::delta(table))?;
        for view in state.log_data().iter() {
            if snapshot::day(&view.path(), &view.partition_values_map())? == self.staged.ds {
                actions.push(Action::Remove(view.remove_action(true)));
            }
        }
        actions.extend(adds.iter().cloned());
        Ok(Change {
            actions,
            operation: write_operation(SaveMode::Overwrite, Some(format!("ds = '{}'", self.staged.ds))),
            transaction: Some(Transaction::new(self.app_id(), i64::from(self.attempt.number))),
            run_id: self.attempt.run_id.clone(),
            mark: self.mark(),
            notes: Vec::new(),
        })
    }
}

/// The name of the transactions of a series' day in a table.
pub(crate) fn app_id(table: &str, key: &str, ds: Ds) -> String {
    format!("mainstay/{table}/{key}/{ds}")
}

/// The highest version of some Delta transactions, which is an attempt's number.
async fn committed_attempt(
    delta: &DeltaTable,
    table: &str,
    app_ids: &[impl AsRef<str>],
) -> Result<Option<u32>, TableError> {
    let state = delta.snapshot().map_err(TableError::delta(table))?;
    let mut highest = None;
    for app_id in app_ids.iter().map(AsRef::as_ref) {
        let found = state.transaction_version(delta.log_store().as_ref(), app_id).await;
        let found = found.map_err(TableError::delta(table))?;
        let number = found.map(|number| u32::try_from(number).map_err(TableError::bad_record(app_id))).transpose()?;
        highest = highest.max(number);
    }
    Ok(highest)
}

fn path_in_table<'a>(table: &str, file: &'a StagedFile) -> Result<&'a str, TableError> {
    file.path.strip_prefix(table).and_then(|path| path.strip_prefix('/')).ok_or_else(|| TableError::BadRecord {
        path: file.path.clone(),
        reason: format!("not a file of table `{table}`"),
    })
}

#[cfg(test)]
mod tests;
