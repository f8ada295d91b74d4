//! What a model version keeps of its training: written by a training job, read wherever the version is used.
//!
//! A version may be of an earlier release or brought in from elsewhere, so that each part stands for itself: what is not there, or
//! cannot be read, is none.

use anyhow::Result;
use jiff::Timestamp;
use mainstay_config::TrainingJob;
use mainstay_config::training::Promotion;
use mainstay_monitor::TrainingFigures;
use mainstay_registry::{Candidate, ModelVersion};
use mainstay_schema::definition::Definitions;
use mainstay_schema::{Ds, Gate, RunId};
use mainstay_train::recipe::CutRanking;
use mainstay_train::tune::Trial;
use mainstay_train::{CalibrationReport, Judgement, LeakageReport, ModelParams, SegmentFigures};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::details::{Baseline, RowsFile};

/// The facts of a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct VersionFacts {
    /// What it was trained on, and how.
    pub(crate) trained_on: TrainedOn,
    /// How it was judged.
    pub(crate) judged: Judged,
    /// What was asked of it.
    pub(crate) gates: Vec<Gate>,
    /// How its features were defined.
    pub(crate) definitions: Option<Definitions>,
}

/// What a version was trained on, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TrainedOn {
    /// The job that trained it.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) job: Option<TrainedBy>,
    /// What was fitted.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) params: Option<ModelParams>,
    /// The cuts of the training rows.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) cuts: Vec<Ds>,
    /// Those of them that only calibrate.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) calibration_only_cuts: Vec<Ds>,
    /// The later cut that it was judged on.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) test_cut: Option<Ds>,
    /// The end of its last training label window: it knows what happened before.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) trained_until: Option<Ds>,
    /// The day of the training.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) ds: Option<Ds>,
    /// The training rows.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) training_rows: Option<RowsFile>,
    /// The rows of the test cut.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) test_rows: Option<RowsFile>,
}

/// How a version was judged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Judged {
    /// On the test cut.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) test: Option<OnTestCut>,
    /// The same by group of customers.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) segments: Vec<SegmentFigures>,
    /// How its scores became probabilities.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) calibration: Option<CalibrationReport>,
    /// The ranking at each training cut.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) by_cut: Vec<CutRanking>,
    /// One feature alone.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) baseline: Option<Baseline>,
    /// What speaks for a leak.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) leakage: Option<LeakageReport>,
    /// What a search tried.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) trials: Vec<Trial>,
    /// What the days that follow are held against.
    #[serde(deserialize_with = "if_readable")]
    pub(crate) figures: Option<TrainingFigures>,
}

/// The job that trained a version, as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum TrainedBy {
    /// As this release writes it.
    Job(Box<TrainingJob>),
    /// What is asked of one that another release wrote.
    Named {
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// What it asks of a version beside the one that it would replace.
        #[serde(default, deserialize_with = "if_readable")]
        promotion: Option<Promotion>,
    },
}

/// Figures of the test cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum OnTestCut {
    /// As a training of this release writes them.
    Judgement(Box<Judgement>),
    /// What is asked of those of a version that came from elsewhere.
    Auc {
        /// Area under the ROC curve.
        auc: f64,
    },
}

impl VersionFacts {
    /// The facts of a registered version.
    pub(crate) fn of(version: &ModelVersion) -> Self {
        Self {
            trained_on: readable(&version.training),
            judged: readable(&version.evaluation),
            gates: version.gates.clone(),
            definitions: version.definitions.clone(),
        }
    }

    /// The facts as a version that is to be registered.
    pub(crate) fn candidate(self, created_at: Timestamp, run_id: RunId) -> Result<Candidate> {
        Ok(Candidate {
            created_at,
            run_id,
            training: serde_json::to_value(&self.trained_on)?,
            evaluation: serde_json::to_value(&self.judged)?,
            gates: self.gates,
            definitions: self.definitions,
            tags: Default::default(),
        })
    }
}

impl TrainedOn {
    /// The name of the job that trained the version.
    pub(crate) fn job_name(&self) -> Option<&str> {
        match self.job.as_ref()? {
            TrainedBy::Job(job) => Some(&job.name),
            TrainedBy::Named { name, .. } => name.as_deref(),
        }
    }

    /// What that job asks of the version beside the one that it would replace; the usual, where it does not say.
    pub(crate) fn promotion(&self) -> Promotion {
        match &self.job {
            Some(TrainedBy::Job(job)) => job.promotion.clone(),
            Some(TrainedBy::Named { promotion, .. }) => promotion.clone().unwrap_or_default(),
            None => Promotion::default(),
        }
    }
}

impl Judged {
    /// Its area under the ROC curve on the test cut.
    pub(crate) fn auc(&self) -> Option<f64> {
        Some(match self.test.as_ref()? {
            OnTestCut::Judgement(judgement) => judgement.evaluation.ranking.auc,
            OnTestCut::Auc { auc } => *auc,
        })
    }
}

/// A value, or none where it is another.
fn readable<T: DeserializeOwned + Default>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(readable(&Value::deserialize(deserializer)?))
}
