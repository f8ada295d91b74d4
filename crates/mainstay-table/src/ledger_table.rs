//! The table `budget_ledger`: entries are read at a version and appended at exactly the next one, or not at all.
//!
//! Appends do not conflict in Delta, so two runs that both saw enough money would both spend it. Here the second one loses and
//! must read the balance again. What the entries mean for the balance is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use deltalake::protocol::SaveMode;
use mainstay_schema::ledger::LedgerEntry;
use mainstay_schema::table::{TableContract, budget_ledger};
use mainstay_schema::{Cents, Digest, Ds, RunId};

use crate::commit::{Change, Landing, commit_next};
use crate::error::TableError;
use crate::lake::Lake;
use crate::log_rows::{self, Rows, optional};
use crate::publish::{add_actions, write_operation};
use crate::snapshot::{self, Kind, load, load_or_create};
use crate::stage::StagedFile;

/// Digits of a version in the name of a file.
const VERSION_DIGITS: usize = 20;

/// What became of entries that were to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// They are in the ledger, which has this version now.
    At {
        /// The Delta version.
        version: u64,
    },
    /// Somebody else appended first; nothing of them is in the ledger. Read again and decide again.
    Lost,
}

/// All entries in the order in which they were committed, and the version that they were read at: `None` where the ledger does
/// not exist yet.
pub async fn read(lake: &Lake) -> Result<(Vec<LedgerEntry>, Option<u64>), TableError> {
    read_at(lake, None).await
}

/// The ledger of all versions, read once: what it held at each of them.
#[derive(Debug, Clone, Default)]
pub struct LedgerHistory {
    /// Each entry with the version that brought it, where the name of its file says so.
    entries: Vec<(Option<u64>, LedgerEntry)>,
}

impl LedgerHistory {
    /// All entries.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.entries.iter().map(|(_, entry)| entry.clone()).collect()
    }

    /// The entries that were there at a version. Those of files that other software has put together do not say since when, and count.
    pub fn at(&self, version: u64) -> Vec<LedgerEntry> {
        let is_there = |brought: Option<u64>| brought.is_none_or(|brought| brought <= version);
        let there = self.entries.iter().filter(|(brought, _)| is_there(*brought));
        there.map(|(_, entry)| entry.clone()).collect()
    }
}

/// All entries, each with the version that brought it; none where the ledger does not exist yet.
pub async fn history(lake: &Lake) -> Result<LedgerHistory, TableError> {
    let contract = budget_ledger();
    let Some(delta) = load(lake, &contract.name, None).await? else {
        return Ok(LedgerHistory::default());
    };
    let mut entries = Vec::new();
    for rows in log_rows::read(lake, &delta, &contract.name, |_| true).await? {
        let brought = brought_by(&rows.path);
        entries.extend(entries_of(&rows)?.into_iter().map(|entry| (brought, entry)));
    }
    Ok(LedgerHistory { entries })
}

/// The version in the name that [`write_entries`] gives a file.
fn brought_by(path: &str) -> Option<u64> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let (version, _) = name.split_once('-')?;
    (version.len() == VERSION_DIGITS && version.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| version.parse().ok())
        .flatten()
}

/// As [`read`], at a pinned version or the newest.
pub async fn read_at(lake: &Lake, version: Option<u64>) -> Result<(Vec<LedgerEntry>, Option<u64>), TableError> {
    let contract = budget_ledger();
    let Some(delta) = load(lake, &contract.name, version).await? else {
        return Ok((Vec::new(), None));
    };
    let mut entries = Vec::new();
    for rows in log_rows::read(lake, &delta, &contract.name, |_| true).await? {
        entries.extend(entries_of(&rows)?);
    }
    Ok((entries, Some(snapshot::version(&delta, &contract.name)?)))
}

/// Appends entries as exactly the version after `expected`, which [`read`] gave, or changes nothing. Creates the ledger where
/// `expected` is `None`.
///
/// Errors: no entries to append, [`TableError::VersionMissing`] where the ledger has gone, and whatever store and log say. After
/// an error of the store the entries may have landed: read again before trying again.
pub async fn append_at(lake: &Lake, entries: &[LedgerEntry], expected: Option<u64>) -> Result<Appended, TableError> {
    let contract = budget_ledger();
    let table = contract.name.as_str();
    let Some(first) = entries.first() else {
        return Err(TableError::bad_record(table)("no entries to append"));
    };
    let delta = match expected {
        None => load_or_create(lake, &contract, Kind::AppendOnly).await?,
        Some(version) => load(lake, table, None).await?.ok_or_else(|| gone(table, version))?,
    };
    let version = snapshot::version(&delta, table)?;
    if version != expected.unwrap_or(0) {
        return Ok(Appended::Lost);
    }
    let mark = mark(table, entries)?;
    let files = write_entries(lake, &contract, entries, version + 1, &mark).await?;
    let mut actions = Vec::new();
    for (ds, file) in &files {
        actions.extend(add_actions(lake, &contract, *ds, std::slice::from_ref(file)).await?);
    }
    let change = Change {
        actions,
        operation: write_operation(SaveMode::Append, None),
        transaction: None,
        run_id: first.run_id.clone(),
        mark: format!("mainstay/{table}/{}", mark.hex()),
    };
    match commit_next(&delta, table, change).await? {
        Landing::Landed(version) => Ok(Appended::At { version }),
        Landing::Lost => {
            for (_, file) in files {
                lake.delete(&file.path).await?;
            }
            Ok(Appended::Lost)
        }
    }
}

