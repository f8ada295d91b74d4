//! What a run record says beyond its tables, by the kind of its job.
//!
//! The tables know records alone (`mainstay-table`); what stands in the details of one is typed here, and nowhere else: whoever reads a
//! record asks [`RunDetails::of`].

mod daily;
mod sources_pin;
mod training;
mod version;

use anyhow::{Context, Result, bail};
use mainstay_schema::JobKind;
use mainstay_table::{RunRecord, RunStatus};
use serde::{Deserialize, Serialize};

pub use mainstay_allocator::Sensitivity;
pub use mainstay_run::KeptFile;
pub use mainstay_train::tune::Trial;
pub use mainstay_train::{
    CalibrationCheck, CalibrationReport, Interval, Judgement, LeakageReport, ModelParams, SegmentFigures,
};

pub use daily::{
    AllocationSummary, Approval, BaselinePolicy, DailyDetails, ModelUsed, PinnedHoldout, PinnedInputs, PinnedPlan,
    PlanSource, Population, QuarantineFile, QuarantinedRows, SuppressionRows,
};
pub use sources_pin::{SourceTablePin, SourcesPin};
pub use training::{
    Baseline, CutDetails, CutsAsked, MemoryHeld, RowsFile, SampledCustomers, TrainingDetails, TrainingRun,
};
pub(crate) use version::{Judged, OnTestCut, TrainedBy, TrainedOn, VersionFacts};

/// The details of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum RunDetails {
    /// Of a day that was published.
    Daily(Box<DailyDetails>),
    /// Of a training.
    Training(Box<TrainingRun>),
    /// Of a run that failed: its status says why.
    Failed,
}

impl RunDetails {
    /// What a record says, of this release or an earlier one.
    ///
    /// # Errors
    /// Details that are not those of the record's kind, or those of a later release.
    pub fn of(record: &RunRecord) -> Result<Self> {
        let RunRecord { job, ds, details, .. } = record;
        if record.status != RunStatus::Published {
            return Ok(Self::Failed);
        }
        let read = match record.kind() {
            Some(JobKind::Daily) => DailyDetails::deserialize(details).map(|daily| Self::Daily(Box::new(daily))),
            Some(JobKind::Training) | None => {
                TrainingRun::deserialize(details).map(|training| Self::Training(Box::new(training)))
            }
        };
        read.with_context(|| {
            format!(
                "the run record of {job} of {ds} cannot be read: it was written by a later release, or changed since"
            )
        })
    }
}

impl DailyDetails {
    /// What the record of a published day says.
    ///
    /// # Errors
    /// A record of something else, beside those of [`RunDetails::of`].
    pub fn of(record: &RunRecord) -> Result<Self> {
        match RunDetails::of(record)? {
            RunDetails::Daily(daily) => Ok(*daily),
            RunDetails::Training(_) | RunDetails::Failed => {
                bail!("{} of {} has published no tables: it is no daily job", record.job, record.ds)
            }
        }
    }
}

impl TrainingRun {
    /// What the record of a training says.
    ///
    /// # Errors
    /// A record of something else, beside those of [`RunDetails::of`].
    pub fn of(record: &RunRecord) -> Result<Self> {
        match RunDetails::of(record)? {
            RunDetails::Training(training) => Ok(*training),
            RunDetails::Daily(_) | RunDetails::Failed => bail!("{} of {} has trained no model", record.job, record.ds),
        }
    }
}

#[cfg(test)]
mod tests;
