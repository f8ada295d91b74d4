//! The training step: rows of past cuts, fitted, calibrated, judged on a later cut, and registered.

pub(crate) mod cuts;
pub(crate) mod figures;
pub(crate) mod fit;
pub(crate) mod history;
pub(crate) mod job;
pub(crate) mod memory;
pub(crate) mod rows;
pub(crate) mod segments;
pub(crate) mod table;
pub(crate) mod test_rows;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use mainstay_config::TrainingJob;
use mainstay_model::Ensemble;
use mainstay_monitor::TrainingFigures;
use mainstay_registry::{AliasChange, AliasEntry, ModelVersion};
use mainstay_run::{Run, Step, fault};
use mainstay_schema::Ds;
use mainstay_train::{Declared, Monotone, SegmentFigures, Trained};

use crate::daily::skew;
use crate::details::{CutDetails, Judged, OnTestCut, RowsFile, TrainedBy, TrainedOn, TrainingDetails, VersionFacts};
use crate::inputs::sources::PinnedDay;
use crate::inputs::sql_tests;
use crate::models::card::{self, Made};
use crate::models::{CHALLENGER, CHAMPION};
use crate::sql_work;
use crate::training::cuts::CutPlan;
use crate::training::fit::{FeatureDocs, FitInput, JudgedModel, fit_and_judge};
use crate::training::history::History;
use crate::training::rows::{Gathered, gather};
use crate::training::segments::Segments;

/// Trains a model as of the run's day and registers it: as champion where there is none, else as challenger.
pub(crate) async fn train(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob) -> Result<TrainingDetails> {
    let step = run.start(Step::Train);
    let history = sql_work::within_limit(run, Step::Train, History::of(run, day)).await?;
    if let Some(stray) = history.stray() {
        run.open.progress.warn(stray);
    }
    let plan = cuts::plan(run, job, history)?;
    let sql = async {
        sql_tests::check_training(run, day, job, &plan).await?;
        gather(run, day, job, &plan, &step).await
    };
    let Gathered { training, test, by_cut, sample, memory, _reserved } =
        sql_work::within_limit(run, Step::Train, sql).await?;
    let cuts = by_cut.iter().map(|of| cut_details(*of, &plan)).collect();
    let history_days = plan.test.days_since(history.regular_from).max(0).unsigned_abs();
    let docs = FeatureDocs {
        reasons: reasons(day, job, training.feature_names()),
        declared: declared(day, job, training.feature_names()),
    };
    let champion = champion_unaware_of(run, job, plan.test).await?;
    let input = FitInput { training, test, history_days, docs, champion };
    let judged = fit_and_judge(job, &plan, input, &step)
        .with_context(|| format!("cannot train model {} as of {}", job.model, run.ds))?;
    let segments = Segments::at_test_cut(run, day, job, &plan, &judged.trained.test);
    let segments = sql_work::within_limit(run, Step::Train, segments).await?;
    day.check_unchanged(run).await?;
    let rows = RowFiles::write(run, &plan, &judged.trained, &segments).await?;
    let segments = segments.judged(&judged.trained);
    let figures = figures::of(&judged.trained, sample.as_ref());
    let facts = facts(run, day, job, &plan, &judged, &Evaluated { segments: &segments, figures }, &rows).await?;
    let candidate = facts.candidate(Timestamp::now(), run.run_id.clone())?;
    let version = run.open.registry.register(&job.model, &judged.trained.model, candidate).await?;
    let alias = Alias::for_version(run, &version).await?;
    let details = TrainingDetails {
        model: job.model.clone(),
        version: version.version.clone(),
        digest: version.digest,
        alias: alias.name.to_owned(),
        cuts,
        cuts_asked: Some(plan.asked),
        first_order: Some(history.first_order),
        history_from: Some(history.regular_from),
        sample,
        memory,
        test_cut: plan.test,
        trained_until: plan.trained_until(),
        gates_failed: judged.gates.iter().any(|gate| !gate.passed),
        params: Some(judged.facts.params),
        trials: judged.facts.trials,
        trees: judged.trained.model.trees().len(),
        judgement: judged.facts.judgement,
        segments,
        leakage: Some(judged.facts.leakage),
        calibration: judged.facts.calibration,
        by_cut: judged.trained.by_cut,
        baseline: judged.baseline,
        gates: judged.gates,
        training_rows: rows.training,
        test_rows: rows.test,
        sql: day.sql.digest(),
        sources: day.pin.clone(),
        rows_known: day.sources.rows_known(&run.open.session, run.as_of).await?,
        as_of: run.as_of,
    };
    let (model, horizon_days) = (&judged.trained.model, plan.horizon_days);
    let made = Made { job, details: &details, version: &version, model, horizon_days };
    // Before any alias points to it: what scores has a card, wherever a run dies.
    card::keep(run, day, &made).await?;
    fault::boundary("registered");
    alias.point_to(run, &version).await?;
    run.finish(Step::Train, step, summary(&details));
    Ok(details)
}

fn summary(details: &TrainingDetails) -> String {
    let failed: Vec<&str> = details.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.name.as_str()).collect();
    let gates = if failed.is_empty() { "all gates passed".to_owned() } else { format!("FAILED {}", failed.join(", ")) };
    let cuts = details.cuts_missing().map(|missing| format!("; {missing}")).unwrap_or_default();
    format!(
        "{} version {} ({}), AUC {:.3} on {}, {} alone {:.3}, {gates}{cuts}",
        details.model,
        details.version,
        details.alias,
        details.judgement.evaluation.ranking.auc,
        details.test_cut,
        details.baseline.feature,
        details.baseline.evaluation.ranking.auc
    )
}

