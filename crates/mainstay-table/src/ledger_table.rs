//! The table `budget_ledger`: entries are read at a version and appended at exactly the next one, or not at all.
//!
//! Appends do not conflict in Delta, so two runs that both saw enough money would both spend it. Here the second one loses and
//! must read the balance again. What the entries mean for the balance is not known here.
//!
//! Entries lie under the day whose plan they pay, and each commit carries along which reservations are open, so that a reader of a month
//! reads the files of its days and of open reservations, and of no others, however old the ledger is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use deltalake::protocol::SaveMode;
use mainstay_schema::ledger::{EntryKind, LedgerEntry};
use mainstay_schema::table::{TableContract, budget_ledger};
use mainstay_schema::{Cents, Digest, Ds, RunId};
use serde::{Deserialize, Serialize};

use crate::commit::{Change, Landing, commit_next};
use crate::error::TableError;
use crate::lake::Lake;
use crate::log_rows::{self, GrowingTable, Rows, VERSION_DIGITS, optional};
use crate::publish::{add_actions, write_operation};
use crate::snapshot::{self, WriteMode, load, load_or_create};
use crate::staged::StagedFile;

/// Key of what a commit carries along in Delta's commit info.
const CARRIED: &str = "mainstay.ledger";

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

/// The entries of some days at a version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LedgerView {
    /// The entries in the order in which they were committed, each with all that it names and all that names it.
    pub entries: Vec<LedgerEntry>,
    /// The version of the table; `None` where the ledger does not exist yet.
    pub version: Option<u64>,
    carried: Carried,
}

/// What each commit says of the whole ledger, so that nobody needs to read the whole ledger for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Carried {
    /// Reservations that no entry has ended, with their days.
    open: BTreeMap<String, Ds>,
    /// Days whose entries name each other: an earlier version wrote a release under the day of the run that released.
    tied: BTreeSet<Ds>,
}

impl Carried {
    fn of(entries: &[LedgerEntry]) -> Self {
        let days: BTreeMap<&str, Ds> = entries.iter().map(|entry| (entry.entry_id.as_str(), entry.ds)).collect();
        let mut carried = Self::default();
        for entry in entries {
            let named = entry.replaces.as_deref().and_then(|id| days.get(id));
            carried.tied.extend(named.filter(|ds| **ds != entry.ds).map(|ds| [*ds, entry.ds]).into_iter().flatten());
        }
        carried.followed_by(entries)
    }

    /// After more entries.
    fn followed_by(mut self, entries: &[LedgerEntry]) -> Self {
        let is_planned = |entry: &&LedgerEntry| entry.kind == EntryKind::Planned;
        self.open.extend(entries.iter().filter(is_planned).map(|entry| (entry.entry_id.clone(), entry.ds)));
        for ended in entries.iter().filter(|entry| !is_planned(entry)).filter_map(|entry| entry.replaces.as_ref()) {
            self.open.remove(ended);
        }
        self
    }

    /// The days to read where some are wanted: with those of open reservations, and with what is tied to any of them.
    fn days(&self, is_wanted: impl Fn(Ds) -> bool) -> impl Fn(Ds) -> bool {
        let open: BTreeSet<Ds> = self.open.values().copied().collect();
        let is_needed = move |ds: Ds| is_wanted(ds) || open.contains(&ds);
        let tied = if self.tied.iter().any(|ds| is_needed(*ds)) { self.tied.clone() } else { BTreeSet::new() };
        move |ds| is_needed(ds) || tied.contains(&ds)
    }
}

/// The entries of the days that `wanted` accepts and of all open reservations, at the newest version.
///
/// Errors: [`TableError::ChangedOutside`] where another tool has added or removed entries, and whatever store and log say.
pub async fn read(lake: &Lake, wanted: impl Fn(Ds) -> bool) -> Result<LedgerView, TableError> {
    let table = budget_ledger().name;
    let Some(log) = GrowingTable::load(lake, &table).await? else {
        return Ok(LedgerView::default());
    };
    let version = Some(snapshot::version(&log.delta, &table)?);
    let carried = log.own.as_ref().and_then(|own| own.get(CARRIED));
    let carried: Option<Carried> =
        carried.map(|carried| Carried::deserialize(carried).map_err(TableError::bad_record(&table))).transpose()?;
    Ok(match carried {
        Some(carried) => {
            LedgerView { entries: entries_of_all(&log.rows(lake, carried.days(wanted)).await?)?, version, carried }
        }
        None => {
            // The newest commit is of an earlier version: what it does not say is found among all entries.
            let entries = entries_of_all(&log.rows(lake, |_| true).await?)?;
            LedgerView { carried: Carried::of(&entries), entries, version }
        }
    })
}

