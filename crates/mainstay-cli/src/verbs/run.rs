//! `mainstay run`: a job for one day.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use mainstay_job::details::RunDetails;
use mainstay_job::{Access, Outcome, RunRequest, run_job};
use mainstay_schema::Ds;
use mainstay_schema::date::ParseDsError;

use crate::flags::{AcceptanceArguments, ExecutionArguments, GlobalArguments, SuppressionArguments, acceptance_of};
use crate::project::open;
use crate::render::{origin, run_record, training};
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Name of the job: jobs/<JOB>.yml.
    job: String,
    /// The day to decide for, or `today` of the project's time zone; sees what was known before its midnight. The day after the newest
    /// data by default.
    #[arg(long)]
    date: Option<RunDate>,
    /// Run a finished day again and replace what it published.
    #[arg(long)]
    force: bool,
    /// Exit code where the day is done already: 99 makes Airflow skip.
    #[arg(long, default_value_t = 0)]
    done_exit_code: u8,
    #[command(flatten)]
    acceptance: AcceptanceArguments,
    #[command(flatten)]
    suppression: SuppressionArguments,
    #[command(flatten)]
    execution: ExecutionArguments,
}

/// The day of a run as it may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunDate {
    /// The day that it is in the project's time zone.
    Today,
    /// This one.
    Day(Ds),
}

impl FromStr for RunDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "today" => Ok(Self::Today),
            day => day.parse().map(Self::Day).map_err(|error: ParseDsError| format!("{error}, or today")),
        }
    }
}

/// Runs the job, and shows how that ended.
pub(crate) async fn execute(global: &GlobalArguments, arguments: RunArguments) -> Result<ExitCode> {
    let open = open(global, Access::Write, Some(&arguments.execution)).await?;
    let ds = arguments.date.map(|date| match date {
        RunDate::Today => Ds::of(Timestamp::now(), &open.project().time_zone()),
        RunDate::Day(ds) => ds,
    });
    let acceptance = acceptance_of(arguments.acceptance)?;
    let suppression = arguments.suppression.suppression_as_of;
    let request = RunRequest { ds, is_forced: arguments.force, acceptance, suppression };
    let outcome = run_job(&open, &arguments.job, &request).await?;
    write(global, &outcome, || text(&outcome))?;
    Ok(match outcome {
        Outcome::Published(_) => ExitCode::SUCCESS,
        Outcome::AlreadyDone(_) => ExitCode::from(arguments.done_exit_code),
    })
}

/// How the run ended.
fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::AlreadyDone(record) => {
            format!(
                "{}{} of {} is already done (run {}); --force runs it again\n",
                origin(record.simulated),
                record.job,
                record.ds,
                record.run_id
            )
        }
        Outcome::Published(record) => {
            let mut text = origin(record.simulated).to_owned();
            text += &format!("{} of {} is published (run {})\n", record.job, record.ds, record.run_id);
            match RunDetails::of(record) {
                Ok(RunDetails::Daily(details)) => {
                    text += &run_record::population(&details);
                    text += &run_record::money(&details);
                    text += &run_record::accepted(&details);
                    text += &format!(
                        "\nSee it with: mainstay show risk, mainstay show allocation, mainstay show run --date {}\n",
                        record.ds
                    );
                }
                Ok(RunDetails::Training(details)) => text += &training::text(&details.training),
                Ok(RunDetails::Failed) | Err(_) => {}
            }
            text
        }
    }
}
