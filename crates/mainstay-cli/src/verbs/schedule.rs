//! `mainstay schedule`: when a job runs next, and the files that make a machine run it.

mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use mainstay_job::progress::Progress;
use mainstay_job::schedule::{ScheduleView, schedule};
use serde_json::json;

use self::units::{Service, UnitFile};
use crate::flags::GlobalArguments;
use crate::progress::observer;
use crate::render::table;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct ScheduleArguments {
    /// Name of the job: jobs/<JOB>.yml.
    job: String,
    /// What to write.
    #[arg(long, value_enum, default_value_t = ScheduleFormat::Text)]
    format: ScheduleFormat,
    /// Write the files there, such as /etc/systemd/system, instead of showing them.
    #[arg(long)]
    output_dir: Option<PathBuf>,
    /// Path of the command on the machine that runs the job; this one by default.
    #[arg(long)]
    command: Option<PathBuf>,
    /// Folder of the project on the machine that runs the job; that of this project by default.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Account that runs the service.
    #[arg(long, default_value = "mainstay")]
    user: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScheduleFormat {
    /// The next runs, for people.
    Text,
    /// A service and a timer of systemd.
    Systemd,
    /// A crontab.
    Cron,
}

/// Shows or writes the schedule of a job. What the clock skips is said whatever the format.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ScheduleArguments) -> Result<ExitCode> {
    let target = global.target.as_deref();
    let view = schedule(&global.project_dir, &global.vars, target, &arguments.job, Timestamp::now())?;
    for time in &view.skipped {
        Progress::new(observer(global)).warn(format!(
            "{} is skipped where the clocks of {} are put forward: job {} has no run on that day; give `schedule:` another hour",
            time.strftime("%Y-%m-%d %H:%M"),
            view.time_zone,
            view.job
        ));
    }
    let service = service(global, arguments, &view.folder)?;
    let files = match arguments.format {
        ScheduleFormat::Text => Vec::new(),
        ScheduleFormat::Systemd => units::systemd(&view, &service),
        ScheduleFormat::Cron => vec![units::crontab(&view, &service)],
    };
    if let Some(folder) = &arguments.output_dir {
        files.iter().try_for_each(|file| write_file(folder, file))?;
    }
    let result = json!({"schedule": view, "files": files});
    write(global, &result, || match &arguments.output_dir {
        Some(folder) => files.iter().map(|file| format!("{}\n", folder.join(&file.name).display())).collect(),
        None if files.is_empty() => text(&view),
        None => files.iter().map(|file| format!("# {}\n{}", file.name, file.content)).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn service(global: &GlobalArguments, arguments: &ScheduleArguments, project: &Path) -> Result<Service> {
    let command = match &arguments.command {
        Some(command) => command.clone(),
        None => std::env::current_exe().context("cannot find the path of this command: give --command")?,
    };
    let mut further = Vec::new();
    if let Some(target) = &global.target {
        further.extend(["--target".to_owned(), target.clone()]);
    }
    if !global.vars.is_empty() {
        further.extend(["--vars".to_owned(), global.vars.clone()]);
    }
    let folder = arguments.folder.clone().unwrap_or_else(|| project.to_owned());
    let service = Service { command, folder, user: arguments.user.clone(), further };
    for (name, text) in service.texts() {
        ensure!(
            !text.contains(char::is_control),
            "the {name} {text:?} holds a line break or the like: no unit can say it"
        );
    }
    Ok(service)
}

fn write_file(folder: &Path, file: &UnitFile) -> Result<()> {
    let path = folder.join(&file.name);
    fs::write(&path, &file.content).with_context(|| format!("cannot write {}", path.display()))
}

/// The expression, and the next runs by the clock of its time zone, in UTC, and with the day that each decides for.
fn text(view: &ScheduleView) -> String {
    let rows = view.runs.iter().map(|run| vec![run.local.clone(), run.at.to_string(), run.ds.to_string()]);
    format!(
        "{} runs at `{}` in {}\n{}",
        view.job,
        view.cron,
        view.time_zone,
        table(&["next runs", "UTC", "day"], &[], rows)
    )
}