/// The whole ledger, and what of it was there at which version.
#[derive(Debug, Clone, Default)]
pub struct LedgerHistory {
    stamped: Vec<(LedgerEntry, Option<u64>)>,
}

impl LedgerHistory {
    /// All entries.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.stamped.iter().map(|(entry, _)| entry.clone()).collect()
    }

    /// The entries that were there at a version. Those of files that another tool compacted do not say since when, and count.
    pub fn at(&self, version: u64) -> Vec<LedgerEntry> {
        let is_there = |stamp: &Option<u64>| stamp.is_none_or(|stamp| stamp <= version);
        let mut kept: HashSet<&str> = self
            .stamped
            .iter()
            .filter(|(_, stamp)| is_there(stamp))
            .map(|(entry, _)| entry.entry_id.as_str())
            .collect();
        loop {
            let named = self.stamped.iter().filter(|(entry, _)| kept.contains(entry.entry_id.as_str()));
            let named: Vec<&str> = named.filter_map(|(entry, _)| entry.replaces.as_deref()).collect();
            let before = kept.len();
            kept.extend(named);
            if kept.len() == before {
                break;
            }
        }
        let is_kept = |(entry, _): &&(LedgerEntry, Option<u64>)| kept.contains(entry.entry_id.as_str());
        self.stamped.iter().filter(is_kept).map(|(entry, _)| entry.clone()).collect()
    }
}

/// Reads the ledger from its beginning: for checks of the past. A run reads what it needs, see [`read`].
pub async fn history(lake: &Lake) -> Result<LedgerHistory, TableError> {
    let Some(log) = GrowingTable::load(lake, &budget_ledger().name).await? else {
        return Ok(LedgerHistory::default());
    };
    let mut stamped = Vec::new();
    for rows in log.rows(lake, |_| true).await? {
        let version = rows.version_in_name();
        stamped.extend(entries_of(&rows)?.into_iter().map(|entry| (entry, version)));
    }
    Ok(LedgerHistory { stamped })
}

fn entries_of_all(rows: &[Rows]) -> Result<Vec<LedgerEntry>, TableError> {
    let mut entries = Vec::new();
    for rows in rows {
        entries.extend(entries_of(rows)?);
    }
    Ok(entries)
}

/// Appends entries as exactly the version after that of a view, or changes nothing. Creates the ledger where the view says that there is
/// none.
///
/// Errors: no entries to append, [`TableError::VersionMissing`] where the ledger has gone, and whatever store and log say. After
/// an error of the store the entries may have landed: read again before trying again.
pub async fn append_to(lake: &Lake, view: &LedgerView, entries: &[LedgerEntry]) -> Result<Appended, TableError> {
    let expected = view.version;
    let contract = budget_ledger();
    let table = contract.name.as_str();
    let Some(first) = entries.first() else {
        return Err(TableError::bad_record(table)("no entries to append"));
    };
    let delta = match expected {
        None => load_or_create(lake, &contract, WriteMode::AppendOnly).await?,
        Some(version) => load(lake, table, None).await?.ok_or_else(|| gone(table, version))?,
    };
    let version = snapshot::version(&delta, table)?;
    if version != expected.unwrap_or(0) {
        return Ok(Appended::Lost);
    }
    let mark = mark(table, entries)?;
    let carried = view.carried.clone().followed_by(entries);
    let carried = serde_json::to_value(carried).map_err(TableError::bad_record(table))?;
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
        notes: vec![(CARRIED.to_owned(), carried)],
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
        let name = format!("{version:0width$}-{}", mark.short(), width = VERSION_DIGITS);
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
