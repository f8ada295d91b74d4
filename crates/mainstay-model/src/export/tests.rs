//! What is written reads back to the same decisions and, up to singles, the same scores.

use proptest::prelude::*;

use crate::export::onnx;
use crate::import;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Calibration, CategorySet, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};

/// The same ensemble where zero is no missing value.
fn without_zeros(model: &Ensemble) -> Ensemble {
    let plain = |mut node: Node| {
        if let Node::Split { missing, .. } = &mut node {
            *missing = Missing::Nan;
        }
        node
    };
    let trees = model.trees().iter().map(|tree| Tree::new(&tree.nodes().map(plain).collect::<Vec<_>>()).unwrap());
    Ensemble::new(EnsembleParts {
        features: model.features().to_vec(),
        trees: trees.collect(),
        bias: model.bias(),
        link: model.link(),
        calibration: model.calibration(),
    })
    .unwrap()
}

fn predictions(model: &Ensemble, columns: &[Vec<f64>]) -> Vec<f64> {
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut out = vec![0.0; columns[0].len()];
    model.raw_scores(&columns, &mut out).unwrap();
    out.into_iter().map(|raw| model.prediction(raw)).collect()
}

proptest! {
    #[test]
    fn reads_back_to_the_same_predictions(seed: u64, depth in 0usize..7) {
        let model = without_zeros(&random_ensemble(seed, 4, 9, depth));
        let back = import::onnx(&onnx(&model).unwrap()).unwrap();
        prop_assert_eq!(back.features(), model.features());
        let columns = random_columns(seed, 4, 200);
        // Codes are integers: `==` and a code cut to an integer differ on others.
        let columns: Vec<Vec<f64>> = columns.into_iter().map(|column| column.into_iter().map(f64::trunc).collect()).collect();
        for (found, expected) in predictions(&back, &columns).into_iter().zip(predictions(&model, &columns)) {
            prop_assert!((found - expected).abs() <= 1e-6, "{} {}", found, expected);
        }
    }

    #[test]
    fn a_threshold_decides_every_single_as_before(threshold: f64, single: f32) {
        prop_assume!(threshold.is_finite() && single.is_finite());
        let back = import::onnx(&onnx(&stump(Condition::Below(threshold), Missing::Nan, true)).unwrap()).unwrap();
        let near = threshold as f32;
        for single in [single, near.next_down(), near, near.next_up()].into_iter().filter(|single| single.is_finite()) {
            let value = f64::from(single);
            let expected = if value < threshold { -1.0 } else { 1.0 };
            prop_assert_eq!(predictions(&back, &[vec![value]]), [expected], "{} {}", threshold, single);
        }
    }
}

/// A regression that asks one question.
fn stump(condition: Condition, missing: Missing, default_left: bool) -> Ensemble {
    let leaf = |value| Node::Leaf { value, cover: 0.0 };
    let split = Node::Split { feature: 0, condition, missing, default_left, left: 1, right: 2, cover: 0.0 };
    regression(&[split, leaf(-1.0), leaf(1.0)])
}

fn regression(nodes: &[Node]) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("x")],
        trees: vec![Tree::new(nodes).unwrap()],
        bias: 0.0,
        link: Link::Identity,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

#[test]
fn a_zero_that_goes_with_its_neighbours_needs_no_word() {
    let model = |default_left| stump(Condition::Below(1.0), Missing::NanOrZero, default_left);
    let back = import::onnx(&onnx(&model(true)).unwrap()).unwrap();
    assert_eq!(predictions(&back, &[vec![0.0, 2.0, f64::NAN]]), [-1.0, 1.0, -1.0]);
    assert_eq!(
        onnx(&model(false)).unwrap_err().to_string(),
        "tree 0 sends zero another way than numbers next to it, which ONNX's trees cannot: train without `zero_as_missing`"
    );
}

#[test]
fn a_set_of_categories_reads_back_as_one_split() {
    for codes in [vec![], vec![7], vec![0, 2, 40_000, 65_535]] {
        let set = Condition::OneOf(CategorySet::new(codes.iter().copied()).unwrap());
        for default_left in [false, true] {
            let model = stump(set.clone(), Missing::Nan, default_left);
            let back = import::onnx(&onnx(&model).unwrap()).unwrap();
            assert_eq!(back.trees()[0].node_count(), 3);
            let columns = [vec![0.0, 1.0, 2.0, 7.0, 40_000.0, 65_535.0, -1.0, f64::NAN]];
            assert_eq!(predictions(&back, &columns), predictions(&model, &columns), "{codes:?}");
        }
    }
}

#[test]
fn refuses_what_trees_of_onnx_cannot_say() {
    let effect = crate::Effect::Categories(vec![1.0]);
    let term = crate::Term { feature: 0, effect, missing: 0.0, mean: 0.0 };
    let linear = random_ensemble(1, 2, 0, 1).with_terms(vec![term]).unwrap();
    assert_eq!(
        onnx(&linear).unwrap_err().to_string(),
        "the model is linear in 1 features, which ONNX's trees cannot say: train a model of trees"
    );
    let features = vec![Feature { categories: Some(vec!["Paris".into()]), ..Feature::new("city") }];
    let texts = EnsembleParts {
        features,
        trees: Vec::new(),
        bias: 0.0,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    };
    assert_eq!(
        onnx(&Ensemble::new(texts).unwrap()).unwrap_err().to_string(),
        "feature `city` is a column of texts, which ONNX's trees do not read: give it as a number in training"
    );
}
