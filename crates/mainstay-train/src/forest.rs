//! A random forest of linfa trees, and a single tree: the mean log-odds of leaves.
//!
//! linfa's trees vote, and linfa-ensemble's forest counts hard votes, which ranks poorly where few churn. Here a leaf holds the share
//! of its training rows that churned, as log-odds, drawn to the base rate by a few rows of it; the forest is the mean of its trees.
//! Each tree is fitted on a draw of rows and columns of its own, in which both classes weigh the same
//! ([`crate::grow::grow_deep`]), and routed by all rows for the shares of its leaves.

use std::num::NonZeroUsize;

use mainstay_model::calibration::logit;
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Link, ModelError, Node, Tree};
use serde::{Deserialize, Serialize};

use crate::bins::{CodedRows, TreeColumns};
use crate::draw::TreeDraw;
use crate::error::TrainError;
use crate::grow::{self, CodedNode, CodedTree};
use crate::monotone;
use crate::parallel;
use crate::params::{MAX_ROWS_PER_TREE, share, within};
use crate::rows::TrainingSet;

/// Parameters of a forest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForestParams {
    /// Trees, 1 to 5,000.
    pub trees: usize,
    /// Splits from root to leaf, 1 to 20.
    pub depth: usize,
    /// Rows, about, that each tree's splits are chosen on, 2 to 262,144 and at least twice `minimum_leaf_rows`.
    pub rows_per_tree: usize,
    /// Share of the features that each tree's splits are chosen from, above 0 and at most 1.
    pub columns_per_tree: f64,
    /// The least weight of a leaf, in rows of average weight of its tree's draw, at least 1.
    pub minimum_leaf_rows: usize,
    /// Rows of the base rate that each leaf's share is drawn to, 0.001 to 1,000.
    pub prior_rows: f64,
    /// Draws the rows and columns of each tree.
    pub seed: u64,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 150,
            depth: 10,
            rows_per_tree: 8_192,
            columns_per_tree: 0.4,
            minimum_leaf_rows: 10,
            prior_rows: 2.0,
            seed: 1,
        }
    }
}

impl ForestParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// The first parameter outside of its range, with the range.
    pub fn check(self) -> Result<ValidForestParams, TrainError> {
        within("trees", self.trees, 1, 5_000)?;
        within("depth", self.depth, 1, 20)?;
        share("columns_per_tree", self.columns_per_tree)?;
        within("minimum_leaf_rows", self.minimum_leaf_rows, 1, MAX_ROWS_PER_TREE / 2)?;
        within("rows_per_tree", self.rows_per_tree, 2 * self.minimum_leaf_rows, MAX_ROWS_PER_TREE)?;
        within("prior_rows", self.prior_rows, 0.001, 1000.0)?;
        Ok(ValidForestParams(self))
    }
}

/// Parameters of a single tree: a forest of one, fitted on all columns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeParams {
    /// Splits from root to leaf, 1 to 20.
    pub depth: usize,
    /// The least weight of a leaf, in rows of average weight, at least 1.
    pub minimum_leaf_rows: usize,
    /// Draws the rows where there are more than 262,144.
    pub seed: u64,
}

impl Default for TreeParams {
    fn default() -> Self {
        Self { depth: 5, minimum_leaf_rows: 50, seed: 1 }
    }
}

impl TreeParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// As [`ForestParams::check`].
    pub fn check(self) -> Result<ValidForestParams, TrainError> {
        let Self { depth, minimum_leaf_rows, seed } = self;
        let rows_per_tree = MAX_ROWS_PER_TREE;
        let one = ForestParams { trees: 1, rows_per_tree, columns_per_tree: 1.0, ..ForestParams::default() };
        ForestParams { depth, minimum_leaf_rows, seed, ..one }.check()
    }
}

/// Parameters that were checked: only these fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidForestParams(ForestParams);

impl ValidForestParams {
    /// The parameters.
    pub fn params(&self) -> &ForestParams {
        &self.0
    }

