//! One day of any job: already done, or claimed, taken through its steps, and given up where one fails.

use anyhow::Result;
use jiff::Timestamp;
use mainstay_schema::Ds;
use mainstay_table::{RunRecord, Series, run_record};

use crate::found::Found;
use crate::job_days::JobDays;
use crate::open_project::OpenProject;
use crate::origin;
use crate::request::{Outcome, RunRequest};
use crate::run::Run;
use crate::suppression::SuppressionInstant;

/// Claims a day and takes what was found through `steps`, unless it is published already and not forced.
///
/// A run whose steps fail does what the job has hung on that, and leaves a record of the failure.
pub async fn run<S>(
    open: &OpenProject,
    days: JobDays<'_>,
    request: &RunRequest,
    find: impl AsyncFnOnce() -> Result<Found<S>>,
    steps: impl AsyncFnOnce(&Run<'_>, S) -> Result<RunRecord>,
) -> Result<Outcome> {
    days.hooks.resume(open).await?;
    if let Some(ds) = request.ds
        && let Some(done) = done(open, &days.series, ds, request).await?
    {
        return Ok(done);
    }
    let found = find().await?;
    let time_zone = open.project.time_zone();
    let ds = found.day(request.ds, Ds::of(Timestamp::now(), &time_zone))?;
    if let Some(done) = done(open, &days.series, ds, request).await? {
        found.step.finish(format!("{ds} is published already"));
        return Ok(done);
    }
    let suppression = SuppressionInstant::of(request.suppression, ds, found.found_at, &time_zone)?;
    origin::settle(open, found.is_simulated).await?;
    let run = Run::claim(open, days, ds, request, found.is_simulated, suppression).await?;
    match steps(&run, found.sources).await {
        Ok(record) => Ok(Outcome::Published(Box::new(record))),
        Err(error) => {
            run.give_up(&error).await;
            Err(error)
        }
    }
}

async fn done(open: &OpenProject, series: &Series, ds: Ds, request: &RunRequest) -> Result<Option<Outcome>> {
    if request.is_forced {
        return Ok(None);
    }
    let record = run_record::latest_published(&open.lake, series, ds).await?;
    Ok(record.map(|record| Outcome::AlreadyDone(Box::new(record))))
}
