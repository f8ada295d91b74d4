use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::col;

use super::*;
use crate::publish::publish;
use crate::test_tables::{attempt, ds, every_type, new_lake, rows, stage_rows};

async fn count(lake: &Lake, version: Option<u64>, days: Days) -> usize {
    let frame = open(&SessionContext::new(), lake, "every_type", version, days).await.unwrap().unwrap();
    frame.count().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_come_from_exactly_their_files() {
    let (_folder, lake) = new_lake().await;
    for (day, size) in [("2024-01-01", 2), ("2024-01-02", 3), ("2024-01-03", 4)] {
        let staged = stage_rows(&lake, day, "r", &[rows(size)]).await;
        publish(&lake, &every_type(), &staged, &attempt(day, 1, "r")).await.unwrap();
    }
    stage_rows(&lake, "2024-01-03", "unpublished", &[rows(9)]).await;
    assert_eq!(count(&lake, None, Days::All).await, 9);
    assert_eq!(count(&lake, None, Days::One(ds("2024-01-03"))).await, 4);
    assert_eq!(count(&lake, None, Days::Between(ds("2024-01-01"), ds("2024-01-02"))).await, 5);
    assert_eq!(count(&lake, None, Days::One(ds("2025-01-01"))).await, 0);
    assert_eq!(count(&lake, Some(1), Days::All).await, 2);
    assert_eq!(days(&lake, "every_type", Some(2)).await.unwrap(), [ds("2024-01-01"), ds("2024-01-02")]);
    assert_eq!(newest_version(&lake, "every_type").await.unwrap(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_row_reads_as_it_was_staged() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-02", "r", &[rows(1)]).await;
    publish(&lake, &every_type(), &staged, &attempt("2024-01-02", 1, "r")).await.unwrap();
    let ctx = SessionContext::new();
    let published = open(&ctx, &lake, "every_type", None, Days::All).await.unwrap().unwrap();
    let filtered = published.clone().filter(col("ds").eq(lit(date_scalar(ds("2024-01-02"))))).unwrap();
    let shown = pretty_format_batches(&filtered.collect().await.unwrap()).unwrap().to_string();
    let expected = "\
+------------+------+-------+---------------+-------+------+------------+-----------------------------+--------+--------------+--------+
| ds         | id   | small | big           | ratio | flag | day        | at                          | money  | note         | run_id |
+------------+------+-------+---------------+-------+------+------------+-----------------------------+--------+--------------+--------+
| 2024-01-02 | c000 | 7     | 1099511627776 | 0.25  | true | 2022-01-08 | 2023-11-14T22:13:20.000001Z | 123.45 | note of c000 | r      |
+------------+------+-------+---------------+-------+------+------------+-----------------------------+--------+--------------+--------+";
    assert_eq!(shown, expected);
    let of_stage = read_staged(&ctx, &lake, &every_type(), &staged).await.unwrap();
    assert_eq!(pretty_format_batches(&of_stage.collect().await.unwrap()).unwrap().to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_tables_and_versions() {
    let (_folder, lake) = new_lake().await;
    let ctx = SessionContext::new();
    assert!(open(&ctx, &lake, "every_type", None, Days::All).await.unwrap().is_none());
    assert_eq!(newest_version(&lake, "every_type").await.unwrap(), None);
    let error = open(&ctx, &lake, "every_type", Some(0), Days::All).await.unwrap_err();
    assert_eq!(error.to_string(), "table `every_type` has no version 0: the newest is none");
    let staged = stage_rows(&lake, "2024-01-01", "r", &[rows(1)]).await;
    publish(&lake, &every_type(), &staged, &attempt("2024-01-01", 1, "r")).await.unwrap();
    let error = open(&ctx, &lake, "every_type", Some(7), Days::All).await.unwrap_err();
    assert_eq!(error.to_string(), "table `every_type` has no version 7: the newest is 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_an_error_and_not_an_empty_day() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r", &[rows(5)]).await;
    publish(&lake, &every_type(), &staged, &attempt("2024-01-01", 1, "r")).await.unwrap();
    let path = staged.files[0].path.as_str();
    lake.put(path, "PAR1").await.unwrap();
    let ctx = SessionContext::new();
    let truncated = open(&ctx, &lake, "every_type", None, Days::All).await.unwrap_err();
    assert!(truncated.to_string().starts_with(&format!("{path} is corrupt: ")), "{truncated}");
    lake.delete(path).await.unwrap();
    let missing = open(&ctx, &lake, "every_type", None, Days::All).await.unwrap_err();
    assert!(matches!(missing, TableError::FileMissing { .. }), "{missing}");
}
