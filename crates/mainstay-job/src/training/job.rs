//! The training job: a model as of a day, registered, with a run record of its own.

use anyhow::Result;
use mainstay_config::TrainingJob;
use mainstay_run::{JobDays, NoHooks, OpenProject, Outcome, Run, RunRequest};
use mainstay_schema::JobKind;
use mainstay_table::{RunRecord, Series};

use crate::daily::breaker;
use crate::details::{RunDetails, TrainingRun};
use crate::from_sources;
use crate::inputs::sources::{self, FoundSources};
use crate::target_owner;
use crate::training;

/// Trains as of one day, unless that was done already.
pub(crate) async fn run(open: &OpenProject, job: &TrainingJob, request: &RunRequest) -> Result<Outcome> {
    target_owner::check_currency(open).await?;
    let series = Series::Training { job: job.name.clone() };
    let days = JobDays {
        job: &job.name,
        kind: JobKind::Training,
        series,
        step_time_limit: job.step_time_limit(),
        hooks: &NoHooks,
    };
    from_sources::run(open, days, request, async |run, found| steps(run, job, found).await).await
}

async fn steps(run: &Run<'_>, job: &TrainingJob, found: FoundSources) -> Result<RunRecord> {
    let day = sources::pin(run, found).await?;
    let accepted = breaker::refuse_sources(run, &day, job).await?;
    let training = training::train(run, &day, job).await?;
    run.check_still_ours().await?;
    let details = RunDetails::Training(Box::new(TrainingRun { training, accepted, seconds: run.seconds() }));
    let record = run.record(Vec::new(), &details)?;
    run.write_record(&record).await?;
    Ok(record)
}
