//! Monotone constraints: kept by the values of the leaves, whatever linfa splits on.
//!
//! Going down from the root, a split on a constrained feature whose sides are the wrong way round is taken back. At one that is the
//! right way round, the middle between its sides bounds all leaves below: those on the lower side stay below it, those on the
//! higher one above. So no leaf that a lower value can reach is on the wrong side of one that a higher value can reach, as in XGBoost.

use crate::bins::TreeColumns;
use crate::declared::{Declared, Monotone};
use crate::grow::{CodedNode, CodedTree};

/// What became of a tree.
pub(crate) struct Bounded {
    /// The tree without the splits that were taken back.
    pub(crate) shape: CodedTree,
    /// The value of each of its nodes; of leaves alone it counts.
    pub(crate) values: Vec<f64>,
    /// Columns of splits that were taken back.
    pub(crate) refused: Vec<usize>,
}

/// Bounds the values of a tree's nodes, which are those that each would have as a leaf; `None` where no feature is constrained.
pub(crate) fn bound(
    shape: &CodedTree,
    values: &[f64],
    columns: &TreeColumns<'_>,
    declared: &[Declared],
) -> Option<Bounded> {
    if declared.iter().all(|of| of.monotone.is_none()) {
        return None;
    }
    let mut bounding = Bounding { nodes: shape.nodes.clone(), values: values.to_vec(), refused: Vec::new() };
    let constraint = |column: usize, last_left: u8| {
        let monotone = declared[columns.feature(column)].monotone;
        monotone.filter(|_| columns.parts_values(column, last_left))
    };
    bounding.descend(0, f64::NEG_INFINITY, f64::INFINITY, &constraint);
    let Bounding { nodes, values, refused } = bounding;
    let (shape, kept) = CodedTree { nodes }.without_unreached();
    Some(Bounded { shape, values: kept.into_iter().map(|node| values[node]).collect(), refused })
}

struct Bounding {
    nodes: Vec<CodedNode>,
    values: Vec<f64>,
    refused: Vec<usize>,
}

impl Bounding {
    fn descend(&mut self, at: usize, low: f64, high: f64, constraint: &dyn Fn(usize, u8) -> Option<Monotone>) {
        let CodedNode::Split { column, last_left, left, right } = self.nodes[at] else {
            self.values[at] = self.values[at].clamp(low, high);
            return;
        };
        let Some(monotone) = constraint(column, last_left) else {
            self.descend(left, low, high, constraint);
            self.descend(right, low, high, constraint);
            return;
        };
        let [of_left, of_right] = [left, right].map(|child| self.values[child].clamp(low, high));
        if monotone.sign() * (of_right - of_left) < 0.0 {
            self.nodes[at] = CodedNode::Leaf;
            self.values[at] = self.values[at].clamp(low, high);
            self.refused.push(column);
            return;
        }
        let middle = f64::midpoint(of_left, of_right);
        let (below, above) = match monotone {
            Monotone::Increasing => (left, right),
            Monotone::Decreasing => (right, left),
        };
        self.descend(below, low, middle, constraint);
        self.descend(above, middle, high, constraint);
    }
}
