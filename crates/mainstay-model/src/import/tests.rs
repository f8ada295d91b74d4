//! Models that XGBoost, LightGBM and ONNX converters wrote must answer as those libraries did: see `make.py` in this crate's folder `fixtures`.

use std::fs;
use std::path::PathBuf;

use crate::import::{self, ImportError};
use crate::{Ensemble, Link};

pub(super) type Import = fn(&[u8]) -> Result<Ensemble, ImportError>;

pub(super) const MODELS: &[(&str, Import)] = &[
    ("xgboost_binary.json", import::xgboost_json),
    ("xgboost_binary.ubj", import::xgboost_ubjson),
    ("xgboost_regression.json", import::xgboost),
    ("xgboost_categories.json", import::xgboost),
    ("xgboost_categories.ubj", import::xgboost),
    ("xgboost_onehot.json", import::xgboost),
    ("xgboost_dart.json", import::xgboost),
    ("xgboost_forest.json", import::xgboost),
    ("xgboost_pruned.json", import::xgboost),
    ("lightgbm_binary.txt", import::lightgbm_text),
    ("lightgbm_zero_as_missing.txt", import::lightgbm_text),
    ("lightgbm_no_missing.txt", import::lightgbm_text),
    ("lightgbm_categories.txt", import::lightgbm_text),
    ("lightgbm_regression.txt", import::lightgbm_text),
    ("lightgbm_dart.txt", import::lightgbm_text),
    ("lightgbm_forest.txt", import::lightgbm_text),
    ("lightgbm_forest_regression.txt", import::lightgbm_text),
    ("lightgbm_constant.txt", import::lightgbm_text),
    ("onnx_xgboost_binary.onnx", import::onnx),
    ("onnx_xgboost_regression.onnx", import::onnx),
    ("onnx_lightgbm_binary.onnx", import::onnx),
    ("onnx_boosting_binary.onnx", import::onnx),
    ("onnx_forest_binary.onnx", import::onnx),
    ("onnx_forest_regression.onnx", import::onnx),
    ("onnx_doubles.onnx", import::onnx),
];

pub(super) fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

fn imported(name: &str, import: Import) -> Ensemble {
    import(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}: {:?}", std::error::Error::source(&error)))
}

/// What a library answered to one row.
struct Answer {
    row: Vec<f64>,
    /// NaN where the library does not give it.
    raw_score: f64,
    prediction: f64,
    /// One for each feature, then the bias; none where the library does not explain.
    contributions: Vec<f64>,
}

/// The rows of `fixtures/<stem>.csv`.
fn answers(name: &str, features: usize) -> Vec<Answer> {
    let stem = name.split('.').next().unwrap();
    let text = String::from_utf8(fixture(&format!("{stem}.csv"))).unwrap();
    let answers = text.lines().skip(1).map(|line| {
        let numbers: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let (row, answers) = numbers.split_at(features);
        let [raw_score, prediction] = [answers[0], answers[1]];
        Answer { row: row.to_vec(), raw_score, prediction, contributions: answers[2..].to_vec() }
    });
    answers.collect()
}

fn is_near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

fn raw_scores(model: &Ensemble, answers: &[Answer]) -> Vec<f64> {
    let column = |feature| -> Vec<f64> { answers.iter().map(|answer| answer.row[feature]).collect() };
    let columns: Vec<Vec<f64>> = (0..model.features().len()).map(column).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut out = vec![0.0; answers.len()];
    model.raw_scores(&columns, &mut out).unwrap();
    out
}

#[test]
fn scores_as_the_library_does() {
    for &(name, import) in MODELS {
        let model = imported(name, import);
        let answers = answers(name, model.features().len());
        for (answer, raw_score) in answers.iter().zip(raw_scores(&model, &answers)) {
            let Answer { row, raw_score: expected, prediction, .. } = answer;
            let is_same = expected.is_nan() || is_near(raw_score, *expected, 1e-6);
            assert!(is_same, "{name} {row:?}: {raw_score} {expected}");
            assert!(is_near(model.prediction(raw_score), *prediction, 1e-6), "{name} {row:?}");
        }
    }
}