fn cut_details((cut, rows, churned): (Ds, usize, usize), plan: &CutPlan) -> CutDetails {
    CutDetails {
        ds: cut,
        label_end: cuts::label_end(cut, plan.horizon_days),
        calibrates_only: plan.calibration_only.contains(&cut),
        rows,
        churned,
    }
}

/// Reason texts of the features, from the project's YAML.
fn reasons(day: &PinnedDay, job: &TrainingJob, features: &[String]) -> BTreeMap<String, String> {
    let reason = |name: &String| Some((name.clone(), day.sql.column(&job.features, name)?.reason.clone()?));
    features.iter().filter_map(reason).collect()
}

/// What the project's YAML declares of the features.
fn declared(day: &PinnedDay, job: &TrainingJob, features: &[String]) -> BTreeMap<String, Declared> {
    let of = |name: &String| {
        let monotone = match day.sql.column(&job.features, name)?.monotone? {
            mainstay_sql::Monotone::Increasing => Monotone::Increasing,
            mainstay_sql::Monotone::Decreasing => Monotone::Decreasing,
        };
        Some((name.clone(), Declared { monotone: Some(monotone), categories: None }))
    };
    features.iter().filter_map(of).collect()
}

/// The champion, where all that it has learnt from had happened before the test cut. One that cannot be read is no reason not to train:
/// training again is how it comes back.
async fn champion_unaware_of(run: &Run<'_>, job: &TrainingJob, test_cut: Ds) -> Result<Option<Ensemble>> {
    let registry = &run.open.registry;
    let Some(version) = registry.resolve(&job.model, CHAMPION).await? else { return Ok(None) };
    if VersionFacts::of(&version).trained_on.trained_until.is_none_or(|until| until > test_cut) {
        return Ok(None);
    }
    match registry.load(&version).await {
        Ok(champion) => Ok(Some(champion)),
        Err(error) => {
            let named = format!("{} version {}", job.model, version.version);
            run.open.progress.warn(format!("no figures of the champion, {named}, on the rows of {test_cut}: {error}"));
            Ok(None)
        }
    }
}

/// The rows that a model was made of, as files of the run.
struct RowFiles {
    training: RowsFile,
    test: RowsFile,
}

impl RowFiles {
    async fn write(run: &Run<'_>, plan: &CutPlan, trained: &Trained, segments: &Segments) -> Result<Self> {
        let training = table::training_rows(trained, plan.fit_from())?;
        let training = Self::write_one(run, "training_rows.parquet", training, trained.training.row_count()).await?;
        let test = table::test_rows(trained, segments)?;
        let test = Self::write_one(run, "test_rows.parquet", test, trained.test.row_count()).await?;
        Ok(Self { training, test })
    }

    async fn write_one(run: &Run<'_>, name: &str, content: Vec<u8>, rows: usize) -> Result<RowsFile> {
        let digest = run.write_artefact(name, content).await?;
        Ok(RowsFile { file: run.artefact(name), digest, rows })
    }
}

/// What a version is judged by beside its own figures.
struct Evaluated<'a> {
    segments: &'a [SegmentFigures],
    figures: TrainingFigures,
}

/// What a version keeps of its training.
async fn facts(
    run: &Run<'_>,
    day: &PinnedDay,
    job: &TrainingJob,
    plan: &CutPlan,
    judged: &JudgedModel,
    evaluated: &Evaluated<'_>,
    rows: &RowFiles,
) -> Result<VersionFacts> {
    let JudgedModel { trained, facts, baseline, gates } = judged;
    Ok(VersionFacts {
        trained_on: TrainedOn {
            job: Some(TrainedBy::Job(Box::new(job.clone()))),
            params: Some(facts.params),
            cuts: plan.training.clone(),
            calibration_only_cuts: plan.calibration_only.clone(),
            test_cut: Some(plan.test),
            trained_until: Some(plan.trained_until()),
            ds: Some(run.ds),
            training_rows: Some(rows.training.clone()),
            test_rows: Some(rows.test.clone()),
        },
        judged: Judged {
            test: Some(OnTestCut::Judgement(Box::new(facts.judgement.clone()))),
            segments: evaluated.segments.to_vec(),
            calibration: Some(facts.calibration),
            by_cut: trained.by_cut.clone(),
            baseline: Some(baseline.clone()),
            leakage: Some(facts.leakage.clone()),
            trials: facts.trials.clone(),
            figures: Some(evaluated.figures.clone()),
        },
        gates: gates.clone(),
        definitions: Some(skew::learnt(run, day, job).await?),
    })
}

/// The alias that a trained version gets: that of the champion where it is free, and nobody's place is taken.
struct Alias {
    name: &'static str,
    why: &'static str,
    /// Its history as it was seen.
    seen: Vec<AliasEntry>,
}

impl Alias {
    async fn for_version(run: &Run<'_>, version: &ModelVersion) -> Result<Self> {
        let registry = &run.open.registry;
        let seen = registry.history(&version.name, CHAMPION).await?;
        if seen.last().is_none_or(|champion| champion.version == version.version) {
            return Ok(Self { name: CHAMPION, why: "the first version of the model", seen });
        }
        let seen = registry.history(&version.name, CHALLENGER).await?;
        Ok(Self { name: CHALLENGER, why: "trained beside the champion", seen })
    }

    async fn point_to(&self, run: &Run<'_>, version: &ModelVersion) -> Result<()> {
        if self.seen.last().is_some_and(|current| current.version == version.version) {
            return Ok(());
        }
        let by = format!("run {}", run.run_id);
        let change = AliasChange::new(&version.version, Timestamp::now(), by, self.why);
        run.open.registry.append_to_history(&version.name, self.name, &self.seen, change).await?;
        Ok(())
    }
}
