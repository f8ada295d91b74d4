use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, StringArray, StringViewArray};
use mainstay_schema::{Digest, RunId};

use super::*;
use crate::test_tables::{Row, batch, ds, every_type, new_lake, rows, stage_rows, stream};

async fn stage_batch(batch: RecordBatch) -> Result<StagedTable, TableError> {
    let (_folder, lake) = new_lake().await;
    let streams = vec![stream(vec![batch])];
    stage(&lake, &every_type(), ds("2024-01-01"), &RunId::new("r"), streams, |_| {}).await
}

fn with_column(position: usize, name: &str, column: &ArrayRef) -> RecordBatch {
    let good = batch(&[Row::new("a")], "r");
    let names = good.schema();
    let columns = names.fields().iter().zip(good.columns()).enumerate().map(|(at, (field, old))| {
        if at == position { (name.to_owned(), column.clone()) } else { (field.name().clone(), old.clone()) }
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_partition_becomes_a_file_and_reports_its_rows() {
    let (_folder, lake) = new_lake().await;
    let reported = Arc::new(AtomicU64::new(0));
    let streams = [rows(3), vec![], rows(5)[3..].to_vec()].iter().map(|rows| stream(vec![batch(rows, "r")])).collect();
    let counter = reported.clone();
    let on_rows = move |rows| {
        counter.fetch_add(rows, Ordering::Relaxed);
    };
    let (day, run) = (ds("2024-01-01"), RunId::new("r"));
    let staged = stage(&lake, &every_type(), day, &run, streams, on_rows).await.unwrap();
    let paths: Vec<&str> = staged.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["every_type/ds=2024-01-01/r-0.parquet", "every_type/ds=2024-01-01/r-2.parquet"]);
    assert_eq!(staged.rows, 5);
    assert_eq!(reported.load(Ordering::Relaxed), 5);
    assert_eq!(lake.list("every_type").await.unwrap(), paths);
    for file in &staged.files {
        let content = lake.get(&file.path).await.unwrap().unwrap();
        assert_eq!((content.len() as u64, Digest::of(&content)), (file.bytes, file.digest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_rows_and_nulls() {
    let (_folder, lake) = new_lake().await;
    let mut some = rows(3);
    some[1].note = None;
    some[2].big = Some(-5);
    let staged = stage_rows(&lake, "2024-01-01", "r", &[some]).await;
    let statistics: serde_json::Value = serde_json::from_str(&staged.files[0].statistics).unwrap();
    assert_eq!(statistics["numRecords"], 3);
    assert_eq!(statistics["nullCount"]["note"], 1);
    assert_eq!(statistics["nullCount"]["id"], 0);
    assert_eq!(statistics["minValues"], serde_json::json!({"small": 7, "big": -5}));
    assert_eq!(statistics["maxValues"]["big"], 1_i64 << 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn encodings_are_unified() {
    let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(["a"]));
    assert_eq!(stage_batch(with_column(0, "id", &views)).await.unwrap().rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_contract_is_named() {
    let text: ArrayRef = Arc::new(StringArray::from_iter_values(["7"]));
    let wrong_type = stage_batch(with_column(1, "small", &text)).await.unwrap_err();
    assert_eq!(
        wrong_type.to_string(),
        "table `every_type`, column `small`: expected Int32, found Utf8; cast it in the query"
    );
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    assert!(matches!(stage_batch(with_column(1, "small", &wide)).await, Err(TableError::WrongType { .. })));
    let renamed = stage_batch(with_column(8, "remark", &text)).await.unwrap_err();
    assert_eq!(
        renamed.to_string(),
        "table `every_type`: expected `note` as column 9, found `remark`; select the contract's columns in its order"
    );
    let short = stage_batch(batch(&rows(1), "r").project(&[0, 1]).unwrap()).await.unwrap_err();
    assert!(short.to_string().contains("expected `big` as column 3, found no column"), "{short}");
    let null: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    assert_eq!(
        stage_batch(with_column(0, "id", &null)).await.unwrap_err().to_string(),
        "table `every_type`, column `id`: 1 nulls in a column that allows none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_named() {
    let (_folder, lake) = new_lake().await;
    let staged = stage_rows(&lake, "2024-01-01", "r", &[rows(20)]).await;
    let path = staged.files[0].path.as_str();
    verify_files(&lake, &staged.files).await.unwrap();

    let mut content = lake.get(path).await.unwrap().unwrap().to_vec();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    lake.put(path, content.clone()).await.unwrap();
    let flipped = verify_files(&lake, &staged.files).await.unwrap_err().to_string();
    assert!(flipped.starts_with(&format!("{path} is corrupt: expected blake3:")), "{flipped}");

    content.truncate(middle);
    lake.put(path, content).await.unwrap();
    let truncated = verify_files(&lake, &staged.files).await.unwrap_err().to_string();
    let bytes = staged.files[0].bytes;
    assert_eq!(
        truncated,
        format!("{path} is corrupt: expected {bytes} bytes, found {middle} bytes; restore it, or run the day again")
    );

    lake.delete(path).await.unwrap();
    assert_eq!(
        verify_files(&lake, &staged.files).await.unwrap_err().to_string(),
        format!("{path} is missing, though the run that wrote it recorded it; restore it, or run the day again")
    );
}
