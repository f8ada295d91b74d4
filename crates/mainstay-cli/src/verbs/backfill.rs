//! `mainstay backfill`: a job for every day of a range.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::details::DailyDetails;
use mainstay_job::{Access, Outcome, backfill};
use mainstay_schema::Ds;

use crate::flags::{AcceptanceArguments, ExecutionArguments, GlobalArguments, SuppressionArguments, acceptance_of};
use crate::project::open;
use crate::render::{origin, table};
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct BackfillArguments {
    /// Name of the job: jobs/<JOB>.yml.
    job: String,
    /// First day.
    #[arg(long)]
    from: Ds,
    /// Last day, included.
    #[arg(long)]
    to: Ds,
    #[command(flatten)]
    acceptance: AcceptanceArguments,
    #[command(flatten)]
    suppression: SuppressionArguments,
    #[command(flatten)]
    execution: ExecutionArguments,
}

/// Runs the days, and shows how each ended.
pub(crate) async fn execute(global: &GlobalArguments, arguments: BackfillArguments) -> Result<ExitCode> {
    let open = open(global, Access::Write, Some(&arguments.execution)).await?;
    let acceptance = acceptance_of(arguments.acceptance)?;
    let suppression = arguments.suppression.suppression_as_of;
    let runs =
        backfill(&open, &arguments.job, (arguments.from, arguments.to), acceptance.as_ref(), suppression).await?;
    write(global, &serde_json::json!({"runs": runs}), || text(&runs))?;
    Ok(ExitCode::SUCCESS)
}

/// The runs of a range of days.
fn text(outcomes: &[Outcome]) -> String {
    let rows = outcomes.iter().map(|outcome| {
        let record = outcome.record();
        let how = match outcome {
            Outcome::Published(_) => "published",
            Outcome::AlreadyDone(_) => "already done",
        };
        let details = DailyDetails::of(record).ok();
        let figure = |value: fn(&DailyDetails) -> String| details.as_ref().map(value).unwrap_or_default();
        vec![
            record.ds.to_string(),
            how.to_owned(),
            figure(|details| details.population.scored.to_string()),
            figure(|details| details.allocation.treated.to_string()),
            figure(|details| details.allocation.spent_cents.to_string()),
            figure(|details| details.allocation.value_cents.to_string()),
        ]
    });
    let is_simulated = outcomes.iter().any(|outcome| outcome.record().simulated);
    let header = ["day", "outcome", "scored", "treated", "spent", "expected gain"];
    format!("{}{}", origin(is_simulated), table(&header, &[2, 3, 4, 5], rows))
}
