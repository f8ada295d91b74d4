//! One tree of an XGBoost file: a set of arrays with an entry for each node.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::{Flag, Parameters, Single};
use crate::condition::{CategorySet, Condition, Missing};
use crate::error::ModelError;
use crate::import::error::{Format, ImportError};
use crate::import::{reached_from_root, tree_of};
use crate::tree::{Node, Tree};

#[derive(Deserialize)]
pub(super) struct FileTree {
    left_children: Vec<i32>,
    right_children: Vec<i32>,
    split_indices: Vec<u32>,
    split_conditions: Vec<Single>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f32>,
    /// 1 where a split is on categories.
    #[serde(default)]
    split_type: Vec<u8>,
    #[serde(default)]
    categories: Vec<u32>,
    #[serde(default)]
    categories_nodes: Vec<usize>,
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
    #[serde(default)]
    tree_param: TreeParameters,
}

#[derive(Deserialize, Default)]
struct TreeParameters {
    #[serde(default)]
    size_leaf_vector: Parameters,
}

impl FileTree {
    pub(super) fn into_tree(self, format: Format, tree: usize, weight: f64) -> Result<Tree, ImportError> {
        self.check(format, tree)?;
        let categories = self.category_sets(format, tree)?;
        let nodes = (0..self.left_children.len()).map(|node| self.node(node, weight, &categories));
        tree_of(tree, reached_from_root(tree, nodes.collect())?)
    }

    fn check(&self, format: Format, tree: usize) -> Result<(), ImportError> {
        if self.tree_param.size_leaf_vector.single().is_none_or(|size| size > 1.0) {
            let what = "leaves of several targets".to_owned();
            return Err(ImportError::Unsupported { format, what, advice: "train one model a target" });
        }
        let expected = self.left_children.len();
        let or_none = |length: usize| if length == 0 { expected } else { length };
        let arrays = [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
            ("sum_hessian", self.sum_hessian.len()),
            ("split_type", or_none(self.split_type.len())),
        ];
        match arrays.into_iter().find(|(_, found)| *found != expected) {
            Some((array, found)) => Err(ImportError::length(format, tree, array, [found, expected])),
            None => Ok(()),
        }
    }

    /// The sets of the categorical splits, by node.
    fn category_sets(&self, format: Format, tree: usize) -> Result<BTreeMap<usize, CategorySet>, ImportError> {
        let malformed = || ImportError::in_tree(format, tree, "has categories that do not fit its nodes".to_owned());
        let expected = self.categories_nodes.len();
        let total: usize = self.categories_sizes.iter().fold(0, |sum, size| sum.saturating_add(*size));
        // Segments that share codes would let a short file ask for much memory.
        if self.categories_segments.len() != expected
            || self.categories_sizes.len() != expected
            || total != self.categories.len()
        {
            return Err(malformed());
        }
        let segments = self.categories_segments.iter().zip(&self.categories_sizes);
        let mut sets = BTreeMap::new();
        for (node, (start, size)) in self.categories_nodes.iter().zip(segments) {
            let codes = self.categories.get(*start..).and_then(|codes| codes.get(..*size)).ok_or_else(malformed)?;
            let set = CategorySet::new(codes.iter().copied()).map_err(|source| ModelError::Tree { tree, source })?;
            sets.insert(*node, set);
        }
        let is_split_on_them = |node: &usize| self.split_type.get(*node) == Some(&1);
        let splits = self.split_type.iter().filter(|kind| **kind == 1).count();
        let do_fit = sets.keys().all(is_split_on_them) && splits == sets.len();
        if do_fit { Ok(sets) } else { Err(malformed()) }
    }

    /// The node at a position within all arrays.
    fn node(&self, at: usize, weight: f64, categories: &BTreeMap<usize, CategorySet>) -> Node {
        const LEAF: i32 = -1;
        let cover = f64::from(self.sum_hessian[at]);
        let (left, right) = (self.left_children[at], self.right_children[at]);
        if left == LEAF {
            return Node::Leaf { value: f64::from(self.split_conditions[at].0) * weight, cover };
        }
        // Children below 0 become positions that do not exist.
        let (left, right) = (left as u32, right as u32);
        let (feature, missing, default_left) = (self.split_indices[at], Missing::Nan, self.default_left[at].0);
        match categories.get(&at) {
            Some(set) => {
                let condition = Condition::OneOf(set.clone());
                let default_left = !default_left;
                Node::Split { feature, condition, missing, default_left, left: right, right: left, cover }
            }
            None => {
                let condition = Condition::below_single(self.split_conditions[at].0);
                Node::Split { feature, condition, missing, default_left, left, right, cover }
            }
        }
    }
}
