//! What is asked of a job, and what came of it.

use mainstay_monitor::Acceptance;
use mainstay_schema::Ds;
use mainstay_table::RunRecord;
use serde::Serialize;

use crate::suppression::StatedInstant;

/// What a caller asks of a job.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// The day; the day after the newest data where absent.
    pub ds: Option<Ds>,
    /// Runs a finished day again.
    pub is_forced: bool,
    /// The instant as of which consents, cases and contacts are judged; when the sources are pinned where absent.
    pub suppression: Option<StatedInstant>,
    /// What the run goes on in spite of.
    pub acceptance: Option<Acceptance>,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", content = "record", rename_all = "snake_case")]
pub enum Outcome {
    /// The day was published.
    Published(Box<RunRecord>),
    /// The day had been published before; nothing was changed.
    AlreadyDone(Box<RunRecord>),
}

impl Outcome {
    /// The record of the day.
    pub fn record(&self) -> &RunRecord {
        match self {
            Self::Published(record) | Self::AlreadyDone(record) => record,
        }
    }
}
