//! Boosting: quality against a known truth, the same model from the same rows, and models that score as they were trained.

use super::*;
use crate::baseline::{FeatureRows, single_feature};
use crate::calibrate::platt;
use crate::evaluate::{evaluate, rank};
use crate::params::BoostedTreesParams;
use crate::rows::TrainingRows;
use crate::test_rows::{FEATURES, draw_truth};

const PARAMS: BoostedTreesParams = BoostedTreesParams {
    rounds: 80,
    trees_per_round: 2,
    depth: 3,
    learning_rate: 0.1,
    rows_per_tree: 2_000,
    columns_per_tree: 0.6,
    l2: 1.0,
    minimum_leaf_rows: 20,
    seed: 11,
    positive_weight: 1.0,
    patience: 0,
};

fn threads(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn fit(params: BoostedTreesParams, rows: TrainingRows) -> Result<Ensemble, TrainError> {
    params.check()?.fit(&TrainingSet::new(rows)?, threads(2), &mut |_, _| {})
}

fn scores(model: &Ensemble, columns: &[Vec<f64>]) -> Vec<f64> {
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut out = vec![0.0; columns[0].len()];
    model.raw_scores(&columns, &mut out).unwrap();
    out
}

#[test]
fn learns_a_nonlinear_truth() {
    let (training, test) = (draw_truth(1, 4_000).rows, draw_truth(2, 8_000));
    let model = fit(PARAMS, training.clone()).unwrap();
    let labels = &test.rows.labels;
    let raw = scores(&model, &test.rows.columns);
    let auc = rank(&raw, labels).unwrap().auc;
    let oracle = rank(&test.log_odds, labels).unwrap().auc;
    let best_single = (0..FEATURES).map(|feature| {
        let of = |rows| FeatureRows { values: column(rows, feature), labels: labels_of(rows) };
        single_feature(of(&training), of(&test.rows)).unwrap().ranking.auc
    });
    let best_single = best_single.fold(0.0, f64::max);
    assert!(auc > oracle - 0.02, "auc {auc}, oracle {oracle}");
    assert!(auc > best_single + 0.05, "auc {auc}, best single feature {best_single}");
}

fn column(rows: &TrainingRows, feature: usize) -> &[f64] {
    &rows.columns[feature]
}

fn labels_of(rows: &TrainingRows) -> &[bool] {
    &rows.labels
}

#[test]
fn is_calibrated_on_rows_held_back() {
    let model = fit(PARAMS, draw_truth(1, 4_000).rows).unwrap();
    let (held_back, test) = (draw_truth(3, 2_000).rows, draw_truth(2, 8_000).rows);
    let calibration = platt(&scores(&model, &held_back.columns), &held_back.labels).unwrap();
    let model = model.with_calibration(calibration).unwrap();
    let probabilities: Vec<f64> = scores(&model, &test.columns).into_iter().map(|raw| model.probability(raw)).collect();
    let evaluation = evaluate(&probabilities, &test.labels).unwrap();
    assert!(evaluation.ece < 0.03, "{evaluation:?}");
    let base_rate = evaluation.ranking.base_rate;
    assert!(evaluation.brier < 0.9 * base_rate * (1.0 - base_rate), "{evaluation:?}");
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let rows = draw_truth(1, 1_000).rows;
    let order: Vec<usize> = (0..1_000).map(|i| (i * 387 + 13) % 1_000).collect();
    let permuted = TrainingRows {
        feature_names: rows.feature_names.clone(),
        columns: rows.columns.iter().map(|column| order.iter().map(|&i| column[i]).collect()).collect(),
        labels: order.iter().map(|&i| rows.labels[i]).collect(),
        keys: order.iter().map(|&i| rows.keys[i].clone()).collect(),
        cuts: order.iter().map(|&i| rows.cuts[i]).collect(),
    };
    assert_ne!(permuted.keys, rows.keys);
    let params = BoostedTreesParams { rounds: 20, rows_per_tree: 500, ..PARAMS };
    let digest = fit(params, rows.clone()).unwrap().digest();
    assert_eq!(fit(params, permuted).unwrap().digest(), digest);
    assert_ne!(fit(BoostedTreesParams { seed: 12, ..params }, rows).unwrap().digest(), digest);
}

/// A base rate of one half and few distinct values give linfa ties to break by hash order, in the first round above all.
#[test]
fn ties_do_not_change_the_model() {
    let mut rows = draw_truth(1, 400).rows;
    for column in &mut rows.columns {
        column
            .iter_mut()
            .enumerate()
            .for_each(|(row, value)| *value = if row % 3 == 0 { 0.0 } else { value.round() % 3.0 });
    }
    rows.labels = (0..400).map(|row| (row / 2) % 2 == 0).collect();
    let params = BoostedTreesParams { rounds: 10, minimum_leaf_rows: 1, depth: 6, rows_per_tree: 400, ..PARAMS };
    let digest = fit(params, rows.clone()).unwrap().digest();
    for _ in 0..10 {
        assert_eq!(fit(params, rows.clone()).unwrap().digest(), digest);
    }
}

/// Margins are kept by codes in training and computed from values in scoring: they must be the same to the bit.
#[test]
fn scores_as_it_was_trained() {
    let set = TrainingSet::new(draw_truth(5, 1_500).rows).unwrap();
    let params = BoostedTreesParams { rounds: 40, depth: 5, rows_per_tree: 700, ..PARAMS }.check().unwrap();
    let mut boosting = Boosting::start(&params, &set, None);
    for round in 0..40 {
        boosting.add_trees(round, threads(2)).unwrap();
    }
    let margins = boosting.margins.clone();
    let model = boosting.finish().unwrap().model;
    assert!(model.trees().len() > 30);
    assert_eq!(set.raw_scores(&model).unwrap(), margins);
    let uses = |feature| model.trees().iter().flat_map(Tree::nodes).any(|node| splits_on(&node, feature));
    assert!(uses(4), "the feature with missing values is used");
    assert!(!uses(5), "the constant is not");
}

fn splits_on(node: &Node, position: u32) -> bool {
    matches!(node, Node::Split { feature, .. } if *feature == position)
}

#[test]
fn rows_that_cannot_be_distinguished_give_the_base_rate() {
    let mut rows = draw_truth(1, 200).rows;
    rows.columns = vec![vec![1.0; 200], vec![f64::NAN; 200]];
    rows.feature_names.truncate(2);
    let positives = rows.labels.iter().filter(|label| **label).count();
    let model = fit(PARAMS, rows).unwrap();
    assert!(model.trees().is_empty());
    assert!((model.probability(model.bias()) - positives as f64 / 200.0).abs() < 1e-12);
}

#[test]
fn reports_its_progress() {
    let set = TrainingSet::new(draw_truth(1, 200).rows).unwrap();
    let params = BoostedTreesParams { rounds: 3, ..PARAMS }.check().unwrap();
    let mut reported = Vec::new();
    params.fit(&set, threads(1), &mut |done, rounds| reported.push((done, rounds))).unwrap();
    assert_eq!(reported, [(1, 3), (2, 3), (3, 3)]);
}

#[test]
fn refuses_too_few_rows_and_names_that_repeat() {
    let message = fit(PARAMS, draw_truth(1, 39).rows).unwrap_err().to_string();
    assert_eq!(message, "39 rows are too few, at least 40 are needed: add cuts or lower `minimum_leaf_rows`");
    let mut rows = draw_truth(1, 100).rows;
    rows.feature_names[1] = rows.feature_names[0].clone();
    let error = fit(PARAMS, rows).unwrap_err();
    assert!(matches!(error, TrainError::Model(ModelError::FeatureName { position: 1, .. })), "{error}");
}
