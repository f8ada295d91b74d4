//! The trees of an ONNX operator: one set of arrays with an entry for each node of all trees, another for the leaves' weights.

use std::collections::BTreeMap;

use super::chains::merge_chains;
use super::{Attributes, malformed, shown, unsupported};
use crate::condition::{CategorySet, Condition, MAX_CATEGORIES, Missing};
use crate::import::error::ImportError;
use crate::import::{reached_from_root, tree_of};
use crate::tree::{Node, Tree};

/// A tree and a node by their ids, which are any numbers.
type NodeId = (i64, i64);

/// What the leaves add to the score.
pub(super) struct Leaves {
    values: BTreeMap<NodeId, f64>,
}

impl Leaves {
    /// Reads the weights of leaves: attributes that begin with `class` or `target`. A weight counts by its share.
    pub(super) fn new(prefix: &str, attributes: &Attributes<'_>, shares: Vec<f64>) -> Result<Self, ImportError> {
        let trees = attributes.ints(&format!("{prefix}_treeids"));
        let nodes = attributes.ints(&format!("{prefix}_nodeids"));
        let weights = attributes.numbers(&format!("{prefix}_weights"))?;
        if trees.len() != shares.len() || nodes.len() != shares.len() || weights.len() != shares.len() {
            return Err(malformed(format!("has attributes `{prefix}_...` that differ in length")));
        }
        let mut values = BTreeMap::new();
        for ((id, weight), share) in trees.iter().zip(nodes).zip(weights).zip(shares) {
            *values.entry((*id.0, *id.1)).or_insert(0.0) += share * weight;
        }
        Ok(Self { values })
    }
}

/// The attributes `nodes_...`.
pub(super) struct NodeArrays<'a> {
    trees: &'a [i64],
    nodes: &'a [i64],
    features: &'a [i64],
    modes: &'a [Vec<u8>],
    thresholds: Vec<f64>,
    is_double: bool,
    trues: &'a [i64],
    falses: &'a [i64],
    /// Empty where NaN meets no condition.
    missing_tracks_true: &'a [i64],
    /// Where a node stands in its tree, and where its tree stands.
    positions: BTreeMap<NodeId, u32>,
    tree_positions: BTreeMap<i64, usize>,
}

impl<'a> NodeArrays<'a> {
    pub(super) fn new(attributes: &Attributes<'a>, is_double: bool) -> Result<Self, ImportError> {
        let trees = attributes.ints("nodes_treeids");
        let nodes = attributes.ints("nodes_nodeids");
        if nodes.len() != trees.len() {
            return Err(different("nodes_nodeids", nodes.len(), trees.len()));
        }
        let mut sizes = Vec::new();
        let (mut positions, mut tree_positions) = (BTreeMap::new(), BTreeMap::new());
        for (tree, node) in trees.iter().zip(nodes) {
            let at = *tree_positions.entry(*tree).or_insert(sizes.len());
            if at == sizes.len() {
                sizes.push(0u32);
            }
            if positions.insert((*tree, *node), sizes[at]).is_some() {
                return Err(malformed(format!("has node {node} of tree {tree} twice")));
            }
            sizes[at] += 1;
        }
        let arrays = Self {
            trees,
            nodes,
            features: attributes.ints("nodes_featureids"),
            modes: attributes.texts("nodes_modes"),
            thresholds: attributes.numbers("nodes_values")?,
            is_double: is_double || attributes.has_doubles("nodes_values"),
            trues: attributes.ints("nodes_truenodeids"),
            falses: attributes.ints("nodes_falsenodeids"),
            missing_tracks_true: attributes.ints("nodes_missing_value_tracks_true"),
            positions,
            tree_positions,
        };
        arrays.check_lengths()?;
        Ok(arrays)
    }

    fn check_lengths(&self) -> Result<(), ImportError> {
        let expected = self.trees.len();
        let or_none = |length: usize| if length == 0 { expected } else { length };
        let lengths = [
            ("nodes_featureids", self.features.len()),
            ("nodes_modes", self.modes.len()),
            ("nodes_values", self.thresholds.len()),
            ("nodes_truenodeids", self.trues.len()),
            ("nodes_falsenodeids", self.falses.len()),
            ("nodes_missing_value_tracks_true", or_none(self.missing_tracks_true.len())),
        ];
        match lengths.into_iter().find(|(_, found)| *found != expected) {
            Some((array, found)) => Err(different(array, found, expected)),
            None => Ok(()),
        }
    }

