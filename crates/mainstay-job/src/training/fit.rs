//! From rows to a judged model: what a training does between reading and registering.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::Result;
use mainstay_config::TrainingJob;
use mainstay_model::Ensemble;
use mainstay_run::StepProgress;
use mainstay_train::baseline::{FeatureRows, SingleFeature, scores_of, single_feature};
use mainstay_train::{
    Competitor, Declared, Gate, JudgedWith, Recipe, Trained, TrainingFacts, TrainingSet, judge_gates,
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
    let searched = chosen::find(&job.algorithm, job.seed, plan, &training, threads, step)?;
    let recipe = Recipe {
        model: searched.best.check()?,
        seed: job.seed,
        fit_from: plan.fit_from(),
        folds: job.calibration.folds as usize,
    };
    let mut trained = recipe.train(training, test, threads, &mut |done, all| {
        step.advance(done as u64, Some(all as u64), "steps");
    })?;
    trained.model = trained.model.with_reasons(&docs.reasons)?;
    let alone = Alone::of(job, &trained)?;
    let baseline = Baseline { feature: job.baseline.clone(), evaluation: alone.evaluation };
    let others = [alone.competitor(job)].into_iter().chain(beside(champion.as_ref(), &trained)?).collect::<Vec<_>>();
    let with = JudgedWith { label: &job.label, others: &others, ..JudgedWith::default() };
    let facts = TrainingFacts::of(&trained, searched, &with)?;
    let gates = judge_gates(&job.gates, &trained.evaluation, &trained.calibration, history_days);
    Ok(JudgedModel { trained, facts, baseline, gates })
}

/// The baseline: one feature alone on the rows of the test cut.
struct Alone {
    evaluation: SingleFeature,
    scores: Vec<f64>,
}

impl Alone {
    fn of(job: &TrainingJob, trained: &Trained) -> Result<Self> {
        let (training, test) = (&trained.training, &trained.test);
        let values = |set| column(set, &job.baseline);
        let (Some(before), Some(after)) = (values(training), values(test)) else {
            anyhow::bail!(
                "the baseline {} of {} is no feature: it has {}",
                job.baseline,
                job.name,
                training.feature_names().join(", ")
            );
        };
        let evaluation = single_feature(
            FeatureRows { values: &before, labels: training.labels() },
            FeatureRows { values: &after, labels: test.labels() },
        )?;
        Ok(Self { evaluation, scores: scores_of(&after, evaluation.higher_is_riskier) })
    }

    fn competitor(self, job: &TrainingJob) -> Competitor {
        Competitor { name: format!("{} alone", job.baseline), scores: self.scores }
    }
}

/// The champion on the rows of the test cut; nothing where it is this very model, or takes features that there are no longer.
fn beside(champion: Option<&Ensemble>, trained: &Trained) -> Result<Option<Competitor>> {
    let Some(champion) = champion.filter(|champion| champion.digest() != trained.model.digest()) else {
        return Ok(None);
    };
    let positions = champion.features().iter().map(|feature| position(&trained.test, &feature.name));
    let Some(positions) = positions.collect::<Option<Vec<usize>>>() else { return Ok(None) };
    let scores = trained.test.raw_scores_of(champion, &positions)?;
    Ok(Some(Competitor { name: CHAMPION.to_owned(), scores }))
}

fn column(set: &TrainingSet, feature: &str) -> Option<Vec<f64>> {
    Some(set.column(position(set, feature)?))
}

fn position(set: &TrainingSet, feature: &str) -> Option<usize> {
    set.feature_names().iter().position(|name| name == feature)
}
