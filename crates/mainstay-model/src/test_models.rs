//! Random but sound models and rows for tests, drawn by hashing.

pub(crate) mod draw;

use self::draw::Draw;
use crate::{Calibration, CategorySet, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};

/// Splits of every kind. Thresholds and values come from a small grid, so that rows meet thresholds exactly and features repeat on
/// a path; zeros and codes are among the values.
pub(crate) fn random_ensemble(seed: u64, features: usize, trees: usize, depth: usize) -> Ensemble {
    let mut draw = Draw(seed);
    let trees = (0..trees)
        .map(|_| {
            let mut nodes = Vec::new();
            grow(&mut draw, &mut nodes, features as u64, depth, 100);
            Tree::new(&nodes).unwrap()
        })
        .collect();
    Ensemble::new(EnsembleParts {
        features: (0..features).map(|i| Feature::new(format!("feature_{i}"))).collect(),
        trees,
        bias: draw.fraction() - 0.5,
        link: Link::Logistic,
        calibration: Calibration::Platt { a: 0.5 + draw.fraction(), b: draw.fraction() },
    })
    .unwrap()
}

fn grow(draw: &mut Draw, nodes: &mut Vec<Node>, features: u64, depth: usize, cover: u64) -> u32 {
    let at = nodes.len();
    nodes.push(Node::Leaf { value: draw.fraction() - 0.5, cover: cover as f64 });
    if depth > 0 && cover > 1 && draw.below(8) > 0 {
        let (feature, condition) = (draw.below(features) as u32, condition(draw));
        let missing = if draw.below(4) == 0 { Missing::NanOrZero } else { Missing::Nan };
        let (default_left, left_cover) = (draw.below(2) == 0, 1 + draw.below(cover - 1));
        let left = grow(draw, nodes, features, depth - 1, left_cover);
        let right = grow(draw, nodes, features, depth - 1, cover - left_cover);
        nodes[at] = Node::Split { feature, condition, missing, default_left, left, right, cover: cover as f64 };
    }
    at as u32
}

fn condition(draw: &mut Draw) -> Condition {
    if draw.below(4) > 0 {
        return Condition::Below(draw.below(8) as f64 - 3.5);
    }
    let bits = draw.below(1 << 6);
    Condition::OneOf(CategorySet::new((0..6).filter(|code| bits >> code & 1 == 1)).unwrap())
}

/// Columns of grid values, one in six missing.
pub(crate) fn random_columns(seed: u64, features: usize, rows: usize) -> Vec<Vec<f64>> {
    let mut draw = Draw(!seed);
    let mut value = || {
        if draw.below(6) == 0 { f64::NAN } else { draw.below(17) as f64 / 2.0 - 4.0 }
    };
    (0..features).map(|_| (0..rows).map(|_| value()).collect()).collect()
}

/// One row of grid values.
pub(crate) fn random_row(seed: u64, features: usize) -> Vec<f64> {
    random_columns(seed, features, 1).concat()
}
