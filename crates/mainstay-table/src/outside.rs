//! What other tools have committed to a table that only grows: maintenance is theirs, its rows are not.
//!
//! Compaction and vacuum leave the rows as they are. A commit that adds or removes rows is another matter: the ledger and the records are
//! what money and cooldown rest on. Commits are looked at from the newest back to the newest of ours, which is nearly always the first.

use std::collections::{BTreeSet, HashMap};

use deltalake::DeltaTable;
use deltalake::kernel::Action;
use serde_json::Value;

use crate::commit;
use crate::error::TableError;
use crate::lake::Lake;
use crate::snapshot;

/// What the newest commit of ours says of itself.
pub(crate) type OwnCommit = HashMap<String, Value>;

/// The newest commit of ours at or before the version that `delta` holds; `None` where the table has none or its log is trimmed.
///
/// Errors: [`TableError::ChangedOutside`] where another tool has changed rows since, and the table was not restored to what it was.
pub(crate) async fn newest_own_commit(
    lake: &Lake,
    delta: &DeltaTable,
    table: &str,
) -> Result<Option<OwnCommit>, TableError> {
    let mut own = None;
    let mut earliest_change = None;
    for version in (0..=snapshot::version(delta, table)?).rev() {
        let Some(actions) = commit::actions_at(delta, table, version).await? else {
            break;
        };
        own = commit::own_info(&actions).cloned();
        if own.is_some() {
            break;
        }
        if actions.iter().any(changes_rows) {
            earliest_change = Some((version, commit::operation(&actions)));
        }
    }
    if let Some((version, operation)) = earliest_change {
        let before = version.saturating_sub(1);
        if !is_as_at(lake, delta, table, before).await? {
            return Err(TableError::ChangedOutside { table: table.to_owned(), operation, version, before });
        }
    }
    Ok(own)
}

fn changes_rows(action: &Action) -> bool {
    match action {
        Action::Add(add) => add.data_change,
        Action::Remove(remove) => remove.data_change,
        _ => false,
    }
}

/// Whether the table has the files that it had at an earlier version.
async fn is_as_at(lake: &Lake, delta: &DeltaTable, table: &str, version: u64) -> Result<bool, TableError> {
    let Some(before) = snapshot::load(lake, table, Some(version)).await? else {
        return Ok(false);
    };
    let paths = |of: &DeltaTable| -> Result<BTreeSet<String>, TableError> {
        Ok(snapshot::active_files(of, table, |_| true)?.into_iter().map(|file| file.path).collect())
    };
    Ok(paths(delta)? == paths(&before)?)
}
