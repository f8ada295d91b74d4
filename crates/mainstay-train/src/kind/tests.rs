//! Every kind: quality against a known truth, one model whatever the threads and the order of rows, constraints kept, categories distinguished.

use std::collections::BTreeMap;

use mainstay_model::{Node, Tree};

use super::*;
use crate::declared::{Declared, Monotone};
use crate::draw::{mix, unit};
use crate::evaluate::rank;
use crate::rows::TrainingRows;
use crate::test_rows::draw_truth;

fn threads(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn fit(params: ModelParams, set: &TrainingSet, number: usize) -> Ensemble {
    params.check().unwrap().fit(set, threads(number), &mut |_, _| {}).unwrap()
}

/// Quick to fit.
fn small(kind: LearnerKind) -> ModelParams {
    match ModelParams::usual(kind, 3) {
        ModelParams::Boosted(params) => {
            ModelParams::Boosted(BoostedTreesParams { rounds: 40, rows_per_tree: 2_000, ..params })
        }
        ModelParams::Forest(params) => {
            ModelParams::Forest(ForestParams { trees: 60, rows_per_tree: 2_000, columns_per_tree: 0.6, ..params })
        }
        other => other,
    }
}

fn scores(model: &Ensemble, columns: &[Vec<f64>]) -> Vec<f64> {
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut out = vec![0.0; columns[0].len()];
    model.raw_scores(&columns, &mut out).unwrap();
    out
}

fn shuffled(rows: &TrainingRows) -> TrainingRows {
    let n = rows.keys.len();
    let order: Vec<usize> = (0..n).map(|i| (i * 387 + 13) % n).collect();
    TrainingRows {
        feature_names: rows.feature_names.clone(),
        columns: rows.columns.iter().map(|column| order.iter().map(|&i| column[i]).collect()).collect(),
        labels: order.iter().map(|&i| rows.labels[i]).collect(),
        keys: order.iter().map(|&i| rows.keys[i].clone()).collect(),
        cuts: order.iter().map(|&i| rows.cuts[i]).collect(),
    }
}

#[test]
fn every_kind_learns_what_it_can() {
    let (training, test) = (draw_truth(1, 4_000), draw_truth(2, 6_000));
    let set = TrainingSet::new(training.rows).unwrap();
    let oracle = rank(&test.log_odds, &test.rows.labels).unwrap().auc;
    let aucs = LearnerKind::ALL.map(|kind| {
        let model = fit(small(kind), &set, 2);
        rank(&scores(&model, &test.rows.columns), &test.rows.labels).unwrap().auc
    });
    let [boosted, forest, logistic, tree] = aucs;
    assert!(boosted > oracle - 0.02 && forest > oracle - 0.03, "{aucs:?}, oracle {oracle}");
    assert!(tree > 0.7 && logistic > 0.65, "{aucs:?}, oracle {oracle}");
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_bit() {
    let rows = draw_truth(1, 1_000).rows;
    let (set, other) = (TrainingSet::new(rows.clone()).unwrap(), TrainingSet::new(shuffled(&rows)).unwrap());
    for kind in LearnerKind::ALL {
        let digest = fit(small(kind), &set, 1).digest();
        for number in [1, 2, 5] {
            assert_eq!(fit(small(kind), &other, number).digest(), digest, "{kind}, {number} threads");
        }
    }
}

/// The truth bends in feature 1, and rises and falls with others: whatever is declared must hold for every row.
#[test]
fn constraints_hold_for_every_row() {
    let rows = draw_truth(1, 3_000).rows;
    for (feature, monotone) in
        [(1, Monotone::Increasing), (1, Monotone::Decreasing), (0, Monotone::Decreasing), (4, Monotone::Increasing)]
    {
        let declared =
            BTreeMap::from([(format!("feature_{feature}"), Declared { monotone: Some(monotone), categories: None })]);
        let set = TrainingSet::new(rows.clone()).unwrap().with_declared(&declared).unwrap();
        for kind in LearnerKind::ALL {
            let model = fit(small(kind), &set, 2);
            let mut moves = 0;
            for row in 0..50 {
                let mut columns: Vec<Vec<f64>> = rows.columns.iter().map(|column| vec![column[row]; 40]).collect();
                columns[feature] =
                    (0..40).map(|step| f64::from(step) / 40.0 * if feature == 0 { 100.0 } else { 1.0 }).collect();
                let scores = scores(&model, &columns);
                for pair in scores.windows(2) {
                    let rise = monotone.sign() * (pair[1] - pair[0]);
                    assert!(rise >= -1e-12, "{kind}, feature {feature} {monotone:?}: {scores:?}");
                    moves += usize::from(rise > 0.0);
                }
            }
            let is_with_the_truth = feature == 1 || feature == 4;
            assert!(
                moves > 0 || !is_with_the_truth || kind != LearnerKind::Boosted,
                "{kind} makes no use of feature {feature}"
            );
        }
    }
}

/// Labels that depend on which of 30 categories a row has, in an order that codes do not have.
fn with_categories(rows: u64, seed: u64) -> TrainingSet {
    let mut drawn = draw_truth(seed, rows).rows;
    let code = |row: u64| unit(mix(mix(seed ^ 77) ^ row)) * 31.0;
    let codes: Vec<f64> = (0..rows).map(|row| if code(row) >= 30.0 { f64::NAN } else { code(row).floor() }).collect();
    let risk = |code: f64| if code.is_nan() { 0.9 } else { unit(mix(code as u64 ^ 5)) };
    drawn.labels = codes.iter().zip(0..rows).map(|(code, row)| unit(mix(mix(seed ^ 99) ^ row)) < risk(*code)).collect();
    drawn.columns.truncate(2);
    drawn.feature_names = vec!["noise".into(), "city".into()];
    drawn.columns[1] = codes;
    let categories = Some((0..30).map(|code| format!("city {code}")).collect());
    let declared = BTreeMap::from([("city".to_owned(), Declared { categories, monotone: None })]);
    TrainingSet::new(drawn).unwrap().with_declared(&declared).unwrap()
}

#[test]
fn categories_are_distinguished_by_every_kind_and_unknown_ones_are_missing() {
    let (training, test) = (with_categories(6_000, 1), with_categories(3_000, 2));
    let risk = |code: &f64| if code.is_nan() { 0.9 } else { unit(mix(*code as u64 ^ 5)) };
    let truth: Vec<f64> = test.column(1).iter().map(risk).collect();
    let oracle = rank(&truth, test.labels()).unwrap().auc;
    for kind in LearnerKind::ALL {
        let model = fit(small(kind), &training, 2);
        let auc = rank(&test.raw_scores(&model).unwrap(), test.labels()).unwrap().auc;
        assert!(auc > oracle - 0.03, "{kind}: {auc}, oracle {oracle}");
        let city = &model.features()[1];
        assert_eq!((city.code_of("city 7"), city.code_of("Atlantis").is_nan()), (7.0, true));
        let read = Ensemble::from_json(&model.to_json()).unwrap();
        assert_eq!(test.raw_scores(&read).unwrap(), test.raw_scores(&model).unwrap());
        let nodes: Vec<Node> = model.trees().iter().flat_map(Tree::nodes).collect();
        let is_set = |node: &&Node| matches!(node, Node::Split { condition: mainstay_model::Condition::OneOf(_), .. });
        assert_eq!(nodes.iter().filter(is_set).count() > 0, kind != LearnerKind::Logistic);
    }
}

#[test]
fn weights_move_the_scores_and_calibration_brings_them_back() {
    let set = TrainingSet::new(draw_truth(1, 4_000).rows).unwrap();
    let ModelParams::Boosted(params) = small(LearnerKind::Boosted) else { panic!() };
    let model = fit(ModelParams::Boosted(BoostedTreesParams { positive_weight: 5.0, ..params }), &set, 2);
    let raw = set.raw_scores(&model).unwrap();
    let mean = |model: &Ensemble| raw.iter().map(|raw| model.probability(*raw)).sum::<f64>() / raw.len() as f64;
    let base_rate = set.labels().iter().filter(|label| **label).count() as f64 / 4_000.0;
    assert!(mean(&model) > base_rate + 0.1, "{} {base_rate}", mean(&model));
    let calibrated = model.clone().with_calibration(crate::calibrate::platt(&raw, set.labels()).unwrap()).unwrap();
    assert!((mean(&calibrated) - base_rate).abs() < 0.01);
}

#[test]
fn boosting_stops_where_watched_rows_get_no_better() {
    let (set, later) = (draw_truth(1, 1_500).rows, draw_truth(2, 3_000).rows);
    let (set, later) = (TrainingSet::new(set).unwrap(), TrainingSet::new(later).unwrap());
    let params = BoostedTreesParams {
        rounds: 400,
        learning_rate: 0.3,
        minimum_leaf_rows: 5,
        depth: 6,
        patience: 10,
        ..BoostedTreesParams::default()
    };
    let valid = params.check().unwrap();
    let mut last = (0, 0);
    let fitted = valid.fit_watching(&set, Some(&later), threads(2), &mut |done, all| last = (done, all)).unwrap();
    assert!(fitted.rounds < 100 && fitted.model.trees().len() <= 2 * fitted.rounds, "{}", fitted.rounds);
    assert_eq!(last, (400, 400));
    let same = BoostedTreesParams { rounds: fitted.rounds, patience: 0, ..params }.check().unwrap();
    assert_eq!(same.fit(&set, threads(1), &mut |_, _| {}).unwrap().digest(), fitted.model.digest());
    let all = valid.fit_watching(&set, None, threads(2), &mut |_, _| {}).unwrap();
    let auc = |model| rank(&later.raw_scores(model).unwrap(), later.labels()).unwrap().auc;
    assert!(auc(&fitted.model) > auc(&all.model));
}

#[test]
fn a_logistic_model_is_exact_where_the_truth_is_a_line() {
    let n = 20_000u64;
    let at = |row: u64, purpose: u64| unit(mix(mix(row) ^ purpose)) - 0.5;
    let columns = vec![(0..n).map(|row| 1e6 + 300.0 * at(row, 1)).collect(), (0..n).map(|row| at(row, 2)).collect()];
    let truth = |row: u64| 4.0 * at(row, 1) - 2.0 * at(row, 2) - 0.5;
    let labels = (0..n).map(|row| at(row, 3) + 0.5 < mainstay_model::calibration::sigmoid(truth(row))).collect();
    let rows = TrainingRows {
        feature_names: vec!["far".into(), "near".into()],
        columns,
        labels,
        keys: (0..n).map(|row| format!("{row:06}")).collect(),
        cuts: vec!["2024-01-01".parse().unwrap(); n as usize],
    };
    let model = fit(ModelParams::usual(LearnerKind::Logistic, 1), &TrainingSet::new(rows.clone()).unwrap(), 1);
    let worst = scores(&model, &rows.columns).into_iter().zip(0..n).map(|(score, row)| (score - truth(row)).abs());
    let worst = worst.fold(0.0, f64::max);
    assert!(worst < 0.25, "{worst}");
    // Beyond the quantiles of training a value says no more.
    let beyond = scores(&model, &[vec![1e6 + 150.0, 1e9], vec![0.0, 0.0]]);
    assert_eq!(beyond[0], beyond[1]);
}

#[test]
fn parameters_are_written_with_their_kind_and_refused_out_of_range() {
    let params: ModelParams = serde_json::from_str(r#"{"kind":"tree","depth":3}"#).unwrap();
    assert_eq!(params, ModelParams::Tree(TreeParams { depth: 3, ..TreeParams::default() }));
    assert_eq!(params.kind().to_string(), "tree");
    let message = |params: ModelParams| params.check().unwrap_err().to_string();
    let forest = ForestParams::default();
    assert_eq!(
        message(ModelParams::Forest(ForestParams { trees: 0, ..forest })),
        "`trees` is 0: it must be from 1 to 5000"
    );
    assert_eq!(
        message(ModelParams::Forest(ForestParams { prior_rows: 0.0, ..forest })),
        "`prior_rows` is 0: it must be from 0.001 to 1000"
    );
    assert_eq!(
        message(ModelParams::Tree(TreeParams { depth: 21, ..TreeParams::default() })),
        "`depth` is 21: it must be from 1 to 20"
    );
    let logistic = LogisticParams { clip_quantile: 0.5, ..LogisticParams::default() };
    assert_eq!(message(ModelParams::Logistic(logistic)), "`clip_quantile` is 0.5: it must be from 0 to 0.2");
}

#[test]
fn every_kind_refuses_too_few_rows() {
    let set = TrainingSet::new(draw_truth(1, 12).rows).unwrap();
    for kind in [LearnerKind::Boosted, LearnerKind::Forest, LearnerKind::Tree] {
        let error = small(kind).check().unwrap().fit(&set, threads(1), &mut |_, _| {}).unwrap_err().to_string();
        assert!(error.starts_with("12 rows are too few, at least "), "{kind}: {error}");
    }
}
