//! What a training finds out about a model, whoever asked for it: the job of a project or `mainstay train`.

use serde::{Deserialize, Serialize};

use crate::competitor::Competitor;
use crate::error::TrainError;
use crate::judgement::{JudgedOn, Judgement};
use crate::kind::ModelParams;
use crate::leakage::{DateColumn, LeakageInput, LeakageReport, look_for_leaks};
use crate::recipe::Trained;
use crate::reliability::CalibrationReport;
use crate::segments::Segmentation;
use crate::tune::{Searched, Trial};

/// What was fitted, how it was found, how it does on rows that it has not seen, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingFacts {
    /// The parameters that won, or were stated.
    #[serde(flatten)]
    pub params: ModelParams,
    /// Whether candidates were judged on later days; otherwise on folds of the customers.
    pub in_time_order: bool,
    /// Everything that was tried; nothing where the parameters were stated.
    pub trials: Vec<Trial>,
    /// How the model did on the rows set aside, beside others on the same rows.
    pub judgement: Judgement,
    /// How far its probabilities can be trusted.
    pub calibration: CalibrationReport,
    /// What speaks for a leak, and how features moved.
    pub leakage: LeakageReport,
}

/// What a model is judged with, beside its rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct JudgedWith<'a> {
    /// The name of the label.
    pub label: &'a str,
    /// Columns that part the rows into segments.
    pub segments: &'a [Segmentation],
    /// Scores of others on the same rows.
    pub others: &'a [Competitor],
    /// Columns of dates that are no features.
    pub dates: &'a [DateColumn],
}

impl TrainingFacts {
    /// Judges a model that was trained, and looks for leaks.
    ///
    /// # Errors
    /// Those of [`Judgement::of`] and [`look_for_leaks`].
    pub fn of(trained: &Trained, searched: Searched, with: &JudgedWith<'_>) -> Result<Self, TrainError> {
        let judgement = Judgement::of(&JudgedOn {
            probabilities: &trained.test_probabilities(),
            labels: trained.test.labels(),
            segments: with.segments,
            others: with.others,
        })?;
        let leakage = look_for_leaks(&LeakageInput {
            label: with.label,
            training: &trained.training,
            test: &trained.test,
            dates: with.dates,
        })?;
        let Searched { best: params, trials, in_time_order } = searched;
        Ok(Self { params, in_time_order, trials, judgement, calibration: trained.calibration, leakage })
    }
}
