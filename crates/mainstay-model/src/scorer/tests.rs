use proptest::prelude::*;

use super::*;
use crate::test_models::draw::Draw;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Bits, Calibration, CategorySet, Condition, EnsembleParts, Feature, Link, Missing, Node, Tree};

const ROW_COUNTS: [usize; 12] = [0, 1, 15, 31, 32, 33, 64, 255, 256, 257, 513, 1000];

/// Every instruction set of this machine gives the scores of the plain walk, for every number of rows.
fn assert_agrees(model: &Ensemble, columns: &[Vec<f64>]) {
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut expected = vec![0.0; slices[0].len()];
    model.raw_scores(&slices, &mut expected).unwrap();
    for instructions in InstructionSet::available() {
        let scorer = Scorer::with_instructions(model, instructions);
        for rows in ROW_COUNTS.into_iter().filter(|rows| *rows <= expected.len()) {
            let views: Vec<Column<'_>> = slices.iter().map(|column| Column::new(&column[..rows])).collect();
            let mut scores = vec![f64::NAN; rows];
            scorer.raw_scores(&views, &mut scores).unwrap();
            for (row, (score, expected)) in scores.iter().zip(&expected).enumerate() {
                let name = instructions.name();
                assert_eq!(score.to_bits(), expected.to_bits(), "row {row} of {rows} by {name}: {score} {expected}");
            }
        }
    }
}

fn ensemble(features: usize, trees: Vec<Tree>) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: (0..features).map(|i| Feature::new(format!("feature_{i}"))).collect(),
        trees,
        bias: 0.1,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// A tree whose shape is drawn: the i-th split replaces the leaf that `choose` says.
fn grow(features: usize, splits: usize, mut choose: impl FnMut(usize) -> usize) -> Tree {
    let mut nodes = vec![Node::Leaf { value: 0.5, cover: 0.0 }];
    let mut open = vec![(0, 0)];
    for split in 0..splits {
        let splittable: Vec<usize> = (0..open.len()).filter(|at| open[*at].1 < 64).collect();
        let (node, depth): (usize, usize) = open.remove(splittable[choose(split) % splittable.len()]);
        let children = [nodes.len(), nodes.len() + 1];
        nodes[node] = Node::Split {
            feature: (choose(split) % features) as u32,
            condition: Condition::Below((choose(split) % 1009) as f64 / 100.0 - 5.0),
            missing: if choose(split).is_multiple_of(5) { Missing::NanOrZero } else { Missing::Nan },
            default_left: choose(split).is_multiple_of(2),
            left: children[0] as u32,
            right: children[1] as u32,
            cover: 0.0,
        };
        for child in children {
            nodes.push(Node::Leaf { value: child as f64 / 7.0 - choose(split) as f64 / 1e19, cover: 0.0 });
            open.push((child, depth + 1));
        }
    }
    Tree::new(&nodes).unwrap()
}

fn stream(seed: u64) -> impl FnMut(usize) -> usize {
    let mut draw = Draw(seed);
    move |_| draw.number() as usize
}

proptest! {
    #[test]
    fn agrees_with_the_walk_on_splits_of_every_kind(seed: u64, trees in 0usize..9, depth in 0usize..12) {
        assert_agrees(&random_ensemble(seed, 5, trees, depth), &random_columns(seed, 5, 1000));
    }

    #[test]
    fn agrees_with_the_walk_on_trees_of_every_size(seed: u64, sizes in prop::collection::vec(0usize..300, 1..6)) {
        let trees = sizes.into_iter().map(|splits| grow(3, splits, stream(seed))).collect();
        assert_agrees(&ensemble(3, trees), &random_columns(seed, 3, 257));
    }
}

#[test]
fn agrees_with_the_walk_at_the_limits() {
    // To the left, to the right and zigzag, 64 deep.
    let chains = [|_: usize| 0, |at: usize| at, |at: usize| at % 2 * at].map(|choose| grow(2, 64, choose));
    // 1, 2, 3, 4, 255, 256, 257 and 3001 leaves; the last have more than 255 thresholds a feature.
    let sizes = [0, 1, 2, 3, 254, 255, 256, 3000].map(|splits| grow(2, splits, stream(splits as u64)));
    let model = ensemble(2, chains.into_iter().chain(sizes).collect());
    assert_eq!(model.trees()[0].leaf_count(), 65);
    assert_eq!(model.trees()[10].leaf_count(), 3001);
    assert_agrees(&model, &random_columns(3, 2, 1000));
}

