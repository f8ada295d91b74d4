//! What speaks for a leak: features that know what they could not know on the day of the decision.
//!
//! A leak makes figures too good to be true, and the model worthless. Each check here looks for one way in which it comes about, and says
//! which column and what to do. None of them proves a leak; thresholds are such that features of honest data, the strongest
//! included, pass. How features have moved between the training rows and the test rows is distinguished from leaks: time moves them.

mod alone;
mod cuts;
mod pairs;
mod rows;
mod thresholds;

use serde::{Deserialize, Serialize};

use crate::drift::{Drift, drift};
use crate::error::TrainError;
use crate::rows::TrainingSet;

/// What a leak looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakKind {
    /// The feature is the label.
    LabelCopy,
    /// The feature is the label turned round.
    LabelInverted,
    /// A threshold of the feature separates the labels without an error.
    LabelFunction,
    /// Each value, or range of values, of the feature has one label.
    LabelBuckets,
    /// The feature has two values and is the label with a few errors.
    NoisyLabel,
    /// The feature alone ranks, or parts, the rows better than honest features do.
    ImplausibleAlone,
    /// Whether the feature is missing reveals the label.
    MissingTellsLabel,
    /// The feature has one value for all rows of one label, and varies for the other.
    ConstantWithinLabel,
    /// The difference of two features that measure the same reveals the label.
    PairTellsLabel,
    /// The feature is called like the label.
    NamedLikeLabel,
    /// The feature names the customer or numbers the rows.
    IdLike,
    /// A date of the row lies after the day of the decision.
    KnowsTheFuture,
    /// The feature ranks the training rows well and later rows hardly.
    CollapsesLater,
    /// Test rows stand among the training rows.
    TestRowsInTraining,
    /// Customers of the test rows stand among the training rows of the same day.
    CustomersOnBothSides,
}

/// Something that speaks for a leak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it looks like.
    pub kind: LeakKind,
    /// The columns that it was found in.
    pub columns: Vec<String>,
    /// The figure that speaks for it.
    pub figure: f64,
    /// What was found and what to do, in words.
    pub message: String,
}

/// Dates of rows, such as when a value of it was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct DateColumn {
    /// The column.
    pub name: String,
    /// Days since 1970 of each training row, NaN where missing.
    pub days: Vec<f64>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct LeakageInput<'a> {
    /// What the label is called.
    pub label: &'a str,
    /// The rows that are learnt from.
    pub training: &'a TrainingSet,
    /// Later rows, or others, that are judged on.
    pub test: &'a TrainingSet,
    /// Dates of the training rows, in their order.
    pub dates: &'a [DateColumn],
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakageReport {
    /// What speaks for a leak, by kind and column.
    pub findings: Vec<Finding>,
    /// How features moved between training and test rows, the most first; those that chance explains are left out.
    pub drift: Vec<Drift>,
    /// Features that are the same for all customers of a cut and differ between cuts, such as indicators of the economy. They name the
    /// cut: what a model learns by them is how many churned at that time, which says little of another time.
    #[serde(default)]
    pub names_the_cut: Vec<String>,
}

/// Looks for every kind of leak.
///
/// # Errors
/// Where training and test rows have other features.
pub fn look_for_leaks(input: &LeakageInput<'_>) -> Result<LeakageReport, TrainError> {
    if input.training.feature_names() != input.test.feature_names() {
        let (names, columns) = (input.training.feature_names().len(), input.test.feature_names().len());
        return Err(TrainError::ColumnCount { names, columns });
    }
    let mut findings = thresholds::without_explained(alone::look(input), input.training);
    findings.extend(pairs::look(input, &findings));
    findings.extend(rows::look(input));
    findings.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| a.columns.cmp(&b.columns)));
    let names_the_cut = cuts::naming(input.training);
    Ok(LeakageReport { findings, drift: drift(input.training, input.test), names_the_cut })
}

#[cfg(test)]
mod tests;
