//! One Delta commit at exactly the version after the one that was read: it lands there, or not at all.
//!
//! Hidden hazard: a commit can land although the client is answered that it failed (a timeout, a retried request that finds its own
//! object). So each commit carries a mark of its own, and after any error the log entry at that version is read again.

use std::collections::HashMap;

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::get_actions;
use deltalake::protocol::DeltaOperation;
use deltalake::{DeltaResult, DeltaTable};
use mainstay_schema::RunId;
use serde_json::Value;

use crate::error::TableError;
use crate::snapshot;

/// Key of the commit's mark in Delta's commit info.
const MARK: &str = "mainstay.commit";
/// Key of the run in Delta's commit info.
const RUN_ID: &str = "mainstay.run_id";

/// What a commit does, and by what it is known again.
pub(crate) struct Change {
    pub(crate) actions: Vec<Action>,
    pub(crate) operation: DeltaOperation,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) run_id: RunId,
    /// Unique among all commits of the table.
    pub(crate) mark: String,
    /// What else the commit says of itself, by key.
    pub(crate) notes: Vec<(String, Value)>,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    /// It is in the log at this version.
    Landed(u64),
    /// Another commit took the version; nothing of ours is in the log.
    Lost,
}

/// Commits on top of the version that `delta` holds, without retries.
///
/// Errors: the commit failed and is not in the log; the caller reads again and decides.
pub(crate) async fn commit_next(delta: &DeltaTable, table: &str, change: Change) -> Result<Landing, TableError> {
    let next = snapshot::version(delta, table)? + 1;
    let mark = change.mark.clone();
    let Err(error) = try_commit(delta, change).await else {
        return Ok(Landing::Landed(next));
    };
    match mark_at(delta, table, next).await? {
        Some(found) if found.as_deref() == Some(mark.as_str()) => Ok(Landing::Landed(next)),
        Some(_) => Ok(Landing::Lost),
        None => Err(TableError::delta(table)(error)),
    }
}

/// The newest version whose commit carries this mark.
pub(crate) async fn version_of(delta: &DeltaTable, table: &str, mark: &str) -> Result<Option<u64>, TableError> {
    for version in (0..=snapshot::version(delta, table)?).rev() {
        if mark_at(delta, table, version).await?.flatten().as_deref() == Some(mark) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

async fn try_commit(delta: &DeltaTable, change: Change) -> DeltaResult<()> {
    let properties = CommitProperties::default()
        .with_max_retries(0)
        .with_application_transactions(change.transaction.into_iter().collect())
        .with_metadata(change.notes.into_iter().chain([
            (MARK.to_owned(), Value::String(change.mark)),
            (RUN_ID.to_owned(), Value::String(change.run_id.to_string())),
        ]));
    let state = delta.snapshot()?;
    let prepared = CommitBuilder::from(properties)
        .with_actions(change.actions)
        .build(Some(state as &dyn TableReference), delta.log_store(), change.operation)
        .into_prepared_commit_future()
        .await?;
    let landed = prepared.await?;
    let version = landed.version;
    // The commit is in the log by now: a failed checkpoint costs time, not correctness.
    if let Err(error) = landed.await {
        tracing::warn!(%error, version, "checkpoint failed");
    }
    Ok(())
}

/// The mark of the commit at a version: `None` where there is no such commit, `Some(None)` where it has no mark.
async fn mark_at(delta: &DeltaTable, table: &str, version: u64) -> Result<Option<Option<String>>, TableError> {
    let Some(actions) = actions_at(delta, table, version).await? else {
        return Ok(None);
    };
    Ok(Some(own_info(&actions).and_then(|info| info.get(MARK)?.as_str()).map(str::to_owned)))
}

/// The actions of the commit at a version, `None` where the log does not have it.
pub(crate) async fn actions_at(
    delta: &DeltaTable,
    table: &str,
    version: u64,
) -> Result<Option<Vec<Action>>, TableError> {
    let entry = delta.log_store().read_commit_entry(version).await.map_err(TableError::delta(table))?;
    entry.map(|entry| get_actions(version, &entry).map_err(TableError::delta(table))).transpose()
}

/// What a commit of ours says of itself, by key; `None` where it is not ours.
pub(crate) fn own_info(actions: &[Action]) -> Option<&HashMap<String, Value>> {
    actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) if info.info.contains_key(MARK) => Some(&info.info),
        _ => None,
    })
}

/// What a commit's author calls it.
pub(crate) fn operation(actions: &[Action]) -> String {
    let named = actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => info.operation.clone(),
        _ => None,
    });
    named.unwrap_or_else(|| "a commit without a name".to_owned())
}