    pub(super) fn tree_count(&self) -> usize {
        self.tree_positions.len()
    }

    /// The greatest position of a feature, 0 where there is none.
    pub(super) fn greatest_feature(&self) -> usize {
        let greatest = self.features.iter().copied().max().unwrap_or(0).max(0);
        usize::try_from(greatest).unwrap_or(usize::MAX - 1).min(usize::MAX - 1)
    }

    /// The trees; the root of each is its first node in the file.
    pub(super) fn into_trees(self, mut leaves: Leaves) -> Result<Vec<Tree>, ImportError> {
        let mut trees = vec![Vec::new(); self.tree_count()];
        for at in 0..self.trees.len() {
            let tree = self.tree_positions.get(&self.trees[at]).and_then(|tree| trees.get_mut(*tree));
            if let Some(nodes) = tree {
                nodes.push(self.node(at, &mut leaves)?);
            }
        }
        if let Some(((tree, node), _)) = leaves.values.first_key_value() {
            return Err(malformed(format!("has a weight for node {node} of tree {tree}, which is no leaf")));
        }
        let trees = trees.into_iter().enumerate().map(|(tree, mut nodes)| {
            merge_chains(&mut nodes)?;
            tree_of(tree, reached_from_root(tree, nodes)?)
        });
        trees.collect()
    }

    /// The node at a position within all arrays; a leaf takes its value.
    fn node(&self, at: usize, leaves: &mut Leaves) -> Result<Node, ImportError> {
        let id @ (tree, _) = (self.trees[at], self.nodes[at]);
        let mode = self.modes[at].as_slice();
        if mode == b"LEAF" {
            return Ok(Node::Leaf { value: leaves.values.remove(&id).unwrap_or(0.0), cover: 0.0 });
        }
        let (condition, true_is_left) = self.condition(mode, self.thresholds[at])?;
        // NaN meets no comparison but `!=`.
        let missing_is_true =
            mode == b"BRANCH_NEQ" || self.missing_tracks_true.get(at).is_some_and(|tracks| *tracks != 0);
        let [if_true, if_false] = [self.trues[at], self.falses[at]].map(|child| self.positions.get(&(tree, child)));
        let (Some(if_true), Some(if_false)) = (if_true, if_false) else {
            return Err(malformed(format!("has a child of node {} of tree {tree} that does not exist", id.1)));
        };
        let (left, right) = if true_is_left { (*if_true, *if_false) } else { (*if_false, *if_true) };
        let feature = u32::try_from(self.features[at])
            .map_err(|_| malformed(format!("has the feature {}, which does not exist", self.features[at])))?;
        let default_left = missing_is_true == true_is_left;
        Ok(Node::Split { feature, condition, missing: Missing::Nan, default_left, left, right, cover: 0.0 })
    }

    /// What a mode asks, and whether its true branch is the left one here.
    fn condition(&self, mode: &[u8], threshold: f64) -> Result<(Condition, bool), ImportError> {
        Ok(match mode {
            b"BRANCH_LT" => (self.below(threshold), true),
            b"BRANCH_GTE" => (self.below(threshold), false),
            b"BRANCH_LEQ" => (self.at_most(threshold), true),
            b"BRANCH_GT" => (self.at_most(threshold), false),
            b"BRANCH_EQ" => (code(threshold)?, true),
            b"BRANCH_NEQ" => (code(threshold)?, false),
            other => {
                return Err(unsupported(
                    format!("the node mode `{}`", shown(other)),
                    "convert with version 3 of `ai.onnx.ml`",
                ));
            }
        })
    }

    fn below(&self, threshold: f64) -> Condition {
        if self.is_double { Condition::Below(threshold) } else { Condition::below_single(threshold as f32) }
    }

    fn at_most(&self, threshold: f64) -> Condition {
        if self.is_double { Condition::at_most(threshold) } else { Condition::at_most_single(threshold as f32) }
    }
}

fn different(array: &str, found: usize, expected: usize) -> ImportError {
    malformed(format!("has {found} entries in `{array}`, expected {expected}"))
}

/// Whether a value is this category code.
fn code(threshold: f64) -> Result<Condition, ImportError> {
    let is_code = threshold.fract() == 0.0 && (0.0..f64::from(MAX_CATEGORIES)).contains(&threshold);
    let set = is_code.then(|| CategorySet::new([threshold as u32]).ok()).flatten();
    set.map(Condition::OneOf).ok_or_else(|| {
        unsupported(format!("a split on equality with {threshold}"), "use codes from 0 to 65535 for categories")
    })
}
