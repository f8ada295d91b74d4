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
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Link, ModelError, Node, Tree};

use crate::bins::{CodedColumn, CodedRows, TreeColumns};
use crate::draw::TreeDraw;
use crate::error::TrainError;
use crate::grow::{self, CodedTree, DrawnRow};
use crate::monotone;
use crate::parallel;
use crate::params::ValidBoostedTreesParams;
use crate::rows::TrainingSet;

/// How often a tree is fitted anew where a constraint leaves nothing of it, each time without the columns that it refused.
const TRIES: usize = 3;
/// Rows without a residual that every category is given, so that small ones are not thought to be far off.
const CATEGORY_PRIOR_ROWS: f64 = 10.0;

impl ValidBoostedTreesParams {
    /// Fits a model, uncalibrated, with at most `threads` threads: any number gives the same model. `progress` is given the rounds
    /// done and their number after each round.
    ///
    /// A tree without a split is left out: the model of rows that cannot be distinguished is its bias alone.
    ///
    /// # Errors
    /// Where there are fewer rows than two leaves need, or feature names are not unique.
    pub fn fit(
        &self,
        set: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Ensemble, TrainError> {
        Ok(self.fit_watching(set, None, threads, progress)?.model)
    }

    /// [`Self::fit`], which stops early by the log-loss on rows that it is not fitted on (of a later cut, or held back), where
    /// `patience` is above 0. Of rows to watch the features must be those of `set`.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_watching(
        &self,
        set: &TrainingSet,
        watched: Option<&TrainingSet>,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<FittedBoosting, TrainError> {
        let params = self.params();
        let minimum = 2 * params.minimum_leaf_rows;
        if set.row_count() < minimum {
            return Err(TrainError::TooFewRows { found: set.row_count(), minimum });
        }
        let mut boosting = Boosting::start(self, set, watched.filter(|_| params.patience > 0));
        for round in 0..params.rounds {
            boosting.add_trees(round, threads)?;
            progress(round + 1, params.rounds);
            if boosting.watch.as_ref().is_some_and(|watch| watch.waited() >= params.patience) {
                progress(params.rounds, params.rounds);
                break;
            }
        }
        boosting.finish()
    }
}

/// A boosted model and how it came to its end.
#[derive(Debug, Clone)]
pub struct FittedBoosting {
    /// The model, uncalibrated.
    pub model: Ensemble,
    /// Rounds that it keeps: all, or those up to the best log-loss on the watched rows.
    pub rounds: usize,
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
    rounds: usize,
    watch: Option<Watch>,
}

/// A tree that takes its step.
struct FittedTree {
    nodes: Vec<Node>,
    /// The leaf of every watched row.
    watched: Vec<usize>,
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
    fn start(params: &'a ValidBoostedTreesParams, set: &'a TrainingSet, watched: Option<&TrainingSet>) -> Self {
        let positives = set.labels().iter().filter(|label| **label).count();
        let weight = params.params().positive_weight;
        let positive = weight * positives as f64;
        let bias = logit(positive / (positive + (set.row_count() - positives) as f64));
        let margins = vec![bias; set.row_count()];
        let coded = CodedRows::new(set);
        let watch = watched.map(|watched| Watch::new(&coded, watched, weight, bias));
        Self { params, set, coded, bias, margins, trees: Vec::new(), rounds: 0, watch }
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
        self.rounds = round + 1;
        if let Some(watch) = &mut self.watch {
            watch.judge(self.rounds, self.trees.len());
        }
        Ok(())
    }

    /// The tree at this position of the model, `None` where its draw cannot be split.
    fn fit_tree(&self, position: usize, probabilities: &[f64]) -> Result<Option<FittedTree>, linfa::Error> {
        let params = self.params.params();
        let draw = TreeDraw::new(params.seed, position);
        let mut chosen = draw.columns(&self.coded.varying, params.columns_per_tree);
        let drawn = self.draw_rows(&draw, probabilities);
        let columns = self.coded.for_tree(&chosen, |column| self.category_scores(column, &drawn, probabilities));
        for _ in 0..TRIES {
            if drawn.is_empty() || chosen.is_empty() {
                return Ok(None);
            }
            let shape = grow::grow(&columns, &chosen, &drawn, params.depth, params.minimum_leaf_rows)?;
            let (tree, refused) = self.with_values(shape, &columns, probabilities);
            if tree.nodes.len() > 1 {
                return Ok(Some(tree));
            }
            if refused.is_empty() {
                return Ok(None);
            }
            chosen.retain(|column| !refused.contains(column));
        }
        Ok(None)
    }

    /// What each category of a column has left to be explained, a row: categories in this order are split best by one split (Fisher
    /// 1958), as in LightGBM.
    fn category_scores(&self, column: usize, drawn: &[DrawnRow], probabilities: &[f64]) -> [f64; 256] {
        let (mut residuals, mut rows) = ([0.0; 256], [CATEGORY_PRIOR_ROWS; 256]);
        for row in drawn {
            let code = usize::from(self.coded.columns[column].codes[row.row]);
            residuals[code] += f64::from(u8::from(row.label)) - probabilities[row.row];
            rows[code] += 1.0;
        }
        std::array::from_fn(|code| residuals[code] / rows[code])
    }

    fn draw_rows(&self, draw: &TreeDraw, probabilities: &[f64]) -> Vec<DrawnRow> {
        let positive_weight = self.params.params().positive_weight;
        let rows = draw.rows(self.set.row_count(), self.params.params().rows_per_tree);
        let drawn = rows.into_iter().map(|row| {
            let label = self.set.labels()[row];
            let weight = if label { positive_weight } else { 1.0 };
            DrawnRow { row, label, residual: weight * (f64::from(u8::from(label)) - probabilities[row]).abs() }
        });
        drawn.collect()
    }