/// Entries are unique by their names, so their digest is the mark of their commit.
fn mark(table: &str, entries: &[LedgerEntry]) -> Result<Digest, TableError> {
    Ok(Digest::of(&serde_json::to_vec(entries).map_err(TableError::bad_record(table))?))
}

/// One file a day, whose name sorts by version so that the order of commits is the order of reading.
async fn write_entries(
    lake: &Lake,
    contract: &TableContract,
    entries: &[LedgerEntry],
    version: u64,
    mark: &Digest,
) -> Result<Vec<(Ds, StagedFile)>, TableError> {
    let mut by_day: BTreeMap<Ds, Vec<&LedgerEntry>> = BTreeMap::new();
    for entry in entries {
        by_day.entry(entry.ds).or_default().push(entry);
    }
    let mut files = Vec::with_capacity(by_day.len());
    for (ds, entries) in by_day {
        let name = format!("{version:0VERSION_DIGITS$}-{}", mark.short());
        files.push((ds, log_rows::write(lake, contract, ds, &name, &batch_of(&entries, &contract.name)?).await?));
    }
    Ok(files)
}

fn batch_of(entries: &[&LedgerEntry], table: &str) -> Result<RecordBatch, TableError> {
    let text = |value: fn(&LedgerEntry) -> String| -> ArrayRef {
        Arc::new(entries.iter().map(|entry| Some(value(entry))).collect::<StringArray>())
    };
    let cents = |value: fn(&LedgerEntry) -> Cents| -> ArrayRef {
        Arc::new(entries.iter().map(|entry| value(entry).0).collect::<Int64Array>())
    };
    let replaces: StringArray = entries.iter().map(|entry| entry.replaces.as_deref()).collect();
    let prices: Float64Array = entries.iter().map(|entry| entry.price).collect();
    RecordBatch::try_from_iter([
        ("entry_id", text(|entry| entry.entry_id.clone())),
        ("month", text(|entry| entry.month.to_string())),
        ("job", text(|entry| entry.job.clone())),
        ("kind", text(|entry| entry.kind.to_string())),
        ("amount_cents", cents(|entry| entry.amount)),
        ("replaces", Arc::new(replaces)),
        ("allowance_cents", cents(|entry| entry.allowance)),
        ("price", Arc::new(prices)),
        ("run_id", text(|entry| entry.run_id.to_string())),
    ])
    .map_err(TableError::arrow(table))
}

fn entries_of(rows: &Rows) -> Result<Vec<LedgerEntry>, TableError> {
    let (entry_ids, months, jobs) = (rows.text("entry_id")?, rows.text("month")?, rows.text("job")?);
    let (kinds, replaces, run_ids) = (rows.text("kind")?, rows.text("replaces")?, rows.text("run_id")?);
    let amounts = rows.numbers::<Int64Type>("amount_cents")?;
    let allowances = rows.numbers::<Int64Type>("allowance_cents")?;
    let prices = rows.numbers::<Float64Type>("price")?;
    let entry = |row: usize| {
        Ok(LedgerEntry {
            entry_id: entry_ids.value(row).to_owned(),
            ds: rows.ds,
            month: months.value(row).parse().map_err(|error| rows.bad(error))?,
            job: jobs.value(row).to_owned(),
            run_id: RunId::new(run_ids.value(row)),
            kind: kinds.value(row).parse().map_err(|error: String| rows.bad(error))?,
            amount: Cents(amounts.value(row)),
            replaces: optional(replaces, row),
            allowance: Cents(allowances.value(row)),
            price: prices.value(row),
        })
    };
    (0..rows.len()).map(entry).collect()
}

fn gone(table: &str, version: u64) -> TableError {
    TableError::VersionMissing { table: table.to_owned(), version, newest: "none".into() }
}

#[cfg(test)]
mod tests;
