use datafusion::prelude::SessionContext;
use serde_json::json;

use super::*;
use crate::test_tables::{daily, ds, every_type, new_lake, rows, stage_rows};

fn record(run: &str, day: &str, attempt: u32, status: RunStatus) -> RunRecord {
    RunRecord {
        run_id: RunId::new(run),
        job: "daily".into(),
        kind: None,
        project: None,
        currency: None,
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
    assert_eq!(append(&lake, &daily(), &written).await.unwrap(), Published::Committed { version: 1 });
    assert_eq!(append(&lake, &daily(), &written).await.unwrap(), Published::AlreadyDone { version: 1 });
    let read = latest(&lake, &daily()).await.unwrap().unwrap();
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
    assert_eq!(latest(&lake, &daily()).await.unwrap(), None);
    let other = RunRecord { job: "train".into(), ..record("t1", "2024-01-09", 1, RunStatus::Published) };
    for record in [
        record("r2", "2024-01-02", 1, RunStatus::Published),
        record("r1", "2024-01-01", 1, RunStatus::Published),
        record("r3", "2024-01-02", 2, RunStatus::Published),
        record("r4", "2024-01-02", 3, failed()),
        record("r5", "2024-01-03", 1, failed()),
        other,
    ] {
        let series = Series::Training { job: record.job.clone() };
        append(&lake, &series, &record).await.unwrap();
    }
    let runs =
        |records: Vec<RunRecord>| records.into_iter().map(|record| record.run_id.to_string()).collect::<Vec<_>>();
    assert_eq!(runs(published_days(&lake, &daily(), |_| true).await.unwrap()), ["r1", "r3"]);
    assert_eq!(runs(latest(&lake, &daily()).await.unwrap().into_iter().collect()), ["r3"]);
    let second = latest_published(&lake, &daily(), ds("2024-01-02")).await.unwrap().unwrap();
    assert_eq!(second.run_id.as_str(), "r3");
    assert_eq!(latest_published(&lake, &daily(), ds("2024-01-03")).await.unwrap(), None);
    let all = records(&lake, &daily(), |day| day == ds("2024-01-02")).await.unwrap();
    assert_eq!(runs(all), ["r2", "r3", "r4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_record_of_a_run_changes_nothing() {
    let (_folder, lake) = new_lake().await;
    append(&lake, &daily(), &record("r1", "2024-01-01", 1, RunStatus::Published)).await.unwrap();
    let second = append(&lake, &daily(), &record("r1", "2024-01-01", 1, failed())).await.unwrap();
    assert_eq!(second, Published::AlreadyDone { version: 1 });
    assert_eq!(records(&lake, &daily(), |_| true).await.unwrap().len(), 1);
    assert!(latest(&lake, &daily()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_fenced_attempt_can_write_no_record() {
    let (_folder, lake) = new_lake().await;
    let attempt = |number| Attempt { series: daily(), ds: ds("2024-01-01"), number, run_id: RunId::new("fence") };
    append(&lake, &daily(), &record("r1", "2024-01-01", 1, RunStatus::Published)).await.unwrap();
    fence(&lake, &attempt(3)).await.unwrap();
    fence(&lake, &attempt(3)).await.unwrap();
    let late = append(&lake, &daily(), &record("r2", "2024-01-01", 2, RunStatus::Published)).await.unwrap();
    assert!(matches!(late, Published::Conflicted { .. }), "{late:?}");
    let known = latest_published(&lake, &daily(), ds("2024-01-01")).await.unwrap().unwrap();
    assert_eq!(known.run_id, RunId::new("r1"));
    let newest = append(&lake, &daily(), &record("r3", "2024-01-01", 3, RunStatus::Published)).await.unwrap();
    assert!(matches!(newest, Published::Committed { .. }), "{newest:?}");
}

/// A record as an earlier version wrote it: it does not say its kind, and names the tables of a plan.
fn old_plan(run: &str, job: &str, attempt: u32, finished_at: &str) -> String {
    let table = json!({
        "table": "campaign_allocations", "version": 1, "rows": 2,
        "digest": mainstay_schema::Digest::of(b"rows"), "files": [],
    });
    json!({
        "run_id": run, "job": job, "ds": "2024-01-01", "attempt": attempt, "status": {"is": "published"},
        "started_at": "2024-01-01T05:00:00Z", "finished_at": finished_at, "as_of": "2024-01-01T00:00:00Z",
        "tables": [table], "details": {"any": 1},
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_an_earlier_version_are_found_under_any_name() {
    let (_folder, lake) = new_lake().await;
    let old = [
        old_plan("r1", "daily_risk", 3, "2024-01-01T05:01:00Z"),
        old_plan("r2", "retention_daily", 1, "2024-01-01T06:00:00Z"),
    ];
    for text in &old {
        let record: RunRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.kind, record.kind()), (None, Some(JobKind::Daily)));
        let named = Series::Training { job: record.job.clone() };
        append(&lake, &named, &record).await.unwrap();
    }
    let training = record("t1", "2024-01-01", 1, RunStatus::Published);
    append(&lake, &daily(), &training).await.unwrap();
    assert_eq!(training.kind(), Some(JobKind::Training));

    // Of two names at one day, which count their attempts apart, the later record speaks for it.
    let plans = Series::plans().with_former("daily_risk").with_former("retention_daily");
    let speaks = latest_published(&lake, &plans, ds("2024-01-01")).await.unwrap().unwrap();
    assert_eq!(speaks.run_id.as_str(), "r2");
    assert_eq!(latest(&lake, &Series::plans()).await.unwrap().unwrap().run_id.as_str(), "r2");
    let found = latest_published(&lake, &daily(), ds("2024-01-01")).await.unwrap().unwrap();
    assert_eq!(found.run_id.as_str(), "t1");

    // A record of this version stands above what came before, and is fenced by it where its number is not.
    let new = |number| RunRecord {
        kind: Some(JobKind::Daily),
        ..RunRecord {
            attempt: number,
            ..serde_json::from_str(&old_plan("r3", "renamed", 0, "2024-01-01T05:00:30Z")).unwrap()
        }
    };
    let refused = append(&lake, &plans, &new(2)).await.unwrap();
    assert_eq!(refused, Published::Conflicted { by: 6 });
    append(&lake, &plans, &new(4)).await.unwrap();
    let speaks = latest_published(&lake, &Series::plans(), ds("2024-01-01")).await.unwrap().unwrap();
    assert_eq!((speaks.run_id.as_str(), speaks.job.as_str()), ("r3", "renamed"));
}

#[tokio::test]
async fn a_fence_stops_a_run_of_an_earlier_version_too() {
    let (_folder, lake) = new_lake().await;
    let plans = Series::plans().with_former("daily");
    fence(&lake, &Attempt { series: plans, ds: ds("2024-01-01"), number: 2, run_id: RunId::new("fence") })
        .await
        .unwrap();
    let late = append(&lake, &daily(), &record("r1", "2024-01-01", 1, RunStatus::Published)).await.unwrap();
    assert_eq!(late, Published::Conflicted { by: 3 });
}
