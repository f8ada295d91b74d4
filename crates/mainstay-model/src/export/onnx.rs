//! An ensemble as an ONNX file: a `TreeEnsembleClassifier` (probabilities of both classes) or `TreeEnsembleRegressor`.
//!
//! ONNX compares singles. Each threshold becomes the least single that is not below it, which decides every single as before; a
//! double that lies between two singles may be rounded across. Leaf values are rounded to singles, a relative error of at most
//! 6e-8 each. The calibration is folded into leaves and bias. A set of categories becomes a chain of questions for one code each,
//! with one answer: the integral codes decide as before. ONNX holds neither covers nor reasons.

use prost::Message;

use crate::calibration::Calibration;
use crate::condition::{Condition, Missing};
use crate::ensemble::{Ensemble, Link};
use crate::onnx_proto::{
    Attribute, Dimension, Entry, FEATURE_NAMES_KEY, Graph, ML_DOMAIN, Model, Operator, OperatorSet, Shape, TensorType,
    Type, ValueInfo, attribute_type, element,
};
use crate::tree::{Node, Tree};

/// Why a model cannot be written.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// A split that treats zero unlike its neighbours.
    #[error(
        "tree {tree} sends zero another way than numbers next to it, which ONNX's trees cannot: train without `zero_as_missing`"
    )]
    Zero {
        /// Position of the tree, from 0.
        tree: usize,
    },
    /// Terms beside the trees.
    #[error("the model is linear in {terms} features, which ONNX's trees cannot say: train a model of trees")]
    Terms {
        /// How many features have a term.
        terms: usize,
    },
    /// Columns of texts.
    #[error(
        "feature `{feature}` is a column of texts, which ONNX's trees do not read: give it as a number in training"
    )]
    Categories {
        /// The feature.
        feature: String,
    },
}

/// Writes an ensemble as an ONNX model of opset 17 and version 3 of `ai.onnx.ml`: input `features` (rows x features, singles; NaN
/// is a missing value), outputs `label` and `probabilities`, or `prediction` of a regression. Feature names stand in the
/// model's metadata.
///
/// # Errors
/// See [`ExportError`].
pub fn onnx(model: &Ensemble) -> Result<Vec<u8>, ExportError> {
    if !model.terms().is_empty() {
        return Err(ExportError::Terms { terms: model.terms().len() });
    }
    if let Some(feature) = model.features().iter().find(|feature| feature.categories.is_some()) {
        return Err(ExportError::Categories { feature: feature.name.clone() });
    }
    let is_classifier = model.link() == Link::Logistic;
    let (slope, bias) = match model.calibration() {
        Calibration::Identity => (1.0, model.bias()),
        Calibration::Platt { a, b } => (a, a * model.bias() + b),
    };
    let mut columns = Columns::default();
    for (position, tree) in model.trees().iter().enumerate() {
        columns.push_tree(position, tree, slope)?;
    }
    if is_classifier {
        columns.push_marker(model.trees().len());
    }
    let operator = operator(columns, bias as f32, is_classifier);
    Ok(file(model, operator, is_classifier).encode_to_vec())
}

/// The attributes of the operator: an entry for each node of all trees, then one for each leaf.
#[derive(Default)]
struct Columns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<Vec<u8>>,
    values: Vec<f32>,
    trues: Vec<i64>,
    falses: Vec<i64>,
    missing_tracks_true: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    leaf_weights: Vec<f32>,
}

impl Columns {
    fn push_tree(&mut self, position: usize, tree: &Tree, slope: f64) -> Result<(), ExportError> {
        // Links of chains get ids behind those of the tree's own nodes.
        let mut next_id = tree.node_count() as i64;
        for (at, node) in tree.nodes().enumerate() {
            match node {
                Node::Leaf { value, .. } => self.push_leaf(position, at, (slope * value) as f32),
                Node::Split { feature, condition, missing, default_left, left, right, .. } => {
                    check_zero(position, &condition, missing, default_left)?;
                    let [left, right] = [left, right].map(i64::from);
                    let mut id = at as i64;
                    let questions = questions(&condition);
                    let last = questions.len() - 1;
                    for (link, (mode, value)) in questions.into_iter().enumerate() {
                        let if_false = if link == last { right } else { next_id };
                        let question = Question { mode, value, feature, default_left, children: [left, if_false] };
                        self.push_question([position as i64, id], &question);
                        id = next_id;
                        next_id += i64::from(link < last);
                    }
                }
            }
        }
        Ok(())
    }

    /// A weight is finite: a sound model has slope and values of at most 1e12.
    fn push_leaf(&mut self, tree: usize, node: usize, weight: f32) {
        let id = [tree as i64, node as i64];
        self.push_question(
            id,
            &Question { mode: "LEAF", value: 0.0, feature: 0, default_left: false, children: [0, 0] },
        );
        self.leaf_trees.push(id[0]);
        self.leaf_nodes.push(id[1]);
        self.leaf_weights.push(weight);
    }

    fn push_question(&mut self, [tree, node]: [i64; 2], question: &Question) {
        self.trees.push(tree);
        self.nodes.push(node);
        self.modes.push(question.mode.as_bytes().to_vec());
        self.values.push(question.value);
        self.features.push(question.feature.into());
        self.trues.push(question.children[0]);
        self.falses.push(question.children[1]);
        self.missing_tracks_true.push(question.default_left.into());
    }

    /// ONNX Runtime takes the weights of a classifier for probabilities where none of them is below 0, and then leaves the logistic
    /// function out. A last tree whose one leaf is next to nothing keeps it from that.
    fn push_marker(&mut self, position: usize) {
        const NEXT_TO_NOTHING: f32 = -1e-30;
        if self.leaf_weights.iter().all(|weight| *weight >= 0.0) {
            self.push_leaf(position, 0, NEXT_TO_NOTHING);
        }
    }
}