    /// Fits a model, uncalibrated, with at most `threads` threads: any number gives the same model. `progress` is given the trees done
    /// and their number.
    ///
    /// # Errors
    /// Where there are fewer rows than two leaves need, or feature names are not unique.
    pub fn fit(
        &self,
        set: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Ensemble, TrainError> {
        let (found, minimum) = (set.row_count(), 2 * self.0.minimum_leaf_rows);
        if found < minimum {
            return Err(TrainError::TooFewRows { found, minimum });
        }
        let growing = Growing::start(&self.0, set);
        let mut trees = Vec::with_capacity(self.0.trees);
        for first in (0..self.0.trees).step_by(TREES_AT_ONCE) {
            let count = TREES_AT_ONCE.min(self.0.trees - first);
            for (tree, nodes) in
                parallel::map(count, threads, |tree| growing.fit_tree(first + tree)).into_iter().enumerate()
            {
                let tree = first + tree;
                let nodes = nodes.map_err(|source| TrainError::Fit { round: tree, source })?;
                if nodes.len() > 1 {
                    trees.push(Tree::new(&nodes).map_err(|source| ModelError::Tree { tree, source })?);
                }
            }
            progress(first + count, self.0.trees);
        }
        Ok(Ensemble::new(EnsembleParts {
            features: set.model_features(),
            trees,
            bias: growing.bias,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })?)
    }
}

/// Trees between two reports of progress.
const TREES_AT_ONCE: usize = 8;

struct Growing<'a> {
    params: &'a ForestParams,
    set: &'a TrainingSet,
    coded: CodedRows,
    base_rate: f64,
    /// The log-odds of the base rate.
    bias: f64,
}

impl<'a> Growing<'a> {
    fn start(params: &'a ForestParams, set: &'a TrainingSet) -> Self {
        let positives = set.labels().iter().filter(|label| **label).count();
        let base_rate = positives as f64 / set.row_count() as f64;
        let coded = CodedRows::new(set);
        Self { params, set, coded, base_rate, bias: logit(base_rate) }
    }

    /// The nodes of the tree at this position of the model; one where its draw cannot be split.
    fn fit_tree(&self, position: usize) -> Result<Vec<Node>, linfa::Error> {
        let params = self.params;
        let draw = TreeDraw::new(params.seed, position);
        let chosen = draw.columns(&self.coded.varying, params.columns_per_tree);
        let labels = self.set.labels();
        let rows: Vec<(usize, bool)> =
            draw.rows(self.set.row_count(), params.rows_per_tree).into_iter().map(|row| (row, labels[row])).collect();
        let columns = self.coded.for_tree(&chosen, |column| self.category_scores(column, &rows));
        let shape = match chosen.is_empty() {
            true => CodedTree { nodes: vec![CodedNode::Leaf] },
            false => grow::grow_deep(&columns, &chosen, &rows, params.depth, params.minimum_leaf_rows)?,
        };
        Ok(self.nodes(shape, &columns))
    }

    /// The share that churned of each category of a column, in the draw.
    fn category_scores(&self, column: usize, rows: &[(usize, bool)]) -> [f64; 256] {
        let prior = self.params.prior_rows.max(1.0);
        let (mut positives, mut all) = ([prior * self.base_rate; 256], [prior; 256]);
        for &(row, label) in rows {
            let code = usize::from(self.coded.columns[column].codes[row]);
            positives[code] += f64::from(u8::from(label));
            all[code] += 1.0;
        }
        std::array::from_fn(|code| positives[code] / all[code])
    }

    fn nodes(&self, shape: CodedTree, columns: &TreeColumns<'_>) -> Vec<Node> {
        let (rows, positives) = self.counts(&shape, columns);
        let value = |(rows, positives): (&f64, &f64)| {
            let prior = self.params.prior_rows;
            let share = (positives + prior * self.base_rate) / (rows + prior);
            (logit(share) - self.bias) / self.params.trees as f64
        };
        let values: Vec<f64> = rows.iter().zip(&positives).map(value).collect();
        let (shape, values) = match monotone::bound(&shape, &values, columns, self.set.declared()) {
            Some(bounded) => (bounded.shape, bounded.values),
            None => (shape, values),
        };
        let (covers, _) = self.counts(&shape, columns);
        shape.nodes(&self.coded, columns, &values, &covers)
    }

    /// All rows, and those that churned, at each node. Leaves that no row reaches cannot be: each has rows of the draw.
    fn counts(&self, shape: &CodedTree, columns: &TreeColumns<'_>) -> (Vec<f64>, Vec<f64>) {
        let (mut rows, mut positives) = (vec![0.0; shape.nodes.len()], vec![0.0; shape.nodes.len()]);
        for (row, label) in self.set.labels().iter().enumerate() {
            let leaf = shape.leaf_of(columns, row);
            rows[leaf] += 1.0;
            positives[leaf] += f64::from(u8::from(*label));
        }
        (shape.sum_up(rows), shape.sum_up(positives))
    }
}
