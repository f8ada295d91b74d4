//! The ledger: what is reserved, committed and left.

use std::collections::BTreeMap;

use mainstay_schema::ledger::LedgerEntry;
use mainstay_schema::{Cents, Ds, Month, RunId};

use crate::check;
use crate::error::LedgerError;
use crate::pacing::PacingDay;
use crate::record::{Record, State};

/// The entries of all months or of some days, checked. The order in which they were read does not matter; what an entry names is among
/// them.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// By entry id.
    pub(crate) records: BTreeMap<String, Record>,
}

impl Ledger {
    /// Reads a ledger.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] where entries contradict each other, with the id of one of them.
    pub fn new(entries: Vec<LedgerEntry>) -> Result<Self, LedgerError> {
        check::build(entries).map(|records| Self { records })
    }

    /// What is left of a month's budget: budget - open reservations - committed + released, never below 0.
    ///
    /// While a forced rerun holds a reservation that is to take over a commitment, the larger of the two counts, so that the
    /// budget holds whether it commits or dies. A budget that was lowered below what is spent leaves 0.
    pub fn balance(&self, month: Month, budget: Cents) -> Cents {
        self.left(month, budget, |_| true)
    }

    /// The reservations that were neither committed nor released, by entry id. Those of dead runs are to be released.
    pub fn open_reservations(&self) -> Vec<&LedgerEntry> {
        self.records.values().filter(|record| record.state == State::Open).map(|record| &record.entry).collect()
    }

    /// The commitment in force for a day, the one that a forced rerun would take over: the newest of them, where an earlier version
    /// paid a day again under another name of its job.
    pub fn standing_commitment(&self, ds: Ds) -> Option<&LedgerEntry> {
        self.commitments().filter(|entry| entry.ds == ds).max_by(|left, right| left.run_id.cmp(&right.run_id))
    }

    /// The commitment in force that a run has reserved the money of.
    pub fn commitment_of(&self, run_id: &RunId) -> Option<&LedgerEntry> {
        self.commitments().find(|entry| entry.run_id == *run_id)
    }

    /// What the commitments in force of a month add up to.
    pub fn committed(&self, month: Month) -> Cents {
        self.commitments().filter(|entry| entry.month == month).map(|entry| entry.amount).sum()
    }

    /// The days of the month before `ds` that have committed, in order: what pacing learns from.
    pub fn history(&self, ds: Ds) -> Vec<PacingDay> {
        let mut days: Vec<PacingDay> = self
            .commitments()
            .filter(|entry| entry.month == ds.month() && entry.ds < ds)
            .map(|entry| PacingDay {
                ds: entry.ds,
                allowance: entry.allowance,
                spent: entry.amount,
                price: entry.price,
            })
            .collect();
        days.sort_by_key(|day| day.ds);
        days
    }

    /// This ledger with more entries.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] where they contradict it.
    pub fn with(&self, entries: impl IntoIterator<Item = LedgerEntry>) -> Result<Self, LedgerError> {
        Self::new(self.records.values().map(|record| record.entry.clone()).chain(entries).collect())
    }

    /// Budget less what the entries of the month hold that are `counted`, at least 0.
    pub(crate) fn left(&self, month: Month, budget: Cents, counted: impl Fn(&LedgerEntry) -> bool) -> Cents {
        let held: Cents = self
            .records
            .values()
            .filter(|record| record.entry.month == month && counted(&record.entry))
            .map(|record| self.held_by(record))
            .sum();
        Cents(budget.0.saturating_sub(held.0).max(0))
    }

    /// What one entry takes from the balance. A contested commitment is counted with the reservation that contests it.
    fn held_by(&self, record: &Record) -> Cents {
        match record.state {
            State::Open => record.entry.amount.max(self.contested_by(&record.entry)),
            State::Standing => record.entry.amount,
            State::Contested | State::Ended => Cents::ZERO,
        }
    }

    fn contested_by(&self, reservation: &LedgerEntry) -> Cents {
        let commitment = reservation.replaces.as_ref().and_then(|id| self.records.get(id));
        commitment.map_or(Cents::ZERO, |record| record.entry.amount)
    }

    fn commitments(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.records
            .values()
            .filter(|record| matches!(record.state, State::Standing | State::Contested))
            .map(|record| &record.entry)
    }
}

#[cfg(test)]
mod tests;
