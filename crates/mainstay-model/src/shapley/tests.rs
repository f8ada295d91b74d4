//! The fast contributions against the plain ones.

use proptest::prelude::*;

use super::*;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Calibration, Condition, EnsembleParts, Feature, Link, Missing, Node, Tree};

/// Contributions by row.
fn plain(model: &Ensemble, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let rows = columns[0].len();
    let explain = |row: usize| {
        let values: Vec<f64> = columns.iter().map(|column| column[row]).collect();
        let mut phi = vec![f64::NAN; columns.len()];
        model.contributions(&values, &mut phi).unwrap();
        phi
    };
    (0..rows).map(explain).collect()
}

fn views(columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Vec<Column<'_>> {
    columns.iter().map(|column| Column::new(&column[rows.clone()])).collect()
}

fn fast(explainer: &Explainer, columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Vec<Vec<f64>> {
    let count = rows.len();
    let mut out = vec![f64::NAN; columns.len() * count];
    explainer.contributions(&views(columns, rows), &mut out).unwrap();
    (0..count).map(|row| (0..columns.len()).map(|feature| out[feature * count + row]).collect()).collect()
}

/// The greatest leaf values of all trees together: what rounding is measured by.
fn scale(model: &Ensemble) -> f64 {
    let values = |tree: &Tree| {
        let values = tree.nodes().map(|node| if let Node::Leaf { value, .. } = node { value.abs() } else { 0.0 });
        values.fold(0.0, f64::max)
    };
    model.trees().iter().map(values).sum()
}

fn assert_agrees(model: &Ensemble, columns: &[Vec<f64>]) {
    let explainer = Explainer::new(model).unwrap();
    let tolerance = 2e-6 * scale(model);
    let rows = columns[0].len();
    for (row, (fast, plain)) in fast(&explainer, columns, 0..rows).iter().zip(plain(model, columns)).enumerate() {
        for (feature, (fast, plain)) in fast.iter().zip(&plain).enumerate() {
            assert!((fast - plain).abs() <= tolerance, "row {row}, feature {feature}: {fast} is not {plain}");
        }
        let raw = model.trees().iter().map(|tree| tree.margin(|feature| columns[feature][row])).sum::<f64>();
        let sum = explainer.expected_margin() - model.bias() + fast.iter().sum::<f64>();
        assert!((sum - raw).abs() <= tolerance, "row {row}: {sum} is not {raw}");
    }
}

proptest! {
    /// Few features, so that they repeat on a path; categories, zeros and missing values among them.
    #[test]
    fn equals_the_plain_algorithm(seed: u64, features in 1usize..10, depth in 0usize..14, rows in 1usize..70) {
        assert_agrees(&random_ensemble(seed, features, 4, depth), &random_columns(seed, features, rows));
    }

    #[test]
    fn many_features_on_a_path(seed: u64, depth in 8usize..16) {
        assert_agrees(&random_ensemble(seed, 60, 3, depth), &random_columns(seed, 60, 40));
    }

    #[test]
    fn a_row_does_not_depend_on_the_split_of_rows(seed: u64, cut in 0usize..600) {
        let explainer = Explainer::new(&random_ensemble(seed, 4, 12, 6)).unwrap();
        let columns = random_columns(seed, 4, 600);
        let mut parted = fast(&explainer, &columns, 0..cut);
        parted.extend(fast(&explainer, &columns, cut..600));
        let bits = |rows: &[Vec<f64>]| rows.concat().iter().map(|phi| phi.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&fast(&explainer, &columns, 0..600)), bits(&parted));
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits(seed: u64, features in 1usize..20, depth in 0usize..16, rows in 1usize..300) {
        let model = random_ensemble(seed, features, 5, depth);
        let columns = random_columns(seed, features, rows);
        let bits = |instructions| {
            let explainer = Explainer::with_instructions(&model, instructions).unwrap();
            fast(&explainer, &columns, 0..rows).concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let portable = bits(InstructionSet::PORTABLE);
        for instructions in InstructionSet::available() {
            prop_assert_eq!(&portable, &bits(instructions), "{}", instructions.name());
        }
    }

    #[test]
    fn reasons_are_those_of_the_contributions(seed: u64, most in 0usize..=4) {
        let model = random_ensemble(seed, 6, 8, 4);
        let columns = random_columns(seed, 6, 50);
        let explainer = Explainer::new(&model).unwrap();
        let rules = ReasonRules::new(&model, &Default::default(), &Default::default(), most).unwrap();
        let contributions = fast(&explainer, &columns, 0..50);
        let mut seen = 0;
        explainer
            .reasons(&views(&columns, 0..50), &rules, |row, reasons| {
                let values: Vec<f64> = columns.iter().map(|column| column[row]).collect();
                let expected = model.reasons(&values, &contributions[row], most);
                let plain = |reasons: &[Reason]| reasons.iter().map(|r| (r.feature, r.value.to_bits(), r.contribution)).collect::<Vec<_>>();
                assert_eq!(plain(reasons), plain(&expected));
                assert_eq!(row, seen);
                seen += 1;
            })
            .unwrap();
        prop_assert_eq!(seen, 50);
    }
}

fn model(features: u32, trees: Vec<Tree>) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: (0..features).map(|i| Feature::new(format!("feature_{i}"))).collect(),
        trees,
        bias: 0.5,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// A chain of 64 splits, each with one leaf on the left; every value of a row goes right.
fn chain(features: u32, cover: impl Fn(u32) -> f64) -> Tree {
    let mut nodes = Vec::new();
    for level in 0..64 {
        nodes.push(Node::Split {
            feature: level % features,
            condition: Condition::Below(f64::from(level)),
            missing: Missing::Nan,
            default_left: level % 2 == 0,
            left: 2 * level + 1,
            right: 2 * level + 2,
            cover: (level..=64).map(&cover).sum(),
        });
        nodes.push(Node::Leaf { value: f64::from(level % 7) - 3.0, cover: cover(level) });
    }
    nodes.push(Node::Leaf { value: -3.0, cover: cover(64) });
    Tree::new(&nodes).unwrap()
}

#[test]
fn the_greatest_depth_needs_no_other_way() {
    for features in [64, 13, 1] {
        for cover in [|_| 1.0, |level| f64::from(1 + level * level), |level| 0.5f64.powi(level as i32)] {
            let model = model(features, vec![chain(features, cover)]);
            let columns: Vec<Vec<f64>> =
                (0..features).map(|i| vec![100.0, f64::NAN, f64::from(i), 31.5, -1.0]).collect();
            assert_agrees(&model, &columns);
        }
    }
}

#[test]
fn trees_of_one_leaf_and_of_one_split() {
    let leaf = |value, cover| Node::Leaf { value, cover };
    let root = Node::Split {
        feature: 1,
        condition: Condition::Below(0.5),
        missing: Missing::Nan,
        default_left: true,
        left: 1,
        right: 2,
        cover: 4.0,
    };
    let stump = Tree::new(&[root, leaf(-2.0, 3.0), leaf(2.0, 1.0)]).unwrap();
    let model = model(2, vec![Tree::new(&[leaf(7.0, 1.0)]).unwrap(), stump]);
    let explainer = Explainer::new(&model).unwrap();
    assert_eq!(explainer.expected_margin(), 0.5 + 7.0 - 1.0);
    let columns = [vec![0.0, 0.0, 0.0], vec![0.0, 1.0, f64::NAN]];
    assert_eq!(fast(&explainer, &columns, 0..3), [[0.0, -1.0], [0.0, 3.0], [0.0, -1.0]]);
    assert!(fast(&explainer, &columns, 0..0).is_empty());
}

#[test]
fn refuses_what_it_cannot_explain() {
    let root = Node::Leaf { value: 1.0, cover: 0.0 };
    let without_covers = model(1, vec![Tree::new(&[root]).unwrap()]);
    assert!(matches!(Explainer::new(&without_covers), Err(ModelError::NoCovers)));

    let explainer = Explainer::new(&random_ensemble(1, 2, 3, 3)).unwrap();
    let refusal = |columns: &[&[f64]], places: usize| {
        let columns: Vec<Column<'_>> = columns.iter().map(|column| Column::new(*column)).collect();
        explainer.contributions(&columns, &mut vec![0.0; places]).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&[&[1.0, 2.0]], 2),
        "the model has 2 features, but the rows have 1 columns: give the columns in the model's order"
    );
    assert_eq!(
        refusal(&[&[1.0, 2.0], &[1.0]], 4),
        "column `feature_1` has 1 rows, expected 2: give every column the same rows"
    );
    assert_eq!(
        refusal(&[&[1.0, 2.0], &[1.0, 2.0]], 3),
        "there are 4 contributions, but room for 3: give one place for each row and feature"
    );
    assert_eq!(
        refusal(&[&[1.0, f64::NAN], &[1.0, f64::INFINITY]], 4),
        "column `feature_1` is infinite in row 1: make it null or finite in its SQL"
    );
}

/// One split for each feature and way to treat missing values: more than the lanes of a block.
#[test]
fn an_ensemble_of_too_many_questions_is_explained_plainly() {
    let features = 5000;
    let stump = |at: u32| {
        let root = Node::Split {
            feature: at / 4,
            condition: Condition::Below(0.5),
            missing: if at.is_multiple_of(2) { Missing::Nan } else { Missing::NanOrZero },
            default_left: (at / 2).is_multiple_of(2),
            left: 1,
            right: 2,
            cover: 3.0,
        };
        let [left, right] = [(1.0, 1.0), (-1.0, 2.0)].map(|(value, cover)| Node::Leaf { value, cover });
        Tree::new(&[root, left, right]).unwrap()
    };
    let model = model(features, (0..4 * features).map(stump).collect());
    assert!(matches!(Explainer::new(&model).unwrap().way, Way::Plain(_)));
    assert_agrees(&model, &vec![vec![0.0, f64::NAN, 3.0]; features as usize]);
    assert!(matches!(Explainer::new(&random_ensemble(1, 5, 3, 4)).unwrap().way, Way::Kernel(..)));
}
