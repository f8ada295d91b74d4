//! The money through reservations, crashes and forced reruns; corrupt ledgers; every message.

use mainstay_schema::RunId;
use mainstay_schema::ledger::EntryKind;

use super::*;
use crate::{Claim, Spending};

const BUDGET: Cents = Cents(1_000);

fn day(number: u32) -> Ds {
    format!("2026-01-{number:02}").parse().unwrap()
}

fn claim<'a>(run_id: &'a RunId, ds: Ds, dead: &'a [String]) -> Claim<'a> {
    Claim { run_id, job: "daily_risk", ds, dead }
}

fn spending(amount: i64) -> Spending {
    Spending { amount: Cents(amount), allowance: Cents(amount + 1), price: 1.5 }
}

/// A ledger that appends what it builds, as the table does.
struct Book(Ledger);

impl Book {
    fn new() -> Self {
        Self(Ledger::new(vec![]).unwrap())
    }

    fn append(&mut self, entries: impl IntoIterator<Item = LedgerEntry>) {
        self.0 = self.0.with(entries).unwrap();
    }

    fn try_reserve(&mut self, run: &str, ds: Ds, amount: i64, dead: &[&str]) -> Result<String, LedgerError> {
        let dead: Vec<String> = dead.iter().map(|&id| id.to_owned()).collect();
        let entries = self.0.reserve(&claim(&RunId::new(run), ds, &dead), BUDGET, spending(amount))?;
        self.append(entries);
        Ok(format!("{run}/planned"))
    }

    fn reserve(&mut self, run: &str, ds: Ds, amount: i64) -> String {
        self.try_reserve(run, ds, amount, &[]).unwrap()
    }

    fn commit(&mut self, reservation: &str, amount: i64) -> String {
        let entry = self.0.commit(reservation, Cents(amount)).unwrap();
        let id = entry.entry_id.clone();
        self.append([entry]);
        id
    }

    fn release(&mut self, entry: &str) {
        let release = self.0.release(entry, &RunId::new("later")).unwrap();
        self.append([release]);
    }

    fn balance(&self) -> i64 {
        self.0.balance(day(1).month(), BUDGET).0
    }

    fn available(&self, ds: Ds) -> i64 {
        self.0.available_for(&claim(&RunId::new("asking"), ds, &[]), BUDGET).unwrap().0
    }
}

#[test]
fn a_reservation_becomes_a_commitment_of_at_most_its_amount() {
    let mut book = Book::new();
    let reservation = book.reserve("a", day(1), 300);
    assert_eq!(book.balance(), 700);
    assert_eq!(book.0.open_reservations()[0].entry_id, "a/planned");
    assert_eq!(book.0.committed(day(1).month()), Cents::ZERO);
    assert_eq!(book.commit(&reservation, 250), "a/committed");
    assert_eq!(book.balance(), 750);
    assert!(book.0.open_reservations().is_empty());
    assert_eq!(book.0.committed(day(1).month()), Cents(250));
    assert_eq!(book.0.balance("2026-02".parse().unwrap(), BUDGET), BUDGET, "another month has its own budget");
}

#[test]
fn entries_carry_the_terms_of_their_plan() {
    let mut book = Book::new();
    let reservation = book.reserve("a", day(2), 300);
    let entry = book.0.commit(&reservation, Cents(250)).unwrap();
    let expected = LedgerEntry {
        entry_id: "a/committed".into(),
        ds: day(2),
        month: day(2).month(),
        job: "daily_risk".into(),
        run_id: RunId::new("a"),
        kind: EntryKind::Committed,
        amount: Cents(250),
        replaces: Some("a/planned".into()),
        allowance: Cents(301),
        price: 1.5,
    };
    assert_eq!(entry, expected);
    let released = book.0.release("a/planned", &RunId::new("b")).unwrap();
    let expected = LedgerEntry {
        entry_id: "b/released/a/planned".into(),
        run_id: RunId::new("b"),
        kind: EntryKind::Released,
        amount: Cents(300),
        allowance: Cents::ZERO,
        price: 0.0,
        ..expected
    };
    assert_eq!(released, expected);
}

