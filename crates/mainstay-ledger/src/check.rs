//! From entries to a ledger: the references between them, and what became of each.
//!
//! The table keeps no order of its rows, so nothing here depends on one: an entry's state follows from who names it.

use std::collections::BTreeMap;

use mainstay_schema::Ds;
use mainstay_schema::ledger::{EntryKind, LedgerEntry};

use crate::error::{Fault, LedgerError};
use crate::record::{Record, State};

type Entries = BTreeMap<String, LedgerEntry>;

/// Checks every entry and its reference, and says the state of each.
pub(crate) fn build(entries: Vec<LedgerEntry>) -> Result<BTreeMap<String, Record>, LedgerError> {
    let entries = by_id(entries)?;
    for entry in entries.values() {
        check_reference(entry, &entries)?;
        check_not_circular(entry, &entries)?;
    }
    let replacements = Replacements::of(&entries)?;
    let states: Vec<State> = entries.values().map(|entry| replacements.state_of(entry)).collect();
    check_paid_once(&entries, &states)?;
    let records = entries.into_iter().zip(states).map(|((id, entry), state)| (id, Record { entry, state }));
    Ok(records.collect())
}

fn corrupt(entry: &LedgerEntry, fault: Fault) -> LedgerError {
    LedgerError::Corrupt { entry: entry.entry_id.clone(), fault }
}

fn by_id(entries: Vec<LedgerEntry>) -> Result<Entries, LedgerError> {
    let mut known = Entries::new();
    let mut total: i64 = 0;
    for entry in entries {
        if entry.amount.0 < 0 {
            return Err(corrupt(&entry, Fault::NegativeAmount(entry.amount)));
        }
        if entry.kind != EntryKind::Released && entry.month != entry.ds.month() {
            return Err(corrupt(&entry, Fault::ForeignMonth { ds: entry.ds }));
        }
        total = total.checked_add(entry.amount.0).ok_or_else(|| corrupt(&entry, Fault::Overflow))?;
        if let Some(duplicate) = known.insert(entry.entry_id.clone(), entry) {
            return Err(corrupt(&duplicate, Fault::Duplicate));
        }
    }
    Ok(known)
}

/// A reservation may name the commitment that it wants to take over, a commitment names its reservation, a release either.
fn check_reference(entry: &LedgerEntry, entries: &Entries) -> Result<(), LedgerError> {
    let Some(id) = &entry.replaces else {
        return match entry.kind {
            EntryKind::Planned => Ok(()),
            EntryKind::Committed | EntryKind::Released => Err(corrupt(entry, Fault::NamesNothing)),
        };
    };
    let named = entries.get(id).ok_or_else(|| corrupt(entry, Fault::NamesUnknown(id.clone())))?;
    let (is_kind_right, is_amount_right) = match entry.kind {
        EntryKind::Planned => (named.kind == EntryKind::Committed, true),
        EntryKind::Committed => (named.kind == EntryKind::Planned, entry.amount <= named.amount),
        EntryKind::Released => (named.kind != EntryKind::Released, entry.amount == named.amount),
    };
    // A release may stand under the day of the run that wrote it, as those of earlier versions do.
    let is_day_right = entry.ds == named.ds || entry.kind == EntryKind::Released;
    if !is_kind_right {
        return Err(corrupt(entry, Fault::NamesWrongKind(id.clone())));
    }
    // The job may have been renamed in between: what belongs together is of one day.
    if entry.month != named.month || !is_day_right {
        return Err(corrupt(entry, Fault::NamesForeign(id.clone())));
    }
    if !is_amount_right {
        let fault = Fault::WrongAmount { amount: entry.amount, named: id.clone(), named_amount: named.amount };
        return Err(corrupt(entry, fault));
    }
    Ok(())
}

fn check_not_circular(entry: &LedgerEntry, entries: &Entries) -> Result<(), LedgerError> {
    let named = |entry: &LedgerEntry| entry.replaces.as_ref().and_then(|id| entries.get(id));
    let chain = std::iter::successors(Some(entry), |entry| named(entry));
    if chain.take(entries.len() + 1).count() > entries.len() {
        return Err(corrupt(entry, Fault::Circular));
    }
    Ok(())
}

/// Which entry took the place of which, by the id of the replaced one.
struct Replacements<'a> {
    /// A reservation that was committed or released, or a commitment that was released.
    ended: BTreeMap<&'a str, &'a LedgerEntry>,
    /// A commitment that a reservation wants to take over or has taken over; released reservations do not count.
    taken_over: BTreeMap<&'a str, &'a LedgerEntry>,
}

impl<'a> Replacements<'a> {
    fn of(entries: &'a Entries) -> Result<Self, LedgerError> {
        let mut ended = BTreeMap::new();
        for entry in entries.values().filter(|entry| entry.kind != EntryKind::Planned) {
            replace(&mut ended, entry, entries)?;
        }
        let is_released = |entry: &LedgerEntry| {
            ended.get(entry.entry_id.as_str()).is_some_and(|end: &&LedgerEntry| end.kind == EntryKind::Released)
        };
        // It starts from the releases of commitments: what was given back cannot be taken over as well.
        let mut taken_over = ended.clone();
        for entry in entries.values().filter(|entry| entry.kind == EntryKind::Planned && !is_released(entry)) {
            replace(&mut taken_over, entry, entries)?;
        }
        taken_over.retain(|_, by| by.kind == EntryKind::Planned);
        Ok(Self { ended, taken_over })
    }

    fn state_of(&self, entry: &LedgerEntry) -> State {
        let id = entry.entry_id.as_str();
        let is_ended = self.ended.contains_key(id);
        let taker = self.taken_over.get(id);
        match entry.kind {
            EntryKind::Released => State::Ended,
            _ if is_ended => State::Ended,
            EntryKind::Planned => State::Open,
            EntryKind::Committed => match taker {
                None => State::Standing,
                Some(taker) if self.ended.contains_key(taker.entry_id.as_str()) => State::Ended,
                Some(_) => State::Contested,
            },
        }
    }
}

fn replace<'a>(
    replaced: &mut BTreeMap<&'a str, &'a LedgerEntry>,
    by: &'a LedgerEntry,
    entries: &Entries,
) -> Result<(), LedgerError> {
    let Some(id) = by.replaces.as_deref() else {
        return Ok(());
    };
    let (Some(before), Some(named)) = (replaced.insert(id, by), entries.get(id)) else {
        return Ok(());
    };
    Err(corrupt(named, Fault::ReplacedTwice(before.entry_id.clone(), by.entry_id.clone())))
}

/// For one day at most one plan holds money: a contested commitment is part of the reservation that contests it.
///
/// Earlier versions counted a renamed job apart and paid its days again: what they wrote under two names stands twice, and both count.
fn check_paid_once(entries: &Entries, states: &[State]) -> Result<(), LedgerError> {
    let mut paid: BTreeMap<(&str, Ds), &LedgerEntry> = BTreeMap::new();
    for (entry, state) in entries.values().zip(states) {
        if !matches!(state, State::Open | State::Standing) {
            continue;
        }
        if let Some(before) = paid.insert((&entry.job, entry.ds), entry) {
            return Err(corrupt(entry, Fault::PaidTwice(before.entry_id.clone())));
        }
    }
    Ok(())
}
