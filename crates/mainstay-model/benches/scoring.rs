//! Speed of scoring: `cargo bench -p mainstay-model --bench scoring`.
//!
//! One thread, 500 trees of 64 leaves, one value in ten missing; the thresholds are quantiles, as libraries choose them. Every
//! instruction set that the machine has is measured, the one that the self-test chooses is marked. The least of many short
//! runs is what the machine can do; the median says what else it was doing.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that prints a table")]

use std::time::{Duration, Instant};

use mainstay_model::{
    Calibration, CategorySet, Column, Condition, Ensemble, EnsembleParts, Feature, InstructionSet, Link, Missing, Node,
    Scorer, SelfTest, Tree,
};

use draw::Draw;

#[path = "../src/test_models/draw.rs"]
mod draw;

const TREES: usize = 500;
const LEAVES: usize = 64;
const THRESHOLDS: usize = 255;
const ROWS: usize = 1024;
const REPEATS: usize = 300;

fn position(draw: &mut Draw, length: usize) -> usize {
    draw.below(length as u64) as usize
}

/// Skewed and of no bound, as amounts are.
fn amount(quantile: f64) -> f64 {
    -(1.0 - quantile).ln()
}

/// What the trees of a model look like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// All leaves at depth 6.
    Balanced,
    /// Any leaf is split next.
    LeafWise,
    /// Leaf-wise, and one split in four asks for one of 32 categories, by a set of its own.
    Categories,
    /// Leaf-wise, and all splits ask for categories.
    CategoriesOnly,
}

/// Splits leaves until there are enough.
fn grow(draw: &mut Draw, thresholds: &[Vec<f64>], shape: Shape) -> Tree {
    let mut nodes = vec![Node::Leaf { value: 0.0, cover: 1.0 }];
    let mut open = vec![0usize];
    while open.len() < LEAVES {
        let chosen = if shape == Shape::Balanced { 0 } else { position(draw, open.len()) };
        let at = open.remove(chosen);
        let feature = position(draw, thresholds.len());
        let Node::Leaf { cover, .. } = nodes[at] else { unreachable!() };
        let (left, right) = (nodes.len() as u32, nodes.len() as u32 + 1);
        let threshold = thresholds[feature][position(draw, thresholds[feature].len())];
        let is_categorical = match shape {
            Shape::Balanced | Shape::LeafWise => false,
            Shape::Categories => draw.below(4) == 0,
            Shape::CategoriesOnly => true,
        };
        let condition = if is_categorical {
            Condition::OneOf(CategorySet::new((0..32).filter(|_| draw.below(2) == 0)).unwrap())
        } else {
            Condition::Below(threshold)
        };
        let (feature, default_left) = (feature as u32, draw.below(2) == 0);
        nodes[at] = Node::Split { feature, condition, missing: Missing::Nan, default_left, left, right, cover };
        for child in [left, right] {
            nodes.push(Node::Leaf { value: draw.fraction() - 0.5, cover: cover / 2.0 });
            open.push(child as usize);
        }
    }
    Tree::new(&nodes).unwrap()
}

fn ensemble(features: usize, shape: Shape) -> Ensemble {
    let mut draw = Draw(features as u64);
    let mut threshold = |at| amount((at as f64 + draw.fraction()) / THRESHOLDS as f64);
    let thresholds: Vec<Vec<f64>> = (0..features).map(|_| (0..THRESHOLDS).map(&mut threshold).collect()).collect();
    let trees = (0..TREES).map(|_| grow(&mut draw, &thresholds, shape)).collect();
    let features = (0..features).map(|feature| Feature::new(format!("feature_{feature}"))).collect();
    Ensemble::new(EnsembleParts {
        features,
        trees,
        bias: 0.1,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

fn columns(features: usize) -> Vec<Vec<f64>> {
    let mut draw = Draw(!0);
    let mut value = || if draw.below(10) == 0 { f64::NAN } else { amount(draw.fraction()) };
    (0..features).map(|_| (0..ROWS).map(|_| value()).collect()).collect()
}

fn main() {
    let chosen = SelfTest::scoring().chosen();
    println!("The self-test chose {} of {:?}.", chosen.name(), SelfTest::scoring().trials());
    println!("| features | trees | instructions | median ns/row/tree | minimum |");
    for features in [40, 100] {
        let columns = columns(features);
        let columns: Vec<Column<'_>> = columns.iter().map(|column| Column::new(&column[..])).collect();
        for shape in [Shape::Balanced, Shape::LeafWise, Shape::Categories, Shape::CategoriesOnly] {
            let model = ensemble(features, shape);
            for instructions in InstructionSet::available() {
                let [least, median] = nanoseconds(&Scorer::with_instructions(&model, instructions), &columns);
                let mark = if instructions == chosen { " (chosen)" } else { "" };
                println!("| {features} | {shape:?} | {}{mark} | {median:.2} | {least:.2} |", instructions.name());
            }
        }
    }
}

/// The least and the median of many runs, a row and tree.
fn nanoseconds(scorer: &Scorer, columns: &[Column<'_>]) -> [f64; 2] {
    let mut out = vec![0.0; ROWS];
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            scorer.raw_scores(columns, &mut out).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    [times[0], times[REPEATS / 2]].map(|time| time.as_secs_f64() * 1e9 / (ROWS * TREES) as f64)
}
