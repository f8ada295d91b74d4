//! How long the SQL of a step may run.

use std::time::Duration;

/// How long the SQL of a step may run where a job does not say: six hours, in which nobody waits for a day any more.
const STEP_TIME_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// The limit that a job states, or the usual one.
pub(crate) fn step_time_limit(stated_seconds: Option<u32>) -> Duration {
    stated_seconds.map_or(STEP_TIME_LIMIT, |seconds| Duration::from_secs(seconds.into()))
}