/// One split for each code, each on a set of its own.
fn many_sets(codes: u32) -> Ensemble {
    let tree = |code| {
        let condition = Condition::OneOf(CategorySet::new([code]).unwrap());
        stump(0, condition, Missing::Nan, true, [f64::from(code), -1.0])
    };
    ensemble(1, (0..codes).map(tree).collect())
}

/// One split for each feature and way to treat missing values.
fn many_lanes(features: u32) -> Ensemble {
    let tree = |at: u32| {
        let missing = if at.is_multiple_of(2) { Missing::Nan } else { Missing::NanOrZero };
        stump(at / 4, Condition::Below(0.5), missing, (at / 2).is_multiple_of(2), [f64::from(at), -1.0])
    };
    ensemble(features as usize, (0..4 * features).map(tree).collect())
}

fn stump(feature: u32, condition: Condition, missing: Missing, default_left: bool, values: [f64; 2]) -> Tree {
    let split = Node::Split { feature, condition, missing, default_left, left: 1, right: 2, cover: 2.0 };
    let [left, right] = values.map(|value| Node::Leaf { value, cover: 1.0 });
    Tree::new(&[split, left, right]).unwrap()
}

#[test]
fn an_ensemble_of_too_many_questions_is_walked() {
    let is_walked = |model: &Ensemble| matches!(Scorer::new(model).way, Way::Walk(_));
    let (few, many) = (many_lanes(4000), many_lanes(5000));
    assert_eq!([is_walked(&few), is_walked(&many)], [false, true]);
    let column = [0.0, 1.5, 0.5, -2.0, f64::NAN].repeat(3);
    assert_agrees(&few, &vec![column.clone(); 4000]);
    assert_agrees(&many, &vec![column; 5000]);
}

#[test]
fn any_number_of_category_sets_is_scored_by_the_kernel() {
    let model = many_sets(20_000);
    assert!(matches!(Scorer::new(&model).way, Way::Kernel(..)));
    assert_agrees(&model, &[[0.0, 1.5, 19_999.0, 30_000.0, -2.0, f64::NAN].repeat(3)]);
}

#[test]
fn takes_columns_of_any_type() {
    let model = random_ensemble(11, 3, 20, 5);
    let [singles, wholes, bits] = [vec![0.5f32, -1.5, f32::NAN], vec![3.0f32, 9.0, -2.0], vec![1.0f32, 0.0, 1.0]];
    let whole_numbers: Vec<i64> = wholes.iter().map(|value| *value as i64).collect();
    let validity = Bits::new(&[0b101], 0, 3).unwrap();
    let columns = [
        Column::new(&singles[..]),
        Column::new(&whole_numbers[..]).with_validity(validity).unwrap(),
        Column::new(Bits::new(&[0b101], 0, 3).unwrap()),
    ];
    let mut scores = [0.0; 3];
    Scorer::new(&model).raw_scores(&columns, &mut scores).unwrap();
    let as_doubles = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let mut wholes = as_doubles(&wholes);
    wholes[1] = f64::NAN;
    let mut expected = [0.0; 3];
    model.raw_scores(&[&as_doubles(&singles), &wholes, &as_doubles(&bits)], &mut expected).unwrap();
    assert_eq!(scores, expected);
}

#[test]
fn refuses_columns_that_do_not_fit() {
    // The first asks its features nothing.
    for model in [ensemble(2, Vec::new()), random_ensemble(1, 2, 30, 6), many_lanes(5000)] {
        let scorer = Scorer::new(&model);
        let refusal = |columns: &[&[f64]]| {
            let columns: Vec<Column<'_>> = columns.iter().map(|column| Column::new(*column)).collect();
            scorer.raw_scores(&columns, &mut [0.0; 2]).unwrap_err().to_string()
        };
        let good = [1.0, f64::NAN];
        let mut columns = vec![&good[..]; model.features().len()];
        assert!(refusal(&columns[1..]).starts_with("the model has "));
        columns[0] = &[1.0];
        assert_eq!(refusal(&columns), "column `feature_0` has 1 rows, expected 2: give every column the same rows");
        columns[0] = &[1.0, f64::INFINITY];
        assert_eq!(refusal(&columns), "column `feature_0` is infinite in row 1: make it null or finite in its SQL");
    }
}

#[test]
fn says_which_instructions_were_tested() {
    let names: Vec<&str> = InstructionSet::available().into_iter().map(InstructionSet::name).collect();
    for name in ["avx512", "avx2"].into_iter().filter(|name| !names.contains(name)) {
        println!("not tested, this machine has no {name}");
    }
    assert_eq!(names.first(), Some(&"portable"));
}
