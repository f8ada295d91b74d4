//! The ledger's side of a day: its reservation, and how that is settled or given back.

use anyhow::{Context, Result, bail};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mainstay_ledger::{Claim, Ledger, Spending};
use mainstay_run::{Hooks, OpenProject, Run, attempts};
use mainstay_schema::ledger::{EntryKind, LedgerEntry};
use mainstay_schema::{Cents, RunId};
use mainstay_table::ledger_table::{self, Appended};
use mainstay_table::{Attempt, Lake, Series, run_record};

use crate::target_owner;

/// How often a reservation is tried again when other runs were faster.
const TRIES: usize = 32;

/// What the money of a day hangs on the life of its runs.
pub(crate) struct Money;

/// A plan whose money is reserved.
pub(crate) struct Reserved<P> {
    pub(crate) plan: P,
    /// The ledger's entry.
    pub(crate) reservation: String,
    /// What the month had left for the day.
    pub(crate) available: Cents,
    /// The version of the ledger that said so.
    pub(crate) ledger_version: Option<u64>,
}

impl Hooks for Money {
    fn resume<'a>(&'a self, open: &'a OpenProject) -> LocalBoxFuture<'a, Result<()>> {
        settle_published(&open.lake).boxed_local()
    }

    fn recorded<'a>(&'a self, open: &'a OpenProject, attempt: &'a Attempt) -> LocalBoxFuture<'a, ()> {
        let settled = async move {
            if let Err(unsettled) = settle(&open.lake, &reservation_of(&attempt.run_id)).await {
                // The day is published: its record stands. The next run of any day settles it.
                let ds = attempt.ds;
                open.progress.warn(format!("{ds} is published, and its money stays reserved for now: {unsettled:#}"));
            }
        };
        settled.boxed_local()
    }

    fn failed<'a>(&'a self, open: &'a OpenProject, attempt: &'a Attempt) -> LocalBoxFuture<'a, ()> {
        let wound_up = async move {
            if let Err(unsettled) = wind_up(&open.lake, attempt).await {
                // The next run does what could not be done.
                open.progress.warn(format!("the reservation of the failed run stays for now: {unsettled:#}"));
            }
        };
        wound_up.boxed_local()
    }
}

/// Reads the balance, has the plan decided that it pays for, and reserves its cost at the next version of the ledger.
///
/// `decide` is given the ledger and what the month has left of `budget`. Where another run changed the ledger in between, the balance is
/// read and the plan decided again.
pub(crate) async fn reserve<P>(
    run: &Run<'_>,
    budget: Cents,
    decide: impl Fn(&Ledger, Cents) -> Result<(P, Spending)>,
) -> Result<Reserved<P>> {
    target_owner::take(run.open, &run.series).await?;
    for _ in 0..TRIES {
        settle_published(&run.open.lake).await?;
        let month = run.ds.month();
        let view = ledger_table::read(&run.open.lake, |ds| ds.month() == month).await?;
        let ledger = Ledger::new(view.entries.clone())?;
        // A newer attempt whose reservation stands in this version had claimed before: it is seen here, and never released.
        run.check_still_ours().await?;
        let dead = dead_reservations(run, &ledger).await?;
        let claim = Claim { run_id: &run.run_id, job: run.job, ds: run.ds, dead: &dead };
        let available = ledger.available_for(&claim, budget)?;
        let (plan, spending) = decide(&ledger, available)?;
        let entries = ledger.reserve(&claim, budget, spending)?;
        let reservation = entries.last().map(|entry| entry.entry_id.clone()).context("nothing was reserved")?;
        if let Appended::At { .. } = ledger_table::append_to(&run.open.lake, &view, &entries).await? {
            return Ok(Reserved { plan, reservation, available, ledger_version: view.version });
        }
    }
    bail!(
        "the budget ledger changed {TRIES} times while the day was decided: run it again when fewer runs are under way"
    )
}

/// Open reservations whose runs are gone. Their money is given away; where the record of one stands already, its money is spent and is
/// not.
async fn dead_reservations(run: &Run<'_>, ledger: &Ledger) -> Result<Vec<String>> {
    let mut dead = Vec::new();
    for entry in ledger.open_reservations() {
        if attempts::is_gone(&run.open.lake, &run.attempt, entry.ds, &entry.run_id).await? {
            dead.push(entry.entry_id.clone());
        }
    }
    Ok(dead)
}

/// Turns the reservation of a published day into a commitment; one that is settled already is left alone.
async fn settle(lake: &Lake, reservation: &str) -> Result<()> {
    change(lake, |ledger| match open_reservation(ledger, reservation) {
        Some(open) => Ok(Some(ledger.commit(reservation, open.amount)?)),
        None => Ok(None),
    })
    .await
}

/// What remains to be done with the money of a run that failed: settled where its record stands all the same, given back
/// where it does not, left alone where that cannot be known.
async fn wind_up(lake: &Lake, attempt: &Attempt) -> Result<()> {
    let reservation = reservation_of(&attempt.run_id);
    if attempts::is_recorded(lake, attempt).await? {
        settle(lake, &reservation).await
    } else {
        release(lake, &reservation, &attempt.run_id).await
    }
}

/// Gives back what a failed run has reserved, if anything.
async fn release(lake: &Lake, reservation: &str, run_id: &RunId) -> Result<()> {
    change(lake, |ledger| match open_reservation(ledger, reservation) {
        Some(_) => Ok(Some(ledger.release(reservation, run_id)?)),
        None => Ok(None),
    })
    .await
}

/// Settles every published day whose run died between its record and the ledger.
async fn settle_published(lake: &Lake) -> Result<()> {
    let view = ledger_table::read(lake, |_| false).await?;
    for open in Ledger::new(view.entries)?.open_reservations() {
        let record = run_record::latest_published(lake, &Series::plans(), open.ds).await?;
        if record.is_some_and(|record| record.run_id == open.run_id) {
            settle(lake, &open.entry_id).await?;
        }
    }
    Ok(())
}

fn reservation_of(run_id: &RunId) -> String {
    format!("{run_id}/{}", EntryKind::Planned)
}

fn open_reservation<'a>(ledger: &'a Ledger, reservation: &str) -> Option<&'a LedgerEntry> {
    ledger.open_reservations().into_iter().find(|open| open.entry_id == reservation)
}

/// Appends the entry that `decide` wants, at the version that it was decided on; decides again where another run was faster.
async fn change(lake: &Lake, decide: impl Fn(&Ledger) -> Result<Option<LedgerEntry>>) -> Result<()> {
    for _ in 0..TRIES {
        // What is settled is open, and open reservations are read with any day.
        let view = ledger_table::read(lake, |_| false).await?;
        let Some(entry) = decide(&Ledger::new(view.entries.clone())?)? else {
            return Ok(());
        };
        if let Appended::At { .. } = ledger_table::append_to(lake, &view, &[entry]).await? {
            return Ok(());
        }
    }
    bail!("the budget ledger changed {TRIES} times: run the day again when fewer runs are under way")
}
