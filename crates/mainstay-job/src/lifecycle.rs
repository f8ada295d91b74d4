//! One day of any job: already done, or claimed, taken through its steps, and given up where one fails.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use mainstay_schema::Ds;
use mainstay_table::{RunRecord, Series, run_record};

use crate::daily::money;
use crate::inputs::damaged;
use crate::inputs::simulated;
use crate::inputs::sources::{self, FoundSources};
use crate::inputs::suppression::SuppressionInstant;
use crate::job_days::JobDays;
use crate::open_project::OpenProject;
use crate::run::{Outcome, Run, RunRequest};

/// Claims a day and takes it through `steps`, unless it is published already and not forced.
///
/// A run whose steps fail gives back what it reserved and leaves a record of the failure.
pub(crate) async fn run(
    open: &OpenProject,
    days: JobDays<'_>,
    request: &RunRequest,
    steps: impl AsyncFnOnce(&Run<'_>, FoundSources) -> Result<RunRecord>,
) -> Result<Outcome> {
    if let Some(ds) = request.ds
        && let Some(done) = done(open, &days.series, ds, request).await?
    {
        return Ok(done);
    }
    let found = sources::find(open).await?;
    let time_zone = open.project.time_zone();
    let today = Ds::of(Timestamp::now(), &time_zone);
    let ds = found.day(request.ds, today)?;
    if let Some(done) = done(open, &days.series, ds, request).await? {
        found.leave(format!("{ds} is published already"));
        return Ok(done);
    }
    let suppression = SuppressionInstant::of(request.suppression, ds, found.pinned_at, &time_zone)?;
    simulated::settle_origin(open, found.is_simulated).await?;
    let run = Run::claim(open, days, ds, request, found.is_simulated, suppression).await?;
    let pinned = Arc::clone(&found.pinned);
    match damaged::named(open, &pinned, steps(&run, found).await).await {
        Ok(record) => Ok(Outcome::Published(Box::new(record))),
        Err(error) => {
            give_up(&run, &error).await;
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

/// Winds up the money of the run and records why it failed; the next run does what could not be done.
async fn give_up(run: &Run<'_>, error: &anyhow::Error) {
    if let Err(unsettled) = money::wind_up(run).await {
        run.open.progress.warn(format!("the reservation of the failed run stays for now: {unsettled:#}"));
    }
    run.record_failure(error).await;
}
