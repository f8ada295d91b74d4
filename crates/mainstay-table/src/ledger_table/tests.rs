use mainstay_schema::ledger::EntryKind;

use super::*;
use crate::test_tables::{ds, new_lake};

const BUDGET: i64 = 1_000;

fn entry(run: &str, day: &str, amount: i64) -> LedgerEntry {
    LedgerEntry {
        entry_id: format!("{run}/planned"),
        ds: ds(day),
        month: ds(day).month(),
        job: "daily".into(),
        run_id: RunId::new(run),
        kind: EntryKind::Planned,
        amount: Cents(amount),
        replaces: None,
        allowance: Cents(BUDGET),
        price: 1.25,
    }
}

fn spent(entries: &[LedgerEntry]) -> i64 {
    entries.iter().map(|entry| entry.amount.0).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_read_back_in_the_order_of_their_commits() {
    let (_folder, lake) = new_lake().await;
    assert_eq!(read(&lake).await.unwrap(), (vec![], None));
    let later = vec![entry("r1", "2024-01-02", 10), entry("r2", "2024-01-01", 20)];
    let release = LedgerEntry {
        entry_id: "r3/released/r1/planned".into(),
        kind: EntryKind::Released,
        replaces: Some("r1/planned".into()),
        ..entry("r3", "2024-01-01", 10)
    };
    assert_eq!(append_at(&lake, &later, None).await.unwrap(), Appended::At { version: 1 });
    assert_eq!(append_at(&lake, std::slice::from_ref(&release), Some(1)).await.unwrap(), Appended::At { version: 2 });
    let (entries, version) = read(&lake).await.unwrap();
    assert_eq!(version, Some(2));
    assert_eq!(entries, [later[1].clone(), later[0].clone(), release]);
    assert_eq!(read_at(&lake, Some(1)).await.unwrap().0.len(), 2);
    let history = history(&lake).await.unwrap();
    assert_eq!(history.entries(), entries);
    for version in 0..=2 {
        assert_eq!(history.at(version), read_at(&lake, Some(version)).await.unwrap().0, "version {version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_put_together_do_not_say_when_their_entries_came() {
    let (_folder, lake) = new_lake().await;
    assert_eq!(history(&lake).await.unwrap().at(5), []);
    let entry = entry("r1", "2024-01-01", 10);
    let history = LedgerHistory { entries: vec![(Some(1), entry.clone()), (None, entry.clone())] };
    assert_eq!((history.at(0).len(), history.at(1).len(), history.entries().len()), (1, 2, 2));
    let brought = |name: &str| brought_by(&format!("budget_ledger/ds=2024-01-01/{name}"));
    assert_eq!(brought("00000000000000000007-abcd.parquet"), Some(7));
    assert_eq!(["part-00000-abcd.parquet", "7-abcd.parquet", "0000000000000000000x-a.parquet"].map(brought), [None; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_an_older_version_changes_nothing() {
    let (_folder, lake) = new_lake().await;
    append_at(&lake, &[entry("r1", "2024-01-01", 10)], None).await.unwrap();
    let files = lake.list("budget_ledger").await.unwrap();
    for expected in [None, Some(0), Some(7)] {
        assert_eq!(append_at(&lake, &[entry("r2", "2024-01-01", 10)], expected).await.unwrap(), Appended::Lost);
    }
    assert_eq!(lake.list("budget_ledger").await.unwrap(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_gone_or_has_nothing_to_write_is_an_error() {
    let (_folder, lake) = new_lake().await;
    let error = append_at(&lake, &[entry("r1", "2024-01-01", 10)], Some(3)).await.unwrap_err();
    assert_eq!(error.to_string(), "table `budget_ledger` has no version 3: the newest is none");
    let error = append_at(&lake, &[], None).await.unwrap_err();
    assert!(error.to_string().starts_with("budget_ledger: no entries to append"), "{error}");
}

/// Spends as long as the balance that was read allows; says how often another writer was faster.
async fn spend(lake: Lake, writer: usize) -> usize {
    let mut lost = 0;
    for round in 0.. {
        let (entries, version) = read(&lake).await.unwrap();
        let amount = 40 + 30 * (writer as i64 % 3);
        if spent(&entries) + amount > BUDGET {
            break;
        }
        match append_at(&lake, &[entry(&format!("w{writer}-{round}"), "2024-01-01", amount)], version).await.unwrap() {
            Appended::At { .. } => {}
            Appended::Lost => lost += 1,
        }
    }
    lost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_at_once_never_spend_more_than_there_is() {
    let (_folder, lake) = new_lake().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        writers.spawn(spend(lake.clone(), writer));
    }
    let lost: usize = writers.join_all().await.into_iter().sum();
    assert!(lost > 0, "no writer ever met another");
    let (entries, version) = read(&lake).await.unwrap();
    assert!(spent(&entries) <= BUDGET);
    assert!(spent(&entries) > BUDGET - 40, "spent {}", spent(&entries));
    assert_eq!(version, Some(entries.len() as u64));
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.entry_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), entries.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_outlives_its_checkpoint() {
    let (_folder, lake) = new_lake().await;
    let mut version = None;
    for number in 0..105 {
        match append_at(&lake, &[entry(&format!("r{number:03}"), "2024-01-01", 1)], version).await.unwrap() {
            Appended::At { version: next } => version = Some(next),
            Appended::Lost => panic!("nobody else writes"),
        }
    }
    let log = lake.list("budget_ledger/_delta_log").await.unwrap();
    assert!(log.iter().any(|path| path.ends_with(".checkpoint.parquet")), "no checkpoint was written");
    let (entries, newest) = read(&lake).await.unwrap();
    assert_eq!((entries.len(), newest), (105, Some(105)));
    assert_eq!(read_at(&lake, Some(3)).await.unwrap().0.len(), 3);
}