#[test]
fn a_dead_reservation_of_any_day_is_released_by_the_next() {
    let mut book = Book::new();
    book.reserve("dead", day(1), 900);
    assert_eq!(book.available(day(2)), 100);
    let dead = ["dead/planned".to_owned()];
    let run_id = RunId::new("b");
    assert_eq!(book.0.available_for(&claim(&run_id, day(2), &dead), BUDGET), Ok(BUDGET));
    let entries = book.0.reserve(&claim(&run_id, day(2), &dead), BUDGET, spending(950)).unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| entry.entry_id.as_str()).collect();
    assert_eq!(ids, ["b/released/dead/planned", "b/planned"]);
    book.append(entries);
    assert_eq!(book.balance(), 50);
}

#[test]
fn a_forced_rerun_takes_over_its_days_commitment() {
    let mut book = Book::new();
    let first = book.reserve("a", day(1), 600);
    book.commit(&first, 600);
    assert_eq!((book.available(day(1)), book.available(day(2))), (1_000, 400));
    let second = book.reserve("b", day(1), 500);
    assert_eq!(book.balance(), 400, "the larger of 600 and 500 is held while both may come true");
    assert_eq!(book.0.committed(day(1).month()), Cents(600));
    book.commit(&second, 500);
    assert_eq!(book.balance(), 500);
    assert_eq!(book.0.committed(day(1).month()), Cents(500));
    assert_eq!(book.0.standing_commitment(day(1)).unwrap().entry_id, "b/committed");
}

#[test]
fn a_forced_rerun_that_dies_leaves_the_old_commitment() {
    let mut book = Book::new();
    let first = book.reserve("a", day(1), 600);
    book.commit(&first, 600);
    book.reserve("b", day(1), 900);
    assert_eq!(book.balance(), 100, "the larger of 600 and 900");
    assert_eq!(book.0.standing_commitment(day(1)).unwrap().entry_id, "a/committed");
    book.try_reserve("c", day(1), 1_000, &["b/planned"]).unwrap();
    book.release("c/planned");
    assert_eq!(book.balance(), 400);
    assert_eq!(book.0.standing_commitment(day(1)).unwrap().entry_id, "a/committed");
}

#[test]
fn a_commitment_can_be_given_back() {
    let mut book = Book::new();
    let first = book.reserve("a", day(1), 600);
    let committed = book.commit(&first, 600);
    book.release(&committed);
    assert_eq!((book.balance(), book.available(day(1))), (1_000, 1_000));
    assert_eq!(book.0.standing_commitment(day(1)), None);
    book.reserve("b", day(1), 1_000);
    assert_eq!(book.balance(), 0);
}

#[test]
fn what_took_over_and_is_given_back_does_not_revive_the_old() {
    let mut book = Book::new();
    for run in ["a", "b"] {
        let reservation = book.reserve(run, day(1), 600);
        book.commit(&reservation, 600);
    }
    book.release("b/committed");
    assert_eq!((book.balance(), book.0.standing_commitment(day(1))), (1_000, None));
}

#[test]
fn a_budget_lowered_below_what_is_spent_leaves_nothing() {
    let mut book = Book::new();
    for (run, ds, amount) in [("a", day(1), 800), ("b", day(2), 200)] {
        let reservation = book.reserve(run, ds, amount);
        book.commit(&reservation, amount);
    }
    let lowered = Cents(900);
    assert_eq!(book.0.balance(day(1).month(), lowered), Cents::ZERO);
    let available = |ds| book.0.available_for(&claim(&RunId::new("c"), ds, &[]), lowered).unwrap();
    assert_eq!((available(day(2)), available(day(3))), (Cents(100), Cents::ZERO));
    assert_eq!(book.0.balance(day(1).month(), Cents(i64::MIN)), Cents::ZERO);
}

#[test]
fn history_is_what_earlier_days_of_the_month_committed() {
    let mut book = Book::new();
    for (run, ds) in [("x", "2025-12-31".parse().unwrap()), ("c", day(3)), ("a", day(1)), ("d", day(4))] {
        let reservation = book.reserve(run, ds, 100);
        book.commit(&reservation, 90);
    }
    book.reserve("b", day(2), 100);
    let history = book.0.history(day(4));
    let expected = PacingDay { ds: day(1), allowance: Cents(101), spent: Cents(90), price: 1.5 };
    assert_eq!(history, [expected, PacingDay { ds: day(3), ..expected }]);
}

