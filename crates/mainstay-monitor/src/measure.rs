//! A figure beside what is usual.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many standard deviations lie between what chance may make and a finding, where a limit is narrower than chance.
pub(crate) const DEVIATIONS: f64 = 5.0;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Rows of one of the newest days against the same weekday's.
    RowsOfDay,
    /// Rows of the newest seven days against those of the weeks before.
    RowsOfWeek,
    /// Rows of the newest day against the least that the project declares.
    RowsDeclared,
    /// Days without a row against the longest silence so far.
    Silence,
    /// Rows of all files against those that the last published day found.
    History,
    /// The typical amount of a column on one of the newest days.
    Amount,
    /// The share of what came since the last published day that is refused, against the days before.
    Refused,
    /// Customers against the last published day.
    Population,
    /// Customers against those of the model's test cut.
    PopulationSinceTraining,
    /// Customers whose ids are those of others but for capitals, against the days before.
    IdsByCase,
    /// The share of customers without a value of a feature, against the days before.
    NullShare,
    /// The same against training.
    NullShareSinceTraining,
    /// A feature that varied and has one value for all.
    Constant,
    /// The typical size of a feature against the days before.
    Size,
    /// The same against training.
    SizeSinceTraining,
    /// A feature with one value for all, against the values that training saw.
    Range,
    /// The mean risk against the last published day.
    Risk,
    /// The same against the model's test cut.
    RiskSinceTraining,
    /// The mean value of a scored customer against the last published day.
    Value,
    /// Treated customers against the days before.
    Treated,
    /// Spend against the days before.
    Spend,
}

impl Check {
    /// Whether accepting this accepts the other where no more is lost: a week or a silence holds its days, and a day no other.
    pub(crate) fn holds(self, other: Self) -> bool {
        let is_loss = |check| matches!(check, Self::RowsOfDay | Self::RowsOfWeek | Self::RowsDeclared | Self::Silence);
        self == other || matches!(self, Self::RowsOfWeek | Self::Silence) && is_loss(other)
    }
}

/// A figure of the day beside what is usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What `--accept` calls it: `source:retailer.orders`, `feature:days_since_last_order`, `population`, `risk`, `value`, `treated`,
    /// `spend`.
    pub name: String,
    /// What is compared.
    pub check: Check,
    /// Which of several under one name and check: a column, a day, `known`; empty where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// The day's.
    pub figure: f64,
    /// What is usual.
    pub usual: f64,
    /// The difference as a share of what the limits allow: beyond 1 it is a finding.
    pub strain: f64,
    /// Both figures in words.
    pub message: String,
}

impl Measure {
    /// Whether it lies beyond its limits.
    pub fn is_finding(&self) -> bool {
        self.strain > 1.0
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// How far two sizes lie apart, as a share of a multiple: 1 at the multiple, either way. Nothing apart where both are 0.
pub(crate) fn strain_of_multiple(figure: f64, usual: f64, multiple: f64) -> f64 {
    if figure == usual {
        return 0.0;
    }
    let apart = (figure / usual).ln().abs();
    // A limit of 1 times lets nothing pass.
    bounded(apart / multiple.ln())
}

/// A strain that JSON can hold; what cannot be compared is no strain.
pub(crate) fn bounded(strain: f64) -> f64 {
    const MOST: f64 = 1e6;
    if strain.is_nan() { 0.0 } else { strain.clamp(0.0, MOST) }
}

/// A figure as people read it: whole where it is large.
pub(crate) fn shown(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 || figure.fract() == 0.0 => format!("{figure:.0}"),
        size if size >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}
