//! Gradient boosting of the log-loss on trees whose shape linfa fits.
//!
//! F starts at logit(mean y). In each round p = sigmoid(F); a draw of rows and columns with label y and weight |y - p| gives the
//! shape of a tree; all rows are routed through it, and each leaf takes a Newton step, learning rate * sum(y - p) /
//! (sum p(1 - p) + l2) (Friedman 2001; Chen and Guestrin 2016, equation 5). A round fits several trees to the same p.
//!
//! The Gini index of such weights is XGBoost's gain: with G = sum(y - p) and W = sum|y - p| over a node, it is (W - G^2 / W) / 2, so
//! that the best split has the greatest sum of G^2 / W, and W is 2 sum p(1 - p) in expectation.

use std::num::NonZeroUsize;

use mainstay_model::calibration::{logit, sigmoid};
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Feature, Link, ModelError, Node, Tree};

use crate::bins::CodedRows;
use crate::draw::TreeDraw;
use crate::error::TrainError;
use crate::grow::{self, CodedNode, CodedTree, DrawnRow};
use crate::parallel;
use crate::params::ValidBoostedTreesParams;
use crate::rows::TrainingSet;

impl ValidBoostedTreesParams {
    /// Fits a model, uncalibrated, with at most `threads` threads: any number gives the same model. `progress` is told the rounds
    /// done and their number after each round.
    ///
    /// A tree without a split is left out: the model of rows that cannot be told apart is its bias alone.
    ///
    /// # Errors
    /// Where there are fewer rows than two leaves need, or feature names are not unique.
    pub fn fit(
        &self,
        set: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Ensemble, TrainError> {
        let params = self.params();
        let minimum = 2 * params.minimum_leaf_rows;
        if set.row_count() < minimum {
            return Err(TrainError::TooFewRows { found: set.row_count(), minimum });
        }
        let mut boosting = Boosting::start(self, set);
        for round in 0..params.rounds {
            boosting.add_trees(round, threads)?;
            progress(round + 1, params.rounds);
        }
        boosting.finish()
    }
}

/// The state between rounds.
struct Boosting<'a> {
    params: &'a ValidBoostedTreesParams,
    set: &'a TrainingSet,
    coded: CodedRows,
    bias: f64,
    /// F of every row.
    margins: Vec<f64>,
    trees: Vec<Tree>,
}

/// A tree that takes its step.
struct FittedTree {
    nodes: Vec<Node>,
    /// What each node adds to the margins of its rows; of leaves alone it counts.
    values: Vec<f64>,
    /// The leaf of every row.
    leaves: Vec<usize>,
}

/// What the rows of a leaf say about its value.
#[derive(Debug, Clone, Copy, Default)]
struct LeafSums {
    rows: f64,
    /// Sum of y - p.
    gradient: f64,
    /// Sum of p(1 - p).
    hessian: f64,
}

impl<'a> Boosting<'a> {
    fn start(params: &'a ValidBoostedTreesParams, set: &'a TrainingSet) -> Self {
        let positives = set.labels().iter().filter(|label| **label).count();
        let bias = logit(positives as f64 / set.row_count() as f64);
        let margins = vec![bias; set.row_count()];
        Self { params, set, coded: CodedRows::new(set.columns()), bias, margins, trees: Vec::new() }
    }

    /// Fits the trees of a round side by side, and moves the margins by one after the other, so that sums have one order.
    fn add_trees(&mut self, round: usize, threads: NonZeroUsize) -> Result<(), TrainError> {
        let probabilities: Vec<f64> = self.margins.iter().map(|margin| sigmoid(*margin)).collect();
        let trees_per_round = self.params.params().trees_per_round;
        let fitted = parallel::map(trees_per_round, threads, |tree| {
            self.fit_tree(round * trees_per_round + tree, &probabilities)
                .map_err(|source| TrainError::Fit { round, source })
        });
        for tree in fitted {
            if let Some(tree) = tree? {
                self.take_step(tree)?;
            }
        }
        Ok(())
    }