/// The claim of a run whose job has another name than those before it.
fn renamed<'a>(run_id: &'a RunId, ds: Ds) -> Claim<'a> {
    Claim { job: "retention_daily", ..claim(run_id, ds, &[]) }
}

#[test]
fn a_renamed_job_finds_the_money_of_its_days() {
    let mut book = Book::new();
    let first = book.reserve("a", day(1), 600);
    book.commit(&first, 600);
    book.reserve("b", day(2), 100);
    let (third, again) = (RunId::new("c"), RunId::new("d"));
    assert_eq!(book.0.available_for(&renamed(&third, day(3)), BUDGET), Ok(Cents(300)));
    assert_eq!(book.0.history(day(3)).len(), 1);
    let refused = book.0.available_for(&renamed(&again, day(2)), BUDGET).unwrap_err().to_string();
    assert!(refused.contains("has an open reservation `b/planned` for 2026-01-02"), "{refused}");
    // The finished day again: its commitment is taken over, not paid a second time.
    let entries = book.0.reserve(&renamed(&again, day(1)), BUDGET, spending(600)).unwrap();
    assert_eq!(entries[0].replaces.as_deref(), Some("a/committed"));
    book.append(entries);
    book.commit("d/planned", 600);
    assert_eq!((book.balance(), book.0.committed(day(1).month())), (300, Cents(600)));
}

#[test]
fn a_day_that_an_earlier_version_paid_under_two_names_counts_twice() {
    let paid = |run: &str, job: &str, amount| {
        let planned = LedgerEntry {
            entry_id: format!("{run}/planned"),
            job: job.into(),
            run_id: RunId::new(run),
            ..entry("", EntryKind::Planned, amount, None)
        };
        let committed = LedgerEntry {
            entry_id: format!("{run}/committed"),
            kind: EntryKind::Committed,
            replaces: Some(planned.entry_id.clone()),
            ..planned.clone()
        };
        [planned, committed]
    };
    let ledger = Ledger::new([paid("a", "daily_risk", 300), paid("b", "retention_daily", 400)].concat()).unwrap();
    assert_eq!(ledger.balance(day(1).month(), BUDGET), Cents(300));
    assert_eq!(ledger.standing_commitment(day(1)).unwrap().entry_id, "b/committed");
    assert_eq!(ledger.commitment_of(&RunId::new("a")).unwrap().amount, Cents(300));
    let run_id = RunId::new("c");
    assert_eq!(
        ledger.available_for(&renamed(&run_id, day(1)), BUDGET),
        Ok(Cents(700)),
        "one is taken over, one stays paid"
    );
}

#[test]
fn says_why_a_movement_is_refused() {
    let mut book = Book::new();
    let reservation = book.reserve("a", day(1), 600);
    let message = |result: Result<String, LedgerError>| result.unwrap_err().to_string();
    assert_eq!(
        message(book.try_reserve("b", day(2), 401, &[])),
        "job `daily_risk` wants to reserve 4.01 for 2026-01-02, but only 4.00 of the month's budget is available: allocate again"
    );
    assert_eq!(
        message(book.try_reserve("b", day(1), 1, &[])),
        "job `daily_risk` has an open reservation `a/planned` for 2026-01-01: wait for its run to end, or release it if the run has died"
    );
    assert_eq!(
        message(book.try_reserve("a", day(2), 1, &[])),
        "the run has written `a/planned` before: a new attempt needs a new run"
    );
    assert_eq!(
        message(book.try_reserve("b", day(2), 1, &["z/planned"])),
        "`z/planned` is not an open reservation: it is unknown, or committed or released already"
    );
    assert_eq!(
        message(book.try_reserve("b", day(2), -1, &[])),
        "-0.01 is below 0: only amounts of at least 0 are reserved or committed"
    );
    let commit = |book: &Book, amount| book.0.commit(&reservation, Cents(amount)).map(|entry| entry.entry_id);
    assert_eq!(
        message(commit(&book, 601)),
        "`a/planned` reserves 6.00, but 6.01 is to be committed: a plan may cost at most what was reserved for it"
    );
    assert_eq!(message(commit(&book, -1)), "-0.01 is below 0: only amounts of at least 0 are reserved or committed");
    book.commit(&reservation, 600);
    assert_eq!(
        message(commit(&book, 600)),
        "`a/planned` is not an open reservation: it is unknown, or committed or released already"
    );
    book.reserve("b", day(1), 500);
    for held_elsewhere in ["a/planned", "a/committed", "z"] {
        let refused = book.0.release(held_elsewhere, &RunId::new("c")).map(|entry| entry.entry_id);
        assert_eq!(
            message(refused),
            format!(
                "`{held_elsewhere}` holds no money: it is unknown, given back or replaced already, or a forced run is taking it over"
            )
        );
    }
}

