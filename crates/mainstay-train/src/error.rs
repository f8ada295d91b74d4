//! What can be wrong with training rows, parameters or scores.

use mainstay_model::ModelError;
use mainstay_schema::Ds;
use thiserror::Error;

/// Why a model could not be trained, calibrated or judged.
#[derive(Debug, Error)]
pub enum TrainError {
    /// Nothing to learn from.
    #[error("there are no rows: choose cuts with eligible customers")]
    NoRows,
    /// Nothing to learn with.
    #[error("there are no features: name at least one column")]
    NoFeatures,
    /// The names and the columns differ in number.
    #[error("{names} feature names were given for {columns} columns: give one name a column")]
    ColumnCount {
        /// How many names.
        names: usize,
        /// How many columns.
        columns: usize,
    },
    /// A column is longer or shorter than there are keys.
    #[error("column `{column}` has {found} rows, expected {expected}: give every column the same rows")]
    ColumnLength {
        /// The column: a feature, `label` or `cut`.
        column: String,
        /// The number of keys.
        expected: usize,
        /// The length of the column.
        found: usize,
    },
    /// A customer stands twice in one cut.
    #[error("customer `{key}` has more than one row at cut {cut}: give each customer one row a cut")]
    DuplicateRow {
        /// The customer.
        key: String,
        /// The cut.
        cut: Ds,
    },
    /// A value that is no measurement.
    #[error("column `{column}` is infinite for customer `{key}` at cut {cut}: make it null or finite in its SQL")]
    Infinite {
        /// The feature.
        column: String,
        /// The customer.
        key: String,
        /// The cut.
        cut: Ds,
    },
    /// A feature that is asked for and not there.
    #[error("there is no feature `{feature}`: name one of the features of the rows")]
    NoFeature {
        /// The name.
        feature: String,
    },
    /// A declaration that helps no one.
    #[error("`{feature}` is declared, but is no feature: remove it or correct the name")]
    UnknownDeclared {
        /// The name.
        feature: String,
    },
    /// Categories have no order to keep.
    #[error("feature `{feature}` has categories, which have no order: take `monotone` away")]
    MonotoneCategories {
        /// The feature.
        feature: String,
    },
    /// More categories than trees distinguish.
    #[error(
        "feature `{feature}` has {found} categories, at most {most} are distinguished: keep the most frequent, and give NaN for others"
    )]
    TooManyCategories {
        /// The feature.
        feature: String,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A value that stands for no category.
    #[error(
        "feature `{feature}` has {categories} categories, but a row has the code {value:?}: give positions in the list of \
         categories, and NaN for any other"
    )]
    CategoryCode {
        /// The feature.
        feature: String,
        /// The value.
        value: f64,
        /// How many categories there are.
        categories: usize,
    },
    /// All labels are the same.
    #[error("all {rows} rows have label {}: choose cuts with both churned and retained customers", u8::from(*.label))]
    OneClass {
        /// How many rows there are.
        rows: usize,
        /// The label that all have.
        label: bool,
    },
    /// Too few rows to part even once.
    #[error("{found} rows are too few, at least {minimum} are needed: add cuts or lower `minimum_leaf_rows`")]
    TooFewRows {
        /// How many there are.
        found: usize,
        /// Twice the minimum of a leaf.
        minimum: usize,
    },
    /// A parameter outside of its range.
    #[error("`{parameter}` is {found}: it must be {allowed}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        allowed: String,
    },
    /// linfa refused to fit a tree.
    #[error("linfa could not fit the tree of round {round}")]
    Fit {
        /// The round, from 0.
        round: usize,
        /// What linfa says.
        source: linfa::Error,
    },
    /// Coefficients that are no numbers.
    #[error("the logistic regression has no finite coefficients: raise `l2`")]
    FitLogistic,
    /// More memory than should be taken.
    #[error(
        "{rows} rows with {columns} columns of numbers and categories are too many for a logistic regression: train on fewer rows, or trees"
    )]
    TooManyCells {
        /// How many rows.
        rows: usize,
        /// How many columns.
        columns: usize,
    },
    /// The trees do not make a sound model.
    #[error("the fitted trees do not make a sound model")]
    Model(#[from] ModelError),
    /// Scores and labels differ in number.
    #[error("{scores} scores were given for {labels} labels: give one score a row")]
    ScoreCount {
        /// How many scores.
        scores: usize,
        /// How many labels.
        labels: usize,
    },
    /// A score that cannot be compared.
    #[error("the score of row {row} is {score:?}: scores must be finite, and probabilities within 0 and 1")]
    Score {
        /// The row, from 0.
        row: usize,
        /// Its score.
        score: f64,
    },
    /// Rows with higher scores churn less: there is no probability that rises with the score.
    #[error(
        "on {rows} rows that the trees have not seen churn falls as the score rises (slope {slope:?}): train on more cuts or \
         with other features"
    )]
    Slope {
        /// How many rows there are.
        rows: usize,
        /// The slope of the sigmoid.
        slope: f64,
    },
}