    /// The tree at this position of the model, `None` where its draw cannot be parted.
    fn fit_tree(&self, position: usize, probabilities: &[f64]) -> Result<Option<FittedTree>, linfa::Error> {
        let params = self.params.params();
        let draw = TreeDraw::new(params.seed, position);
        let columns = self.draw_columns(&draw);
        let drawn = self.draw_rows(&draw, probabilities);
        if drawn.is_empty() || columns.is_empty() {
            return Ok(None);
        }
        let shape = grow::grow(&self.coded.columns, &columns, &drawn, params.depth, params.minimum_leaf_rows)?;
        Ok((shape.nodes.len() > 1).then(|| self.with_values(&shape, probabilities)))
    }

    /// Of a feature with missing values one column, in which they lie low or high.
    fn draw_columns(&self, draw: &TreeDraw) -> Vec<usize> {
        let varying = &self.coded.varying;
        if varying.is_empty() {
            return Vec::new();
        }
        let chosen = draw.features(varying.len(), self.params.params().columns_per_tree);
        chosen.into_iter().map(|(feature, hash)| varying[feature][hash as usize % varying[feature].len()]).collect()
    }

    fn draw_rows(&self, draw: &TreeDraw, probabilities: &[f64]) -> Vec<DrawnRow> {
        let rows = draw.rows(self.set.row_count(), self.params.params().rows_per_tree);
        let drawn = rows.into_iter().map(|row| {
            let label = self.set.labels()[row];
            DrawnRow { row, label, residual: (f64::from(u8::from(label)) - probabilities[row]).abs() }
        });
        drawn.collect()
    }

    /// Routes all rows through the shape and gives its leaves their values.
    fn with_values(&self, shape: &CodedTree, probabilities: &[f64]) -> FittedTree {
        let params = self.params.params();
        let leaves: Vec<usize> = (0..self.set.row_count()).map(|row| shape.leaf_of(&self.coded.columns, row)).collect();
        let mut sums = vec![LeafSums::default(); shape.nodes.len()];
        for ((leaf, label), p) in leaves.iter().zip(self.set.labels()).zip(probabilities) {
            let leaf = &mut sums[*leaf];
            leaf.rows += 1.0;
            leaf.gradient += f64::from(u8::from(*label)) - p;
            leaf.hessian += p * (1.0 - p);
        }
        let value = |sums: &LeafSums| params.learning_rate * sums.gradient / (sums.hessian + params.l2);
        let values: Vec<f64> = sums.iter().map(value).collect();
        let covers = shape.sum_up(sums.iter().map(|sums| sums.rows).collect());
        FittedTree { nodes: self.nodes(shape, &values, &covers), values, leaves }
    }

    fn take_step(&mut self, fitted: FittedTree) -> Result<(), TrainError> {
        let tree = self.trees.len();
        self.trees.push(Tree::new(&fitted.nodes).map_err(|source| ModelError::Tree { tree, source })?);
        for (margin, leaf) in self.margins.iter_mut().zip(fitted.leaves) {
            *margin += fitted.values[leaf];
        }
        Ok(())
    }

    fn nodes(&self, shape: &CodedTree, values: &[f64], covers: &[f64]) -> Vec<Node> {
        let node = |(at, node): (usize, &CodedNode)| match *node {
            CodedNode::Leaf => Node::Leaf { value: values[at], cover: covers[at] },
            CodedNode::Split { column, last_left, left, right } => {
                let split = self.coded.value_split(column, last_left);
                split.node((left as u32, covers[left]), (right as u32, covers[right]))
            }
        };
        shape.nodes.iter().enumerate().map(node).collect()
    }

    fn finish(self) -> Result<Ensemble, TrainError> {
        Ok(Ensemble::new(EnsembleParts {
            features: self.set.feature_names().iter().map(Feature::new).collect(),
            trees: self.trees,
            bias: self.bias,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })?)
    }
}

#[cfg(test)]
mod tests;
