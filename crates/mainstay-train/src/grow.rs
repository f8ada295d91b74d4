//! One tree's shape, fitted by linfa on codes.
//!
//! linfa takes the label of a leaf from the iteration order of a hash map where both classes weigh the same, and then merges
//! sibling leaves of one label (`prune`): two fits of the same rows may differ in shape. Two things undo that.
//! - Weights are whole numbers whose sum is below 2^24, so that linfa's single-precision sums are exact and a tie is a tie.
//! - [`CodedTree::merge_alike`] prunes once more with a tied leaf taken for either label. Whatever linfa merged is merged here too,
//!   so the outcome no longer depends on how ties fell.
//!
//! The pruning costs little: weights |y - p| balance the classes over all rows, so a split that separates over- from underestimated
//! rows survives, and what a merged leaf leaves within it has both signs, and is split, in a later round.

use linfa::prelude::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_trees::{DecisionTree, TreeNode};
use mainstay_model::Node;
use ndarray::{Array1, Array2};

use crate::bins::{CodedRows, TreeColumns};

/// The sum that the weights of a draw stay below, before each is raised to 1 at least: half of what is exact in an `f32`.
const WEIGHT_BUDGET: f64 = (1u32 << 23) as f64;

/// Splits from the root to a leaf of one fit of a deep tree: linfa passes over all rows of a fit at each of its nodes, so that many fits
/// on ever fewer rows cost less than one.
const DEPTH_OF_A_FIT: usize = 3;

/// The shape of a tree over codes. Children follow their parents; the root is node 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodedTree {
    pub(crate) nodes: Vec<CodedNode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodedNode {
    Leaf,
    Split {
        column: usize,
        /// The greatest code that goes left.
        last_left: u8,
        left: usize,
        right: usize,
    },
}

/// A row that a tree is fitted on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DrawnRow {
    pub(crate) row: usize,
    pub(crate) label: bool,
    /// How far the model is off, |y - p|.
    pub(crate) residual: f64,
}

/// Fits the shape of a tree that parts labels by weight on the columns at the positions `chosen`, with leaves of at least
/// `minimum_leaf_rows` rows of average weight.
pub(crate) fn grow(
    columns: &TreeColumns<'_>,
    chosen: &[usize],
    drawn: &[DrawnRow],
    depth: usize,
    minimum_leaf_rows: usize,
) -> Result<CodedTree, linfa::Error> {
    let weights = whole_weights(drawn);
    let mean_weight = weights.iter().sum::<u32>() as f32 / drawn.len() as f32;
    let code = |(i, j): (usize, usize)| f32::from(columns.code(chosen[j], drawn[i].row));
    let codes = Array2::from_shape_fn((drawn.len(), chosen.len()), code);
    let labels = Array1::from_iter(drawn.iter().map(|row| row.label));
    let dataset = DatasetBase::new(codes, labels).with_weights(weights.iter().map(|w| *w as f32).collect());
    let params = DecisionTree::<f32, bool>::params()
        .max_depth(Some(depth))
        .min_weight_split(2.0 * minimum_leaf_rows as f32)
        .min_weight_leaf((minimum_leaf_rows as f32 * mean_weight).max(1.0))
        .check()?;
    let fitted = params.fit(&dataset)?;
    let mut tree = CodedTree { nodes: Vec::new() };
    tree.take(fitted.root_node(), chosen);
    Ok(tree.merge_alike(columns, drawn, &weights))
}

/// Fits the shape of a tree whose leaves distinguish shares, not only which class has more: the classes weigh the same in every leaf
/// of a fit, and each such leaf is grown further by a fit of its own, down to `depth` in all.
pub(crate) fn grow_deep(
    columns: &TreeColumns<'_>,
    chosen: &[usize],
    rows: &[(usize, bool)],
    depth: usize,
    minimum_leaf_rows: usize,
) -> Result<CodedTree, linfa::Error> {
    let leaf = CodedTree { nodes: vec![CodedNode::Leaf] };
    let positives = rows.iter().filter(|(_, label)| *label).count();
    let negatives = rows.len() - positives;
    if depth == 0 || rows.len() < 2 * minimum_leaf_rows || positives == 0 || negatives == 0 {
        return Ok(leaf);
    }
    let residual = |label| 1.0 / if label { positives as f64 } else { negatives as f64 };
    let drawn: Vec<DrawnRow> =
        rows.iter().map(|&(row, label)| DrawnRow { row, label, residual: residual(label) }).collect();
    let tree = grow(columns, chosen, &drawn, depth.min(DEPTH_OF_A_FIT), minimum_leaf_rows)?;
    if tree.nodes.len() == 1 {
        return Ok(leaf);
    }
    let mut of_leaf: Vec<Vec<(usize, bool)>> = vec![Vec::new(); tree.nodes.len()];
    for &(row, label) in rows {
        of_leaf[tree.leaf_of(columns, row)].push((row, label));
    }
    let depths = tree.depths();
    let below = |node: usize| grow_deep(columns, chosen, &of_leaf[node], depth - depths[node], minimum_leaf_rows);
    let mut grown = CodedTree { nodes: Vec::new() };
    grown.graft(&tree, 0, &below)?;
    Ok(grown)
}

