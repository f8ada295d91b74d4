//! Random runs over several days that reserve, commit, release, crash and are forced again, under two names of one job, held against a
//! model that knows only what each day holds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 2] = ["daily_risk", "retention_daily"];

/// What a run does; `name` is what its job is called, `day` says where, `share` how much of what it may spend.
#[derive(Debug, Clone, Copy)]
struct Act {
    name: usize,
    day: u32,
    share: f64,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Reserves, taking over the day's commitment; all runs that hold reservations have died.
    ReserveAfterCrash,
    /// Reserves while the others live.
    Reserve,
    /// The run of the day commits.
    Commit,
    /// The day's reservation or commitment is given back.
    Release,
}

/// Days from 28 January to 5 February: two months.
fn ds(act: Act) -> Ds {
    day(28).plus_days(act.day as i32)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    use Step::{Commit, Release, Reserve, ReserveAfterCrash};
    let step = proptest::sample::select(vec![ReserveAfterCrash, Reserve, Reserve, Commit, Commit, Release]);
    let act =
        (0usize..2, 0u32..9, 0.0f64..1.2, step).prop_map(|(name, day, share, step)| Act { name, day, share, step });
    proptest::collection::vec(act, 1..60)
}

/// What one day holds.
#[derive(Debug, Clone, Default)]
struct Slot {
    reserved: Option<(String, i64)>,
    committed: Option<(String, i64)>,
}

impl Slot {
    fn held(&self) -> i64 {
        let amount = |part: &Option<(String, i64)>| part.as_ref().map_or(0, |(_, amount)| *amount);
        amount(&self.reserved).max(amount(&self.committed))
    }
}

#[derive(Default)]
struct Model(BTreeMap<Ds, Slot>);

impl Model {
    fn held(&self, month: Month) -> i64 {
        self.0.iter().filter(|(ds, _)| ds.month() == month).map(|(_, slot)| slot.held()).sum()
    }

    fn slot(&mut self, act: Act) -> &mut Slot {
        self.0.entry(ds(act)).or_default()
    }
}

fn perform(act: Act, number: usize, ledger: &Ledger, model: &mut Model) -> Vec<LedgerEntry> {
    let run_id = RunId::new(format!("run{number}"));
    match act.step {
        Step::Reserve => reserve(act, &run_id, &[], ledger, model),
        Step::ReserveAfterCrash => {
            let dead: Vec<String> = ledger.open_reservations().iter().map(|open| open.entry_id.clone()).collect();
            model.0.values_mut().for_each(|slot| slot.reserved = None);
            reserve(act, &run_id, &dead, ledger, model)
        }
        Step::Commit => {
            let slot = model.slot(act);
            let Some((id, reserved)) = slot.reserved.take() else {
                return vec![];
            };
            let amount = (reserved as f64 * act.share.min(1.0)) as i64;
            let entry = ledger.commit(&id, Cents(amount)).unwrap();
            slot.committed = Some((entry.entry_id.clone(), amount));
            vec![entry]
        }
        Step::Release => {
            let slot = model.slot(act);
            let Some((id, _)) = slot.reserved.take().or_else(|| slot.committed.take()) else {
                return vec![];
            };
            vec![ledger.release(&id, &run_id).unwrap()]
        }
    }
}

/// Asks for a share of what is available; where that is more than all, it must be refused and nothing happens.
fn reserve(act: Act, run_id: &RunId, dead: &[String], ledger: &Ledger, model: &mut Model) -> Vec<LedgerEntry> {
    let claim = Claim { run_id, job: NAMES[act.name], ds: ds(act), dead };
    if model.slot(act).reserved.is_some() {
        let refused = ledger.available_for(&claim, BUDGET);
        assert!(matches!(refused, Err(LedgerError::AlreadyReserved { .. })));
        return vec![];
    }
    let available = ledger.available_for(&claim, BUDGET).unwrap().0;
    let own = model.slot(act).held();
    assert_eq!(available, BUDGET.0 - model.held(claim.ds.month()) + own);
    let amount = (BUDGET.0 as f64 * act.share * act.share) as i64;
    if amount > available {
        let refused = ledger.reserve(&claim, BUDGET, spending(amount));
        assert!(matches!(refused, Err(LedgerError::NotAvailable { .. })));
        // The caller allocates again, with less.
        return reserve(Act { share: act.share / 2.0, ..act }, run_id, dead, ledger, model);
    }
    let entries = ledger.reserve(&claim, BUDGET, spending(amount)).unwrap();
    model.slot(act).reserved = Some((format!("{run_id}/planned"), amount));
    entries
}

/// budget - planned - committed + released, with what was replaced given back: the balance from the sums of the entries.
fn balance_by_sums(ledger: &Ledger, month: Month) -> i64 {
    let sum = |kind: EntryKind| -> i64 {
        let of_kind = |record: &&Record| record.entry.kind == kind && record.entry.month == month;
        ledger.records.values().filter(of_kind).map(|record| record.entry.amount.0).sum()
    };
    let replaced: i64 = ledger
        .records
        .values()
        .filter(|record| record.entry.kind == EntryKind::Committed && record.entry.month == month)
        .map(|record| {
            let reservation = &ledger.records[record.entry.replaces.as_ref().unwrap()].entry;
            let taken_over = reservation.replaces.as_ref().map_or(0, |old| ledger.records[old].entry.amount.0);
            reservation.amount.0 + taken_over
        })
        .sum();
    let contested: i64 = ledger
        .records
        .values()
        .filter(|record| record.state == State::Open && record.entry.month == month)
        .map(|record| {
            let old = record.entry.replaces.as_ref().map_or(0, |old| ledger.records[old].entry.amount.0);
            old.min(record.entry.amount.0)
        })
        .sum();
    BUDGET.0 - sum(EntryKind::Planned) - sum(EntryKind::Committed) + sum(EntryKind::Released) + replaced + contested
}

proptest! {
    #[test]
    fn no_interleaving_spends_more_than_the_budget(acts in acts()) {
        let mut entries: Vec<LedgerEntry> = vec![];
        let mut model = Model::default();
        for (number, act) in acts.into_iter().enumerate() {
            let ledger = Ledger::new(entries.clone()).unwrap();
            entries.extend(perform(act, number, &ledger, &mut model));
            let ledger = Ledger::new(entries.clone()).unwrap();
            let month = ds(act).month();
            let balance = ledger.balance(month, BUDGET);
            prop_assert!(Cents::ZERO <= balance && ledger.committed(month) <= BUDGET);
            prop_assert!(model.held(month) <= BUDGET.0);
            prop_assert_eq!(balance.0, BUDGET.0 - model.held(month));
            prop_assert_eq!(balance.0, balance_by_sums(&ledger, month));
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(acts in acts(), rotation in 0usize..100) {
        let mut entries: Vec<LedgerEntry> = vec![];
        let mut model = Model::default();
        for (number, act) in acts.into_iter().enumerate() {
            let ledger = Ledger::new(entries.clone()).unwrap();
            entries.extend(perform(act, number, &ledger, &mut model));
        }
        let in_order = Ledger::new(entries.clone()).unwrap();
        entries.reverse();
        let middle = rotation % entries.len().max(1);
        entries.rotate_left(middle);
        let shuffled = Ledger::new(entries).unwrap();
        for month in [day(28).month(), day(28).plus_days(8).month()] {
            prop_assert_eq!(in_order.balance(month, BUDGET), shuffled.balance(month, BUDGET));
            prop_assert_eq!(in_order.committed(month), shuffled.committed(month));
        }
    }
}
