//! The training job: a model as of a day, registered, with a run record of its own.

use anyhow::Result;
use mainstay_config::TrainingJob;
use mainstay_table::RunRecord;

use crate::one_day;
use crate::open_project::OpenProject;
use crate::run::{Outcome, Run, RunRequest};
use crate::sources::{self, FoundSources};
use crate::training;

/// Trains as of one day, unless that was done already.
pub(crate) async fn run(open: &OpenProject, job: &TrainingJob, request: &RunRequest) -> Result<Outcome> {
    one_day::run(open, &job.name, request, async |run, found| steps(run, job, found).await).await
}

async fn steps(run: &Run<'_>, job: &TrainingJob, found: FoundSources) -> Result<RunRecord> {
    let day = sources::pin(run, found).await?;
    let training = training::train(run, &day, job).await?;
    run.check_still_ours().await?;
    let details = serde_json::json!({"training": training, "seconds": run.seconds()});
    let record = run.record(Vec::new(), details);
    run.write_record(&record).await?;
    Ok(record)
}