/// Weights in proportion to the residuals, as whole numbers from 1 up whose sum an `f32` holds exactly.
fn whole_weights(drawn: &[DrawnRow]) -> Vec<u32> {
    let total: f64 = drawn.iter().map(|row| row.residual).sum();
    let scale = if total > 0.0 { WEIGHT_BUDGET / total } else { 0.0 };
    drawn.iter().map(|row| ((row.residual * scale).round() as u32).max(1)).collect()
}

impl CodedTree {
    /// The nodes of a tree on values that divides the rows alike, with the value of each leaf and the cover of each node.
    pub(crate) fn nodes(
        &self,
        coded: &CodedRows,
        columns: &TreeColumns<'_>,
        values: &[f64],
        covers: &[f64],
    ) -> Vec<Node> {
        let node = |(at, node): (usize, &CodedNode)| match *node {
            CodedNode::Leaf => Node::Leaf { value: values[at], cover: covers[at] },
            CodedNode::Split { column, last_left, left, right } => {
                let split = coded.value_split(columns, column, last_left);
                split.node((left as u32, covers[left]), (right as u32, covers[right]))
            }
        };
        self.nodes.iter().enumerate().map(node).collect()
    }

    /// Copies linfa's nodes in preorder; linfa bounds their depth by the parameter.
    fn take(&mut self, node: &TreeNode<f32, bool>, chosen: &[usize]) -> usize {
        let at = self.nodes.len();
        self.nodes.push(CodedNode::Leaf);
        if let [Some(left), Some(right)] = node.children()[..] {
            let (column, threshold, _) = node.split();
            let (left, right) = (self.take(left, chosen), self.take(right, chosen));
            // "code < threshold" for whole codes, as linfa predicts.
            let column = chosen[column];
            self.nodes[at] = CodedNode::Split { column, last_left: threshold.ceil() as u8 - 1, left, right };
        }
        at
    }

