use datafusion::prelude::SessionContext;
use serde_json::json;

use super::*;
use crate::test_tables::{ds, every_type, new_lake, rows, stage_rows};

fn record(run: &str, day: &str, attempt: u32, status: RunStatus) -> RunRecord {
    RunRecord {
        run_id: RunId::new(run),
        job: "daily".into(),
        ds: ds(day),
        attempt,
        status,
        started_at: "2024-01-01T05:00:00Z".parse().unwrap(),
        finished_at: "2024-01-01T05:01:02.000003Z".parse().unwrap(),
        as_of: "2024-01-01T00:00:00Z".parse().unwrap(),
        simulated: false,
        tables: vec![],
        details: json!({"known": 3, "scored": 2}),
    }
}

fn failed() -> RunStatus {
    RunStatus::Failed { error: "source orders is too old".into() }
}

#[test]
fn a_record_of_an_earlier_release_is_of_real_data() {
    let mut json = serde_json::to_value(record("r1", "2024-01-01", 1, RunStatus::Published)).unwrap();
    assert_eq!(json["simulated"], false);
    json.as_object_mut().unwrap().remove("simulated");
    assert!(!serde_json::from_value::<RunRecord>(json).unwrap().simulated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_reads_back_as_it_was_written() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r1", &[rows(3)]).await;
    let digest = staged.digest(&SessionContext::new(), &lake, &every_type()).await.unwrap();
    let mut written = record("r1", "2024-01-01", 1, RunStatus::Published);
    written.tables.push(PublishedTable {
        table: staged.table.clone(),
        version: 4,
        rows: staged.rows,
        digest,
        files: staged.files.clone(),
    });
    assert_eq!(append(&lake, &written).await.unwrap(), Published::Committed { version: 1 });
    assert_eq!(append(&lake, &written).await.unwrap(), Published::AlreadyDone { version: 1 });
    let read = latest(&lake, "daily").await.unwrap().unwrap();
    let table = read.table("every_type").unwrap();
    assert_eq!((table.version, table.rows, table.digest), (4, 3, digest));
    crate::stage::verify_files(&lake, &table.files).await.unwrap();
    written.tables[0].files[0].statistics.clear();
    assert_eq!(read, written);
    assert_eq!(read.table("no_such_table"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_attempt_that_published_speaks_for_its_day() {
    let (_folder, lake) = new_lake().await;
    assert_eq!(latest(&lake, "daily").await.unwrap(), None);
    let other = RunRecord { job: "train".into(), ..record("t1", "2024-01-09", 1, RunStatus::Published) };
    for record in [
        record("r2", "2024-01-02", 1, RunStatus::Published),
        record("r1", "2024-01-01", 1, RunStatus::Published),
        record("r3", "2024-01-02", 2, RunStatus::Published),
        record("r4", "2024-01-02", 3, failed()),
        record("r5", "2024-01-03", 1, failed()),
        other,
    ] {
        append(&lake, &record).await.unwrap();
    }
    let runs =
        |records: Vec<RunRecord>| records.into_iter().map(|record| record.run_id.to_string()).collect::<Vec<_>>();
    assert_eq!(runs(published_days(&lake, "daily", |_| true).await.unwrap()), ["r1", "r3"]);
    assert_eq!(runs(latest(&lake, "daily").await.unwrap().into_iter().collect()), ["r3"]);
    let second = latest_published(&lake, "daily", ds("2024-01-02")).await.unwrap().unwrap();
    assert_eq!(second.run_id.as_str(), "r3");
    assert_eq!(latest_published(&lake, "daily", ds("2024-01-03")).await.unwrap(), None);
    let all = records(&lake, "daily", |day| day == ds("2024-01-02")).await.unwrap();
    assert_eq!(runs(all), ["r2", "r3", "r4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_record_of_a_run_changes_nothing() {
    let (_folder, lake) = new_lake().await;
    append(&lake, &record("r1", "2024-01-01", 1, RunStatus::Published)).await.unwrap();
    let second = append(&lake, &record("r1", "2024-01-01", 1, failed())).await.unwrap();
    assert_eq!(second, Published::AlreadyDone { version: 1 });
    assert_eq!(records(&lake, "daily", |_| true).await.unwrap().len(), 1);
    assert!(latest(&lake, "daily").await.unwrap().is_some());
}

#[tokio::test]
async fn a_fenced_attempt_can_write_no_record() {
    let (_folder, lake) = new_lake().await;
    let attempt = |number| Attempt { job: "daily".into(), ds: ds("2024-01-01"), number, run_id: RunId::new("fence") };
    append(&lake, &record("r1", "2024-01-01", 1, RunStatus::Published)).await.unwrap();
    fence(&lake, &attempt(3)).await.unwrap();
    fence(&lake, &attempt(3)).await.unwrap();
    let late = append(&lake, &record("r2", "2024-01-01", 2, RunStatus::Published)).await.unwrap();
    assert!(matches!(late, Published::Conflicted { .. }), "{late:?}");
    let known = latest_published(&lake, "daily", ds("2024-01-01")).await.unwrap().unwrap();
    assert_eq!(known.run_id, RunId::new("r1"));
    let newest = append(&lake, &record("r3", "2024-01-01", 3, RunStatus::Published)).await.unwrap();
    assert!(matches!(newest, Published::Committed { .. }), "{newest:?}");
}
