//! Which kind of model and which parameters: successive halving over candidates, judged in time order.
//!
//! Every candidate is fitted on a part of the customers and judged on the newest cut; of each rung the better third goes on, with more
//! customers and more cuts to be judged on (Jamieson and Talwalkar 2016). A candidate learns from the cuts whose label windows end
//! before the cut that it is judged on. Rows of one cut alone have no time: then customers are split into folds by hash.
//! Boosting stops early by the rows that it is judged on, and the rounds that it kept are among the parameters that are found.

use std::num::NonZeroUsize;

use mainstay_schema::{Ds, LearnerKind};
use serde::{Deserialize, Serialize};

use crate::draw::{fold, mix};
use crate::error::TrainError;
use crate::evaluate::rank;
use crate::forest::{ForestParams, TreeParams};
use crate::kind::ModelParams;
use crate::logistic::LogisticParams;
use crate::params::{BoostedTreesParams, within};
use crate::rows::TrainingSet;

/// Of each rung one in so many candidates goes on.
const KEPT: usize = 3;
/// Where there are more cuts, they are taken together in so many blocks of consecutive ones with about the same rows.
const MOST_BLOCKS: usize = 12;
/// Rounds without a better log-loss after which boosting stops.
const PATIENCE: usize = 20;
/// No candidate is fitted on fewer rows, where there are as many.
const LEAST_ROWS: usize = 2_000;

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The kinds of model that may win, at least one.
    pub kinds: Vec<LearnerKind>,
    /// Candidates of the first rung, 1 to 200; each kind has at least one of them where there are as many.
    pub candidates: usize,
    /// The most cuts, or folds, that the last rung is judged on, 1 to 10.
    pub validations: usize,
    /// Days after a cut in which its label comes about.
    pub label_days: u32,
    /// Chooses candidates and parts customers.
    pub seed: u64,
}

/// One candidate in one rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The candidate, from 1.
    pub candidate: usize,
    /// The rung, from 1.
    pub rung: usize,
    /// Its parameters; of boosting with the rounds that it kept.
    pub params: ModelParams,
    /// Rows that it was fitted on, of the last of its fits.
    pub rows: usize,
    /// The AUC on each cut or fold that it was judged on, the newest first.
    pub aucs: Vec<f64>,
    /// Their mean.
    pub auc: f64,
    /// Whether it went on, or won.
    pub kept: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The parameters that did best in the last rung.
    pub best: ModelParams,
    /// Everything that was tried, rung by rung, the best first.
    pub trials: Vec<Trial>,
    /// Whether candidates were judged on later cuts; otherwise on folds of the customers.
    pub in_time_order: bool,
}

/// Rows to fit on and rows to judge on.
struct Split {
    fit: Vec<bool>,
    judge: TrainingSet,
}