    /// Splits above each node; parents come before their children.
    fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for at in 0..self.nodes.len() {
            if let CodedNode::Split { left, right, .. } = self.nodes[at] {
                depths[left] = depths[at] + 1;
                depths[right] = depths[at] + 1;
            }
        }
        depths
    }

    /// Copies a tree with others in the place of its leaves.
    fn graft(
        &mut self,
        from: &Self,
        node: usize,
        below: &impl Fn(usize) -> Result<Self, linfa::Error>,
    ) -> Result<usize, linfa::Error> {
        let CodedNode::Split { column, last_left, left, right } = from.nodes[node] else {
            let grown = below(node)?;
            return Ok(self.copy_below(&grown, 0, &mut Vec::new()));
        };
        let at = self.nodes.len();
        self.nodes.push(CodedNode::Leaf);
        let (left, right) = (self.graft(from, left, below)?, self.graft(from, right, below)?);
        self.nodes[at] = CodedNode::Split { column, last_left, left, right };
        Ok(at)
    }

    /// The leaf of a row.
    pub(crate) fn leaf_of(&self, columns: &TreeColumns<'_>, row: usize) -> usize {
        let mut at = 0;
        while let CodedNode::Split { column, last_left, left, right } = self.nodes[at] {
            at = if columns.code(column, row) <= last_left { left } else { right };
        }
        at
    }

    /// Adds the leaves' values into every node above them.
    pub(crate) fn sum_up(&self, mut values: Vec<f64>) -> Vec<f64> {
        for at in (0..self.nodes.len()).rev() {
            if let CodedNode::Split { left, right, .. } = self.nodes[at] {
                values[at] = values[left] + values[right];
            }
        }
        values
    }

    /// Merges sibling leaves unless positives outweigh negatives in one and the reverse holds in the other.
    fn merge_alike(self, columns: &TreeColumns<'_>, drawn: &[DrawnRow], weights: &[u32]) -> Self {
        let mut balance = vec![0.0; self.nodes.len()];
        for (row, weight) in drawn.iter().zip(weights) {
            let signed = if row.label { f64::from(*weight) } else { -f64::from(*weight) };
            balance[self.leaf_of(columns, row.row)] += signed;
        }
        let balance = self.sum_up(balance);
        let mut nodes = self.nodes;
        for at in (0..nodes.len()).rev() {
            if let CodedNode::Split { left, right, .. } = nodes[at]
                && nodes[left] == CodedNode::Leaf
                && nodes[right] == CodedNode::Leaf
                && balance[left] * balance[right] >= 0.0
            {
                nodes[at] = CodedNode::Leaf;
            }
        }
        Self { nodes }.without_unreached().0
    }

    /// The nodes that the root reaches, and which each of them was.
    pub(crate) fn without_unreached(&self) -> (Self, Vec<usize>) {
        let (mut tree, mut kept) = (Self { nodes: Vec::new() }, Vec::new());
        tree.copy_below(self, 0, &mut kept);
        (tree, kept)
    }

    fn copy_below(&mut self, from: &Self, node: usize, kept: &mut Vec<usize>) -> usize {
        let at = self.nodes.len();
        self.nodes.push(CodedNode::Leaf);
        kept.push(node);
        if let CodedNode::Split { column, last_left, left, right } = from.nodes[node] {
            let (left, right) = (self.copy_below(from, left, kept), self.copy_below(from, right, kept));
            self.nodes[at] = CodedNode::Split { column, last_left, left, right };
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bins::CodedRows;
    use crate::draw::mix;

    fn coded(columns: &[Vec<f64>]) -> CodedRows {
        CodedRows::of(columns.iter().cloned(), &[])
    }

    fn plain(coded: &CodedRows) -> TreeColumns<'_> {
        coded.for_tree(&[], |_| [0.0; 256])
    }

    fn drawn(labels: &[bool], residual: impl Fn(bool) -> f64) -> Vec<DrawnRow> {
        let row = |(row, &label): (usize, &bool)| DrawnRow { row, label, residual: residual(label) };
        labels.iter().enumerate().map(row).collect()
    }

    #[test]
    fn finds_the_split_and_routes_by_it() {
        let coded = coded(&[vec![7.0; 6], vec![1.0, 9.0, 2.0, 8.0, f64::NAN, 3.0]]);
        let rows = drawn(&[false, true, false, true, true, false], |_| 0.5);
        let tree = grow(&plain(&coded), &[0, 1], &rows, 3, 1).unwrap();
        assert_eq!(
            tree.nodes,
            [CodedNode::Split { column: 1, last_left: 3, left: 1, right: 2 }, CodedNode::Leaf, CodedNode::Leaf]
        );
        let leaves: Vec<_> = (0..6).map(|row| tree.leaf_of(&plain(&coded), row)).collect();
        assert_eq!(leaves, [1, 2, 1, 2, 2, 1]);
        assert_eq!(coded.columns[1].codes[4], 255, "the column in which missing values lie high");
    }

    #[test]
    fn is_a_leaf_where_nothing_can_be_distinguished() {
        let coded = coded(&[vec![1.0, 1.0, 2.0, 2.0]]);
        let tree = grow(&plain(&coded), &[0], &drawn(&[true, false, true, false], |_| 0.5), 3, 1).unwrap();
        assert_eq!(tree.nodes, [CodedNode::Leaf]);
    }

    #[test]
    fn whole_weights_are_in_proportion_and_sum_exactly() {
        let rows: Vec<_> =
            (0..100_000).map(|row| DrawnRow { row, label: true, residual: 1e-9 + (row % 3) as f64 }).collect();
        let weights = whole_weights(&rows);
        assert!(weights.iter().map(|w| u64::from(*w)).sum::<u64>() <= 1 << 24);
        assert_eq!(weights[0], 1);
        assert!(weights[2].abs_diff(2 * weights[1]) <= 1);
        assert_eq!(whole_weights(&drawn(&[true; 3], |_| 0.0)), [1, 1, 1]);
    }

    /// Labels repeat over a small grid, so that many nodes hold both classes in equal weight: linfa's own outcome varies.
    #[test]
    fn ties_do_not_change_the_shape() {
        let mut tied_leaves = 0;
        for seed in 0..20u64 {
            let values = |column: u64| (0..240).map(|row| (mix(seed ^ mix(column ^ mix(row))) % 4) as f64).collect();
            let coded = coded(&[values(1), values(2), values(3)]);
            let labels: Vec<bool> = (0..240).map(|row| mix(!seed ^ row).is_multiple_of(2)).collect();
            let rows = drawn(&labels, |_| 0.5);
            let tree = grow(&plain(&coded), &[0, 1, 2], &rows, 5, 1).unwrap();
            for _ in 0..8 {
                assert_eq!(grow(&plain(&coded), &[0, 1, 2], &rows, 5, 1).unwrap(), tree);
            }
            tied_leaves += tied(&tree, &coded, &rows);
        }
        assert!(tied_leaves > 0, "the data must have ties for this test to mean anything");
    }

    fn tied(tree: &CodedTree, coded: &CodedRows, rows: &[DrawnRow]) -> usize {
        let mut balance = vec![0; tree.nodes.len()];
        let mut count = vec![0; tree.nodes.len()];
        for row in rows {
            let leaf = tree.leaf_of(&plain(coded), row.row);
            balance[leaf] += if row.label { 1 } else { -1 };
            count[leaf] += 1;
        }
        balance.iter().zip(count).filter(|(balance, count)| **balance == 0 && *count > 0).count()
    }
}
