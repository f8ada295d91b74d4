//! The ledger's side of a plan: what today may spend, the reservation, and how it is settled.

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use mainstay_allocator::{Efficiency, Frontier, Solution, ValidInstance, allocate_along};
use mainstay_config::Policy;
use mainstay_config::policy::Pacing as ConfiguredPacing;
use mainstay_ledger::pacing::{pays_for_everything, todays_allowance};
use mainstay_ledger::{Allowance, Claim, Ledger, Pacing, PacingRule, Spending};
use mainstay_schema::ledger::{EntryKind, LedgerEntry};
use mainstay_schema::plan::Instance;
use mainstay_schema::{Cents, Ds, RunId};
use mainstay_table::ledger_table::{self, Appended};
use mainstay_table::{Lake, Series, claim, run_record};

use crate::daily::breaker::Watch;
use crate::daily::candidates::Candidate;
use crate::daily::instance;
use crate::run::{LEASE_SECONDS, Run};
use crate::target_owner;

/// How often a reservation is tried again when other runs were faster.
const TRIES: usize = 32;

/// A plan whose money is reserved.
pub(crate) struct Reserved {
    pub(crate) instance: ValidInstance,
    pub(crate) solution: Solution,
    /// The ledger's entry.
    pub(crate) reservation: String,
    /// What the month had left for the day.
    pub(crate) available: Cents,
    /// What the day may spend of it.
    pub(crate) allowance: Cents,
    /// The version of the ledger that said so.
    pub(crate) ledger_version: Option<u64>,
}

/// Reads the balance, decides within what today may spend, and reserves the cost at the next version of the ledger.
///
/// Where another run changed the ledger in between, the balance is read and the plan decided again.
pub(crate) async fn reserve(
    run: &Run<'_>,
    policy: &Policy,
    watch: &Watch,
    candidates: &[Candidate],
    instance: ValidInstance,
    frontier: &Frontier,
) -> Result<Reserved> {
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
        let available = ledger.available_for(&claim, policy.budget.amount)?;
        let allowance = allowance(run.ds, policy, &ledger, available, frontier);
        // Shares of the budget follow the allowance; the offers are the same.
        let rules = instance::of(candidates, policy, allowance.allowance).rules;
        let offers = instance.as_instance().offers.clone();
        let decided = ValidInstance::new(Instance { offers, rules }).context("the rules of the day are not valid")?;
        let solution = allocate_along(&decided, frontier).context("the rules of the policy cannot all be kept")?;
        watch.refuse_plan(solution.plan.chosen.len() as u64, solution.certificate.plan_cost)?;
        let spending = Spending {
            amount: solution.certificate.plan_cost,
            allowance: allowance.allowance,
            price: allowance.reference_price,
        };
        let entries = ledger.reserve(&claim, policy.budget.amount, spending)?;
        let reservation = entries.last().map(|entry| entry.entry_id.clone()).context("nothing was reserved")?;
        if let Appended::At { .. } = ledger_table::append_to(&run.open.lake, &view, &entries).await? {
            return Ok(Reserved {
                instance: decided,
                solution,
                reservation,
                available,
                allowance: allowance.allowance,
                ledger_version: view.version,
            });
        }
    }
    bail!(
        "the budget ledger changed {TRIES} times while the day was decided: run it again when fewer runs are under way"
    )
}

/// What may be spent on a day of what the month has left: all that is worth its cost where the month pays for everything, else
/// what pacing allows.
fn allowance(ds: Ds, policy: &Policy, ledger: &Ledger, available: Cents, frontier: &Frontier) -> Allowance {
    let (worthwhile, days_left) = (frontier.total_cost(), ds.days_left_in_month());
    if pays_for_everything(worthwhile, available, days_left, policy.cooldown_days) {
        return Allowance { allowance: worthwhile, reference_price: 0.0 };
    }
    todays_allowance(
        &pacing(policy),
        available,
        days_left,
        &ledger.history(ds),
        |price| frontier.spend_at(price),
        |cents| frontier.price_at(cents).map_or(0.0, Efficiency::to_f64),
    )
}

fn pacing(policy: &Policy) -> Pacing {
    let rule = match policy.budget.pacing {
        ConfiguredPacing::Price => PacingRule::Price,
        ConfiguredPacing::None => PacingRule::None,
    };
    Pacing { rule, largest_daily_multiple: policy.budget.largest_daily_multiple }
}

