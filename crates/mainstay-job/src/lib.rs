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

mod allocate;
pub mod approval;
mod breaker;
mod candidates;
mod champion;
mod chosen_model;
pub mod comparison;
mod consent_records;
pub mod contact_rules;
mod cuts;
mod daily;
mod decision_rows;
pub mod details;
pub mod fault;
mod features;
mod fit;
mod fixed_tiers;
mod history;
mod model_card;
pub mod models;
mod money;
mod offers_file;
mod one_day;
mod open_project;
mod own_plans;
pub mod profile;
pub mod progress;
pub mod promotion;
mod publish;
mod quarantine;
mod question;
mod run;
pub mod schedule;
mod score;
mod score_sql;
mod segments;
pub mod show;
mod simulated;
#[cfg(feature = "simulator")]
mod simulator;
mod skew;
mod sources;
mod sql_tests;
mod sql_work;
mod staged;
mod suppression;
mod tallied;
mod target_owner;
mod test_rows;
mod train_job;
mod training;
mod training_figures;
mod training_memory;
mod training_rows;
mod training_table;
mod unmatched_suppression;
pub mod verify;

use anyhow::{Result, bail};
use mainstay_config::JobConfig;
use mainstay_monitor::Acceptance;
use mainstay_schema::Ds;

pub use open_project::{Access, OpenOptions, OpenProject};
pub use run::{Outcome, RunRequest};
#[cfg(feature = "simulator")]
pub use simulator::simulate;
pub use suppression::StatedInstant;

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
        JobConfig::Training(job) => train_job::run(open, &job, request).await,
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