impl Search {
    /// Searches. `progress` is given the fits done and their number.
    ///
    /// # Errors
    /// A number outside of its range, and rows of which no candidate can be fitted or judged.
    pub fn run(
        &self,
        set: &TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Searched, TrainError> {
        within("candidates", self.candidates, 1, 200)?;
        within("validations", self.validations, 1, 10)?;
        within("kinds", self.kinds.len(), 1, LearnerKind::ALL.len())?;
        let (splits, in_time_order) = self.splits(set)?;
        let rungs = self.rungs();
        let all: usize = rungs.iter().map(|rung| rung.candidates * rung.validations.min(splits.len())).sum();
        let mut alive: Vec<(usize, ModelParams)> = (1..).zip(self.candidates()).collect();
        let (mut trials, mut done) = (Vec::new(), 0);
        for (position, rung) in rungs.iter().enumerate() {
            let mut of_rung = Vec::with_capacity(alive.len());
            for (candidate, params) in alive {
                let splits = &splits[..rung.validations.min(splits.len())];
                let mut report = || {
                    done += 1;
                    progress(done, all);
                };
                let mut trial = self.attempt(set, splits, params, rung.share, threads, &mut report)?;
                (trial.candidate, trial.rung) = (candidate, position + 1);
                of_rung.push((trial, params));
            }
            of_rung.sort_by(|a, b| b.0.auc.total_cmp(&a.0.auc).then_with(|| a.0.candidate.cmp(&b.0.candidate)));
            let kept = rungs.get(position + 1).map_or(1, |next| next.candidates);
            alive = of_rung.iter().take(kept).map(|(trial, params)| (trial.candidate, *params)).collect();
            trials.extend(
                of_rung.into_iter().enumerate().map(|(place, (trial, _))| Trial { kept: place < kept, ..trial }),
            );
        }
        let last = trials.iter().find(|trial| trial.rung == rungs.len() && trial.kept);
        let best = last.map(|trial| trial.params).ok_or(TrainError::NoRows)?;
        Ok(Searched { best, trials, in_time_order })
    }

    /// The usual parameters of each kind first, then others by hash.
    fn candidates(&self) -> Vec<ModelParams> {
        let candidate = |position: usize| {
            let kind = self.kinds[position % self.kinds.len()];
            match position < self.kinds.len() {
                true => ModelParams::usual(kind, self.seed),
                false => drawn(kind, self.seed, position),
            }
        };
        let mut candidates: Vec<ModelParams> = Vec::new();
        for params in (0..self.candidates).map(candidate) {
            if !candidates.contains(&params) {
                candidates.push(params);
            }
        }
        candidates
    }

    fn rungs(&self) -> Vec<Rung> {
        let mut candidates = vec![self.candidates().len()];
        while let Some(&last) = candidates.last().filter(|last| **last > KEPT) {
            candidates.push(last.div_ceil(KEPT));
        }
        let last = candidates.len() - 1;
        let rung = |(position, candidates): (usize, usize)| Rung {
            candidates,
            share: (1.0 / KEPT as f64).powi((last - position) as i32),
            validations: self.validations.saturating_sub(last - position).max(1),
        };
        candidates.into_iter().enumerate().map(rung).collect()
    }

    /// Splits in time order, the newest first, or by folds where there is no time.
    fn splits(&self, set: &TrainingSet) -> Result<(Vec<Split>, bool), TrainError> {
        let blocks = blocks(set.cuts());
        let newest = blocks.last().copied().unwrap_or_default();
        let first_of = |block: usize| blocks.iter().position(|of| *of == block).map(|row| set.cuts()[row]);
        let mut splits = Vec::new();
        for block in (1..=newest).rev().take(self.validations) {
            let Some(start) = first_of(block) else { continue };
            let window = i32::try_from(self.label_days).unwrap_or(i32::MAX);
            let fit: Vec<bool> = set.cuts().iter().map(|cut| *cut < start && cut.plus_days(window) <= start).collect();
            let judge: Vec<bool> = blocks.iter().map(|of| *of == block).collect();
            if let (Ok(_), Ok(judge)) = (set.subset(&fit), set.subset(&judge)) {
                splits.push(Split { fit, judge });
            }
        }
        if !splits.is_empty() {
            return Ok((splits, true));
        }
        let folds = self.validations.max(3);
        let of: Vec<usize> = set.keys().map(|key| fold(key, self.seed ^ 0x7e57, folds)).collect();
        for held_back in 0..self.validations {
            let judge: Vec<bool> = of.iter().map(|fold| *fold == held_back).collect();
            let fit = judge.iter().map(|judged| !judged).collect();
            splits.push(Split { fit, judge: set.subset(&judge)? });
        }
        Ok((splits, false))
    }

    fn attempt(
        &self,
        set: &TrainingSet,
        splits: &[Split],
        params: ModelParams,
        share: f64,
        threads: NonZeroUsize,
        done: &mut dyn FnMut(),
    ) -> Result<Trial, TrainError> {
        let (mut aucs, mut rounds, mut rows) = (Vec::new(), Vec::new(), 0);
        let watching = match params {
            ModelParams::Boosted(boosted) => ModelParams::Boosted(BoostedTreesParams { patience: PATIENCE, ..boosted }),
            other => other,
        };
        for split in splits {
            let available = split.fit.iter().filter(|fit| **fit).count();
            let share = share.max(LEAST_ROWS as f64 / available as f64);
            // Whole customers, so that none is on both sides of a later draw.
            let parts = 1_000;
            let is_drawn = |key: &str| (fold(key, self.seed ^ 0xd4a3, parts) as f64) < share * parts as f64;
            let kept: Vec<bool> = set.keys().zip(&split.fit).map(|(key, fit)| *fit && is_drawn(key)).collect();
            let fit_on = set.subset(&kept)?;
            rows = fit_on.row_count();
            let (model, kept) = watching.check()?.fit_watching(&fit_on, &split.judge, threads, &mut |_, _| {})?;
            if let ModelParams::Boosted(boosted) = kept {
                rounds.push(boosted.rounds);
            }
            let scores = split.judge.raw_scores(&model)?;
            aucs.push(rank(&scores, split.judge.labels())?.auc);
            done();
        }
        rounds.sort_unstable();
        let params = match (params, rounds.get(rounds.len() / 2)) {
            (ModelParams::Boosted(boosted), Some(&rounds)) => {
                ModelParams::Boosted(BoostedTreesParams { rounds, ..boosted })
            }
            (params, _) => params,
        };
        let auc = aucs.iter().sum::<f64>() / aucs.len() as f64;
        Ok(Trial { candidate: 0, rung: 0, params, rows, aucs, auc, kept: false })
    }
}

struct Rung {
    candidates: usize,
    /// Of the customers.
    share: f64,
    validations: usize,
}

/// The block of each row: its cut, or of many cuts those that come together; cuts ascend.
///
/// What is left of many cuts behind the last full block belongs to that, unless it is half of one: a few rows of the newest cuts are no
/// block to judge on.
pub fn blocks(cuts: &[Ds]) -> Vec<usize> {
    let distinct = cuts.chunk_by(|a, b| a == b).count();
    let (mut block, mut of_block, mut before) = (0, 0, 0);
    let mut blocks = Vec::with_capacity(cuts.len());
    for cut in cuts.chunk_by(|a, b| a == b) {
        let is_full = distinct <= MOST_BLOCKS || of_block * MOST_BLOCKS >= cuts.len();
        if before > 0 && is_full {
            (block, of_block) = (block + 1, 0);
        }
        blocks.extend(std::iter::repeat_n(block, cut.len()));
        of_block += cut.len();
        before += cut.len();
    }
    let is_left = distinct > MOST_BLOCKS && block > 0 && 2 * of_block * MOST_BLOCKS < cuts.len();
    if is_left {
        blocks.iter_mut().rev().take(of_block).for_each(|of| *of = block - 1);
    }
    blocks
}

/// Parameters of a kind by hash.
fn drawn(kind: LearnerKind, seed: u64, position: usize) -> ModelParams {
    let hash = |purpose: u64| mix(mix(seed ^ mix(position as u64)) ^ purpose) as usize;
    fn one_of<T: Copy, const N: usize>(hash: usize, values: [T; N]) -> T {
        values[hash % N]
    }
    match kind {
        LearnerKind::Boosted => {
            let learning_rate = one_of(hash(0), [0.03, 0.06, 0.1, 0.15]);
            ModelParams::Boosted(BoostedTreesParams {
                // Early stopping finds how many of them are of use.
                rounds: (24.0 / learning_rate) as usize,
                trees_per_round: 2,
                depth: one_of(hash(1), [3, 4, 5, 6]),
                learning_rate,
                rows_per_tree: one_of(hash(2), [4_096, 8_192, 16_384]),
                columns_per_tree: one_of(hash(3), [0.3, 0.5, 0.8]),
                l2: one_of(hash(4), [1.0, 3.0, 10.0]),
                minimum_leaf_rows: one_of(hash(5), [10, 20, 40, 80]),
                seed,
                ..BoostedTreesParams::default()
            })
        }
        LearnerKind::Forest => ModelParams::Forest(ForestParams {
            depth: one_of(hash(1), [6, 8, 10, 14]),
            rows_per_tree: one_of(hash(2), [4_096, 8_192, 16_384]),
            columns_per_tree: one_of(hash(3), [0.2, 0.4, 0.6]),
            minimum_leaf_rows: one_of(hash(5), [5, 10, 20, 40]),
            seed,
            ..ForestParams::default()
        }),
        LearnerKind::Tree => ModelParams::Tree(TreeParams {
            depth: one_of(hash(1), [3, 4, 5, 6, 8]),
            minimum_leaf_rows: one_of(hash(5), [20, 50, 100, 200]),
            seed,
        }),
        LearnerKind::Logistic => ModelParams::Logistic(LogisticParams {
            l2: one_of(hash(4), [0.1, 1.0, 10.0, 100.0]),
            clip_quantile: one_of(hash(5), [0.0, 0.01, 0.05]),
            ..LogisticParams::default()
        }),
    }
}

#[cfg(test)]
mod tests;
