//! One Delta commit at exactly the version after the one that was read: it lands there, or not at all.
//!
//! Hidden hazard: a commit can land although the client is told that it failed (a timeout, a retried request that finds its own
//! object). So each commit carries a mark of its own, and after any error the log entry at that version is read again.

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
        .with_metadata([
            (MARK.to_owned(), Value::String(change.mark)),
            (RUN_ID.to_owned(), Value::String(change.run_id.to_string())),
        ]);
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
    let entry = delta.log_store().read_commit_entry(version).await.map_err(TableError::delta(table))?;
    let Some(entry) = entry else {
        return Ok(None);
    };
    let actions = get_actions(version, &entry).map_err(TableError::delta(table))?;
    Ok(Some(actions.into_iter().find_map(|action| match action {
        Action::CommitInfo(info) => info.info.get(MARK).and_then(Value::as_str).map(str::to_owned),
        _ => None,
    })))
}
