use proptest::prelude::*;

use super::*;
use crate::instructions::{InstructionSet, Set};
use crate::kernel::bytes;
use crate::test_models::draw::Draw;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Calibration, CategorySet, EnsembleParts, Feature, Link, Node};

/// Every split of the ensemble sends every row where its condition does, on every instruction set of this machine.
fn assert_agrees(model: &Ensemble, columns: &[Vec<f64>], rows: usize) {
    for instructions in InstructionSet::available() {
        match instructions.0 {
            Set::Portable => assert_agrees_on::<bytes::Portable>(model, columns, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => assert_agrees_on::<bytes::Avx2>(model, columns, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => assert_agrees_on::<bytes::Avx512>(model, columns, rows),
        }
    }
}

fn assert_agrees_on<B: Bytes>(model: &Ensemble, columns: &[Vec<f64>], rows: usize) {
    let binning = Binning::new(model);
    let mut lanes = binning.lanes();
    let views: Vec<Column<'_>> = columns.iter().map(|column| Column::new(&column[..])).collect();
    for first_row in (0..rows).step_by(BLOCK_ROWS) {
        let block_rows = BLOCK_ROWS.min(rows - first_row);
        binning.fill::<B>(&views, first_row, block_rows, &mut lanes).unwrap();
        for tree in model.trees() {
            let mut tests = binning.tests(tree);
            let splits: Vec<(usize, Test)> = tree.splits().map(|split| (split, tests.test(split).unwrap())).collect();
            lanes.answer::<B>(&tests.into_answers());
            for (split, test) in splits {
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
    one_feature(thresholds.enumerate().map(stump).collect())
}

fn one_feature(trees: Vec<Tree>) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("orders")],
        trees,
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

/// A tree a set, each with the next kind and direction of missing values, on one feature.
fn set_stumps(sets: Vec<Vec<u32>>) -> Ensemble {
    let stump = |(at, codes): (usize, Vec<u32>)| {
        let condition = Condition::OneOf(CategorySet::new(codes).unwrap());
        let missing = if at % 2 == 0 { Missing::Nan } else { Missing::NanOrZero };
        let default_left = at / 2 % 2 == 0;
        let split = Node::Split { feature: 0, condition, missing, default_left, left: 1, right: 2, cover: 2.0 };
        Tree::new(&[split, Node::Leaf { value: -1.0, cover: 1.0 }, Node::Leaf { value: 1.0, cover: 1.0 }]).unwrap()
    };
    one_feature(sets.into_iter().enumerate().map(stump).collect())
}

/// Codes about these, and what is no code.
fn around(codes: impl Iterator<Item = u32>) -> Vec<f64> {
    let mut values: Vec<f64> = codes.flat_map(|code| [0.0, 0.5, 1.0].map(|add| f64::from(code) + add)).collect();
    values.extend([f64::NAN, -0.0, 0.0, 1e-36, -1e-36, 1e-30, -0.5, -1.0, -7.0, 65_535.0, 65_536.0, 1e300, f64::MIN]);
    values
}

#[test]
fn sets_of_every_size_are_answered() {
    let mut draw = Draw(1);
    // None, all, a few of few, most of few, far apart, and sets that part hundreds of classes from one another.
    for (codes, step) in [(1, 1), (3, 1), (64, 1), (65, 1), (200, 300), (700, 1), (700, 93)] {
        let all: Vec<u32> = (0..codes).map(|code| code * step).collect();
        let mut sets =
            vec![Vec::new(), Vec::new(), Vec::new(), Vec::new(), all.clone(), all.clone(), all.clone(), all.clone()];
        for share in [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 9, 9, 9, 9] {
            sets.push(all.iter().copied().filter(|_| draw.below(share) == 0).collect());
            sets.push(all.iter().copied().filter(|_| draw.below(share) != 0).collect());
        }
        let model = set_stumps(sets);
        let column = around(all.into_iter());
        let rows = column.len();
        assert_agrees(&model, &[column], rows);
    }
}

#[test]
fn questions_for_categories_take_no_lanes_of_the_ensemble() {
    let model = set_stumps((0..1000).map(|code| vec![code, code + 7]).collect());
    assert_eq!(Binning::new(&model).lane_count(), 1);
    assert_agrees(&model, &[around(0..1010)], 3 * 1010);
}

#[test]
fn a_question_that_a_tree_repeats_is_answered_once() {
    let split = |left| Node::Split {
        feature: 0,
        condition: Condition::OneOf(CategorySet::new([3, 5]).unwrap()),
        missing: Missing::Nan,
        default_left: true,
        left,
        right: left + 1,
        cover: 0.0,
    };
    let leaf = |value| Node::Leaf { value, cover: 0.0 };
    let model = one_feature(vec![Tree::new(&[split(1), split(3), leaf(0.0), leaf(1.0), leaf(2.0)]).unwrap()]);
    assert_eq!(Binning::new(&model).lane_count(), 1);
    assert_agrees(&model, &[around(0..8)], 30);
}
