use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Schema};
use mainstay_schema::ledger::EntryKind;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::test_tables::{OutsideCommit, ds, new_lake};

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

async fn read_all(lake: &Lake) -> LedgerView {
    read(lake, |_| true).await.unwrap()
}

fn ids(view: &LedgerView) -> Vec<&str> {
    view.entries.iter().map(|entry| entry.entry_id.as_str()).collect()
}

fn ends(kind: EntryKind, planned: &LedgerEntry, ds_text: &str) -> LedgerEntry {
    LedgerEntry {
        entry_id: format!("{}/{kind}", planned.run_id),
        kind,
        replaces: Some(planned.entry_id.clone()),
        ds: ds(ds_text),
        ..planned.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_read_back_in_the_order_of_their_commits() {
    let (_folder, lake) = new_lake().await;
    let nothing = read_all(&lake).await;
    assert_eq!(nothing, LedgerView::default());
    let later = vec![entry("r1", "2024-01-02", 10), entry("r2", "2024-01-01", 20)];
    let release = LedgerEntry {
        entry_id: "r3/released/r1/planned".into(),
        kind: EntryKind::Released,
        replaces: Some("r1/planned".into()),
        ..entry("r3", "2024-01-02", 10)
    };
    assert_eq!(append_to(&lake, &nothing, &later).await.unwrap(), Appended::At { version: 1 });
    let view = read_all(&lake).await;
    assert_eq!(append_to(&lake, &view, std::slice::from_ref(&release)).await.unwrap(), Appended::At { version: 2 });
    let view = read_all(&lake).await;
    assert_eq!(view.version, Some(2));
    assert_eq!(view.entries, [later[1].clone(), later[0].clone(), release]);
    let history = history(&lake).await.unwrap();
    assert_eq!(history.entries(), view.entries);
    assert_eq!((history.at(0).len(), history.at(1).len(), history.at(2).len()), (0, 2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_day_gets_it_whole_and_what_is_open_elsewhere() {
    let (_folder, lake) = new_lake().await;
    let done = entry("r1", "2024-01-01", 10);
    let open = entry("r2", "2023-12-31", 20);
    let today = entry("r3", "2024-02-01", 30);
    for entries in [vec![done.clone()], vec![ends(EntryKind::Committed, &done, "2024-01-01")], vec![open], vec![today]]
    {
        let view = read(&lake, |_| false).await.unwrap();
        assert!(matches!(append_to(&lake, &view, &entries).await.unwrap(), Appended::At { .. }));
    }
    let february = read(&lake, |day| day.month() == ds("2024-02-01").month()).await.unwrap();
    assert_eq!(ids(&february), ["r2/planned", "r3/planned"]);
    let first = read(&lake, |day| day == ds("2024-01-01")).await.unwrap();
    assert_eq!(ids(&first), ["r1/planned", "r1/committed", "r2/planned", "r3/planned"]);
    let open = read(&lake, |_| false).await.unwrap();
    assert_eq!(ids(&open), ["r2/planned", "r3/planned"]);
}

/// Takes what the newest commit carries along out of the log, as if an earlier version had made it.
async fn as_of_an_earlier_version(lake: &Lake, version: u64) {
    let path = format!("budget_ledger/_delta_log/{version:020}.json");
    let text = String::from_utf8(lake.get(&path).await.unwrap().unwrap().to_vec()).unwrap();
    assert!(text.contains(CARRIED));
    lake.put(&path, text.replace(CARRIED, "mainstay.other")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_an_earlier_version_is_read_whole_once() {
    let (_folder, lake) = new_lake().await;
    let dead = entry("r1", "2024-01-31", 10);
    // As earlier versions released: under the day of the run that did it, here in another month.
    let released = ends(EntryKind::Released, &dead, "2024-02-01");
    let open = entry("r2", "2024-02-01", 20);
    append_to(&lake, &LedgerView::default(), &[dead]).await.unwrap();
    let view = read_all(&lake).await;
    append_to(&lake, &view, &[released, open]).await.unwrap();
    as_of_an_earlier_version(&lake, 2).await;

    let seen = read(&lake, |_| false).await.unwrap();
    assert_eq!(ids(&seen), ["r1/planned", "r1/released", "r2/planned"], "all of it");
    append_to(&lake, &seen, &[entry("r3", "2024-03-01", 30)]).await.unwrap();
    let view = read(&lake, |_| false).await.unwrap();
    assert_eq!(ids(&view), ["r1/planned", "r1/released", "r2/planned", "r3/planned"], "both days of the release");
    append_to(&lake, &view, &[ends(EntryKind::Committed, &entry("r2", "2024-02-01", 20), "2024-02-01")]).await.unwrap();
    let march = read(&lake, |day| day.month() == ds("2024-03-01").month()).await.unwrap();
    assert_eq!(ids(&march), ["r3/planned"]);
    let january = read(&lake, |day| day == ds("2024-01-31")).await.unwrap();
    assert_eq!(ids(&january), ["r1/planned", "r1/released", "r2/planned", "r3/planned", "r2/committed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_an_older_version_changes_nothing() {
    let (_folder, lake) = new_lake().await;
    append_to(&lake, &LedgerView::default(), &[entry("r1", "2024-01-01", 10)]).await.unwrap();
    let files = lake.list("budget_ledger").await.unwrap();
    for version in [None, Some(0), Some(7)] {
        let view = LedgerView { version, ..LedgerView::default() };
        assert_eq!(append_to(&lake, &view, &[entry("r2", "2024-01-01", 10)]).await.unwrap(), Appended::Lost);
    }
    assert_eq!(lake.list("budget_ledger").await.unwrap(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_gone_or_has_nothing_to_write_is_an_error() {
    let (_folder, lake) = new_lake().await;
    let gone = LedgerView { version: Some(3), ..LedgerView::default() };
    let error = append_to(&lake, &gone, &[entry("r1", "2024-01-01", 10)]).await.unwrap_err();
    assert_eq!(error.to_string(), "table `budget_ledger` has no version 3: the newest is none");
    let error = append_to(&lake, &LedgerView::default(), &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("budget_ledger: no entries to append"), "{error}");
}

/// Spends as long as the balance that was read allows; says how often another writer was faster.
async fn spend(lake: Lake, writer: usize) -> usize {
    let mut lost = 0;
    for round in 0.. {
        let view = read_all(&lake).await;
        let amount = 40 + 30 * (writer as i64 % 3);
        if spent(&view.entries) + amount > BUDGET {
            break;
        }
        match append_to(&lake, &view, &[entry(&format!("w{writer}-{round}"), "2024-01-01", amount)]).await.unwrap() {
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
    let LedgerView { entries, version, .. } = read_all(&lake).await;
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
    let mut view = LedgerView::default();
    for number in 0..25 {
        match append_to(&lake, &view, &[entry(&format!("r{number:03}"), "2024-01-01", 1)]).await.unwrap() {
            Appended::At { version: next } => view.version = Some(next),
            Appended::Lost => panic!("nobody else writes"),
        }
    }
    let log = lake.list("budget_ledger/_delta_log").await.unwrap();
    assert!(log.iter().any(|path| path.ends_with(".checkpoint.parquet")), "no checkpoint was written");
    let view = read_all(&lake).await;
    assert_eq!((view.entries.len(), view.version), (25, Some(25)));
    assert_eq!(history(&lake).await.unwrap().at(3).len(), 3);
}

/// Files of the ledger's table at a day.
async fn files_of(lake: &Lake, day: &str) -> Vec<String> {
    lake.list(&format!("budget_ledger/ds={day}")).await.unwrap()
}

/// Puts the files of a day into one, its text in another encoding, as other tools do, and takes the old ones away.
async fn compacted(lake: &Lake, day: &str) {
    let removed = files_of(lake, day).await;
    let mut batches: Vec<RecordBatch> = Vec::new();
    for path in &removed {
        let reader = ParquetRecordBatchReaderBuilder::try_new(lake.get(path).await.unwrap().unwrap()).unwrap();
        batches.extend(reader.build().unwrap().map(Result::unwrap));
    }
    let batch = concat_batches(&batches[0].schema(), &batches).unwrap();
    let large = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => cast(column, &DataType::LargeUtf8).unwrap(),
        _ => column.clone(),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(large).collect();
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()))
        .collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, schema.clone(), None).unwrap();
    writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
    writer.close().unwrap();
    let added = format!("budget_ledger/ds={day}/part-00001-of-another-tool.parquet");
    lake.put(&added, content).await.unwrap();
    for path in &removed {
        lake.delete(path).await.unwrap();
    }
    let commit = OutsideCommit {
        table: "budget_ledger",
        day,
        operation: "OPTIMIZE",
        changes_rows: false,
        removed,
        added: vec![added],
    };
    commit.commit(lake).await;
}

/// A ledger of one settled day.
async fn settled(lake: &Lake) {
    let planned = entry("r1", "2024-01-01", 10);
    append_to(lake, &LedgerView::default(), std::slice::from_ref(&planned)).await.unwrap();
    let view = read_all(lake).await;
    append_to(lake, &view, &[ends(EntryKind::Committed, &planned, "2024-01-01")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_and_vacuumed_ledger_reads_as_before_and_goes_on() {
    let (_folder, lake) = new_lake().await;
    settled(&lake).await;
    let before = read_all(&lake).await;
    compacted(&lake, "2024-01-01").await;
    let after = read_all(&lake).await;
    assert_eq!((&after.entries, after.version), (&before.entries, Some(3)));
    // Who had read before the compaction reads again; who has read since goes on.
    let next = [entry("r2", "2024-01-02", 20)];
    assert_eq!(append_to(&lake, &before, &next).await.unwrap(), Appended::Lost);
    assert_eq!(append_to(&lake, &after, &next).await.unwrap(), Appended::At { version: 4 });
    assert_eq!(ids(&read(&lake, |_| false).await.unwrap()), ["r2/planned"]);
    let history = history(&lake).await.unwrap();
    assert_eq!((history.at(0).len(), history.at(4).len()), (2, 3), "compacted entries do not say since when");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_another_tool_changed_is_refused_until_it_is_restored() {
    let (_folder, lake) = new_lake().await;
    settled(&lake).await;
    let first = files_of(&lake, "2024-01-01").await;
    let commit = |operation, removed, added| OutsideCommit {
        table: "budget_ledger",
        day: "2024-01-01",
        operation,
        changes_rows: true,
        removed,
        added,
    };
    commit("DELETE", first.clone(), vec![]).commit(&lake).await;
    let refused = "table `budget_ledger` was changed by another tool: DELETE at version 3; its rows are the memory of what was \
                   published and paid, and only mainstay may add to them: restore it to version 2, which the tool's RESTORE does";
    for error in [read(&lake, |_| false).await.unwrap_err(), history(&lake).await.unwrap_err()] {
        assert_eq!(error.to_string(), refused);
    }
    commit("RESTORE", vec![], first).commit(&lake).await;
    let view = read_all(&lake).await;
    assert_eq!((ids(&view), view.version), (vec!["r1/planned", "r1/committed"], Some(4)));
    append_to(&lake, &view, &[entry("r2", "2024-01-02", 20)]).await.unwrap();
    let added = files_of(&lake, "2024-01-02").await;
    let copy = format!("budget_ledger/ds=2024-01-01/{:020}-copy.parquet", 9);
    lake.put(&copy, lake.get(&added[0]).await.unwrap().unwrap()).await.unwrap();
    commit("WRITE", vec![], vec![copy]).commit(&lake).await;
    let error = read(&lake, |_| false).await.unwrap_err().to_string();
    assert!(error.contains("WRITE at version 6") && error.contains("restore it to version 5"), "{error}");
}
