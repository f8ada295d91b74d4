//! A run of either job: from the sources of the project through its steps.

use std::sync::Arc;

use anyhow::Result;
use mainstay_run::{JobDays, OpenProject, Outcome, Run, RunRequest, lifecycle};
use mainstay_table::RunRecord;

use crate::inputs::damaged;
use crate::inputs::sources::{self, FoundSources};

/// Takes a day of a job from the sources through `steps`; see [`lifecycle::run`]. A file that turns out damaged on the way is named.
pub(crate) async fn run(
    open: &OpenProject,
    days: JobDays<'_>,
    request: &RunRequest,
    steps: impl AsyncFnOnce(&Run<'_>, FoundSources) -> Result<RunRecord>,
) -> Result<Outcome> {
    let steps = async |run: &Run<'_>, found: FoundSources| {
        let pinned = Arc::clone(&found.pinned);
        damaged::named(open, &pinned, steps(run, found).await).await
    };
    lifecycle::run(open, days, request, async || sources::find(open).await, steps).await
}
