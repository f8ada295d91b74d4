//! What the record of a training says: what it learnt from, and how it was judged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mainstay_monitor::Accepted;
use mainstay_schema::{Digest, Ds, Gate};
use mainstay_train::baseline::SingleFeature;
use mainstay_train::recipe::CutRanking;
use mainstay_train::tune::Trial;
use mainstay_train::{CalibrationReport, Judgement, LeakageReport, ModelParams, SegmentFigures};
use serde::{Deserialize, Serialize, Serializer};

use crate::details::SourcesPin;

/// The details of a run of a training job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingRun {
    /// What was trained.
    pub training: TrainingDetails,
    /// What was accepted of the sources for this training, or stood accepted; nothing in records of an earlier release.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
    /// Wall time of each step.
    pub seconds: BTreeMap<String, f64>,
}

/// What a training made, in a run of its own or at the head of a daily one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingDetails {
    /// Registered model.
    pub model: String,
    /// The version that this training made.
    pub version: String,
    /// Digest of the ensemble.
    pub digest: Digest,
    /// The alias that it got.
    pub alias: String,
    /// Past days that were learnt from.
    pub cuts: Vec<CutDetails>,
    /// How many the job asked for; `None` in records of an earlier release.
    #[serde(default)]
    pub cuts_asked: Option<CutsAsked>,
    /// The day of the first order of all; `None` in records of an earlier release.
    #[serde(default)]
    pub first_order: Option<Ds>,
    /// The day from which on orders come regularly, with which the history begins; `None` in records of an earlier release.
    #[serde(default)]
    pub history_from: Option<Ds>,
    /// The draw of customers that all cuts are of; `None` where they are of all.
    #[serde(default)]
    pub sample: Option<SampledCustomers>,
    /// What the training held, where memory was limited.
    #[serde(default)]
    pub memory: Option<MemoryHeld>,
    /// The later day that it was judged on.
    pub test_cut: Ds,
    /// End of the last training label window.
    pub trained_until: Ds,
    /// What was fitted, with its parameters; `None` in records of an earlier release.
    #[serde(default)]
    pub params: Option<ModelParams>,
    /// What a search for it tried, rung by rung.
    #[serde(default)]
    pub trials: Vec<Trial>,
    /// Trees of the model; none of a logistic regression.
    pub trees: usize,
    /// Judged on the test cut, beside one feature alone and the champion.
    #[serde(rename = "evaluation")]
    pub judgement: Judgement,
    /// The same by group of customers.
    #[serde(default)]
    pub segments: Vec<SegmentFigures>,
    /// What speaks for a leak, and how features moved until the test cut; `None` in records of an earlier release.
    #[serde(default)]
    pub leakage: Option<LeakageReport>,
    /// How the scores became probabilities, and how those hold.
    pub calibration: CalibrationReport,
    /// The ranking at each training cut, by trees that have not seen the customer.
    pub by_cut: Vec<CutRanking>,
    /// One feature alone, on the same rows.
    pub baseline: Baseline,
    /// Every gate with its figure.
    #[serde(serialize_with = "write_gates")]
    pub gates: Vec<Gate>,
    /// Whether any gate failed.
    pub gates_failed: bool,
    /// The training rows with fold and score.
    pub training_rows: RowsFile,
    /// The rows of the test cut with score and probability.
    pub test_rows: RowsFile,
    /// Digest of the SQL that made the rows.
    pub sql: Digest,
    /// The source tables and where their files are listed.
    pub sources: SourcesPin,
    /// Of each source table the rows that had happened, were known and kept their contract by then, by `source.table`.
    #[serde(default)]
    pub rows_known: BTreeMap<String, u64>,
    /// The instant that the training could see up to.
    pub as_of: Timestamp,
}

/// Rows behind a model, as a Parquet file below the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsFile {
    /// The object.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// How many rows.
    pub rows: usize,
}

/// How many cuts a training job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutsAsked {
    /// To fit the model on.
    pub training: u32,
    /// To calibrate on, those among them.
    pub calibration: u32,
}

impl CutsAsked {
    /// What is missing of them, in words, where so many were fitted on and so many calibrated on; `None` where nothing is.
    pub fn shortfall(&self, fitted: usize, calibrated: usize) -> Option<String> {
        let missing = |had: usize, asked: u32| had < asked as usize;
        let Self { training, calibration } = *self;
        match (missing(fitted, training), missing(calibrated, calibration)) {
            (false, false) => None,
            (true, false) => Some(format!("{fitted} of {training} cuts to train on")),
            (false, true) => Some(format!("{calibrated} of {calibration} cuts to calibrate on")),
            (true, true) => Some(format!(
                "{fitted} of {training} cuts to train on and {calibrated} of {calibration} to calibrate on"
            )),
        }
    }
}

/// A draw of customers, by hash of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampledCustomers {
    /// The share of the customers that was asked for.
    pub share: f64,
    /// Customers who were eligible at the test cut, drawn or not.
    pub eligible_at_test_cut: u64,
}

/// What a training held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryHeld {
    /// The memory limit of the run.
    pub limit_bytes: u64,
    /// The most that the training was expected to hold at a time.
    pub need_bytes: u64,
    /// The values of its rows.
    pub rows_bytes: u64,
}

impl TrainingDetails {
    /// The cuts that were asked for and could not be had, in words; `None` where all were.
    pub fn cuts_missing(&self) -> Option<String> {
        let fitted = self.cuts.iter().filter(|cut| !cut.calibrates_only).count();
        let missing = self.cuts_asked?.shortfall(fitted, self.cuts.len())?;
        Some(match self.history_from {
            Some(from) => format!("{missing}: the history begins on {from}"),
            None => missing,
        })
    }
}

/// One training cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutDetails {
    /// Its day.
    pub ds: Ds,
    /// The day on which its label window ends, exclusive.
    pub label_end: Ds,
    /// Whether its rows only calibrate and no tree was fitted on them.
    #[serde(default)]
    pub calibrates_only: bool,
    /// Eligible customers.
    pub rows: usize,
    /// Those of them that churned.
    pub churned: usize,
}

/// One feature as a score of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Baseline {
    /// The feature.
    pub feature: String,
    /// Its ranking of the test cut.
    pub evaluation: SingleFeature,
}

/// In records a figure is called `value`, and what was attainable is null where the data limit nothing.
fn write_gates<S: Serializer>(gates: &[Gate], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        name: &'a str,
        threshold: f64,
        value: Option<f64>,
        attainable: Option<f64>,
        passed: bool,
    }
    serializer.collect_seq(gates.iter().map(|gate| {
        let Gate { name, threshold, figure, attainable, passed } = gate;
        Written { name, threshold: *threshold, value: *figure, attainable: *attainable, passed: *passed }
    }))
}