/// A node as ONNX holds it; the true branch, where the default goes if it is stated, is the first of the children.
struct Question {
    mode: &'static str,
    value: f32,
    feature: u32,
    default_left: bool,
    children: [i64; 2],
}

/// The modes and values of the questions, at least one, that a row is asked until one is true.
fn questions(condition: &Condition) -> Vec<(&'static str, f32)> {
    match condition {
        Condition::Below(threshold) => vec![("BRANCH_LT", least_single_not_below(*threshold))],
        Condition::OneOf(categories) if categories.codes().len() == 0 => vec![("BRANCH_LT", f32::MIN)],
        Condition::OneOf(categories) => categories.codes().map(|code| ("BRANCH_EQ", code as f32)).collect(),
    }
}

/// Zeros that count as missing are no matter where they go the default way anyhow.
fn check_zero(tree: usize, condition: &Condition, missing: Missing, default_left: bool) -> Result<(), ExportError> {
    let least_number = f64::from(f32::MIN_POSITIVE);
    let goes_anyhow = [-least_number, 0.0, least_number].iter().all(|zero| condition.holds(*zero) == default_left);
    if missing == Missing::Nan || goes_anyhow { Ok(()) } else { Err(ExportError::Zero { tree }) }
}

/// A single is below the result just where it is below the threshold.
fn least_single_not_below(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

fn operator(columns: Columns, bias: f32, is_classifier: bool) -> Operator {
    let prefix = if is_classifier { "class" } else { "target" };
    let ids = vec![0; columns.leaf_weights.len()];
    let mut attributes = vec![
        ints("nodes_treeids", columns.trees),
        ints("nodes_nodeids", columns.nodes),
        ints("nodes_featureids", columns.features),
        texts("nodes_modes", columns.modes),
        floats("nodes_values", columns.values),
        ints("nodes_truenodeids", columns.trues),
        ints("nodes_falsenodeids", columns.falses),
        ints("nodes_missing_value_tracks_true", columns.missing_tracks_true),
        ints(&format!("{prefix}_treeids"), columns.leaf_trees),
        ints(&format!("{prefix}_nodeids"), columns.leaf_nodes),
        ints(&format!("{prefix}_ids"), ids),
        floats(&format!("{prefix}_weights"), columns.leaf_weights),
        floats("base_values", vec![bias]),
    ];
    if is_classifier {
        attributes.extend([ints("classlabels_int64s", vec![0, 1]), text("post_transform", "LOGISTIC")]);
    } else {
        attributes.extend([int("n_targets", 1), text("post_transform", "NONE")]);
    }
    let (op_type, outputs): (_, &[&str]) = match is_classifier {
        true => ("TreeEnsembleClassifier", &["label", "probabilities"]),
        false => ("TreeEnsembleRegressor", &["prediction"]),
    };
    Operator {
        inputs: vec!["features".to_owned()],
        outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
        name: "trees".to_owned(),
        op_type: op_type.to_owned(),
        attributes,
        domain: ML_DOMAIN.to_owned(),
    }
}

fn file(model: &Ensemble, operator: Operator, is_classifier: bool) -> Model {
    let width = Some(model.features().len() as i64);
    let outputs = match is_classifier {
        true => vec![value("label", element::INT64, &[None]), value("probabilities", element::FLOAT, &[None, Some(2)])],
        false => vec![value("prediction", element::FLOAT, &[None, Some(1)])],
    };
    let names: Vec<&str> = model.features().iter().map(|feature| feature.name.as_str()).collect();
    Model {
        ir_version: 8,
        producer_name: "mainstay".to_owned(),
        graph: Some(Graph {
            nodes: vec![operator],
            name: "tree ensemble".to_owned(),
            initializers: Vec::new(),
            inputs: vec![value("features", element::FLOAT, &[None, width])],
            outputs,
        }),
        opset_import: vec![
            OperatorSet { domain: String::new(), version: 17 },
            OperatorSet { domain: ML_DOMAIN.to_owned(), version: 3 },
        ],
        metadata: vec![Entry { key: FEATURE_NAMES_KEY.to_owned(), value: serde_json::Value::from(names).to_string() }],
    }
}

/// A tensor of these sizes; `None` is the number of rows.
fn value(name: &str, element: i32, sizes: &[Option<i64>]) -> ValueInfo {
    let dimension = |size: &Option<i64>| Dimension { size: *size, name: size.is_none().then(|| "rows".to_owned()) };
    let shape = Some(Shape { dimensions: sizes.iter().map(dimension).collect() });
    ValueInfo { name: name.to_owned(), of: Some(Type { tensor: Some(TensorType { element, shape }) }) }
}

fn int(name: &str, int: i64) -> Attribute {
    Attribute { name: name.to_owned(), int: Some(int), kind: attribute_type::INT, ..Attribute::default() }
}

fn ints(name: &str, ints: Vec<i64>) -> Attribute {
    Attribute { name: name.to_owned(), ints, kind: attribute_type::INTS, ..Attribute::default() }
}

fn floats(name: &str, floats: Vec<f32>) -> Attribute {
    Attribute { name: name.to_owned(), floats, kind: attribute_type::FLOATS, ..Attribute::default() }
}

fn text(name: &str, text: &str) -> Attribute {
    let text = Some(text.as_bytes().to_vec());
    Attribute { name: name.to_owned(), text, kind: attribute_type::STRING, ..Attribute::default() }
}

fn texts(name: &str, texts: Vec<Vec<u8>>) -> Attribute {
    Attribute { name: name.to_owned(), texts, kind: attribute_type::STRINGS, ..Attribute::default() }
}
