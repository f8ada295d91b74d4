//! The entries that a run appends: reserve, commit, release.

use mainstay_schema::ledger::{EntryKind, LedgerEntry};
use mainstay_schema::{Cents, Ds, RunId};

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::record::State;

/// Who asks for money, and which dead reservations it clears away.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The run that asks.
    pub run_id: &'a RunId,
    /// Its job, for the record: what is asked for is the day's, whatever the job is called.
    pub job: &'a str,
    /// Its day.
    pub ds: Ds,
    /// Ids of open reservations whose runs have died, of whatever day: they are released in the same commit.
    pub dead: &'a [String],
}

/// What a plan spends, and under which terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spending {
    /// The cost of the plan.
    pub amount: Cents,
    /// What the day could have spent.
    pub allowance: Cents,
    /// The price of budget by which the day was judged ([`crate::Allowance`]): what pacing starts from on the next day.
    pub price: f64,
}

impl Ledger {
    /// What the claim could spend: the balance of its month once the dead reservations are released, and what the standing
    /// commitment of the same day holds, which a rerun takes over.
    ///
    /// # Errors
    /// [`LedgerError::AlreadyReserved`] where a living run of the same day holds a reservation, and
    /// [`LedgerError::NotOpen`] where one of the dead reservations is none.
    pub fn available_for(&self, claim: &Claim<'_>, budget: Cents) -> Result<Cents, LedgerError> {
        let cleared = self.with(self.releases_of_dead(claim)?)?;
        if let Some(open) = cleared.open_reservations().into_iter().find(|open| open.ds == claim.ds) {
            return Err(LedgerError::AlreadyReserved {
                job: claim.job.to_owned(),
                ds: claim.ds,
                entry: open.entry_id.clone(),
            });
        }
        let taken_over = cleared.standing_commitment(claim.ds).map(|entry| entry.entry_id.as_str());
        Ok(cleared.left(claim.ds.month(), budget, |entry| Some(entry.entry_id.as_str()) != taken_over))
    }

    /// The entries that reserve money for a plan: the releases of the dead reservations, then the reservation, to be appended
    /// in one commit. The reservation takes over the standing commitment of its day, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::NotAvailable`] where the plan costs more than [`Ledger::available_for`] allows,
    /// [`LedgerError::WrittenBefore`] where the run has reserved before, and the errors of that function.
    pub fn reserve(
        &self,
        claim: &Claim<'_>,
        budget: Cents,
        spending: Spending,
    ) -> Result<Vec<LedgerEntry>, LedgerError> {
        let Spending { amount, allowance, price } = spending;
        check_not_negative(amount)?;
        let entry_id = format!("{}/{}", claim.run_id, EntryKind::Planned);
        if self.records.contains_key(&entry_id) {
            return Err(LedgerError::WrittenBefore { entry: entry_id });
        }
        let available = self.available_for(claim, budget)?;
        if amount > available {
            let Claim { job, ds, .. } = *claim;
            return Err(LedgerError::NotAvailable { job: job.to_owned(), ds, wanted: amount, available });
        }
        let mut entries = self.releases_of_dead(claim)?;
        entries.push(LedgerEntry {
            entry_id,
            ds: claim.ds,
            month: claim.ds.month(),
            job: claim.job.to_owned(),
            run_id: claim.run_id.clone(),
            kind: EntryKind::Planned,
            amount,
            replaces: self.standing_commitment(claim.ds).map(|old| old.entry_id.clone()),
            allowance,
            price,
        });
        Ok(entries)
    }

    /// The entry that spends an open reservation, or as much of it as the plan costs.
    ///
    /// It stands in the name of the run that reserved, so that a later run can write it where that run died behind its run
    /// record.
    ///
    /// # Errors
    /// [`LedgerError::NotOpen`] and [`LedgerError::MoreThanReserved`].
    pub fn commit(&self, reservation: &str, amount: Cents) -> Result<LedgerEntry, LedgerError> {
        check_not_negative(amount)?;
        let reserved = self.open(reservation)?;
        if amount > reserved.amount {
            return Err(LedgerError::MoreThanReserved {
                entry: reservation.to_owned(),
                reserved: reserved.amount,
                wanted: amount,
            });
        }
        Ok(LedgerEntry {
            entry_id: format!("{}/{}", reserved.run_id, EntryKind::Committed),
            kind: EntryKind::Committed,
            amount,
            replaces: Some(reservation.to_owned()),
            ..reserved.clone()
        })
    }

    /// The entry by which a run gives back an open reservation or a commitment in force. It is of the day that it gives back, whatever
    /// the run's own. A commitment that the reservation was to take over stands again.
    ///
    /// # Errors
    /// [`LedgerError::NothingToRelease`].
    pub fn release(&self, entry: &str, run_id: &RunId) -> Result<LedgerEntry, LedgerError> {
        let releasable = self.records.get(entry).filter(|record| matches!(record.state, State::Open | State::Standing));
        let record = releasable.ok_or_else(|| LedgerError::NothingToRelease { entry: entry.to_owned() })?;
        Ok(release_of(&record.entry, run_id))
    }

    fn open(&self, reservation: &str) -> Result<&LedgerEntry, LedgerError> {
        let open = self.records.get(reservation).filter(|record| record.state == State::Open);
        open.map(|record| &record.entry).ok_or_else(|| LedgerError::NotOpen { entry: reservation.to_owned() })
    }

    fn releases_of_dead(&self, claim: &Claim<'_>) -> Result<Vec<LedgerEntry>, LedgerError> {
        let release = |id: &String| self.open(id).map(|entry| release_of(entry, claim.run_id));
        claim.dead.iter().map(release).collect()
    }
}

fn check_not_negative(amount: Cents) -> Result<(), LedgerError> {
    if amount < Cents::ZERO {
        return Err(LedgerError::NegativeAmount { amount });
    }
    Ok(())
}

fn release_of(entry: &LedgerEntry, run_id: &RunId) -> LedgerEntry {
    LedgerEntry {
        entry_id: format!("{run_id}/{}/{}", EntryKind::Released, entry.entry_id),
        run_id: run_id.clone(),
        kind: EntryKind::Released,
        replaces: Some(entry.entry_id.clone()),
        allowance: Cents::ZERO,
        price: 0.0,
        ..entry.clone()
    }
}
