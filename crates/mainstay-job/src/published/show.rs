//! What was published, read back for people and programs.
//!
//! Every view is of one published day and reads exactly the files that its run record names, so that no view mixes two runs.

mod allocation;
mod risk;

use anyhow::{Result, bail};
use datafusion::prelude::SessionContext;
use mainstay_config::JobConfig;
use mainstay_run::OpenProject;
use mainstay_schema::Ds;
use mainstay_schema::table::TableContract;
use mainstay_table::published_day::{self, Check};
use mainstay_table::{RunRecord, run_record};
use serde::Serialize;

pub use allocation::{AllocationView, CommittedDay, CustomerDecision, DecisionCount, MonthView, allocation};
pub use risk::{CustomerRisk, ReasonView, RiskView, Segment, risk};

use crate::details::DailyDetails;
use crate::target_owner;

/// Which day to show, and how much of it.
#[derive(Debug, Clone)]
pub struct ShowRequest {
    /// The job that published. Days of a daily job are the target's, whatever it was called when it published them.
    pub job: String,
    /// The day; the newest published one where absent.
    pub ds: Option<Ds>,
    /// Only this customer.
    pub customer: Option<String>,
    /// How many customers to list.
    pub top: usize,
}

/// The run record of a day.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// The record.
    pub record: RunRecord,
}

/// The job that a command is about: the one named, or the daily job of the project.
pub fn job_or_daily(open: &OpenProject, named: Option<String>) -> Result<String> {
    if let Some(named) = named {
        return Ok(named);
    }
    let mut daily = Vec::new();
    for name in open.project.job_names()? {
        if matches!(open.project.job(&name)?, JobConfig::Daily(_)) {
            daily.push(name);
        }
    }
    match <[String; 1]>::try_from(daily) {
        Ok([only]) => Ok(only),
        Err(none) if none.is_empty() => bail!("the project has no daily job: name a job"),
        Err(several) => bail!("the project has several daily jobs ({}): keep one, or name one", several.join(", ")),
    }
}

/// Shows the run record of a day.
pub async fn run(open: &OpenProject, request: &ShowRequest) -> Result<RunView> {
    Ok(RunView { record: published(open, request).await?.record })
}

/// A published day and what its record says.
pub(crate) struct PublishedDay {
    pub(crate) record: RunRecord,
}

impl PublishedDay {
    /// The details of a daily job.
    pub(crate) fn details(&self) -> Result<DailyDetails> {
        DailyDetails::of(&self.record)
    }

    /// Registers the day's rows of a table under its name.
    pub(crate) async fn register(
        &self,
        open: &OpenProject,
        session: &SessionContext,
        contract: &TableContract,
    ) -> Result<()> {
        let Some(table) = self.record.table(&contract.name) else {
            bail!("the run record of {} names no table {}", self.record.ds, contract.name);
        };
        let files = published_day::find(&open.lake, self.record.ds, table, Check::Presence).await?;
        let frame = files.frame(session, &open.lake, contract).await?;
        session.deregister_table(contract.name.as_str())?;
        session.register_table(contract.name.as_str(), frame.into_view())?;
        Ok(())
    }
}

/// The record of the day asked for, or of the newest published one.
pub(crate) async fn published(open: &OpenProject, request: &ShowRequest) -> Result<PublishedDay> {
    let job = &request.job;
    // An unknown job is another mistake than one that has not run.
    let series = target_owner::series_of(&open.project.job(job)?);
    let record = match request.ds {
        Some(ds) => run_record::latest_published(&open.lake, &series, ds).await?,
        None => run_record::latest(&open.lake, &series).await?,
    };
    match (record, request.ds) {
        (Some(record), _) => Ok(PublishedDay { record }),
        (None, Some(ds)) => {
            bail!("there is no published day {ds} of {job}: run it with `mainstay run {job} --date {ds}`")
        }
        (None, None) => bail!("there is no published day of {job} yet: run it with `mainstay run {job}`"),
    }
}

/// Refuses a customer that was asked for and does not stand in the table.
fn known_customer(request: &ShowRequest, found_nobody: bool) -> Result<()> {
    match &request.customer {
        Some(customer) if found_nobody && request.top > 0 => {
            bail!(
                "customer {customer} is not among the known customers of that day: look for the key that the source has"
            )
        }
        _ => Ok(()),
    }
}
