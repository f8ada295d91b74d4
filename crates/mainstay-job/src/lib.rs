//! The jobs: which step follows which, and what is carried from one to the next.
//!
//! The way of a day, once down this list and never back:
//!
//! ```text
//! FoundSources -> PinnedDay -> StagedFeatures -> ScoredDay -> AllocatedDay -> RunRecord
//! ```
//!
//! [`OpenProject`] is the way in, [`run_job`] and [`backfill`] run, [`show`] and [`verify`] read what was published, [`models`],
//! [`comparison`] and [`promotion`] look after the registered models, [`profile`] after the sources. This is the only crate that knows
//! the order of the steps; how a step does its work belongs to the crate of that work.

mod daily;
pub mod details;
mod from_sources;
mod inputs;
pub mod models;
mod published;
pub mod schedule;
mod small_files;
mod sql_work;
mod tallied;
mod target_owner;
mod training;

use anyhow::{Result, bail};
use mainstay_config::JobConfig;
use mainstay_schema::Ds;

pub use daily::{approval, contact_rules};
pub use inputs::profile;
#[cfg(feature = "simulator")]
pub use inputs::simulator;
pub use mainstay_monitor::{Acceptance, Subject};
pub use mainstay_run::{Access, OpenOptions, OpenProject, Outcome, RunRequest, StatedInstant, fault, progress};
pub use mainstay_session::SessionSettings;
pub use mainstay_table::RunRecord;
pub use models::{comparison, promotion};
pub use published::{show, verify};

/// Runs a job of the project for one day.
pub async fn run_job(open: &OpenProject, job: &str, request: &RunRequest) -> Result<Outcome> {
    match open.project.job(job)? {
        JobConfig::Daily(job) => daily::run(open, &job, request).await,
        JobConfig::Training(job) if request.suppression.is_some() => {
            bail!(
                "--suppression-as-of is for a daily job; {} trains a model and contacts nobody: leave it out",
                job.name
            )
        }
        JobConfig::Training(job) => training::job::run(open, &job, request).await,
    }
}

/// Runs a job for every day of a range in order, and stops at the first that fails. Published days are left alone. What is accepted
/// is accepted on every day; `suppression` is as in [`RunRequest`].
pub async fn backfill(
    open: &OpenProject,
    job: &str,
    (from, to): (Ds, Ds),
    acceptance: Option<&Acceptance>,
    suppression: Option<StatedInstant>,
) -> Result<Vec<Outcome>> {
    if to < from {
        bail!("the range ends on {to}, before it begins on {from}: swap --from and --to");
    }
    let mut outcomes = Vec::new();
    let mut ds = from;
    while ds <= to {
        let request = RunRequest { ds: Some(ds), is_forced: false, acceptance: acceptance.cloned(), suppression };
        let outcome = run_job(open, job, &request).await;
        outcomes.push(outcome.map_err(|error| error.context(format!("the backfill stopped at {ds}")))?);
        ds = ds.plus_days(1);
    }
    Ok(outcomes)
}
