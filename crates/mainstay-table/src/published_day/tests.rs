use serde_json::json;

use super::*;
use crate::publish::publish;
use crate::staged::StagedTable;
use crate::test_tables::{OutsideCommit, Row, attempt, ds, every_type, new_lake, next_commit, stage_rows};

const DAY: &str = "2024-01-01";

/// A day of three rows in two files, as its record names it.
async fn published(lake: &Lake) -> PublishedTable {
    let parts = [vec![Row::new("a"), Row::new("b")], vec![Row::new("c")]];
    let staged = stage_rows(lake, DAY, "r1", &parts).await;
    publish(lake, &every_type(), &staged, &attempt(DAY, 1, "r1")).await.unwrap();
    let digest = staged.digest(&SessionContext::new(), lake, &every_type()).await.unwrap();
    let StagedTable { table, rows, files, .. } = staged;
    PublishedTable { table, version: 1, rows, digest, files }
}

/// Puts the day into one file with these rows; the old files go as `VACUUM` takes them.
async fn rewritten(lake: &Lake, day: &PublishedTable, rows: &[&str], operation: &str) {
    let rows = rows.iter().map(|id| Row::new(id)).collect::<Vec<_>>();
    let file = stage_rows(lake, DAY, "part-00000-of-another-tool", &[rows]).await.files.remove(0);
    let removed: Vec<String> = day.files.iter().map(|file| file.path.clone()).collect();
    let (added, changes_rows) = (vec![file.path], operation != "OPTIMIZE");
    let commit = OutsideCommit { table: "every_type", day: DAY, operation, changes_rows, removed, added };
    commit.commit(lake).await;
    for file in &day.files {
        lake.delete(&file.path).await.unwrap();
    }
}

async fn count(lake: &Lake, found: &DayFiles) -> usize {
    found.frame(&SessionContext::new(), lake, &every_type()).await.unwrap().count().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_read_from_its_recorded_files_while_they_are_there() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    for check in [Check::Presence, Check::Digests] {
        let found = find(&lake, ds(DAY), &day, check).await.unwrap();
        assert_eq!(found.found_in, FoundIn::RecordedFiles);
        assert_eq!(count(&lake, &found).await, 3);
        assert_eq!(found.digest(&SessionContext::new(), &lake, &every_type()).await.unwrap(), day.digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_and_vacuumed_day_has_the_same_digest() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    rewritten(&lake, &day, &["c", "a", "b"], "OPTIMIZE").await;
    let found = find(&lake, ds(DAY), &day, Check::Digests).await.unwrap();
    let gone = day.files.iter().map(|file| file.path.clone()).collect();
    assert_eq!(found.found_in, FoundIn::Table { version: 2, gone });
    assert_eq!(found.digest(&SessionContext::new(), &lake, &every_type()).await.unwrap(), day.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_rows_are_missing_and_change_the_digest() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    rewritten(&lake, &day, &["a", "c"], "DELETE").await;
    let found = find(&lake, ds(DAY), &day, Check::Presence).await.unwrap();
    assert!(matches!(found.found_in, FoundIn::Table { version: 2, .. }));
    assert_eq!(count(&lake, &found).await, 2);
    assert_ne!(found.digest(&SessionContext::new(), &lake, &every_type()).await.unwrap(), day.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_table_still_has_must_be_what_was_written() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    lake.put(&day.files[1].path, "not what was written").await.unwrap();
    let error = find(&lake, ds(DAY), &day, Check::Digests).await.unwrap_err().to_string();
    assert!(error.starts_with("every_type/ds=2024-01-01/r1-1.parquet is corrupt: expected "), "{error}");
    lake.delete(&day.files[1].path).await.unwrap();
    let error = find(&lake, ds(DAY), &day, Check::Presence).await.unwrap_err().to_string();
    assert!(error.starts_with("every_type/ds=2024-01-01/r1-1.parquet is missing, though"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_nothing_holds_is_an_error() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    let removed = day.files.iter().map(|file| file.path.clone()).collect();
    let commit = OutsideCommit {
        table: "every_type",
        day: DAY,
        operation: "DELETE",
        changes_rows: true,
        removed,
        added: vec![],
    };
    commit.commit(&lake).await;
    assert_eq!(
        find(&lake, ds(DAY), &day, Check::Digests).await.unwrap().found_in,
        FoundIn::RecordedFiles,
        "not vacuumed"
    );
    for file in &day.files {
        lake.delete(&file.path).await.unwrap();
    }
    let error = find(&lake, ds(DAY), &day, Check::Digests).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "2024-01-01 is gone from table `every_type`: every_type/ds=2024-01-01/r1-0.parquet is missing, though the run that wrote it \
         recorded it, and the table as it stands now (version 2) has no rows of the day; restore it, or run the day again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_only_marked_as_deleted_are_not_brought_back() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    let kept =
        stage_rows(&lake, DAY, "part-of-another-tool", &[vec![Row::new("a"), Row::new("b")]]).await.files.remove(0);
    let path = |path: &str| path.strip_prefix("every_type/").unwrap().to_owned();
    let deleted = json!({"storageType": "i", "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", "sizeInBytes": 40, "cardinality": 1});
    let mut actions = vec![
        json!({"commitInfo": {"timestamp": 0, "operation": "DELETE"}}),
        json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
        }}),
        json!({"add": {
            "path": path(&kept.path), "partitionValues": {"ds": DAY}, "size": kept.bytes, "modificationTime": 0, "dataChange": true,
            "stats": "{\"numRecords\": 2}", "deletionVector": deleted,
        }}),
    ];
    let removes = day.files.iter().map(|file| {
        json!({"remove": {"path": path(&file.path), "deletionTimestamp": 0, "dataChange": true, "partitionValues": {"ds": DAY}}})
    });
    actions.extend(removes);
    next_commit(&lake, "every_type", &actions).await;
    for file in &day.files {
        lake.delete(&file.path).await.unwrap();
    }
    let found = find(&lake, ds(DAY), &day, Check::Presence).await.unwrap();
    let error = found.frame(&SessionContext::new(), &lake, &every_type()).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{} has rows that another tool marked as deleted (a deletion vector)", kept.path)),
        "{error}"
    );
    assert!(error.ends_with("as REORG TABLE ... APPLY (PURGE) does"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_as_it_stands_shows_what_was_added_to_a_day() {
    let (_folder, lake) = new_lake().await;
    let day = published(&lake).await;
    let now = TableNow::load(&lake, "every_type").await.unwrap().day(ds(DAY));
    assert_eq!(now.paths().collect::<Vec<_>>(), day.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>());
    let added = vec![stage_rows(&lake, DAY, "of-another-tool", &[vec![Row::new("x")]]).await.files.remove(0).path];
    let commit = OutsideCommit {
        table: "every_type",
        day: DAY,
        operation: "WRITE",
        changes_rows: true,
        removed: Vec::new(),
        added,
    };
    commit.commit(&lake).await;
    assert_eq!(find(&lake, ds(DAY), &day, Check::Digests).await.unwrap().found_in, FoundIn::RecordedFiles);
    let now = TableNow::load(&lake, "every_type").await.unwrap();
    assert_eq!((now.version(), count(&lake, &now.day(ds(DAY))).await), (2, 4));
    let none = TableNow::load(&lake, "none").await.unwrap();
    assert_eq!((none.version(), none.day(ds(DAY)).paths().count()), (0, 0));
}
