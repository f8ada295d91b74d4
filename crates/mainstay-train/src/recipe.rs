//! The recipe from rows to a judged model.
//!
//! The trees are fitted on the newest training cuts, which rank tomorrow's customers best. What calibrates them are scores of customers
//! by trees fitted without their fold (cross-fitting): every customer counts for the curve, and none is scored by trees that know its
//! label. The curve may look back further than the trees, over a whole year, so that it knows the mean level of churn and not that of
//! a season. The probabilities are checked in the same way: those of a fold by the trees without it and by a curve learnt from the
//! scores of the other folds. The model is then judged on the test cut, which lies after every label that it has learnt from.

use std::num::NonZeroUsize;

use mainstay_model::Ensemble;
use mainstay_model::calibration::sigmoid;
use mainstay_schema::Ds;
use serde::{Deserialize, Serialize};

use crate::calibrate::platt;
use crate::draw::fold;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate, rank};
use crate::kind::ValidModelParams;
use crate::reliability::{CalibrationCheck, CalibrationReport, JudgedRows};
use crate::rows::TrainingSet;

/// How a model is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// What is fitted.
    pub model: ValidModelParams,
    /// Splits the customers into folds.
    pub seed: u64,
    /// The first cut that the model is fitted on; earlier ones only calibrate.
    pub fit_from: Ds,
    /// Parts of the customers, by hash, each held back in turn for the scores that calibrate and check, at least 2.
    pub folds: usize,
}

/// A calibrated model with the rows behind it and how it did.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model.
    pub model: Ensemble,
    /// The training rows.
    pub training: TrainingSet,
    /// The fold of each training row.
    pub folds: Vec<usize>,
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

impl Trained {
    /// What the model says of each row of the test cut.
    pub fn test_probabilities(&self) -> Vec<f64> {
        self.test_scores.iter().map(|raw| self.model.probability(*raw)).collect()
    }
}

/// How a model ranks the customers of a cut that it has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CutRanking {
    /// The cut.
    pub ds: Ds,
    /// Customers of the cut.
    pub rows: usize,
    /// The share of them that churned.
    pub base_rate: f64,
    /// Probability that one who churned scores above one who stayed; `None` where all did the same.
    pub auc: Option<f64>,
}

impl Recipe {
    /// Trains on `training`, calibrates, and judges on `test`. `progress` is given the rounds done and their number.
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
        let folds: Vec<usize> = training.keys().map(|key| fold(key, self.seed, self.folds)).collect();
        let mut rounds = Rounds { before: 0, all: (self.folds + 1) * self.model.steps(), progress };

        let fitted = self.fit_without(&training, &folds, None, threads, &mut rounds)?;
        let mut training_scores = vec![0.0; training.row_count()];
        for held_back in 0..self.folds {
            let unseen = self.fit_without(&training, &folds, Some(held_back), threads, &mut rounds)?;
            let scores = training.raw_scores(&unseen)?;
            for ((score, unseen), _) in
                training_scores.iter_mut().zip(scores).zip(&folds).filter(|(_, f)| **f == held_back)
            {
                *score = unseen;
            }
        }

        let model = fitted.with_calibration(platt(&training_scores, training.labels())?)?;
        let checked = cross_calibrated(&training_scores, training.labels(), &folds, self.folds)?;
        let check = CalibrationCheck::of(&judged(&training, &training_scores, checked))?;
        let test_scores = test.raw_scores(&model)?;
        let probabilities: Vec<f64> = test_scores.iter().map(|raw| model.probability(*raw)).collect();
        let evaluation = evaluate(&probabilities, test.labels())?;
        let tested = CalibrationCheck::of(&judged(&test, &test_scores, probabilities))?;
        let calibration = CalibrationReport::new(model.calibration(), training.labels(), check, tested);
        let by_cut = by_cut(&training, &training_scores);
        Ok(Trained { model, training, folds, training_scores, test, test_scores, evaluation, calibration, by_cut })
    }

    /// The trees of the cuts that are fitted on, without the customers of a fold.
    fn fit_without(
        &self,
        training: &TrainingSet,
        folds: &[usize],
        held_back: Option<usize>,
        threads: NonZeroUsize,
        rounds: &mut Rounds<'_>,
    ) -> Result<Ensemble, TrainError> {
        let rows = training.cuts().iter().zip(folds);
        let kept: Vec<bool> = rows.map(|(cut, fold)| *cut >= self.fit_from && Some(*fold) != held_back).collect();
        let fitted = self.model.fit(&training.subset(&kept)?, threads, &mut |done, _| rounds.report(done))?;
        rounds.before += self.model.steps();
        Ok(fitted)
    }
}

/// The probability of each row by a curve learnt from the rows of the other folds.
fn cross_calibrated(raw: &[f64], labels: &[bool], folds: &[usize], count: usize) -> Result<Vec<f64>, TrainError> {
    let mut probabilities = vec![0.0; raw.len()];
    for held_back in 0..count {
        let others = || folds.iter().enumerate().filter(|(_, fold)| **fold != held_back).map(|(row, _)| row);
        let (scores, labels): (Vec<f64>, Vec<bool>) = others().map(|row| (raw[row], labels[row])).unzip();
        let curve = platt(&scores, &labels)?;
        for (row, _) in folds.iter().enumerate().filter(|(_, fold)| **fold == held_back) {
            probabilities[row] = sigmoid(curve.log_odds(raw[row]));
        }
    }
    Ok(probabilities)
}

fn judged<'a>(rows: &'a TrainingSet, raw: &[f64], probabilities: Vec<f64>) -> JudgedRows<'a> {
    JudgedRows { customers: rows.keys().collect(), raw: raw.to_vec(), probabilities, labels: rows.labels().to_vec() }
}

/// Progress over several fits.
struct Rounds<'a> {
    before: usize,
    all: usize,
    progress: &'a mut dyn FnMut(usize, usize),
}

impl Rounds<'_> {
    fn report(&mut self, done: usize) {
        (self.progress)(self.before + done, self.all);
    }
}

fn by_cut(training: &TrainingSet, scores: &[f64]) -> Vec<CutRanking> {
    let mut rankings = Vec::new();
    let mut first = 0;
    for cut in training.cuts().chunk_by(|a, b| a == b) {
        let rows = first..first + cut.len();
        first = rows.end;
        let (scores, labels) = (&scores[rows.clone()], &training.labels()[rows]);
        rankings.push(CutRanking {
            ds: cut[0],
            rows: labels.len(),
            base_rate: labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64,
            auc: rank(scores, labels).ok().map(|ranking| ranking.auc),
        });
    }
    rankings
}

#[cfg(test)]
mod tests;