#[test]
fn explains_as_the_library_does() {
    for &(name, import) in MODELS {
        let model = imported(name, import);
        let features = model.features().len();
        for Answer { row, raw_score, contributions: expected, .. } in answers(name, features) {
            if expected.is_empty() {
                continue;
            }
            let mut phi = vec![0.0; features];
            let bias = model.contributions(&row, &mut phi).unwrap();
            assert!(is_near(bias + phi.iter().sum::<f64>(), raw_score, 1e-6), "{name} {row:?}");
            phi.push(bias);
            for (phi, expected) in phi.iter().zip(&expected) {
                assert!(is_near(*phi, *expected, 5e-6), "{name} {row:?}: {phi} {expected}");
            }
        }
    }
}

#[test]
fn keeps_names_links_and_every_bit_through_our_own_format() {
    for &(name, import) in MODELS {
        let model = imported(name, import);
        let names: Vec<&str> = model.features().iter().map(|feature| feature.name.as_str()).collect();
        let expected = if name.starts_with("onnx") { ["f0", "f1", "f2"] } else { ["recency", "orders", "region"] };
        assert_eq!(names, expected, "{name}");
        // A forest of sklearn sums up to the probability itself.
        let is_identity = ["regression", "onnx_forest", "doubles"].iter().any(|kind| name.contains(kind));
        assert_eq!(model.link() == Link::Identity, is_identity, "{name}");
        assert_eq!(model.has_covers(), !name.starts_with("onnx"), "{name}");
        assert_eq!(Ensemble::from_json(&model.to_json()).unwrap(), model, "{name}");
    }
}

#[test]
fn json_and_ubjson_give_the_same_model() {
    for stem in ["xgboost_binary", "xgboost_categories"] {
        let [json, ubjson] = ["json", "ubj"].map(|ending| imported(&format!("{stem}.{ending}"), import::xgboost));
        assert_eq!(json, ubjson);
    }
}

/// The only tree of this text asks `x <= threshold`.
fn lightgbm_stump(threshold: &str, decision: u8) -> Ensemble {
    let text = format!(
        "tree\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\nfeature_names=x\n\n\
         Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold={threshold}\ndecision_type={decision}\n\
         left_child=-1\nright_child=-2\nleaf_value=-1 1\nleaf_count=3 4\ninternal_count=7\nis_linear=0\n\nend of trees\n"
    );
    import::lightgbm_text(text.as_bytes()).unwrap()
}

#[test]
fn a_split_of_missing_from_all_numbers_keeps_its_sides() {
    const NAN_LEFT: u8 = 10;
    const NAN_RIGHT: u8 = 8;
    let numbers = [f64::MAX, 0.0, f64::MIN, f64::NAN];
    let leaves = |threshold: &str, decision| {
        let mut out = [0.0; 4];
        lightgbm_stump(threshold, decision).raw_scores(&[&numbers], &mut out).unwrap();
        out
    };
    for all in ["inf", "1.7976931348623157e+308"] {
        assert_eq!(leaves(all, NAN_LEFT), [-1.0; 4]);
        assert_eq!(leaves(all, NAN_RIGHT), [-1.0, -1.0, -1.0, 1.0]);
    }
    assert_eq!(leaves("-inf", NAN_LEFT), [1.0, 1.0, 1.0, -1.0]);
    assert_eq!(leaves("-1.7976931348623157e+308", NAN_RIGHT), [1.0, 1.0, -1.0, 1.0]);
}

#[test]
fn covers_of_no_use_are_left_out() {
    let text = String::from_utf8(fixture("lightgbm_binary.txt")).unwrap();
    let start = text.find("leaf_count=").unwrap() + "leaf_count=".len();
    let text = format!("{}0{}", &text[..start], &text[start + text[start..].find(' ').unwrap()..]);
    let model = import::lightgbm_text(text.as_bytes()).unwrap();
    assert!(!model.has_covers());
    let answers = answers("lightgbm_binary.txt", 3);
    for (raw_score, answer) in raw_scores(&model, &answers).into_iter().zip(&answers) {
        assert!(is_near(raw_score, answer.raw_score, 1e-6));
    }
}
