//! The rows of a training as Parquet: enough to fit any other library on the same features and cuts, and to compute every figure of
//! the record again. Rows are sorted by cut and customer, but for test rows beside groups: groups may be protected attributes, so
//! that these rows name no customer, nor does their order.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::compute::take_record_batch;
use mainstay_schema::{Ds, column};
use mainstay_train::{Trained, TrainingSet};

use crate::small_files::{closed, days_since_1970, encode, write};
use crate::training::segments::Segments;

/// Rows that are held in double precision at a time as they are written.
const BLOCK_ROWS: usize = 65_536;

/// The training rows with the fold of their customer, and whether trees were fitted on their cut, from `fit_from` on; the raw score
/// is that of trees fitted without this fold.
pub(crate) fn training_rows(trained: &Trained, fit_from: Ds) -> Result<Vec<u8>> {
    let set = &trained.training;
    let mut writer = None;
    for first in (0..set.row_count()).step_by(BLOCK_ROWS) {
        let rows = first..(first + BLOCK_ROWS).min(set.row_count());
        let fitted = set.cuts()[rows.clone()].iter().map(|cut| Some(*cut >= fit_from));
        let folds = trained.folds[rows.clone()].iter().map(|fold| u32::try_from(*fold).ok());
        let judged: Vec<(&str, ArrayRef)> = vec![
            ("fitted", Arc::new(BooleanArray::from_iter(fitted))),
            ("fold", Arc::new(folds.collect::<UInt32Array>())),
            (column::RAW_SCORE, doubles(&trained.training_scores[rows.clone()])),
        ];
        write(&mut writer, &named(set, rows, judged)?)?;
    }
    closed(writer)
}

/// The rows of the test cut with what the model says of them, and either their customers or, where the job tells groups apart, the
/// groups that they belong to, by rising score.
pub(crate) fn test_rows(trained: &Trained, segments: &Segments) -> Result<Vec<u8>> {
    let probabilities = trained.test_probabilities();
    let segments: Vec<(String, ArrayRef)> = segments.columns().collect();
    let mut judged: Vec<(&str, ArrayRef)> =
        vec![(column::RAW_SCORE, doubles(&trained.test_scores)), (column::CHURN_PROBABILITY, doubles(&probabilities))];
    if segments.is_empty() {
        return encode(&named(&trained.test, 0..trained.test.row_count(), judged)?);
    }
    judged.extend(segments.iter().map(|(name, groups)| (name.as_str(), Arc::clone(groups))));
    let rows = RecordBatch::try_from_iter(columns(&trained.test, 0..trained.test.row_count(), judged))?;
    encode(&take_record_batch(&rows, &by_score(trained))?)
}

fn named(set: &TrainingSet, rows: Range<usize>, judged: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let customers: ArrayRef = Arc::new(StringArray::from_iter_values(set.keys().skip(rows.start).take(rows.len())));
    Ok(RecordBatch::try_from_iter([(column::CUSTOMER_ID, customers)].into_iter().chain(columns(set, rows, judged)))?)
}

/// The rows by rising score, then by their features: an order that follows from what stands in them alone.
fn by_score(trained: &Trained) -> UInt64Array {
    let (scores, features) = (&trained.test_scores, trained.test.columns().collect::<Vec<_>>());
    let compared = |column: &[f64], one: usize, other: usize| match (column.get(one), column.get(other)) {
        (Some(one), Some(other)) => one.total_cmp(other),
        _ => Ordering::Equal,
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&one, &other| {
        let by_features = || features.iter().map(|column| compared(column, one, other)).find(|found| found.is_ne());
        compared(scores, one, other).then_with(|| by_features().unwrap_or(Ordering::Equal))
    });
    order.into_iter().map(|row| row as u64).collect()
}

fn columns<'a>(set: &'a TrainingSet, rows: Range<usize>, judged: Vec<(&'a str, ArrayRef)>) -> Vec<(&'a str, ArrayRef)> {
    let cuts = set.cuts()[rows.clone()].iter().map(|cut| days_since_1970(*cut));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("cut", Arc::new(Date32Array::from_iter_values(cuts))),
        (column::CHURNED, Arc::new(BooleanArray::from(set.labels()[rows.clone()].to_vec()))),
    ];
    columns.extend(judged);
    let mut values = vec![f64::NAN; rows.len()];
    for (feature, name) in set.feature_names().iter().enumerate() {
        set.fill(feature, rows.start, &mut values);
        columns.push((name, doubles(&values)));
    }
    columns
}

