//! The daily job: the order of its steps, and nothing else.

pub(crate) mod allocate;
pub mod approval;
pub(crate) mod baseline_policy;
pub(crate) mod breaker;
pub(crate) mod candidates;
pub(crate) mod champion;
pub(crate) mod consents;
pub mod contact_rules;
pub(crate) mod day_record;
pub(crate) mod decision_rows;
pub(crate) mod features;
pub(crate) mod instance;
pub(crate) mod money;
pub(crate) mod offers_file;
pub(crate) mod optimise;
pub(crate) mod preflight;
pub(crate) mod publish;
pub(crate) mod score;
pub(crate) mod score_sql;
pub(crate) mod skew;
pub(crate) mod twins;

use anyhow::Result;
use mainstay_config::DailyJob;
use mainstay_run::{JobDays, OpenProject, Outcome, Run, RunRequest, Step};
use mainstay_schema::JobKind;
use mainstay_table::RunRecord;

use crate::daily::breaker::Watch;
use crate::daily::day_record::DoneDay;
use crate::daily::money::Money;
use crate::daily::publish::StagedDay;
use crate::daily::score::Scoring;
use crate::from_sources;
use crate::inputs::sources::{self, FoundSources};
use crate::sql_work::within_limit;
use crate::target_owner;

/// Runs the job for one day, unless the day is published already.
pub(crate) async fn run(open: &OpenProject, job: &DailyJob, request: &RunRequest) -> Result<Outcome> {
    let series = target_owner::plans(open, job).await?;
    let (kind, step_time_limit) = (JobKind::Daily, job.step_time_limit());
    let days = JobDays { job: &job.name, kind, series, step_time_limit, hooks: &Money };
    from_sources::run(open, days, request, async |run, found| steps(run, job, found).await).await
}

async fn steps(run: &Run<'_>, job: &DailyJob, found: FoundSources) -> Result<RunRecord> {
    let policy = preflight::check(run, job, &found)?;
    let mut watch = Watch::begin(run, job).await?;
    let policy_changes = watch.compare_policy(run, &policy.policy, &policy.text).await?;
    let mut day = sources::pin(run, found).await?;
    watch.compare_variables(run, &day)?;
    watch.judge_sources(run, &day).await?;
    watch.refuse_training(run).await?;
    let suppression_rows = consents::check(run, &mut day, job, &policy.policy).await?;
    let champion = champion::resolve_or_train(run, &day, job).await?;
    watch.know_training(run, &champion.used).await?;
    let features = watch.explain(within_limit(run, Step::Features, features::stage(run, &mut day, job)).await)?;
    let scoring = Scoring { job, policy: &policy.policy, champion: &champion };
    let risk = watch.explain(within_limit(run, Step::Score, score::stage(run, &day, &features, &scoring)).await)?;
    day.check_unchanged(run).await?;
    // Ahead of the money: no customer stands twice in the features, nor then in the risk table, which has a row for each of them.
    let features_table = features.staged.digested().await?;
    let scored = score::figures(run, &risk.staged).await?;
    let (profiles, ids) = (&features.profiles, &features.ids_by_case);
    watch.judge_customers(profiles, ids, &risk.population, scored, &champion.used)?;
    let policy_of_plan = approval::policy_of_plan(&champion.used, &policy.policy);
    let allocation = allocate::stage(run, &risk, &policy_of_plan, &watch).await?;
    let done = DoneDay {
        job,
        policy: &policy,
        policy_changes,
        day: &day,
        suppression_rows,
        champion: &champion,
        features: &features.names,
        risk: &risk,
        allocation: &allocation,
        watch,
    };
    let details = done.details(run).await?;
    let staged = [day.quarantine.into(), features_table.into(), risk.staged, allocation.staged];
    let record = publish::publish(run, StagedDay::of(staged)?, details).await?;
    // At the very end, where it is seen.
    approval::warning(&champion.used).into_iter().for_each(|warning| run.open.progress.warn(warning));
    Ok(record)
}