/// `id kind amount` and what it replaces, of day 1.
fn entry(id: &str, kind: EntryKind, amount: i64, replaces: Option<&str>) -> LedgerEntry {
    LedgerEntry {
        entry_id: id.into(),
        ds: day(1),
        month: day(1).month(),
        job: "daily_risk".into(),
        run_id: RunId::new("run"),
        kind,
        amount: Cents(amount),
        replaces: replaces.map(Into::into),
        allowance: Cents::ZERO,
        price: 0.0,
    }
}

fn corrupt(entries: Vec<LedgerEntry>) -> String {
    let message = Ledger::new(entries).unwrap_err().to_string();
    let fault = message.strip_prefix("the budget ledger is corrupt: entry ").unwrap();
    fault.strip_suffix("; restore the table to the version before it was changed by hand").unwrap().to_owned()
}

#[test]
fn says_which_entry_is_corrupt() {
    use EntryKind::{Committed, Planned, Released};
    let planned = || entry("p", Planned, 10, None);
    let committed = || entry("c", Committed, 10, Some("p"));
    assert_eq!(corrupt(vec![planned(), planned()]), "`p` is there twice");
    assert_eq!(corrupt(vec![entry("p", Planned, -1, None)]), "`p` has the negative amount -0.01");
    assert_eq!(
        corrupt(vec![entry("p", Planned, i64::MAX, None), entry("q", Planned, 1, None)]),
        "`q` makes the ledger add up to more than can be counted"
    );
    let foreign_month = LedgerEntry { ds: "2026-02-01".parse().unwrap(), ..planned() };
    assert_eq!(corrupt(vec![foreign_month]), "`p` is of 2026-02-01, which is not in its month");
    assert_eq!(corrupt(vec![entry("c", Committed, 10, None)]), "`c` names no entry that it takes the place of");
    assert_eq!(corrupt(vec![entry("r", Released, 10, None)]), "`r` names no entry that it takes the place of");
    assert_eq!(corrupt(vec![committed()]), "`c` names `p`, which does not exist");
    assert_eq!(
        corrupt(vec![planned(), entry("q", Planned, 10, Some("p"))]),
        "`q` names `p`, which is of the wrong kind"
    );
    assert_eq!(
        corrupt(vec![planned(), LedgerEntry { ds: day(2), ..committed() }]),
        "`c` names `p`, which is of another day or month"
    );
    assert_eq!(
        corrupt(vec![planned(), entry("c", Committed, 11, Some("p"))]),
        "`c` has the amount 0.11, which does not fit the 0.10 of `p`"
    );
    assert_eq!(
        corrupt(vec![planned(), entry("r", Released, 9, Some("p"))]),
        "`r` has the amount 0.09, which does not fit the 0.10 of `p`"
    );
}

#[test]
fn says_what_replaces_or_pays_twice() {
    use EntryKind::{Committed, Planned, Released};
    let committed_and = |other: Vec<LedgerEntry>| {
        corrupt([vec![entry("p", Planned, 10, None), entry("c", Committed, 10, Some("p"))], other].concat())
    };
    assert_eq!(committed_and(vec![entry("r", Released, 10, Some("p"))]), "`p` is replaced twice, by `c` and `r`");
    assert_eq!(
        committed_and(vec![entry("q", Planned, 10, Some("c")), entry("s", Planned, 10, Some("c"))]),
        "`c` is replaced twice, by `q` and `s`"
    );
    assert_eq!(
        committed_and(vec![entry("q", Planned, 10, Some("c")), entry("r", Released, 10, Some("c"))]),
        "`c` is replaced twice, by `r` and `q`"
    );
    assert_eq!(committed_and(vec![entry("q", Planned, 10, None)]), "`q` pays the same job and day as `c`");
    assert_eq!(
        corrupt(vec![entry("p", Planned, 10, Some("c")), entry("c", Committed, 10, Some("p"))]),
        "`c` takes the place of itself"
    );
}

mod interleavings;
