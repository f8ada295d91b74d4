use proptest::prelude::*;

use super::*;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Calibration, EnsembleParts, Feature, Link, Node};

/// Every split of the ensemble sends every row where its condition does.
fn assert_agrees(model: &Ensemble, columns: &[Vec<f64>], rows: usize) {
    let binning = Binning::new(model);
    let mut lanes = binning.lanes();
    let views: Vec<Column<'_>> = columns.iter().map(|column| Column::new(&column[..])).collect();
    for first_row in (0..rows).step_by(BLOCK_ROWS) {
        let block_rows = BLOCK_ROWS.min(rows - first_row);
        binning.fill(&views, first_row, block_rows, &mut lanes).unwrap();
        for tree in model.trees() {
            for split in tree.splits() {
                let test = binning.test(tree, split).unwrap();
                for row in 0..block_rows {
                    let value = columns[tree.feature(split)][first_row + row];
                    let goes_left = lanes.lane(test.lane)[row] < test.bound;
                    let expected = tree.child_taken(split, value) == tree.children(split)[0];
                    assert_eq!(goes_left, expected, "{value} at {:?}", tree.condition(split));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_lane_answers_as_the_split(seed: u64, depth in 0usize..8) {
        let model = random_ensemble(seed, 4, 5, depth);
        assert_agrees(&model, &random_columns(seed, 4, 300), 300);
    }
}

/// A tree a threshold, on one feature.
fn stumps(thresholds: impl Iterator<Item = f64>) -> Ensemble {
    let stump = |(at, threshold)| {
        let (condition, default_left) = (Condition::Below(threshold), at % 3 == 0);
        let missing = Missing::Nan;
        let split = Node::Split { feature: 0, condition, missing, default_left, left: 1, right: 2, cover: 2.0 };
        Tree::new(&[split, Node::Leaf { value: -1.0, cover: 1.0 }, Node::Leaf { value: 1.0, cover: 1.0 }]).unwrap()
    };
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("orders")],
        trees: thresholds.enumerate().map(stump).collect(),
        bias: 0.0,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

#[test]
fn any_number_of_thresholds_fits() {
    for count in [0, 1, 2, 3, 127, 128, 254, 255, 256, 257, 510, 511, 1000] {
        let model = stumps((0..count).map(|i| f64::from(i * 7 % count)));
        let mut column: Vec<f64> = (-2..2 * count + 2).map(|i| f64::from(i) / 2.0).collect();
        column.extend([f64::NAN, f64::MAX, f64::MIN, -0.0]);
        let rows = column.len();
        assert_agrees(&model, &[column], rows);
    }
    assert_eq!(Binning::new(&stumps((0..255).map(f64::from))).lane_count(), 2);
    assert_eq!(Binning::new(&stumps((0..256).map(f64::from))).lane_count(), 3);
}

#[test]
fn zeros_of_both_signs_are_one_threshold() {
    let model = stumps([0.0, -0.0, 1.0].into_iter());
    assert_agrees(&model, &[vec![-1.0, -0.0, 0.0, f64::MIN_POSITIVE, f64::NAN]], 5);
}
