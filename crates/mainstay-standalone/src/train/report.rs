//! What is reported of a model that was trained on a file.

use std::path::PathBuf;

use mainstay_schema::{Digest, Ds};
use mainstay_train::TrainingFacts;
use serde::Serialize;

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainReport {
    /// The file.
    pub input: PathBuf,
    /// The digest of the model.
    pub model: Digest,
    /// The label.
    pub label: String,
    /// The value of it that stands for churn.
    pub positive: String,
    /// The features, in the model's order.
    pub features: Vec<String>,
    /// Columns that are no features.
    pub left_out: Vec<LeftOut>,
    /// Which rows were learnt from and which judged on.
    #[serde(rename = "parted")]
    pub split: SplitReport,
    /// What makes the figures say less than they seem to.
    pub warnings: Vec<String>,
    /// What was found out.
    #[serde(flatten)]
    pub facts: TrainingFacts,
}

/// A column that is no feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// How rows were split into training and test rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// `time`, `customer`, or the file that is judged on.
    pub by: String,
    /// Rows that are learnt from.
    pub training_rows: usize,
    /// Rows that are judged on.
    pub test_rows: usize,
    /// The first day that is judged on.
    pub test_from: Option<Ds>,
    /// The zone whose days the instants of the time column fall on; none of dates and texts.
    pub time_zone: Option<String>,
    /// Rows on neither side: their label comes about while the test rows are decided.
    pub rows_between: usize,
}
