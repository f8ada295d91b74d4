//! Every kind of model that can be trained, behind one fit.

use std::num::NonZeroUsize;

use mainstay_model::Ensemble;
use mainstay_schema::LearnerKind;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::forest::{ForestParams, TreeParams, ValidForestParams};
use crate::logistic::{LogisticParams, ValidLogisticParams};
use crate::params::{BoostedTreesParams, ValidBoostedTreesParams};
use crate::rows::TrainingSet;

/// Parameters of any kind, as they are stated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelParams {
    /// Of boosted trees.
    Boosted(BoostedTreesParams),
    /// Of a forest.
    Forest(ForestParams),
    /// Of one tree.
    Tree(TreeParams),
    /// Of logistic regression.
    Logistic(LogisticParams),
}

impl ModelParams {
    /// Parameters that do well on many data, with draws by this seed.
    pub fn usual(kind: LearnerKind, seed: u64) -> Self {
        match kind {
            LearnerKind::Boosted => Self::Boosted(BoostedTreesParams { seed, ..BoostedTreesParams::default() }),
            LearnerKind::Forest => Self::Forest(ForestParams { seed, ..ForestParams::default() }),
            LearnerKind::Tree => Self::Tree(TreeParams { seed, ..TreeParams::default() }),
            LearnerKind::Logistic => Self::Logistic(LogisticParams::default()),
        }
    }

    /// The kind.
    pub fn kind(&self) -> LearnerKind {
        match self {
            Self::Boosted(_) => LearnerKind::Boosted,
            Self::Forest(_) => LearnerKind::Forest,
            Self::Tree(_) => LearnerKind::Tree,
            Self::Logistic(_) => LearnerKind::Logistic,
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// The first parameter outside of its range, with the range.
    pub fn check(self) -> Result<ValidModelParams, TrainError> {
        let fit = match self {
            Self::Boosted(params) => Fit::Boosted(params.check()?),
            Self::Forest(params) => Fit::Forest(params.check()?),
            Self::Tree(params) => Fit::Forest(params.check()?),
            Self::Logistic(params) => Fit::Logistic(params.check()?),
        };
        Ok(ValidModelParams { params: self, fit })
    }
}

/// Parameters that were checked: only these fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidModelParams {
    params: ModelParams,
    fit: Fit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fit {
    Boosted(ValidBoostedTreesParams),
    Forest(ValidForestParams),
    Logistic(ValidLogisticParams),
}

impl From<ValidBoostedTreesParams> for ValidModelParams {
    fn from(valid: ValidBoostedTreesParams) -> Self {
        Self { params: ModelParams::Boosted(*valid.params()), fit: Fit::Boosted(valid) }
    }
}

impl ValidModelParams {
    /// The parameters.
    pub fn params(&self) -> &ModelParams {
        &self.params
    }

    /// Steps that a fit reports.
    pub fn steps(&self) -> usize {
        match &self.fit {
            Fit::Boosted(valid) => valid.params().rounds,
            Fit::Forest(valid) => valid.params().trees,
            Fit::Logistic(_) => 1,
        }
    }

    /// Fits a model, uncalibrated: the same from the same rows, whatever their order and the number of threads. `progress` is given
    /// the steps done and their number.
    ///
    /// # Errors
    /// Where there are too few rows, or names of features are not unique.
    pub fn fit(
        &self,
        set: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Ensemble, TrainError> {
        match &self.fit {
            Fit::Boosted(valid) => valid.fit(set, threads, progress),
            Fit::Forest(valid) => valid.fit(set, threads, progress),
            Fit::Logistic(valid) => {
                let model = valid.fit(set, threads)?;
                progress(1, 1);
                Ok(model)
            }
        }
    }

    /// [`Self::fit`] of boosted trees that stop early by rows that they are not fitted on, and the parameters with the rounds that
    /// were kept; other kinds ignore those rows.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_watching(
        &self,
        set: &TrainingSet,
        watched: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(Ensemble, ModelParams), TrainError> {
        match (&self.fit, self.params) {
            (Fit::Boosted(valid), ModelParams::Boosted(params)) => {
                let fitted = valid.fit_watching(set, Some(watched), threads, progress)?;
                let rounds = fitted.rounds.max(1);
                Ok((fitted.model, ModelParams::Boosted(BoostedTreesParams { rounds, patience: 0, ..params })))
            }
            (_, params) => Ok((self.fit(set, threads, progress)?, params)),
        }
    }
}

#[cfg(test)]
mod tests;
