//! What can be wrong with a model, or with the rows given to it.

use thiserror::Error;

/// Why an ensemble was refused, or could not score.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The bytes are no model at all: cut off, foreign, or with an unknown field.
    #[error("the model cannot be read: the file is damaged or foreign, restore it or train the model anew")]
    Unreadable(#[source] serde_json::Error),
    /// Written by a later release of the format.
    #[error(
        "the model has format version {found}, this program reads versions 1 to {newest}: train it anew or upgrade"
    )]
    Version {
        /// The version in the file.
        found: u32,
        /// The newest version that is read.
        newest: u32,
    },
    /// More than the format allows.
    #[error("the model has {found} {what}, at most {limit} are allowed: train a smaller one")]
    Limit {
        /// What was counted: `bytes`, `features`, `trees`, `nodes` ...
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A model without features could say nothing about a row.
    #[error("the model has no features: train it on at least one column")]
    NoFeatures,
    /// A feature without a name, or with the name of another.
    #[error("feature {position} has the name `{name}`: names must be unique and not empty")]
    FeatureName {
        /// Position of the feature, from 0.
        position: usize,
        /// The name at fault.
        name: String,
    },
    /// A reason template that names anything but the value.
    #[error("the reason of feature `{feature}` is `{template}`: write a text whose only placeholder is `{{value}}`")]
    ReasonTemplate {
        /// The feature.
        feature: String,
        /// Its template.
        template: String,
    },
    /// A reason template for a feature that the model does not have.
    #[error("there is a reason for `{feature}`, which is no feature of the model: remove it or correct the name")]
    UnknownFeature {
        /// The name at fault.
        feature: String,
    },
    /// A bias that is no usable number.
    #[error("the bias is {found:?}: it must be finite and at most 1e12 in size")]
    Bias {
        /// The bias.
        found: f64,
    },
    /// A calibration that does not rise with the score.
    #[error("the calibration has a = {a} and b = {b}: a must be above 0, and both at most 1e12 in size")]
    Calibration {
        /// The slope.
        a: f64,
        /// The intercept.
        b: f64,
    },
    /// Only probabilities are calibrated.
    #[error("the model predicts no probability (its link is the identity), so it has none to calibrate")]
    CalibratedIdentity,
    /// Contributions are shares of training rows; a format such as ONNX does not hold them.
    #[error(
        "the model has no covers (the training rows that passed each node), so its scores cannot be explained: import it \
         from XGBoost's or LightGBM's own file"
    )]
    NoCovers,
    /// One of the trees is unsound.
    #[error("tree {tree} of the model is unsound: restore the file or train the model anew")]
    Tree {
        /// Position of the tree, from 0.
        tree: usize,
        /// What is wrong with it.
        source: TreeError,
    },
    /// One of the trees asks more questions in a row than are answered.
    #[error(
        "tree {tree} of the model asks more than {limit} questions on the way to a leaf, which is more than is supported: train with \
         a max_depth of at most {limit}"
    )]
    TooDeep {
        /// Position of the tree, from 0.
        tree: usize,
        /// The greatest depth.
        limit: usize,
    },
    /// One of the terms is unsound.
    #[error("term {term} of the model is unsound: restore the file or train the model anew")]
    Term {
        /// Position of the term, from 0.
        term: usize,
        /// What is wrong with it.
        source: TermError,
    },
    /// A list of categories that does not distinguish them.
    #[error("the categories of feature `{feature}` are {found}: name each once, at least one and fewer than {limit}")]
    Categories {
        /// The feature.
        feature: String,
        /// What is wrong with them.
        found: String,
        /// What their number must be below.
        limit: u32,
    },
    /// The rows do not have the columns of the model.
    #[error(
        "the model has {expected} features, but the rows have {found} columns: give the columns in the model's order"
    )]
    ColumnCount {
        /// How many features the model has.
        expected: usize,
        /// How many columns were given.
        found: usize,
    },
    /// The columns differ in length.
    #[error("column `{feature}` has {found} rows, expected {expected}: give every column the same rows")]
    ColumnLength {
        /// The feature.
        feature: String,
        /// How many rows there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A bitmap that does not fit its values.
    #[error("a bitmap has {bits} bits for {values} values: give the values and the bits the same rows")]
    Validity {
        /// How many bits there are.
        bits: usize,
        /// How many values there are.
        values: usize,
    },
    /// No place for each contribution.
    #[error("there are {expected} contributions, but room for {found}: give one place for each row and feature")]
    ContributionCount {
        /// Rows times features.
        expected: usize,
        /// How many places were given.
        found: usize,
    },
    /// A rule of reasons for a feature that the model does not have.
    #[error(
        "`{feature}` is grouped or withheld for reasons, but is no feature of the model: remove it or correct the name"
    )]
    UnknownGrouped {
        /// The name at fault.
        feature: String,
    },
    /// More reasons than are given.
    #[error("{found} reasons were asked for, at most {limit} are given: ask for fewer")]
    TooManyReasons {
        /// How many were asked for.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Infinity is no measurement; a missing value is NaN.
    #[error("column `{feature}` is infinite in row {row}: make it null or finite in its SQL")]
    Infinite {
        /// The feature.
        feature: String,
        /// The row, from 0.
        row: usize,
    },
}

