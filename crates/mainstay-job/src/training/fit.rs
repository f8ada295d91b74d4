//! From rows to a judged model: what a training does between reading and registering.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::{Result, bail};
use mainstay_config::TrainingJob;
use mainstay_model::Ensemble;
use mainstay_run::StepProgress;
use mainstay_train::{
    Competitor, Declared, Gate, JudgedWith, Pipeline, TrainError, Trained, TrainingFacts, TrainingSet, judge_gates,
};

use crate::details::Baseline;
use crate::models::CHAMPION;
use crate::models::chosen;
use crate::training::cuts::CutPlan;

/// A model with the rows behind it, judged.
pub(crate) struct JudgedModel {
    pub(crate) trained: Trained,
    pub(crate) facts: TrainingFacts,
    pub(crate) baseline: Baseline,
    pub(crate) gates: Vec<Gate>,
}

/// What is fitted and judged on, beside the settings of the job.
pub(crate) struct FitInput {
    pub(crate) training: TrainingSet,
    pub(crate) test: TrainingSet,
    /// Days between the beginning of the history and the test cut.
    pub(crate) history_days: u32,
    pub(crate) docs: FeatureDocs,
    /// The model in use, where it has learnt nothing from the test cut.
    pub(crate) champion: Option<Ensemble>,
}

/// What the project's YAML says of the features.
pub(crate) struct FeatureDocs {
    pub(crate) reasons: BTreeMap<String, String>,
    pub(crate) declared: BTreeMap<String, Declared>,
}

/// Fits, calibrates, and judges on the test cut.
pub(crate) fn fit_and_judge(
    job: &TrainingJob,
    plan: &CutPlan,
    input: FitInput,
    step: &StepProgress,
) -> Result<JudgedModel> {
    let FitInput { training, test, history_days, docs, champion } = input;
    let training = training.with_declared(&docs.declared)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let pipeline = Pipeline {
        parameters: chosen::parameters(&job.algorithm, job.seed, plan.horizon_days),
        seed: job.seed,
        fit_from: plan.fit_from(),
        folds: job.calibration.folds as usize,
    };
    let (searched, mut trained) = pipeline.run(training, test, threads, &mut |unit, done, all| {
        step.advance(done as u64, Some(all as u64), unit);
    })?;
    trained.model = trained.model.with_reasons(&docs.reasons)?;
    let (baseline, alone) = alone(job, &trained)?;
    let others: Vec<Competitor> = [alone].into_iter().chain(beside(champion.as_ref(), &trained)?).collect();
    let with = JudgedWith { label: &job.label, others: &others, ..JudgedWith::default() };
    let facts = TrainingFacts::of(&trained, searched, &with)?;
    let gates = judge_gates(&job.gates, &trained.evaluation, &trained.calibration, history_days);
    Ok(JudgedModel { trained, facts, baseline, gates })
}

/// One feature alone, as the job names it.
fn alone(job: &TrainingJob, trained: &Trained) -> Result<(Baseline, Competitor)> {
    let (evaluation, alone) = match Competitor::alone(&job.baseline, &trained.training, &trained.test) {
        Err(TrainError::NoFeature { feature }) => bail!(
            "the baseline {feature} of {} is no feature: it has {}",
            job.name,
            trained.training.feature_names().join(", ")
        ),
        ranked => ranked?,
    };
    Ok((Baseline { feature: job.baseline.clone(), evaluation }, alone))
}

/// The champion on the rows of the test cut; nothing where it is this very model, or takes features that there are no longer.
fn beside(champion: Option<&Ensemble>, trained: &Trained) -> Result<Option<Competitor>> {
    let Some(champion) = champion.filter(|champion| champion.digest() != trained.model.digest()) else {
        return Ok(None);
    };
    match Competitor::model(CHAMPION, champion, &trained.test) {
        Err(TrainError::NoFeature { .. }) => Ok(None),
        scored => Ok(Some(scored?)),
    }
}
