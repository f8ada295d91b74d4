//! The recipe: who is scored by whom, one model whatever the threads and the order of the rows, and probabilities that hold.

use super::*;
use crate::params::BoostedTreesParams;
use crate::rows::TrainingRows;
use crate::test_rows::draw_truth;

fn trees() -> BoostedTreesParams {
    BoostedTreesParams {
        rounds: 20,
        trees_per_round: 3,
        depth: 3,
        learning_rate: 0.1,
        rows_per_tree: 800,
        columns_per_tree: 0.5,
        l2: 1.0,
        minimum_leaf_rows: 20,
        seed: 11,
        ..BoostedTreesParams::default()
    }
}

fn recipe() -> Recipe {
    Recipe { model: trees().check().unwrap().into(), seed: 11, fit_from: "2024-01-01".parse().unwrap(), folds: 3 }
}

fn train(recipe: Recipe, rows: TrainingRows, threads: usize) -> Result<Trained, TrainError> {
    let test = TrainingSet::new(draw_truth(2, 4_000).rows)?;
    recipe.train(TrainingSet::new(rows)?, test, NonZeroUsize::new(threads).unwrap(), &mut |_, _| {})
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_bit() {
    let rows = draw_truth(1, 1_500).rows;
    let order: Vec<usize> = (0..1_500).map(|i| (i * 391 + 13) % 1_500).rev().collect();
    let shuffled = TrainingRows {
        feature_names: rows.feature_names.clone(),
        columns: rows.columns.iter().map(|column| order.iter().map(|&i| column[i]).collect()).collect(),
        labels: order.iter().map(|&i| rows.labels[i]).collect(),
        keys: order.iter().map(|&i| rows.keys[i].clone()).collect(),
        cuts: order.iter().map(|&i| rows.cuts[i]).collect(),
    };
    assert_ne!(shuffled.keys, rows.keys);
    let first = train(recipe(), rows.clone(), 1).unwrap();
    for threads in [1, 2, 8] {
        for rows in [&rows, &shuffled] {
            let other = train(recipe(), rows.clone(), threads).unwrap();
            assert_eq!(other.model.digest(), first.model.digest(), "{threads} threads");
            assert_eq!((&other.training_scores, &other.test_scores), (&first.training_scores, &first.test_scores));
            assert_eq!((other.evaluation, other.calibration), (first.evaluation, first.calibration));
        }
    }
}

/// Labels of noise: a score by trees that had seen the row would rank them far better than chance.
#[test]
fn no_row_is_scored_by_trees_that_know_its_customer() {
    let mut rows = draw_truth(1, 3_000).rows;
    for (row, label) in rows.labels.iter_mut().enumerate() {
        *label = crate::draw::mix(row as u64 / 2).is_multiple_of(2);
    }
    let set = TrainingSet::new(rows).unwrap();
    let recipe = Recipe {
        model: BoostedTreesParams { rounds: 60, depth: 6, minimum_leaf_rows: 2, ..trees() }.check().unwrap().into(),
        ..recipe()
    };
    let fitted = recipe.model.fit(&set, NonZeroUsize::MIN, &mut |_, _| {}).unwrap();
    let seen = rank(&set.raw_scores(&fitted).unwrap(), set.labels()).unwrap().auc;
    assert!(seen > 0.8, "trees learn noise by heart: {seen}");
    let folds: Vec<usize> = set.keys().map(|key| fold(key, 11, 3)).collect();
    let mut progress = |_, _| {};
    let mut rounds = Rounds { before: 0, all: 0, progress: &mut progress };
    for held_back in 0..3 {
        let unseen = recipe.fit_without(&set, &folds, Some(held_back), NonZeroUsize::MIN, &mut rounds).unwrap();
        let scores = set.raw_scores(&unseen).unwrap();
        let held_back = |row: &usize| folds[*row] == held_back;
        let (scores, labels): (Vec<f64>, Vec<bool>) =
            (0..3_000).filter(held_back).map(|row| (scores[row], set.labels()[row])).unzip();
        let auc = rank(&scores, &labels).unwrap().auc;
        assert!((auc - 0.5).abs() < 0.07, "{auc}");
    }
}

/// Labels of the first fold are turned: only the curves of the two others may change.
#[test]
fn no_row_is_calibrated_by_a_curve_that_knows_its_customer() {
    let folds: Vec<usize> = (0..900).map(|row| row % 3).collect();
    let raw: Vec<f64> = (0..900).map(|row| f64::from(row * 37 % 100) / 25.0 - 2.0).collect();
    let mut labels: Vec<bool> = (0..900).map(|row| row * 37 % 100 > row * 59 % 100).collect();
    let before = cross_calibrated(&raw, &labels, &folds, 3).unwrap();
    for row in (0..900).step_by(12) {
        labels[row] = !labels[row];
    }
    let after = cross_calibrated(&raw, &labels, &folds, 3).unwrap();
    for row in 0..900 {
        assert_eq!(before[row] == after[row], folds[row] == 0, "row {row}");
    }
}

#[test]
fn probabilities_hold_on_customers_kept_out_and_on_the_test_rows() {
    let trained = train(recipe(), draw_truth(1, 6_000).rows, 2).unwrap();
    let CalibrationReport { check, test, rows, base_rate, base_rate_shift, .. } = trained.calibration;
    assert_eq!((rows, check.rows), (6_000, 6_000));
    let later = test.reliability;
    assert!(check.reliability.error_above_noise() <= 0.01, "{:?}", trained.calibration);
    assert!(later.error_above_noise() <= 0.01, "{:?}", trained.calibration);
    // Twenty rounds leave margins that are too timid: the slope makes up for it.
    assert!(trained.calibration.slope > 1.0 && test.is_improved(), "{:?}", trained.calibration);
    assert_eq!((later.brier, later.ece), (trained.evaluation.brier, trained.evaluation.ece));
    assert_eq!(base_rate_shift, later.base_rate - base_rate);
    let cuts: Vec<_> = trained.by_cut.iter().map(|cut| cut.ds.to_string()).collect();
    assert_eq!(cuts, ["2024-01-01", "2024-02-01"]);
    assert_eq!(trained.by_cut.iter().map(|cut| cut.rows).sum::<usize>(), check.rows);
    assert!(trained.by_cut.iter().all(|cut| cut.auc.unwrap() > 0.7), "{:?}", trained.by_cut);
}

/// Labels that the feature ranks one way round at the first cut, and the other way round at the second.
#[test]
fn trees_are_fitted_on_the_newest_cuts_only_and_all_cuts_calibrate() {
    let turned = |rows: TrainingRows| {
        let first = rows.cuts.iter().min().copied();
        let labels = rows.labels.iter().zip(&rows.cuts).map(|(label, cut)| *label != (Some(*cut) == first)).collect();
        TrainingRows { labels, ..rows }
    };
    let rows = turned(draw_truth(1, 4_000).rows);
    let newest = Recipe { fit_from: "2024-02-01".parse().unwrap(), ..recipe() };
    let set = TrainingSet::new(rows.clone()).unwrap();
    let only = set.subset(&set.cuts().iter().map(|cut| *cut >= newest.fit_from).collect::<Vec<_>>()).unwrap();
    let expected = newest.model.fit(&only, NonZeroUsize::MIN, &mut |_, _| {}).unwrap();
    let mut both = rows;
    // As many rows of the earlier cut as leave the slope above 0.
    both = both.select(|key, cut| cut >= newest.fit_from || key.ends_with('7'));
    let trained = train(newest, both.clone(), 1).unwrap();
    assert_eq!(trained.model.trees(), expected.trees());
    assert_eq!(trained.calibration.rows, both.labels.len());
    assert_eq!(trained.by_cut.len(), 2);
    assert!(trained.by_cut[0].auc.unwrap() < 0.5 && trained.by_cut[1].auc.unwrap() > 0.7, "{:?}", trained.by_cut);
}

#[test]
fn reports_its_progress_over_all_fits() {
    let set = TrainingSet::new(draw_truth(1, 1_000).rows).unwrap();
    let mut reported = Vec::new();
    let mut progress = |done, rounds| reported.push((done, rounds));
    recipe().train(set.clone(), set, NonZeroUsize::MIN, &mut progress).unwrap();
    assert_eq!(reported, (1..=80).map(|done| (done, 80)).collect::<Vec<_>>());
}

#[test]
fn refuses_one_fold() {
    let message = train(Recipe { folds: 1, ..recipe() }, draw_truth(1, 1_000).rows, 1).unwrap_err().to_string();
    assert_eq!(message, "`folds` is 1: it must be at least 2");
}