    /// Routes all rows through the shape and gives its leaves their values; names the columns that a constraint refused.
    fn with_values(
        &self,
        shape: CodedTree,
        columns: &TreeColumns<'_>,
        probabilities: &[f64],
    ) -> (FittedTree, Vec<usize>) {
        let params = self.params.params();
        let route = |shape: &CodedTree| -> Vec<usize> {
            (0..self.set.row_count()).map(|row| shape.leaf_of(columns, row)).collect()
        };
        let mut leaves = route(&shape);
        let sums = self.leaf_sums(&leaves, shape.nodes.len(), probabilities);
        let sum_up = |shape: &CodedTree, of: fn(&LeafSums) -> f64| shape.sum_up(sums.iter().map(of).collect());
        let gradients = sum_up(&shape, |sums| sums.gradient);
        let hessians = sum_up(&shape, |sums| sums.hessian);
        let steps = gradients
            .iter()
            .zip(&hessians)
            .map(|(gradient, hessian)| params.learning_rate * gradient / (hessian + params.l2));
        let mut values: Vec<f64> = steps.collect();
        let mut covers = sum_up(&shape, |sums| sums.rows);
        let (mut kept, mut refused) = (shape, Vec::new());
        if let Some(bounded) = monotone::bound(&kept, &values, columns, self.set.declared()) {
            if !bounded.refused.is_empty() {
                leaves = route(&bounded.shape);
                let mut rows = vec![0.0; bounded.shape.nodes.len()];
                leaves.iter().for_each(|leaf| rows[*leaf] += 1.0);
                covers = bounded.shape.sum_up(rows);
            }
            (kept, values, refused) = (bounded.shape, bounded.values, bounded.refused);
        }
        let watched = self.watch.as_ref().map_or(Vec::new(), |watch| watch.leaves(&kept, columns));
        let nodes = kept.nodes(&self.coded, columns, &values, &covers);
        (FittedTree { nodes, watched, values, leaves }, refused)
    }

    fn leaf_sums(&self, leaves: &[usize], nodes: usize, probabilities: &[f64]) -> Vec<LeafSums> {
        let positive_weight = self.params.params().positive_weight;
        let mut sums = vec![LeafSums::default(); nodes];
        for ((leaf, label), p) in leaves.iter().zip(self.set.labels()).zip(probabilities) {
            let leaf = &mut sums[*leaf];
            let weight = if *label { positive_weight } else { 1.0 };
            leaf.rows += 1.0;
            leaf.gradient += weight * (f64::from(u8::from(*label)) - p);
            leaf.hessian += weight * (p * (1.0 - p));
        }
        sums
    }

    fn take_step(&mut self, fitted: FittedTree) -> Result<(), TrainError> {
        let tree = self.trees.len();
        self.trees.push(Tree::new(&fitted.nodes).map_err(|source| ModelError::Tree { tree, source })?);
        for (margin, leaf) in self.margins.iter_mut().zip(fitted.leaves) {
            *margin += fitted.values[leaf];
        }
        if let Some(watch) = &mut self.watch {
            watch.take_step(&fitted.watched, &fitted.values);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<FittedBoosting, TrainError> {
        let mut rounds = self.rounds;
        if let Some(best) = self.watch.as_ref().and_then(|watch| watch.best) {
            self.trees.truncate(best.trees);
            rounds = best.rounds;
        }
        let model = Ensemble::new(EnsembleParts {
            features: self.set.model_features(),
            trees: self.trees,
            bias: self.bias,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })?;
        Ok(FittedBoosting { model, rounds })
    }
}

/// Rows that are scored round by round, but not fitted on.
struct Watch {
    columns: Vec<CodedColumn>,
    labels: Vec<bool>,
    positive_weight: f64,
    margins: Vec<f64>,
    best: Option<Best>,
    rounds: usize,
}

/// The rounds after which the watched rows had their least log-loss.
#[derive(Debug, Clone, Copy)]
struct Best {
    loss: f64,
    rounds: usize,
    trees: usize,
}

impl Watch {
    fn new(coded: &CodedRows, watched: &TrainingSet, positive_weight: f64, bias: f64) -> Self {
        Self {
            columns: coded.recode(watched),
            labels: watched.labels().to_vec(),
            positive_weight,
            margins: vec![bias; watched.row_count()],
            best: None,
            rounds: 0,
        }
    }

    fn leaves(&self, shape: &CodedTree, columns: &TreeColumns<'_>) -> Vec<usize> {
        let columns = columns.over(&self.columns);
        (0..self.labels.len()).map(|row| shape.leaf_of(&columns, row)).collect()
    }

    fn take_step(&mut self, leaves: &[usize], values: &[f64]) {
        for (margin, leaf) in self.margins.iter_mut().zip(leaves) {
            *margin += values[*leaf];
        }
    }

    fn judge(&mut self, rounds: usize, trees: usize) {
        self.rounds = rounds;
        let terms = self.margins.iter().zip(&self.labels).map(|(margin, label)| {
            let (toward, weight) = if *label { (-margin, self.positive_weight) } else { (*margin, 1.0) };
            // ln(1 + exp(x)) without overflow.
            weight * (toward.max(0.0) + libm::log1p(libm::exp(-toward.abs())))
        });
        let loss = terms.sum();
        if self.best.is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { loss, rounds, trees });
        }
    }

    /// Rounds since the best one.
    fn waited(&self) -> usize {
        self.rounds - self.best.map_or(0, |best| best.rounds)
    }
}

#[cfg(test)]
mod tests;
