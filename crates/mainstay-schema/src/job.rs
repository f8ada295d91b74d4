//! The kinds of job.

use serde::{Deserialize, Serialize};

/// What a job makes: the key `kind` of its file and of its run records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// The plan of a day: features, score, reasons, value, allocation, publication.
    Daily,
    /// A version of a model: trained, calibrated, judged.
    Training,
}
