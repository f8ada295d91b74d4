//! The recipe from rows to a judged model.
//!
//! Customers are parted by hash: a share is kept out of everything to check the probabilities, the others are learnt from. The trees
//! are fitted on all of these. What calibrates them are scores of the same customers by trees fitted without their fold
//! (cross-fitting), so that every customer counts for the curve and none is scored by trees that know its label. The model is then
//! judged on the test cut, which lies after every label that it has learnt from.

use std::num::NonZeroUsize;

use mainstay_model::Ensemble;
use mainstay_schema::Ds;
use serde::{Deserialize, Serialize};

use crate::calibrate::platt;
use crate::draw::Role;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate, rank};
use crate::params::ValidBoostedTreesParams;
use crate::reliability::{CalibrationReport, Reliability, ScoredRows};
use crate::rows::TrainingSet;

/// How a model is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// What is fitted; its seed parts the customers, too.
    pub trees: ValidBoostedTreesParams,
    /// Parts into which the customers that are learnt from fall for the scores that calibrate, at least 2.
    pub folds: usize,
    /// Share of the customers that check the probabilities.
    pub held_back: f64,
}

/// A calibrated model with the rows behind it and how it did.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model.
    pub model: Ensemble,
    /// The training rows.
    pub training: TrainingSet,
    /// The role of each training row.
    pub roles: Vec<Role>,
    /// The raw score of each training row by trees that have not seen its customer.
    pub training_scores: Vec<f64>,
    /// The rows of the test cut.
    pub test: TrainingSet,
    /// The raw score of each of them.
    pub test_scores: Vec<f64>,
    /// How it did on the test cut.
    pub evaluation: Evaluation,
    /// How far its probabilities can be trusted.
    pub calibration: CalibrationReport,
    /// How it ranks customers that it has not seen, cut by cut.
    pub by_cut: Vec<CutRanking>,
}

/// How a model ranks the customers of a cut that it has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CutRanking {
    /// The cut.
    pub ds: Ds,
    /// Customers kept out of the training.
    pub rows: usize,
    /// The share of them that churned.
    pub base_rate: f64,
    /// Probability that one who churned scores above one who stayed; `None` where all did the same.
    pub auc: Option<f64>,
}

impl Recipe {
    /// Trains on `training`, calibrates, and judges on `test`. `progress` is told the rounds done and their number.
    ///
    /// # Errors
    /// What the fit or the calibration cannot be made of, and `folds` below 2.
    pub fn train(
        &self,
        training: TrainingSet,
        test: TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Trained, TrainError> {
        if self.folds < 2 {
            let allowed = "at least 2".to_owned();
            return Err(TrainError::Parameter { parameter: "folds", found: self.folds.to_string(), allowed });
        }
        let seed = self.trees.params().seed;
        let role = |key: &String| Role::of(key, seed, self.held_back, self.folds);
        let roles: Vec<Role> = training.keys().iter().map(role).collect();
        let mut rounds = Rounds { before: 0, all: (self.folds + 1) * self.trees.params().rounds, progress };

        let fitted = self.fit_without(&training, &roles, None, threads, &mut rounds)?;
        let mut training_scores = raw_scores(&fitted, &training)?;
        for fold in 0..self.folds {
            let unseen = self.fit_without(&training, &roles, Some(fold), threads, &mut rounds)?;
            let scores = raw_scores(&unseen, &training)?;
            for ((score, other), role) in training_scores.iter_mut().zip(scores).zip(&roles) {
                if role.fold() == Some(fold) {
                    *score = other;
                }
            }
        }

        let learnt = scored(&training, &training_scores, &roles, |role| role.fold().is_some());
        let model = fitted.with_calibration(platt(&learnt.raw, &learnt.labels)?)?;
        let checked = scored(&training, &training_scores, &roles, |role| *role == Role::Check);
        let test_scores = raw_scores(&model, &test)?;
        let tested = ScoredRows {
            customers: test.keys().iter().map(String::as_str).collect(),
            raw: test_scores.clone(),
            labels: test.labels().to_vec(),
        };
        let (check, tested) = (Reliability::of(&model, &checked)?, Reliability::of(&model, &tested)?);
        let calibration = CalibrationReport::new(model.calibration(), &learnt.labels, check, tested);
        let probabilities: Vec<f64> = test_scores.iter().map(|raw| model.probability(*raw)).collect();
        let evaluation = evaluate(&probabilities, test.labels())?;
        let by_cut = by_cut(&training, &roles, &training_scores);
        Ok(Trained { model, training, roles, training_scores, test, test_scores, evaluation, calibration, by_cut })
    }

    /// The trees of all customers that are learnt from but those of a fold.
    fn fit_without(
        &self,
        training: &TrainingSet,
        roles: &[Role],
        left_out: Option<usize>,
        threads: NonZeroUsize,
        rounds: &mut Rounds<'_>,
    ) -> Result<Ensemble, TrainError> {
        let is_kept = |role: &Role| role.fold().is_some_and(|fold| Some(fold) != left_out);
        let kept: Vec<bool> = roles.iter().map(is_kept).collect();
        let fitted = self.trees.fit(&training.subset(&kept)?, threads, &mut |done, _| rounds.tell(done))?;
        rounds.before += self.trees.params().rounds;
        Ok(fitted)
    }
}

/// Progress over several fits.
struct Rounds<'a> {
    before: usize,
    all: usize,
    progress: &'a mut dyn FnMut(usize, usize),
}

impl Rounds<'_> {
    fn tell(&mut self, done: usize) {
        (self.progress)(self.before + done, self.all);
    }
}

fn raw_scores(model: &Ensemble, rows: &TrainingSet) -> Result<Vec<f64>, TrainError> {
    let columns: Vec<&[f64]> = rows.columns().iter().map(Vec::as_slice).collect();
    let mut scores = vec![0.0; rows.row_count()];
    model.raw_scores(&columns, &mut scores)?;
    Ok(scores)
}

/// The rows whose role is wanted.
fn scored<'a>(
    training: &'a TrainingSet,
    scores: &[f64],
    roles: &[Role],
    wanted: impl Fn(&Role) -> bool,
) -> ScoredRows<'a> {
    let mut rows = ScoredRows::default();
    for (row, _) in roles.iter().enumerate().filter(|(_, role)| wanted(role)) {
        rows.customers.push(&training.keys()[row]);
        rows.raw.push(scores[row]);
        rows.labels.push(training.labels()[row]);
    }
    rows
}

fn by_cut(training: &TrainingSet, roles: &[Role], scores: &[f64]) -> Vec<CutRanking> {
    let rows: Vec<usize> = (0..roles.len()).filter(|row| roles[*row] == Role::Check).collect();
    let cuts = rows.chunk_by(|&a, &b| training.cuts()[a] == training.cuts()[b]);
    let ranking = |rows: &[usize]| {
        let scores: Vec<f64> = rows.iter().map(|&row| scores[row]).collect();
        let labels: Vec<bool> = rows.iter().map(|&row| training.labels()[row]).collect();
        let churned = labels.iter().filter(|label| **label).count();
        CutRanking {
            ds: training.cuts()[rows[0]],
            rows: rows.len(),
            base_rate: churned as f64 / rows.len() as f64,
            auc: rank(&scores, &labels).ok().map(|ranking| ranking.auc),
        }
    };
    cuts.map(ranking).collect()
}

#[cfg(test)]
mod tests;
