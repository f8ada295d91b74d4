//! Gradient boosting of the log-loss on trees whose shape linfa fits.
//!
//! F starts at logit(mean y). In each round p = sigmoid(F); a draw of rows with label y and weight |y - p| gives the shape of a
//! tree (sign(y - p) = 2y - 1, so this fits the sign and size of the gradient); all rows are routed through it, and each leaf takes a
//! Newton step, learning rate * sum(y - p) / (sum p(1 - p) + l2) (Friedman 2001; Chen and Guestrin 2016, equation 5).

use mainstay_model::calibration::{logit, sigmoid};
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Feature, ModelError, Node, Tree};

use crate::bins::CodedRows;
use crate::draw;
use crate::error::TrainError;
use crate::grow::{self, CodedNode, CodedTree, DrawnRow};
use crate::params::ValidBoostedTreesParams;
use crate::rows::TrainingSet;

impl ValidBoostedTreesParams {
    /// Fits a model, uncalibrated. `progress` is told the rounds done and their number after each round.
    ///
    /// A round whose tree has no split leaves no tree: the model of rows that cannot be told apart is its bias alone.
    ///
    /// # Errors
    /// Where there are fewer rows than two leaves need, or feature names are not unique.
    pub fn fit(&self, set: &TrainingSet, progress: &mut dyn FnMut(usize, usize)) -> Result<Ensemble, TrainError> {
        let params = self.params();
        let minimum = 2 * params.minimum_leaf_rows;
        if set.row_count() < minimum {
            return Err(TrainError::TooFewRows { found: set.row_count(), minimum });
        }
        let mut boosting = Boosting::start(self, set);
        for round in 0..params.rounds {
            boosting.add_tree(round)?;
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

    fn add_tree(&mut self, round: usize) -> Result<(), TrainError> {
        let params = self.params.params();
        let probabilities: Vec<f64> = self.margins.iter().map(|margin| sigmoid(*margin)).collect();
        let drawn = self.draw(round, &probabilities);
        if drawn.is_empty() {
            return Ok(());
        }
        let shape = grow::grow(&self.coded.columns, &drawn, params.depth, params.minimum_leaf_rows)
            .map_err(|source| TrainError::Fit { round, source })?;
        if shape.nodes.len() == 1 {
            return Ok(());
        }
        self.take_step(&shape, &probabilities)
    }

    fn draw(&self, round: usize, probabilities: &[f64]) -> Vec<DrawnRow> {
        let params = self.params.params();
        let rows = draw::rows_of_round(params.seed, round, self.set.row_count(), params.rows_per_round);
        let drawn = rows.into_iter().map(|row| {
            let label = self.set.labels()[row];
            DrawnRow { row, label, residual: (f64::from(u8::from(label)) - probabilities[row]).abs() }
        });
        drawn.collect()
    }

    /// Gives the leaves their values and moves the margins of all rows by them.
    fn take_step(&mut self, shape: &CodedTree, probabilities: &[f64]) -> Result<(), TrainError> {
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
        let tree = Tree::new(&self.nodes(shape, &values, &covers));
        let position = self.trees.len();
        self.trees.push(tree.map_err(|source| ModelError::Tree { tree: position, source })?);
        for (margin, leaf) in self.margins.iter_mut().zip(leaves) {
            *margin += values[leaf];
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
            calibration: Calibration::Identity,
        })?)
    }
}

#[cfg(test)]
mod tests;
