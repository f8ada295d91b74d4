//! The training step: rows of past cuts, fitted, calibrated, judged on a later cut, and registered.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use mainstay_config::TrainingJob;
use mainstay_model::Ensemble;
use mainstay_registry::{AliasChange, Candidate, Gate, ModelVersion};
use mainstay_schema::Ds;
use mainstay_train::baseline::{FeatureRows, single_feature};
use mainstay_train::calibrate::platt;
use mainstay_train::draw::hold_back;
use mainstay_train::evaluate::evaluate;
use mainstay_train::{BoostedTreesParams, Evaluation, GateResult, Gates, TrainingRows, TrainingSet};

use crate::cuts::{self, CutPlan};
use crate::details::{Baseline, CutDetails, TrainingDetails};
use crate::progress::{Step, StepProgress};
use crate::run::Run;
use crate::sources::PinnedDay;
use crate::training_rows;

/// The alias of the model in use, and of the one that might replace it.
const CHAMPION: &str = "champion";
const CHALLENGER: &str = "challenger";

/// A fitted and judged model.
struct JudgedModel {
    ensemble: Ensemble,
    evaluation: Evaluation,
    baseline: Baseline,
    gates: Vec<GateResult>,
}

/// Trains a model as of the run's day and registers it: as champion where there is none, else as challenger.
pub(crate) async fn train(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob) -> Result<TrainingDetails> {
    let step = run.start(Step::Train);
    let first_order = cuts::first_order(run, day).await?;
    let plan = cuts::plan(run, job, first_order)?;
    let mut training = Vec::with_capacity(plan.training.len());
    for (position, cut) in plan.training.iter().enumerate() {
        step.advance(position as u64, Some(plan.training.len() as u64 + 1), "cuts");
        training.push(training_rows::collect(run, day, job, *cut, plan.horizon_days).await?);
    }
    let cuts = plan.training.iter().zip(&training).map(|(cut, rows)| cut_details(*cut, rows, &plan)).collect();
    let test = training_rows::collect(run, day, job, plan.test, plan.horizon_days).await?;
    let history_days = plan.test.days_since(first_order).max(0).unsigned_abs();
    let training = training_rows::concatenate(training);
    let reasons = reasons(day, job, &training.feature_names);
    let judged = fit_and_judge(job, &training, test, history_days, &reasons, &step)
        .with_context(|| format!("cannot train model {} as of {}", job.model, run.ds))?;
    let registered = register(run, job, &plan, &judged).await?;
    let details = TrainingDetails {
        model: job.model.clone(),
        version: registered.version.version.clone(),
        digest: registered.version.digest,
        alias: registered.alias,
        cuts,
        test_cut: plan.test,
        trained_until: plan.trained_until(),
        gates_failed: judged.gates.iter().any(|gate| !gate.passed),
        evaluation: judged.evaluation,
        baseline: judged.baseline,
        gates: judged.gates,
        sql: day.sql.digest(),
        sources: day.pin.clone(),
        as_of: run.as_of,
    };
    run.finish(Step::Train, step, summary(&details));
    Ok(details)
}

fn summary(details: &TrainingDetails) -> String {
    let failed: Vec<&str> = details.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.name.as_str()).collect();
    let gates = if failed.is_empty() { "all gates passed".to_owned() } else { format!("FAILED {}", failed.join(", ")) };
    format!(
        "{} version {} ({}), AUC {:.3} on {}, {} alone {:.3}, {gates}",
        details.model,
        details.version,
        details.alias,
        details.evaluation.ranking.auc,
        details.test_cut,
        details.baseline.feature,
        details.baseline.evaluation.ranking.auc
    )
}

fn cut_details(cut: Ds, rows: &TrainingRows, plan: &CutPlan) -> CutDetails {
    CutDetails {
        ds: cut,
        label_end: cuts::label_end(cut, plan.horizon_days),
        rows: rows.labels.len(),
        churned: rows.labels.iter().filter(|churned| **churned).count(),
    }
}

/// Reason texts of the features, from the project's YAML.
fn reasons(day: &PinnedDay, job: &TrainingJob, features: &[String]) -> BTreeMap<String, String> {
    let reason = |name: &String| Some((name.clone(), day.sql.column(&job.features, name)?.reason.clone()?));
    features.iter().filter_map(reason).collect()
}

