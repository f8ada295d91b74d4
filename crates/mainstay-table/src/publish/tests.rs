use datafusion::prelude::SessionContext;
use jiff::Timestamp;
use mainstay_schema::table::{Column, ColumnType};

use super::*;
use crate::arrow_types::file_schema;
use crate::read::{self, Days};
use crate::stage::stage;
use crate::test_tables::{Row, attempt, batch, daily, ds, every_type, new_lake, rows, stage_rows, stream};

async fn notes(lake: &Lake, version: Option<u64>) -> Vec<String> {
    let frame = read::open(&SessionContext::new(), lake, "every_type", version, Days::All).await.unwrap().unwrap();
    let sorted = frame.select_columns(&["id"]).unwrap().sort_by(vec![datafusion::prelude::col("id")]).unwrap();
    let batches = sorted.collect().await.unwrap();
    let text = |batch: &arrow::array::RecordBatch| {
        (0..batch.num_rows())
            .map(|row| arrow::util::display::array_value_to_string(batch.column(0), row).unwrap())
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_replaced_whole_and_the_old_one_stays_pinned() {
    let (_folder, lake) = new_lake().await;
    let first = stage_rows(&lake, "2024-01-01", "r1", &[vec![Row::new("a")], vec![Row::new("b")]]).await;
    let other = stage_rows(&lake, "2024-01-02", "r1", &[vec![Row::new("z")]]).await;
    let second = stage_rows(&lake, "2024-01-01", "r2", &[vec![Row::new("c")]]).await;
    let empty = stage_rows(&lake, "2024-01-01", "r3", &[vec![]]).await;
    let contract = every_type();
    let outcomes = [
        publish(&lake, &contract, &first, &attempt("2024-01-01", 1, "r1")).await.unwrap(),
        publish(&lake, &contract, &other, &attempt("2024-01-02", 1, "r1")).await.unwrap(),
        publish(&lake, &contract, &second, &attempt("2024-01-01", 2, "r2")).await.unwrap(),
        publish(&lake, &contract, &empty, &attempt("2024-01-01", 3, "r3")).await.unwrap(),
    ];
    let versions = [1, 2, 3, 4].map(|version| Published::Committed { version });
    assert_eq!(outcomes, versions);
    assert_eq!(notes(&lake, Some(2)).await, ["a", "b", "z"]);
    assert_eq!(notes(&lake, Some(3)).await, ["c", "z"]);
    assert_eq!(notes(&lake, None).await, ["z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_publishes_once_and_a_newer_one_fences_it_out() {
    let (_folder, lake) = new_lake().await;
    let contract = every_type();
    let first = stage_rows(&lake, "2024-01-01", "r1", &[rows(1)]).await;
    let second = stage_rows(&lake, "2024-01-01", "r2", &[rows(2)]).await;
    let one = attempt("2024-01-01", 1, "r1");
    let two = attempt("2024-01-01", 2, "r2");
    assert_eq!(publish(&lake, &contract, &first, &one).await.unwrap(), Published::Committed { version: 1 });
    assert_eq!(publish(&lake, &contract, &first, &one).await.unwrap(), Published::AlreadyDone { version: 1 });
    let stranger = attempt("2024-01-01", 1, "r2");
    assert_eq!(publish(&lake, &contract, &second, &stranger).await.unwrap(), Published::Conflicted { by: 1 });
    assert_eq!(publish(&lake, &contract, &second, &two).await.unwrap(), Published::Committed { version: 2 });
    assert_eq!(publish(&lake, &contract, &first, &one).await.unwrap(), Published::Conflicted { by: 2 });
    assert_eq!(publish(&lake, &contract, &second, &two).await.unwrap(), Published::AlreadyDone { version: 2 });
    assert_eq!(read::newest_version(&lake, "every_type").await.unwrap(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_fences_before_its_run_publishes() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r1", &[rows(1)]).await;
    let day = ds("2024-01-01");
    let mut claims = Vec::new();
    for run in ["r1", "r2"] {
        claims.push(claim::claim_next(&lake, &daily(), day, &RunId::new(run), Timestamp::UNIX_EPOCH).await.unwrap());
    }
    let outcome = publish(&lake, &every_type(), &staged, &claims[0]).await.unwrap();
    assert_eq!(outcome, Published::Conflicted { by: 2 });
    assert!(notes(&lake, None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_published_at_once_all_land_and_create_one_table() {
    let (_folder, lake) = new_lake().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 1..=6 {
        let lake = lake.clone();
        writers.spawn(async move {
            let (day, run) = (format!("2024-01-0{number}"), format!("r{number}"));
            let staged = stage_rows(&lake, &day, &run, &[vec![Row::new(&run)]]).await;
            publish(&lake, &every_type(), &staged, &attempt(&day, 1, &run)).await.unwrap()
        });
    }
    let outcomes = writers.join_all().await;
    let mut versions: Vec<u64> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Published::Committed { version } => *version,
            other => panic!("{other:?}"),
        })
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(notes(&lake, None).await, ["r1", "r2", "r3", "r4", "r5", "r6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_runs_of_a_day_publishes_last() {
    let (_folder, lake) = new_lake().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 1..=4_u32 {
        let lake = lake.clone();
        writers.spawn(async move {
            let run = format!("r{number}");
            let staged = stage_rows(&lake, "2024-01-01", &run, &[vec![Row::new(&run)]]).await;
            publish(&lake, &every_type(), &staged, &attempt("2024-01-01", number, &run)).await.unwrap()
        });
    }
    writers.join_all().await;
    assert_eq!(notes(&lake, None).await, ["r4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_was_truncated_is_not_published() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r", &[rows(5)]).await;
    lake.put(&staged.files[0].path, "PAR1").await.unwrap();
    let error = publish(&lake, &every_type(), &staged, &attempt("2024-01-01", 1, "r")).await.unwrap_err();
    assert!(error.to_string().contains("every_type/ds=2024-01-01/r-0.parquet is corrupt"), "{error}");
    assert_eq!(read::newest_version(&lake, "every_type").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_columns_are_null_in_older_days() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r1", &[rows(2)]).await;
    publish(&lake, &every_type(), &staged, &attempt("2024-01-01", 1, "r1")).await.unwrap();

    let mut wider = every_type();
    wider.columns.push(Column::new("extra", ColumnType::BigInt, "A feature that was added"));
    let old = batch(&rows(3), "r2");
    let mut columns = old.columns().to_vec();
    columns.push(std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3])));
    let batch = arrow::array::RecordBatch::try_new(file_schema(&wider), columns).unwrap();
    let (ctx, run) = (SessionContext::new(), RunId::new("r2"));
    let streams = vec![stream(vec![batch])];
    let staged = stage(&lake, &wider, ds("2024-01-02"), &run, streams, |_| {}).await.unwrap();
    publish(&lake, &wider, &staged, &attempt("2024-01-02", 1, "r2")).await.unwrap();

    let frame = read::open(&ctx, &lake, "every_type", None, Days::All).await.unwrap().unwrap();
    let extra = datafusion::prelude::col("extra");
    assert_eq!(frame.clone().filter(extra.clone().is_null()).unwrap().count().await.unwrap(), 2);
    assert_eq!(frame.filter(extra.is_not_null()).unwrap().count().await.unwrap(), 3);

    let mut retyped = every_type();
    retyped.columns[2].column_type = ColumnType::Text;
    let nothing = StagedTable { files: vec![], rows: 0, ..staged };
    let error = publish(&lake, &retyped, &nothing, &attempt("2024-01-02", 2, "r3")).await.unwrap_err();
    assert!(matches!(error, TableError::TypeChanged { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_appends_once() {
    let (_folder, lake) = new_lake().await;
    let contract = every_type();
    for (number, run) in ["r1", "r2"].into_iter().enumerate() {
        let staged = stage_rows(&lake, "2024-01-01", run, &[vec![Row::new(run)]]).await;
        let version = number as u64 + 1;
        let run_id = RunId::new(run);
        let sequence = Sequence { app_id: format!("mainstay/log/{run_id}"), former: Vec::new(), number: 1 };
        let append = || append(&lake, &contract, ds("2024-01-01"), &staged.files, &run_id, &sequence);
        let outcome = append().await.unwrap();
        assert_eq!(outcome, Published::Committed { version });
        assert_eq!(append().await.unwrap(), Published::AlreadyDone { version });
    }
    assert_eq!(notes(&lake, None).await, ["r1", "r2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_landed_unnoticed_is_found_again() {
    let (_folder, lake) = new_lake().await;
    let contract = every_type();
    let staged = stage_rows(&lake, "2024-01-01", "r1", &[rows(1)]).await;
    let first = attempt("2024-01-01", 1, "r1");
    let publication = Publication { contract: &contract, staged: &staged, attempt: &first };
    let adds = add_actions(&lake, &contract, staged.ds, &staged.files).await.unwrap();
    let read_before = load_or_create(&lake, &contract, WriteMode::Replaced).await.unwrap();
    for _ in 0..2 {
        let change = publication.change(&read_before, &adds).unwrap();
        assert_eq!(commit_next(&read_before, "every_type", change).await.unwrap(), Landing::Landed(1));
    }
    let stranger = attempt("2024-01-01", 2, "r2");
    let change = Publication { attempt: &stranger, ..publication }.change(&read_before, &adds).unwrap();
    assert_eq!(commit_next(&read_before, "every_type", change).await.unwrap(), Landing::Lost);
}