/// Open reservations whose runs are gone: overtaken at their day, or without a sign of life for the length of a lease.
///
/// Such a run may only be asleep. Its day is claimed and its record fenced out before its money is given away, so that should it
/// wake up it can publish nothing; where its record stands already, its money is spent and not given away.
async fn dead_reservations(run: &Run<'_>, ledger: &Ledger) -> Result<Vec<String>> {
    let lake = &run.open.lake;
    let mut dead = Vec::new();
    for entry in ledger.open_reservations() {
        let newest = claim::latest(lake, &run.series, entry.ds).await?;
        let overtaking = match newest {
            Some(newest) if newest.run_id != entry.run_id => newest,
            Some(newest) if claim::is_alive(lake, &newest, LEASE_SECONDS).await? => continue,
            _ => claim::claim_next(lake, &run.series, entry.ds, &run.run_id, Timestamp::now()).await?,
        };
        run_record::fence(lake, &overtaking).await?;
        let record = run_record::latest_published(lake, &run.series, entry.ds).await?;
        if record.is_none_or(|record| record.run_id != entry.run_id) {
            dead.push(entry.entry_id.clone());
        }
    }
    Ok(dead)
}

/// Turns the reservation of a published day into a commitment; one that is settled already is left alone.
pub(crate) async fn settle(lake: &Lake, reservation: &str) -> Result<()> {
    change(lake, |ledger| match open_reservation(ledger, reservation) {
        Some(open) => Ok(Some(ledger.commit(reservation, open.amount)?)),
        None => Ok(None),
    })
    .await
}

/// What remains to be done with the money of a run that failed: settled where its record stands all the same, given back
/// where it does not, left alone where that cannot be known.
pub(crate) async fn wind_up(run: &Run<'_>) -> Result<()> {
    let recorded = run_record::latest_published(&run.open.lake, &run.series, run.ds).await?;
    match recorded.filter(|record| record.run_id == run.run_id) {
        Some(_) => settle(&run.open.lake, &reservation_of(&run.run_id)).await,
        None => release(run).await,
    }
}

/// Gives back what a failed run has reserved, if anything.
async fn release(run: &Run<'_>) -> Result<()> {
    let reservation = reservation_of(&run.run_id);
    change(&run.open.lake, |ledger| match open_reservation(ledger, &reservation) {
        Some(_) => Ok(Some(ledger.release(&reservation, &run.run_id)?)),
        None => Ok(None),
    })
    .await
}

/// Settles every published day whose run died between its record and the ledger.
pub(crate) async fn settle_published(lake: &Lake) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mainstay_schema::Digest;
    use mainstay_schema::plan::{Offer, Offers, Rule};

    use super::*;

    /// What the first of April, a month of thirty days, may spend, with offers of 50.00 to so many customers.
    fn allowance_for(customers: u32, available: Cents) -> Allowance {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
        let policy = Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap();
        let mut offers = Offers::new(Digest::of(b"test"));
        (0..customers)
            .for_each(|_| offers.push_customer(0, [Offer { kind: 0, value: Cents(10_000), cost: Cents(5_000) }]));
        let instance = Instance { offers: Arc::new(offers), rules: vec![Rule::budget(0)] };
        let instance = ValidInstance::new(instance).unwrap();
        let ledger = Ledger::new(Vec::new()).unwrap();
        let first = "2025-04-01".parse().unwrap();
        allowance(first, &policy, &ledger, available, &Frontier::build(&instance))
    }

    #[test]
    fn a_month_that_pays_for_everything_spends_more_than_the_largest_multiple_of_a_slice() {
        // 600 customers cost 30,000.00, ten times the slice of a month of 90,000.00, and nobody comes again within its thirty days.
        let Allowance { allowance, reference_price } = allowance_for(600, Cents(9_000_000));
        assert_eq!((allowance, reference_price), (Cents(3_000_000), 0.0));
        assert_eq!(allowance_for(600, Cents(3_000_000)).allowance, Cents(3_000_000));
    }

    #[test]
    fn a_month_that_is_a_cent_short_is_paced() {
        let Allowance { allowance, reference_price } = allowance_for(600, Cents(2_999_999));
        assert_eq!(allowance, Cents(2_999_999 / 30), "the first day spends its slice");
        assert!(reference_price > 0.0);
    }
}
