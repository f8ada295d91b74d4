//! The daily job: the order of its steps, and nothing else.

use anyhow::{Context, Result, bail};
use mainstay_config::{DailyJob, JobConfig, Policy};
use mainstay_table::RunRecord;

use crate::allocate;
use crate::champion;
use crate::consent_records;
use crate::details::{DailyDetails, PinnedInputs};
use crate::features;
use crate::money;
use crate::one_day;
use crate::open_project::OpenProject;
use crate::publish::{self, StagedDay};
use crate::run::{Outcome, Run, RunRequest};
use crate::score::{self, Scoring};
use crate::sources::{self, FoundSources};

/// Runs the job for one day, unless the day is published already.
pub(crate) async fn run(open: &OpenProject, job: &DailyJob, request: RunRequest) -> Result<Outcome> {
    check_only_daily_job(open, job)?;
    money::settle_published(&open.lake).await?;
    one_day::run(open, &job.name, request, async |run, found| steps(run, job, found).await).await
}

async fn steps(run: &Run<'_>, job: &DailyJob, found: FoundSources) -> Result<RunRecord> {
    let (policy_file, policy_text) = run.open.project.policy_file(&job.policy)?;
    let policy = Policy::parse(&policy_file, &policy_text)?;
    check_models(job, &found)?;
    let mut day = sources::pin(run, found).await?;
    day.hold(run, &[&job.consents]).await?;
    consent_records::check(run, &day, job, &policy).await?;
    let champion = champion::resolve_or_train(run, &day, job).await?;
    let features = features::stage(run, &mut day, job).await?;
    let scoring = Scoring { job, policy: &policy, champion: &champion };
    let risk = score::stage(run, &day, &features, &scoring).await?;
    day.check_unchanged(run).await?;
    // Ahead of the money: no customer stands twice in the features, nor then in the risk table, which has a row for each of them.
    let features_table = features.staged.digested().await?;
    let allocation = allocate::stage(run, &risk, &policy).await?;
    let details = DailyDetails {
        inputs: PinnedInputs {
            sources: day.pin.clone(),
            freshness: day.freshness.clone(),
            sql: day.sql.digest(),
            absent_models: day.sql.absent().map(str::to_owned).collect(),
            policy: policy.digest(),
            policy_file: Some(run.keep("policy.yml", policy_text.into_bytes()).await?),
            ledger_version: allocation.ledger_version,
            cooldown_days: policy.cooldown_days,
            plans: risk.plans.clone(),
            consent_purpose: policy.consent.purpose.clone(),
            consent_default: run.open.project.config().consent_default,
            suppress_open_cases: policy.suppress_open_cases,
            holdout: score::holdout(&policy, run.ds),
        },
        model: champion.used,
        features: features.names.clone(),
        reasons: job.reasons,
        population: risk.population,
        quarantine: day.quarantined.clone(),
        allocation: allocation.summary.clone(),
        training: champion.training,
        seconds: run.seconds(),
    };
    let staged = StagedDay {
        quarantine: day.quarantine,
        features: features_table,
        risk: risk.staged,
        allocation: allocation.staged,
    };
    publish::publish(run, staged, &details).await
}

/// A model that does not exist is told before anything is computed.
fn check_models(job: &DailyJob, found: &FoundSources) -> Result<()> {
    for (key, model) in job.sql_models() {
        found.sql.find(model).with_context(|| format!("the job {} cannot read its `{key}`", job.name))?;
    }
    Ok(())
}

/// A day of a table belongs to one job: two daily jobs on one target would replace each other's days.
fn check_only_daily_job(open: &OpenProject, job: &DailyJob) -> Result<()> {
    for name in open.project.job_names()? {
        if name != job.name && matches!(open.project.job(&name)?, JobConfig::Daily(_)) {
            bail!(
                "{} and {name} would both publish customer_risk to one target: keep one daily job a project",
                job.name
            );
        }
    }
    Ok(())
}