fn fit_and_judge(
    job: &TrainingJob,
    training: &TrainingRows,
    test: TrainingRows,
    history_days: u32,
    reasons: &BTreeMap<String, String>,
    step: &StepProgress,
) -> Result<JudgedModel> {
    let is_held_back = |key: &str| hold_back(key, job.seed, job.calibration.held_back);
    let fitting = TrainingSet::new(training.select(|key, _| !is_held_back(key))).context("the rows to fit on")?;
    let calibration =
        TrainingSet::new(training.select(|key, _| is_held_back(key))).context("the rows to calibrate on")?;
    let test = TrainingSet::new(test).context("the rows of the test cut")?;
    let fitted = params(job).check()?.fit(&fitting, &mut |done, rounds| {
        step.advance(done as u64, Some(rounds as u64), "trees");
    })?;
    let curve = platt(&raw_scores(&fitted, &calibration)?, calibration.labels())?;
    let ensemble = fitted.with_calibration(curve)?.with_reasons(reasons)?;
    let probabilities: Vec<f64> =
        raw_scores(&ensemble, &test)?.into_iter().map(|raw| ensemble.probability(raw)).collect();
    let evaluation = evaluate(&probabilities, test.labels())?;
    let baseline = baseline(job, &fitting, &test)?;
    let gates = gates(job).judge(&evaluation, history_days);
    Ok(JudgedModel { ensemble, evaluation, baseline, gates })
}

fn params(job: &TrainingJob) -> BoostedTreesParams {
    let algorithm = &job.algorithm;
    BoostedTreesParams {
        rounds: algorithm.rounds as usize,
        depth: algorithm.depth as usize,
        learning_rate: algorithm.learning_rate,
        rows_per_round: algorithm.rows_per_round as usize,
        l2: algorithm.l2,
        minimum_leaf_rows: algorithm.minimum_leaf_rows as usize,
        seed: job.seed,
    }
}

fn gates(job: &TrainingJob) -> Gates {
    Gates {
        auc_at_least: job.gates.auc_at_least,
        precision_at_top_20_percent_at_least: job.gates.precision_at_top_20_percent_at_least,
        history_days_at_least: job.gates.history_days_at_least,
    }
}

fn raw_scores(ensemble: &Ensemble, rows: &TrainingSet) -> Result<Vec<f64>> {
    let columns: Vec<&[f64]> = rows.columns().iter().map(Vec::as_slice).collect();
    let mut scores = vec![0.0; rows.row_count()];
    ensemble.raw_scores(&columns, &mut scores)?;
    Ok(scores)
}

fn baseline(job: &TrainingJob, training: &TrainingSet, test: &TrainingSet) -> Result<Baseline> {
    let position = training.feature_names().iter().position(|name| *name == job.baseline).with_context(|| {
        format!(
            "the baseline {} of {} is no feature: it has {}",
            job.baseline,
            job.name,
            training.feature_names().join(", ")
        )
    })?;
    let rows = |set: &TrainingSet| set.columns().get(position).cloned().unwrap_or_default();
    let (training_values, test_values) = (rows(training), rows(test));
    let evaluation = single_feature(
        FeatureRows { values: &training_values, labels: training.labels() },
        FeatureRows { values: &test_values, labels: test.labels() },
    )?;
    Ok(Baseline { feature: job.baseline.clone(), evaluation })
}

struct Registered {
    version: ModelVersion,
    alias: String,
}

async fn register(run: &Run<'_>, job: &TrainingJob, plan: &CutPlan, judged: &JudgedModel) -> Result<Registered> {
    let registry = &run.open.registry;
    let candidate = Candidate {
        created_at: Timestamp::now(),
        run_id: run.run_id.clone(),
        training: serde_json::json!({
            "job": job,
            "cuts": plan.training,
            "test_cut": plan.test,
            "trained_until": plan.trained_until(),
            "ds": run.ds,
        }),
        evaluation: serde_json::json!({"test": judged.evaluation, "baseline": judged.baseline}),
        gates: judged.gates.iter().map(gate).collect(),
        tags: BTreeMap::new(),
    };
    let version = registry.register(&job.model, &judged.ensemble, candidate).await?;
    let champion = registry.resolve(&job.model, CHAMPION).await?;
    let is_free = champion.is_none_or(|champion| champion.version == version.version);
    let alias = if is_free { CHAMPION } else { CHALLENGER };
    let why = if is_free { "the first version of the model" } else { "trained beside the champion" };
    let change = AliasChange {
        version: version.version.clone(),
        at: Timestamp::now(),
        by: format!("run {}", run.run_id),
        why: why.to_owned(),
    };
    registry.set_alias(&job.model, alias, change).await?;
    Ok(Registered { version, alias: alias.to_owned() })
}

fn gate(result: &GateResult) -> Gate {
    Gate {
        name: result.name.clone(),
        figure: Some(result.value),
        at_least: result.threshold,
        attainable: result.attainable,
        passed: result.passed,
    }
}
