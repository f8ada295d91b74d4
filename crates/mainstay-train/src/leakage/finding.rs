//! What speaks for a leak, and what is looked at.

use serde::{Deserialize, Serialize};

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
