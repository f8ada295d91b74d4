use std::collections::BTreeMap;

use datafusion::prelude::SessionConfig;
use mainstay_schema::RunId;
use proptest::prelude::*;

use super::*;
use crate::stage::stage;
use crate::test_tables::{Row, batch, ds, every_type, new_lake, rows, stage_rows, stream};

/// Digests rows in this order, cut into files of `file_rows` and batches of `batch_rows`.
async fn digest_of(rows: &[Row], file_rows: usize, batch_rows: usize, run_id: &str) -> Result<Digest, TableError> {
    let (_folder, lake) = new_lake().await;
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3).with_batch_size(4));
    let files = rows.chunks(file_rows.max(1));
    let streams = files.map(|file| stream(file.chunks(batch_rows.max(1)).map(|rows| batch(rows, run_id)).collect()));
    let run_id = RunId::new(run_id);
    let staged = stage(&lake, &every_type(), ds("2024-01-01"), &run_id, streams.collect(), |_| {}).await?;
    staged.digest(&ctx, &lake, &every_type()).await
}

fn any_row() -> impl Strategy<Value = Row> {
    let ratio = prop::option::of(prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), any::<f64>()]);
    let money = prop::option::of(-999_999_999i128..999_999_999);
    let at = prop::option::of(0i64..4_000_000_000_000_000);
    (any::<Option<i32>>(), any::<Option<i64>>(), ratio, any::<Option<bool>>(), money, at, "[a-zé]{0,3}").prop_map(
        |(small, big, ratio, flag, money, at, note)| Row {
            small,
            big,
            ratio,
            flag,
            money,
            at,
            note: Some(note).filter(|note| note != "z"),
            ..Row::new("")
        },
    )
}

fn any_day() -> impl Strategy<Value = Vec<Row>> {
    let keyed: BoxedStrategy<BTreeMap<String, Row>> =
        prop::collection::btree_map("[a-d]{1,3}", any_row(), 1..12).boxed();
    keyed.prop_map(|rows| rows.into_iter().map(|(id, row)| Row { id, ..row }).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn files_batches_order_and_run_do_not_matter(
        day in any_day(),
        shuffled in any::<prop::sample::Index>(),
        file_rows in 1usize..6,
        batch_rows in 1usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut rotated = day.clone();
        rotated.reverse();
        rotated.rotate_left(shuffled.index(day.len()));
        let (whole, cut) = runtime.block_on(async {
            (digest_of(&day, 100, 100, "first").await, digest_of(&rotated, file_rows, batch_rows, "second").await)
        });
        prop_assert_eq!(whole.unwrap(), cut.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_counts() {
    let base = vec![Row::new("a"), Row::new("b")];
    let change = |edit: fn(&mut Row)| {
        let mut changed = base.clone();
        edit(&mut changed[1]);
        changed
    };
    let days = [
        base.clone(),
        change(|row| row.id = "c".into()),
        change(|row| row.small = None),
        change(|row| row.small = Some(8)),
        change(|row| row.big = Some(0)),
        change(|row| row.ratio = Some(0.250_000_000_000_000_06)),
        change(|row| row.flag = Some(false)),
        change(|row| row.day = Some(19_001)),
        change(|row| row.at = Some(1_700_000_000_000_002)),
        change(|row| row.money = Some(12_346)),
        change(|row| row.note = Some(String::new())),
        change(|row| row.note = None),
        base[..1].to_vec(),
    ];
    let mut digests = Vec::new();
    for day in &days {
        digests.push(digest_of(day, 10, 10, "r").await.unwrap());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), days.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn zeros_and_nans_are_one() {
    let with_ratio = |ratio: f64| vec![Row { ratio: Some(ratio), ..Row::new("a") }];
    let zero = digest_of(&with_ratio(0.0), 1, 1, "r").await.unwrap();
    assert_eq!(zero, digest_of(&with_ratio(-0.0), 1, 1, "r").await.unwrap());
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ (1 << 63) ^ 1);
    let nan = digest_of(&with_ratio(f64::NAN), 1, 1, "r").await.unwrap();
    assert_eq!(nan, digest_of(&with_ratio(other_nan), 1, 1, "r").await.unwrap());
    assert_ne!(zero, nan);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_counts_too() {
    let (_folder, lake) = new_lake().await;
    let ctx = SessionContext::new();
    let mut digests = Vec::new();
    for (day, rows) in [("2024-01-01", rows(2)), ("2024-01-02", rows(2)), ("2024-01-01", vec![])] {
        let staged = stage_rows(&lake, day, "r", std::slice::from_ref(&rows)).await;
        assert_eq!(staged.files.is_empty(), rows.is_empty());
        digests.push(staged.digest(&ctx, &lake, &every_type()).await.unwrap());
    }
    assert_ne!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

/// Statistics of a Parquet file leave NaN out: the rest of the column must not be taken for a constant.
#[tokio::test(flavor = "multi_thread")]
async fn a_nan_beside_one_other_value_stays_a_nan() {
    let with = |id: &str, ratio: f64| Row { ratio: Some(ratio), ..Row::new(id) };
    let one_file = digest_of(&[with("a", f64::NAN), with("b", 0.5)], 2, 2, "r").await.unwrap();
    let two_files = digest_of(&[with("a", f64::NAN), with("b", 0.5)], 1, 1, "r").await.unwrap();
    let without = digest_of(&[with("a", 0.5), with("b", 0.5)], 2, 2, "r").await.unwrap();
    assert_eq!(one_file, two_files);
    assert_ne!(one_file, without);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_one_key_are_refused_equal_ones_too() {
    let twice = vec![Row::new("a"), Row::new("a")];
    assert!(matches!(digest_of(&twice, 1, 1, "r").await, Err(TableError::DuplicateKey { .. })));
    let mut conflicting = twice;
    conflicting[1].small = Some(8);
    let error = digest_of(&conflicting, 1, 1, "r").await.unwrap_err();
    assert_eq!(error.to_string(), "table `every_type`: two rows for (id) = (a); the key must be unique within the day");
}
