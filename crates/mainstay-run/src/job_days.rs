//! Whose days a job makes.

use std::time::Duration;

use mainstay_schema::JobKind;
use mainstay_table::Series;

use crate::hooks::Hooks;

/// A job and whose days it makes.
pub struct JobDays<'a> {
    /// The name of the job, as it is now.
    pub job: &'a str,
    /// What it makes.
    pub kind: JobKind,
    /// The days, whatever the job was called when they were made.
    pub series: Series,
    /// The longest that the SQL of a step may run.
    pub step_time_limit: Duration,
    /// What it hangs on the life of its runs.
    pub hooks: &'a dyn Hooks,
}
