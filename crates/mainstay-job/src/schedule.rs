//! When a job runs next, by the `schedule:` of its file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::{Project, VarOverrides};
use mainstay_schema::Ds;
use serde::Serialize;

pub use mainstay_config::cron::{Cron, DayRule, Numbers};

/// How many runs are shown.
const RUNS: usize = 5;
/// How far ahead is looked for times that the clock skips: every zone has changed its clocks by then.
const SKIPPED_DAYS: i32 = 400;

/// What `mainstay schedule` shows.
#[derive(Debug, Clone, Serialize)]
pub struct ScheduleView {
    /// The job.
    pub job: String,
    /// The cron expression.
    pub cron: Cron,
    /// The time zone that it is read in.
    pub time_zone: String,
    /// The next runs.
    pub runs: Vec<PlannedRun>,
    /// Local times of the next 400 days that never come, since clocks are put forward over them: no run on these days.
    pub skipped: Vec<jiff::civil::DateTime>,
    /// The folder of the project.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Where the project writes.
    #[serde(skip)]
    pub target: String,
}

/// One run to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRun {
    /// When it begins.
    pub at: Timestamp,
    /// The same by the clock of the schedule's time zone, such as `Tue 2026-12-01 04:00 EST`.
    pub local: String,
    /// The day that it decides for: that of the project's time zone.
    pub ds: Ds,
}

/// When a job of the project in a folder runs next. Neither target nor sources are touched.
///
/// Errors: settings that do not hold, an unknown job, and a job without `schedule:`.
pub fn schedule(folder: &Path, vars: &str, target: Option<&str>, job: &str, now: Timestamp) -> Result<ScheduleView> {
    let project = Project::load(folder, &VarOverrides::parse(vars)?, target)?;
    let config = project.job(job)?;
    let schedule = config.schedule().with_context(|| {
        format!("job {job} says not when it runs: give jobs/{job}.yml a `schedule:` with `cron: \"0 4 * * *\"`")
    })?;
    let time_zone = match &schedule.time_zone {
        Some(name) => TimeZone::get(name)?,
        None => project.time_zone(),
    };
    let run = |at: Timestamp| PlannedRun {
        at,
        local: at.to_zoned(time_zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string(),
        ds: Ds::of(at, &project.time_zone()),
    };
    Ok(ScheduleView {
        job: job.to_owned(),
        cron: schedule.cron.clone(),
        time_zone: time_zone.iana_name().unwrap_or("UTC").to_owned(),
        runs: schedule.cron.next(now, &time_zone, RUNS).into_iter().map(run).collect(),
        skipped: schedule.cron.skipped(now, &time_zone, SKIPPED_DAYS),
        folder: project.root().to_owned(),
        target: project.target().path.clone(),
    })
}
