//! The model that scores: found by its alias, or trained first where there is none yet.

use anyhow::{Context, Result, bail};
use mainstay_config::{DailyJob, JobConfig};
use mainstay_monitor::Subject;
use mainstay_registry::{AliasEntry, ModelVersion};
use mainstay_run::Run;

use crate::daily::approval;
use crate::daily::skew;
use crate::details::{ModelUsed, TrainingDetails, VersionFacts};
use crate::inputs::sources::PinnedDay;
use crate::training;

/// The model version behind an alias, resolved once for the run.
pub(crate) struct Champion {
    pub(crate) used: ModelUsed,
    /// Its features, in its order.
    pub(crate) features: Vec<String>,
    /// The training that made it, where this run did.
    pub(crate) training: Option<TrainingDetails>,
}

/// Resolves the job's alias to a version and loads it, so that a damaged model fails the run before anything is computed.
pub(crate) async fn resolve_or_train(run: &Run<'_>, day: &PinnedDay, job: &DailyJob) -> Result<Champion> {
    let registry = &run.open.registry;
    let mut trained = None;
    let version = match registry.resolve(&job.model, &job.alias).await? {
        Some(version) => version,
        None => {
            trained = Some(train_first(run, day, job).await?);
            registry.resolve_required(&job.model, &job.alias).await?
        }
    };
    let history = registry.history(&job.model, &job.alias).await?;
    let used = used(&version, &job.alias, &history)?;
    refuse_future(run, job, &used)?;
    let ensemble = registry.load(&version).await.with_context(|| how_to_restore(&version))?;
    let features: Vec<String> = ensemble.features().iter().map(|feature| feature.name.clone()).collect();
    if trained.is_none() {
        skew::refuse(run, day, job, &version, &features).await?;
    }
    run.open.models.insert(version.digest, ensemble);
    Ok(Champion { used, features, training: trained })
}

/// Refuses a model that has learnt from what came after the day, as its scores of that day would be better than any that could be had.
fn refuse_future(run: &Run<'_>, job: &DailyJob, used: &ModelUsed) -> Result<()> {
    let ModelUsed { name, alias, version, trained_until, .. } = used;
    if *trained_until <= run.ds || run.accepts(&Subject::ModelKnowsFuture) {
        return Ok(());
    }
    bail!(
        "model {name} version {version} was trained on what happened until {trained_until}: for {} it knows the future; point \
         {alias} to a version that was trained before, or run the day all the same with `mainstay run {} --date {} --accept \
         {} --why TEXT`",
        run.ds,
        job.name,
        run.ds,
        Subject::ModelKnowsFuture
    )
}

/// The same training gives the same bytes, which are written again.
fn how_to_restore(version: &ModelVersion) -> String {
    let trained_on = VersionFacts::of(version).trained_on;
    let job = trained_on.job_name().unwrap_or_default();
    let ds = trained_on.ds.map(|ds| ds.to_string()).unwrap_or_default();
    format!(
        "model {} version {} cannot be used; `mainstay run {job} --date {ds} --force` trains the same model again",
        version.name, version.version
    )
}

async fn train_first(run: &Run<'_>, day: &PinnedDay, job: &DailyJob) -> Result<TrainingDetails> {
    let Some(name) = &job.train_with else {
        run.open.project.check_model_is_trained(job)?;
        bail!("model {} has no {}: train one, or name a training job in train_with", job.model, job.alias);
    };
    let JobConfig::Training(training_job) = run.open.project.job(name)? else {
        bail!("{name} is not a training job: correct train_with of {}", job.name);
    };
    if training_job.model != job.model {
        bail!(
            "{name} trains model {}, but {} wants {}: they must name the same",
            training_job.model,
            job.name,
            job.model
        );
    }
    training::train(run, day, &training_job).await
}

fn used(version: &ModelVersion, alias: &str, history: &[AliasEntry]) -> Result<ModelUsed> {
    let trained_until = VersionFacts::of(version).trained_on.trained_until.with_context(|| {
        format!("model {} version {} does not say until when it was trained", version.name, version.version)
    })?;
    Ok(ModelUsed {
        name: version.name.clone(),
        alias: alias.to_owned(),
        version: version.version.clone(),
        digest: version.digest,
        gates_failed: version.gates_failed,
        trained_until,
        approval: Some(approval::of(version, history)),
    })
}