impl ModelError {
    /// What is wrong with one tree of the model, which need not be damage.
    pub(crate) fn in_tree(tree: usize, source: TreeError) -> Self {
        match source {
            TreeError::TooDeep { limit, .. } => Self::TooDeep { tree, limit },
            source => Self::Tree { tree, source },
        }
    }
}

/// What is wrong with one term.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TermError {
    /// Terms have one order, so that a model has one form.
    #[error("it is of feature {feature}: terms must come by rising feature, one a feature")]
    Order {
        /// The feature's position.
        feature: u32,
    },
    /// A term of a column that the model does not have.
    #[error("it is of feature {feature}, but the model has {features}")]
    Feature {
        /// The feature's position.
        feature: u32,
        /// How many features there are.
        features: usize,
    },
    /// A number that cannot be added to a raw score.
    #[error("it holds or adds {found:?}: it must be finite and at most 1e12 in size")]
    Number {
        /// The number.
        found: f64,
    },
    /// Ends of a line that are none.
    #[error("its values are clipped to {low:?} .. {high:?}: the first must not be above the second")]
    Range {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

/// What is wrong with one tree. Nodes are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TreeError {
    /// A tree has at least a leaf.
    #[error("it has no nodes")]
    Empty,
    /// The arrays of the file state different numbers of nodes.
    #[error("its array `{array}` has {found} entries, but it has {expected} nodes")]
    ArrayLength {
        /// Name of the array.
        array: &'static str,
        /// The number of nodes.
        expected: usize,
        /// The length of the array.
        found: usize,
    },
    /// More nodes than an ensemble may have.
    #[error("it has {found} nodes, at most {limit} are allowed")]
    TooManyNodes {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A child that does not exist.
    #[error("node {node} has the child {child}, which does not exist")]
    ChildOutOfRange {
        /// The parent.
        node: usize,
        /// The child.
        child: u32,
    },
    /// A cycle, or two parents.
    #[error("node {node} is reached more than once")]
    ReachedTwice {
        /// The node.
        node: usize,
    },
    /// A node that no row can reach.
    #[error("node {node} is not reached from the root")]
    NotReached {
        /// The node.
        node: usize,
    },
    /// A path longer than allowed.
    #[error("node {node} lies deeper than {limit} splits")]
    TooDeep {
        /// The node.
        node: usize,
        /// The greatest depth.
        limit: usize,
    },
    /// A split on a column that the model does not have.
    #[error("node {node} splits on feature {feature}, but the model has {features}")]
    FeatureOutOfRange {
        /// The node.
        node: usize,
        /// The feature's position.
        feature: u32,
        /// How many features there are.
        features: usize,
    },
    /// A threshold that is not finite.
    #[error("node {node} has the threshold {threshold:?}: it must be finite")]
    Threshold {
        /// The node.
        node: usize,
        /// The threshold.
        threshold: f64,
    },
    /// A category code that is too large.
    #[error("the category code {code} is not below {limit}")]
    Category {
        /// The code.
        code: u32,
        /// What codes must be below.
        limit: u32,
    },
    /// A set of categories that the file does not have.
    #[error("node {node} names the set of categories {set}, but the model has {sets}")]
    NoCategorySet {
        /// The node.
        node: usize,
        /// Position of the set, from 0.
        set: usize,
        /// How many there are.
        sets: usize,
    },
    /// A leaf value that is no usable number.
    #[error("node {node} has the value {value:?}: it must be finite and at most 1e12 in size")]
    Value {
        /// The node.
        node: usize,
        /// The value.
        value: f64,
    },
    /// A cover that is not positive, or not the sum of the children's, in a tree that has covers.
    #[error("node {node} has the cover {cover:?}: it must be positive, finite and the sum of its children's")]
    Cover {
        /// The node.
        node: usize,
        /// The cover.
        cover: f64,
    },
    /// A leaf of the file that carries parts of a split, or the reverse.
    #[error("node {node} is a leaf and a split at once")]
    Ambiguous {
        /// The node.
        node: usize,
    },
}
