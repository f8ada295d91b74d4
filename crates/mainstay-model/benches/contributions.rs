//! Exact contributions of every feature, one thread: `cargo bench -p mainstay-model --bench contributions`.
//!
//! Ensembles of 500 trees grown at random in the two usual shapes, and in one whose splits all ask for categories; rows with one value
//! in ten missing. Every instruction set that the machine has is measured, the one that the self-test chooses is marked. A figure is the
//! median and the minimum of repeated runs, in microseconds of processor time a row, all in: from columns to contributions in columns.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mainstay_model::{
    Calibration, CategorySet, Column, Condition, Ensemble, EnsembleParts, Explainer, Feature, InstructionSet, Link,
    Missing, Node, SelfTest, Tree,
};

use draw::Draw;

#[path = "../src/test_models/draw.rs"]
mod draw;

const TREES: usize = 500;
const ROWS: usize = 2048;
const RUNS: usize = 21;

/// How the trees are grown.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Every node down to this depth is split.
    Depth(usize),
    /// The leaf with the greatest (random) gain is split until there are this many leaves.
    Leaves(usize),
    /// The same, and every split asks for one of 32 categories, by a set of its own.
    Categories(usize),
}

fn main() {
    let chosen = SelfTest::contributions().chosen();
    println!("The self-test chose {} of {:?}.", chosen.name(), SelfTest::contributions().trials());
    println!("| features | trees | instructions | new, ms | median us/row | minimum |");
    for shape in [Shape::Depth(6), Shape::Leaves(64), Shape::Categories(64)] {
        for features in [40, 100] {
            let mut draw = Draw(features as u64);
            let model = ensemble(&mut draw, shape, features);
            let mut value = || if draw.below(10) == 0 { f64::NAN } else { draw.fraction() };
            let columns: Vec<Vec<f64>> = (0..features).map(|_| (0..ROWS).map(|_| 32.0 * value()).collect()).collect();
            let columns: Vec<Column<'_>> = columns.iter().map(|column| Column::new(&column[..])).collect();
            for instructions in InstructionSet::available() {
                let [new, least, median] = times(&model, instructions, &columns);
                let mark = if instructions == chosen { " (chosen)" } else { "" };
                let name = instructions.name();
                println!("| {features} | {shape:?} | {name}{mark} | {new:.1} | {median:.1} | {least:.1} |");
            }
        }
    }
}

/// Milliseconds of making the explainer, and microseconds a row of running it: the least and the median of some runs.
fn times(model: &Ensemble, instructions: InstructionSet, columns: &[Column<'_>]) -> [f64; 3] {
    let mut out = vec![0.0; columns.len() * ROWS];
    let start = Instant::now();
    let explainer = Explainer::with_instructions(model, instructions).unwrap();
    let new = start.elapsed().as_secs_f64() * 1e3;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = processor_nanoseconds();
            explainer.contributions(columns, &mut out).unwrap();
            (processor_nanoseconds() - start) * 1e-3 / ROWS as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [new, times[0], times[RUNS / 2]]
}

/// The time that this thread has been running, which other work on the machine does not add to; where the system does not
/// say, the time of the day.
fn processor_nanoseconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    nanos.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as f64)
}

fn ensemble(draw: &mut Draw, shape: Shape, features: usize) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: (0..features).map(|i| Feature::new(format!("feature_{i}"))).collect(),
        trees: (0..TREES).map(|_| tree(draw, shape, features)).collect(),
        bias: 0.0,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

fn tree(draw: &mut Draw, shape: Shape, features: usize) -> Tree {
    let mut nodes = vec![Node::Leaf { value: 0.0, cover: 100_000.0 }];
    // Leaves that may still be split: gain, node, depth.
    let mut open = vec![(0.0, 0, 0)];
    let mut splits = 0;
    let limit = match shape {
        Shape::Depth(depth) => (1 << depth) - 1,
        Shape::Leaves(leaves) | Shape::Categories(leaves) => leaves - 1,
    };
    while splits < limit {
        let best = match shape {
            Shape::Depth(_) => 0,
            Shape::Leaves(_) | Shape::Categories(_) => {
                (0..open.len()).max_by(|a, b| f64::total_cmp(&open[*a].0, &open[*b].0)).unwrap()
            }
        };
        let (_, node, depth): (f64, usize, usize) = open.remove(best);
        let Node::Leaf { cover, .. } = nodes[node] else { unreachable!() };
        let (left, share) = (nodes.len(), 0.05 + 0.9 * draw.fraction());
        for (child, cover) in [(left, cover * share), (left + 1, cover * (1.0 - share))] {
            nodes.push(Node::Leaf { value: 0.1 * (draw.fraction() - 0.5), cover });
            open.push((cover * draw.fraction().powi(2), child, depth + 1));
        }
        let feature = draw.below(features as u64) as u32;
        let condition = match shape {
            Shape::Categories(_) => Condition::OneOf(CategorySet::of_small((0..32).filter(|_| draw.below(2) == 0))),
            _ => Condition::Below(32.0 * draw.below(255) as f64 / 255.0),
        };
        nodes[node] = Node::Split {
            feature,
            condition,
            missing: Missing::Nan,
            default_left: draw.below(2) == 0,
            left: left as u32,
            right: left as u32 + 1,
            cover,
        };
        splits += 1;
    }
    Tree::new(&nodes).unwrap()
}
