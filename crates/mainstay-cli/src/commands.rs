//! One function a verb: opens the project, calls the job, writes the result.

mod allocate;
#[cfg(feature = "simulator")]
mod generate;
mod model;
mod outputs;
mod profile;
mod promote;
mod schedule;
mod score;
mod train;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use jiff::Timestamp;
use mainstay_job::progress::Progress;
use mainstay_job::show::{self, ShowRequest};
use mainstay_job::{Access, OpenOptions, OpenProject, Outcome, RunRequest, backfill, run_job, verify};
use mainstay_schema::Ds;
use mainstay_session::SessionSettings;
use serde::Serialize;

use crate::arguments::{
    Arguments, BackfillArguments, ExecutionArguments, GlobalArguments, Output, RunArguments, RunDate, ShowArguments,
    Shown, Verb, VerifyArguments,
};
use crate::progress::observer;
use crate::render;

/// Executes the command line.
pub(crate) async fn execute(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { global, verb } = arguments;
    match verb {
        Verb::Run(arguments) => run(&global, arguments).await,
        Verb::Backfill(arguments) => backfill_days(&global, arguments).await,
        Verb::Schedule(arguments) => schedule::execute(&global, &arguments),
        Verb::Show(shown) => show_day(&global, shown).await,
        Verb::Verify(VerifyArguments {
            certificate: Some(certificate),
            offers: Some(offers),
            plan: Some(plan),
            ..
        }) => allocate::verify(&global, &certificate, &offers, &plan),
        Verb::Verify(arguments) => verify_days(&global, arguments).await,
        #[cfg(feature = "simulator")]
        Verb::Generate(arguments) => generate::execute(&global, &arguments),
        Verb::Model(verb) => model::execute(&global, verb).await,
        Verb::Promote(arguments) => promote::promote(&global, arguments).await,
        Verb::Rollback(arguments) => promote::rollback(&global, arguments).await,
        Verb::Compare(arguments) => promote::compare(&global, &arguments).await,
        Verb::ImportProfile(arguments) => profile::execute(&global, &arguments).await,
        Verb::Train(arguments) => train::execute(&global, &arguments),
        Verb::Allocate(arguments) => allocate::execute(&global, &arguments),
        Verb::Score(arguments) => score::execute(&global, &arguments),
    }
}

async fn open(global: &GlobalArguments, access: Access, execution: Option<&ExecutionArguments>) -> Result<OpenProject> {
    let options = OpenOptions {
        folder: &global.project_dir,
        target: global.target.as_deref(),
        vars: &global.vars,
        session: execution.map(session_settings).unwrap_or_default(),
        access,
    };
    OpenProject::open(&options, Progress::new(observer(global))).await
}

fn session_settings(execution: &ExecutionArguments) -> SessionSettings {
    let default = SessionSettings::default();
    SessionSettings {
        partitions: execution.partitions.map_or(default.partitions, usize::from),
        batch_size: execution.batch_size.map_or(default.batch_size, |rows| rows as usize),
        memory_limit_bytes: execution.memory_limit_mb.map(|megabytes| megabytes as usize * 1_000_000),
    }
}

async fn run(global: &GlobalArguments, arguments: RunArguments) -> Result<ExitCode> {
    let open = open(global, Access::Write, Some(&arguments.execution)).await?;
    let ds = arguments.date.map(|date| match date {
        RunDate::Today => Ds::of(Timestamp::now(), &open.project().time_zone()),
        RunDate::Day(ds) => ds,
    });
    let acceptance = promote::acceptance_of(arguments.acceptance)?;
    let suppression = arguments.suppression.suppression_as_of;
    let request = RunRequest { ds, is_forced: arguments.force, acceptance, suppression };
    let outcome = run_job(&open, &arguments.job, &request).await?;
    write(global, &outcome, || render::outcome::text(&outcome))?;
    Ok(match outcome {
        Outcome::Published(_) => ExitCode::SUCCESS,
        Outcome::AlreadyDone(_) => ExitCode::from(arguments.done_exit_code),
    })
}

async fn backfill_days(global: &GlobalArguments, arguments: BackfillArguments) -> Result<ExitCode> {
    let open = open(global, Access::Write, Some(&arguments.execution)).await?;
    let acceptance = promote::acceptance_of(arguments.acceptance)?;
    let suppression = arguments.suppression.suppression_as_of;
    let runs =
        backfill(&open, &arguments.job, (arguments.from, arguments.to), acceptance.as_ref(), suppression).await?;
    write(global, &serde_json::json!({"runs": runs}), || render::outcome::backfill(&runs))?;
    Ok(ExitCode::SUCCESS)
}

async fn show_day(global: &GlobalArguments, shown: Shown) -> Result<ExitCode> {
    let open = open(global, Access::Read, None).await?;
    match shown {
        Shown::Risk(arguments) => {
            let view = show::risk(&open, &request(&open, arguments)?).await?;
            write(global, &view, || render::risk::text(&view))?;
        }
        Shown::Allocation(arguments) => {
            let view = show::allocation(&open, &request(&open, arguments)?).await?;
            write(global, &view, || render::allocation::text(&view))?;
        }
        Shown::Run(arguments) => {
            let view = show::run(&open, &request(&open, arguments)?).await?;
            write(global, &view, || render::run::text(&view.record))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn request(open: &OpenProject, arguments: ShowArguments) -> Result<ShowRequest> {
    let ShowArguments { job, date, customer, top } = arguments;
    Ok(ShowRequest { job: show::job_or_daily(open, job)?, ds: date, customer, top: top as usize })
}

async fn verify_days(global: &GlobalArguments, arguments: VerifyArguments) -> Result<ExitCode> {
    let open = open(global, Access::Read, None).await?;
    let job = show::job_or_daily(&open, arguments.job)?;
    let report = verify::verify(&open, &job, arguments.date).await?;
    write(global, &report, || render::verify::text(&report))?;
    if report.verified && !(arguments.strict && report.not_checked > 0) {
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!("{}", render::verify::failures(&report, arguments.strict))
}

/// Writes a result to standard output in the form that was asked for.
fn write(global: &GlobalArguments, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let text = match global.output_format {
        Output::Json => serde_json::to_string_pretty(result)? + "\n",
        Output::Text => text(),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads only the first lines has got what they wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
