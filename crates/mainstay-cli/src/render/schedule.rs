//! When a job runs next.

use mainstay_job::schedule::ScheduleView;

use super::table;

/// The expression, and the next runs by the clock of its time zone, in UTC, and with the day that each decides for.
pub(crate) fn text(view: &ScheduleView) -> String {
    let rows = view.runs.iter().map(|run| vec![run.local.clone(), run.at.to_string(), run.ds.to_string()]);
    format!(
        "{} runs at `{}` in {}\n{}",
        view.job,
        view.cron,
        view.time_zone,
        table(&["next runs", "UTC", "day"], &[], rows)
    )
}