/// Missing values as nulls.
fn doubles(values: &[f64]) -> ArrayRef {
    Arc::new(values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect::<Float64Array>())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, UInt32Type};
    use bytes::Bytes;
    use mainstay_train::{BoostedTreesParams, Recipe, TrainingRows};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    const CUT: &str = "2024-01-01";

    fn rows(cut: &str, customers: u32) -> TrainingRows {
        let value = |row: u32| if row.is_multiple_of(7) { f64::NAN } else { f64::from(row * 13 % customers) };
        TrainingRows {
            feature_names: vec!["recency".into()],
            columns: vec![(0..customers).map(value).collect()],
            labels: (0..customers).map(|row| row * 13 % customers > customers / 2).collect(),
            keys: (0..customers).rev().map(|row| format!("C{row:03}")).collect(),
            cuts: vec![cut.parse().unwrap(); customers as usize],
        }
    }

    fn trained() -> Trained {
        let trees = BoostedTreesParams {
            rounds: 3,
            trees_per_round: 1,
            depth: 2,
            learning_rate: 0.5,
            rows_per_tree: 200,
            columns_per_tree: 1.0,
            l2: 1.0,
            minimum_leaf_rows: 2,
            seed: 1,
            ..BoostedTreesParams::default()
        };
        let recipe = Recipe { model: trees.check().unwrap().into(), seed: 1, fit_from: CUT.parse().unwrap(), folds: 2 };
        let (training, test) = (rows(CUT, 200), rows("2024-03-01", 50));
        let set = |rows| TrainingSet::new(rows).unwrap();
        recipe.train(set(training), set(test), std::num::NonZeroUsize::MIN, &mut |_, _| {}).unwrap()
    }

    fn read(file: Vec<u8>) -> RecordBatch {
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap().build().unwrap().next().unwrap().unwrap()
    }

    fn names(batch: &RecordBatch) -> Vec<String> {
        batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn training_rows_say_who_was_fitted_on_whom() {
        let trained = trained();
        let batch = read(training_rows(&trained, CUT.parse().unwrap()).unwrap());
        assert_eq!(names(&batch), ["customer_id", "cut", "churned", "fitted", "fold", "raw_score", "recency"]);
        assert_eq!(batch.num_rows(), 200);
        let keys: Vec<_> = batch["customer_id"].as_string::<i32>().iter().flatten().collect();
        assert!(keys.is_sorted(), "sorted within the cut");
        assert_eq!(batch["fitted"].as_boolean().true_count(), 200);
        let later = read(training_rows(&trained, "2024-01-02".parse().unwrap()).unwrap());
        assert_eq!(later["fitted"].as_boolean().true_count(), 0, "the only cut lies before");
        let folds = batch["fold"].as_primitive::<UInt32Type>();
        assert!((0..200).all(|row| folds.value(row) as usize == trained.folds[row]));
        let values = batch["recency"].as_primitive::<Float64Type>();
        assert_eq!(values.null_count(), 29, "missing values are null");
        assert_eq!(batch["cut"].null_count() + batch["raw_score"].null_count(), 0);
    }

    #[test]
    fn test_rows_carry_what_the_model_says_of_them() {
        let trained = trained();
        let batch = read(test_rows(&trained, &Segments::default()).unwrap());
        assert_eq!(names(&batch), ["customer_id", "cut", "churned", "raw_score", "churn_probability", "recency"]);
        let raw = batch["raw_score"].as_primitive::<Float64Type>();
        let probabilities = batch["churn_probability"].as_primitive::<Float64Type>();
        assert!((0..50).all(|row| probabilities.value(row) == trained.model.probability(raw.value(row))));
    }

    #[test]
    fn test_rows_beside_groups_name_no_customer() {
        let trained = trained();
        let groups = trained.test.keys().map(|key| Some(format!("group of {key}"))).collect();
        let batch = read(test_rows(&trained, &Segments::of([("gender", groups)])).unwrap());
        assert_eq!(names(&batch), ["cut", "churned", "raw_score", "churn_probability", "segment_gender", "recency"]);
        let raw = batch["raw_score"].as_primitive::<Float64Type>();
        let groups: Vec<_> = batch["segment_gender"].as_string::<i32>().iter().flatten().collect();
        assert!(raw.values().is_sorted() && !groups.is_sorted());
        // Each row stays whole.
        assert_eq!(groups.len(), 50);
        for (row, group) in groups.iter().enumerate() {
            let of = |group: &str| trained.test.keys().position(|key| format!("group of {key}") == group).unwrap();
            assert_eq!(raw.value(row), trained.test_scores[of(group)]);
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let file = || training_rows(&trained(), CUT.parse().unwrap()).unwrap();
        assert_eq!(file(), file());
    }
}
