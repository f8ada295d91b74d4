//! The daily job: the order of its steps, and nothing else.

pub(crate) mod allocate;
pub mod approval;
pub(crate) mod baseline_policy;
pub(crate) mod breaker;
pub(crate) mod candidates;
pub(crate) mod champion;
pub mod contact_rules;
pub(crate) mod decision_rows;
pub(crate) mod features;
pub(crate) mod instance;
pub(crate) mod money;
pub(crate) mod offers_file;
pub(crate) mod publish;
pub(crate) mod score;
pub(crate) mod score_sql;
pub(crate) mod skew;
pub(crate) mod twins;

use anyhow::{Context, Result};
use mainstay_config::{DailyJob, Policy};
use mainstay_schema::JobKind;
use mainstay_table::RunRecord;

use crate::daily::breaker::Watch;
use crate::daily::publish::StagedDay;
use crate::daily::score::Scoring;
use crate::details::{DailyDetails, PinnedInputs};
use crate::inputs::consent_records;
use crate::inputs::sources::{self, FoundSources};
use crate::inputs::unmatched_suppression;
use crate::job_days::JobDays;
use crate::lifecycle;
use crate::open_project::OpenProject;
use crate::progress::Step;
use crate::run::{Outcome, Run, RunRequest};
use crate::sql_work::within_limit;
use crate::target_owner;

/// Runs the job for one day, unless the day is published already.
pub(crate) async fn run(open: &OpenProject, job: &DailyJob, request: &RunRequest) -> Result<Outcome> {
    let plans = target_owner::plans(open, job).await?;
    money::settle_published(&open.lake).await?;
    let step_time_limit = job.step_time_limit();
    let days = JobDays { job: &job.name, kind: JobKind::Daily, series: plans, step_time_limit };
    lifecycle::run(open, days, request, async |run, found| steps(run, job, found).await).await
}

async fn steps(run: &Run<'_>, job: &DailyJob, found: FoundSources) -> Result<RunRecord> {
    let (policy_file, policy_text) = run.open.project.policy_file(&job.policy)?;
    let policy = Policy::parse(&policy_file, &policy_text)?;
    if run.suppression.is_stated {
        run.open.progress.warn(format!(
            "consents, cases and contacts count as of {}, as stated: what came since is not seen, so contact nobody by this plan now",
            run.suppression.as_of
        ));
    }
    check_models(job, &found)?;
    let mut watch = Watch::begin(run, job).await?;
    let policy_changes = watch.compare_policy(run, &policy, &policy_text).await?;
    let mut day = sources::pin(run, found).await?;
    watch.compare_variables(run, &day);
    watch.judge_sources(run, &day).await?;
    watch.refuse_training(run).await?;
    let consents = run.suppression_moment();
    within_limit(run, Step::Sources, day.materialise(run, &[&job.consents], &consents)).await?;
    let suppression_rows = within_limit(run, Step::Sources, async {
        consent_records::check(run, &day, job, &policy).await?;
        unmatched_suppression::check(run, &day, job, &policy).await
    })
    .await?;
    let champion = champion::resolve_or_train(run, &day, job).await?;
    watch.know_training(run, &champion.used).await?;
    let features = watch.explain(within_limit(run, Step::Features, features::stage(run, &mut day, job)).await)?;
    let scoring = Scoring { job, policy: &policy, champion: &champion };
    let risk = watch.explain(within_limit(run, Step::Score, score::stage(run, &day, &features, &scoring)).await)?;
    day.check_unchanged(run).await?;
    // Ahead of the money: no customer stands twice in the features, nor then in the risk table, which has a row for each of them.
    let features_table = features.staged.digested().await?;
    let scored = score::figures(run, &risk.staged).await?;
    watch.judge_customers(&features, &risk.population, scored, &champion.used)?;
    let policy_of_plan = approval::policy_of_plan(&champion.used, &policy);
    let allocation = allocate::stage(run, &risk, &policy_of_plan, &watch).await?;
    let (treated, spent) = (allocation.summary.treated, allocation.summary.spent_cents);
    let warning = approval::warning(&champion.used);
    let details = DailyDetails {
        inputs: PinnedInputs {
            sources: day.pin.clone(),
            freshness: day.freshness.clone(),
            sql: day.sql.digest(),
            variables: day.sql.variables(),
            absent_models: day.sql.absent().map(str::to_owned).collect(),
            policy: policy.digest(),
            policy_changes,
            policy_file: Some(run.keep("policy.yml", policy_text.into_bytes()).await?),
            ledger_version: allocation.ledger_version,
            cooldown_days: policy.cooldown_days,
            plans: risk.plans.clone(),
            consent_purpose: policy.consent.purpose.clone(),
            consent_default: run.open.project.config().consent_default,
            suppress_open_cases: policy.suppress_open_cases,
            suppression_as_of: Some(run.suppression.as_of),
            suppression_is_stated: run.suppression.is_stated,
            later_rows_are_refused: run.suppression_moment().later_rows_are_refused,
            holdout: score::holdout(&policy, run.ds),
        },
        model: champion.used,
        features: features.names.clone(),
        reasons: job.reasons,
        population: risk.population,
        quarantine: day.quarantined.clone(),
        quarantine_file: day.quarantine_file.clone(),
        suppression_rows,
        allocation: allocation.summary.clone(),
        training: champion.training,
        accepted: run.accepted(),
        monitoring: Some(watch.figures(run, treated, spent)),
        seconds: run.seconds(),
    };
    let staged = [day.quarantine.into(), features_table.into(), risk.staged, allocation.staged];
    let record = publish::publish(run, StagedDay::of(staged)?, details).await?;
    // At the very end, where it is seen.
    warning.into_iter().for_each(|warning| run.open.progress.warn(warning));
    Ok(record)
}

/// A model that does not exist is told before anything is computed.
fn check_models(job: &DailyJob, found: &FoundSources) -> Result<()> {
    for (key, model) in job.sql_models() {
        found.sql.find(model).with_context(|| format!("the job {} cannot read its `{key}`", job.name))?;
    }
    Ok(())
}
