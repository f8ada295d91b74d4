//! ONNX files whose one model is a `TreeEnsembleClassifier` or `TreeEnsembleRegressor` of `ai.onnx.ml`.
//!
//! Thresholds are singles, and inputs are rounded to singles before they are compared, unless the graph's input is declared as
//! doubles. `BRANCH_EQ` and `BRANCH_NEQ` are read as questions for a category code, and a chain of them with one answer as a
//! question for a set. A classifier's prediction is the probability
//! of its second class; without a post transform the leaves sum to it, and the link is the identity. ONNX holds no covers:
//! such a model scores but cannot be explained.

mod chains;
mod trees;

use prost::Message;

use self::trees::{Leaves, NodeArrays};
use super::check_file;
use super::error::{Format, ImportError, shortened};
use crate::calibration::Calibration;
use crate::ensemble::{Ensemble, EnsembleParts, Feature, Link, MAX_FEATURES, check_limit};
use crate::onnx_proto::{Attribute, FEATURE_NAMES_KEY, Graph, ML_DOMAIN, Model, Operator, Tensor, element};

/// Reads an ONNX file, as onnxmltools, skl2onnx and [`crate::export::onnx`] write it.
///
/// # Errors
/// See [`ImportError`].
pub fn onnx(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    check_file(bytes, Format::Onnx)?;
    let model = Model::decode(bytes).map_err(|source| ImportError::unreadable(Format::Onnx, source))?;
    let graph = model.graph.as_ref().ok_or_else(|| ImportError::unreadable(Format::Onnx, "it has no graph"))?;
    let operator = ensemble_operator(graph)?;
    let input = input_of(graph, operator)?;
    let attributes = Attributes(&operator.attributes);

    let nodes = NodeArrays::new(&attributes, input.is_double)?;
    let (leaves, output) = match operator.op_type.as_str() {
        CLASSIFIER => classifier(&attributes)?,
        _ => regressor(&attributes, nodes.tree_count())?,
    };
    let features = features(&model, input.width.unwrap_or(nodes.greatest_feature() + 1))?;
    let trees = nodes.into_trees(leaves)?;
    let Output { link, bias } = output;
    Ok(Ensemble::new(EnsembleParts { features, trees, bias, link, calibration: Calibration::Identity })?)
}

const CLASSIFIER: &str = "TreeEnsembleClassifier";
const REGRESSOR: &str = "TreeEnsembleRegressor";
/// What stands in the place of both from version 5 of the operators on.
const NEW_ENSEMBLE: &str = "TreeEnsemble";

fn unsupported(what: impl Into<String>, advice: &'static str) -> ImportError {
    ImportError::Unsupported { format: Format::Onnx, what: what.into(), advice }
}

fn malformed(problem: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: Format::Onnx, place: "the tree ensemble".to_owned(), problem: problem.into() }
}

/// The one operator of trees; what else the graph does must leave the scores as they are.
fn ensemble_operator(graph: &Graph) -> Result<&Operator, ImportError> {
    let is_ensemble =
        |node: &&Operator| node.domain == ML_DOMAIN && [CLASSIFIER, REGRESSOR].contains(&node.op_type.as_str());
    if graph.nodes.iter().any(|node| node.domain == ML_DOMAIN && node.op_type == NEW_ENSEMBLE) {
        return Err(unsupported(
            format!("the operator `{NEW_ENSEMBLE}` of version 5 of {ML_DOMAIN}"),
            "convert it for an older version, as with `target_opset={\"\": 17, \"ai.onnx.ml\": 3}` of skl2onnx and onnxmltools",
        ));
    }
    let mut ensembles = graph.nodes.iter().filter(is_ensemble);
    let (Some(ensemble), None) = (ensembles.next(), ensembles.next()) else {
        return Err(unsupported(
            format!("not one `{CLASSIFIER}` or `{REGRESSOR}`"),
            "convert a single model, without others around it",
        ));
    };
    let others = graph.nodes.iter().filter(|node| !is_ensemble(node));
    match others.into_iter().find(|node| !leaves_values(graph, node)) {
        Some(other) => Err(unsupported(
            format!("the operator `{}`", shortened(&other.op_type)),
            "convert the bare model, without steps before or behind it",
        )),
        None => Ok(ensemble),
    }
}

/// Whether an operator gives on what it gets: converters add such ones for names and types.
fn leaves_values(graph: &Graph, node: &Operator) -> bool {
    match node.op_type.as_str() {
        "Identity" | "Cast" | "ZipMap" => true,
        "Mul" => graph.initializers.iter().any(|tensor| node.inputs.contains(&tensor.name) && is_one(tensor)),
        _ => false,
    }
}

fn is_one(tensor: &Tensor) -> bool {
    tensor.numbers().is_some_and(|numbers| !numbers.is_empty() && numbers.iter().all(|number| *number == 1.0))
}

/// What the ensemble gets.
struct Input {
    /// Whether values come as doubles.
    is_double: bool,
    /// How many features there are, where the graph says it.
    width: Option<usize>,
}

/// Follows the ensemble's input back to that of the graph.
fn input_of(graph: &Graph, ensemble: &Operator) -> Result<Input, ImportError> {
    let unknown = || malformed("has no input");
    let mut name = ensemble.inputs.first().ok_or_else(unknown)?;
    let mut is_cast_to_single = false;
    // As many steps as there are operators: a cycle ends.
    for _ in 0..graph.nodes.len() {
        let Some(node) = graph.nodes.iter().find(|node| node.outputs.contains(name)) else { break };
        let target = Attributes(&node.attributes).get("to").and_then(|to| to.int);
        match (node.op_type.as_str(), target.and_then(|to| i32::try_from(to).ok())) {
            ("Identity", _) | ("Cast", Some(element::DOUBLE)) => {}
            ("Cast", Some(element::FLOAT)) => is_cast_to_single = true,
            (other, _) => {
                return Err(unsupported(
                    format!("the operator `{}` before the trees", shortened(other)),
                    "convert the bare model, without steps before it",
                ));
            }
        }
        name = node.inputs.first().ok_or_else(unknown)?;
    }
    let input = graph.inputs.iter().find(|input| input.name == *name).ok_or_else(unknown)?;
    let tensor = input.of.as_ref().and_then(|of| of.tensor.as_ref()).ok_or_else(unknown)?;
    let width = tensor.shape.as_ref().and_then(|shape| shape.dimensions.get(1)).and_then(|dimension| dimension.size);
    Ok(Input {
        is_double: tensor.element == element::DOUBLE && !is_cast_to_single,
        width: width.filter(|width| *width > 0).map(|width| usize::try_from(width).unwrap_or(usize::MAX)),
    })
}

fn features(model: &Model, count: usize) -> Result<Vec<Feature>, ImportError> {
    check_limit("features", count, MAX_FEATURES)?;
    let Some(list) = model.metadata.iter().find(|entry| entry.key == FEATURE_NAMES_KEY) else {
        return Ok((0..count).map(|feature| Feature::new(format!("f{feature}"))).collect());
    };
    let names: Vec<String> = serde_json::from_str(&list.value)
        .map_err(|_| malformed(format!("has metadata `{FEATURE_NAMES_KEY}` that is no JSON list of texts")))?;
    if names.len() != count {
        return Err(malformed(format!("has {} names in `{FEATURE_NAMES_KEY}`, expected {count}", names.len())));
    }
    Ok(names.into_iter().map(Feature::new).collect())
}

/// The attributes of an operator.
struct Attributes<'a>(&'a [Attribute]);

impl<'a> Attributes<'a> {
    fn get(&self, name: &str) -> Option<&'a Attribute> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    fn ints(&self, name: &str) -> &'a [i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    fn texts(&self, name: &str) -> &'a [Vec<u8>] {
        self.get(name).map_or(&[], |attribute| &attribute.texts)
    }

    fn text(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name)?.text.as_deref()
    }

    /// Real numbers, which stand as singles or, since version 3 of the operators, in a tensor that may hold doubles.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        let tensor_name = format!("{name}_as_tensor");
        match self.get(&tensor_name).and_then(|attribute| attribute.tensor.as_ref()) {
            Some(tensor) => {
                tensor.numbers().ok_or_else(|| malformed(format!("has no real numbers in `{tensor_name}`")))
            }
            None => Ok(self
                .get(name)
                .map_or_else(Vec::new, |attribute| attribute.floats.iter().map(|number| f64::from(*number)).collect())),
        }
    }

    fn has_doubles(&self, name: &str) -> bool {
        let tensor = self.get(&format!("{name}_as_tensor")).and_then(|attribute| attribute.tensor.as_ref());
        tensor.is_some_and(|tensor| tensor.element == element::DOUBLE)
    }

    fn post_transform(&self) -> &'a [u8] {
        self.text("post_transform").unwrap_or(b"NONE")
    }
}

/// From the sum of the leaves to the prediction.
struct Output {
    link: Link,
    bias: f64,
}

fn shown(text: &[u8]) -> String {
    shortened(&String::from_utf8_lossy(text))
}

/// The second class decides: of two scores for a row it has the second, of a single one (whatever its class) all of it.
fn classifier(attributes: &Attributes<'_>) -> Result<(Leaves, Output), ImportError> {
    let labels = attributes.ints("classlabels_int64s").len().max(attributes.texts("classlabels_strings").len());
    if labels != 2 {
        return Err(unsupported(format!("{labels} classes"), "convert a model of two classes"));
    }
    let ids = attributes.ints("class_ids");
    if ids.iter().any(|id| !(0..2).contains(id)) {
        return Err(malformed("has a weight for a class that does not exist"));
    }
    let has_both = ids.contains(&0) && ids.contains(&1);
    let transform = attributes.post_transform();
    // What the weights of the first and of the second class count.
    let (link, shares) = match (transform, has_both) {
        (b"NONE", true) => (Link::Identity, [0.0, 1.0]),
        (b"NONE", false) => (Link::Identity, [1.0, 1.0]),
        (b"LOGISTIC", true) => (Link::Logistic, [0.0, 1.0]),
        (b"LOGISTIC", false) => (Link::Logistic, [1.0, 1.0]),
        (b"SOFTMAX", true) => (Link::Logistic, [-1.0, 1.0]),
        _ => {
            let what = format!("the post transform `{}` of {} scores", shown(transform), 1 + usize::from(has_both));
            return Err(unsupported(what, "convert a model with `NONE`, `LOGISTIC`, or `SOFTMAX` of two scores"));
        }
    };
    let bias = match (attributes.numbers("base_values")?.as_slice(), has_both) {
        ([], _) => 0.0,
        ([base], false) => *base,
        ([base], true) => shares[0] * base,
        ([_, second], false) => *second,
        ([first, second], true) => shares[0] * first + shares[1] * second,
        _ => return Err(malformed("has more `base_values` than classes")),
    };
    let shares = ids.iter().map(|id| shares[usize::from(*id == 1)]).collect();
    let leaves = Leaves::new("class", attributes, shares)?;
    Ok((leaves, Output { link, bias }))
}

fn regressor(attributes: &Attributes<'_>, trees: usize) -> Result<(Leaves, Output), ImportError> {
    let targets = attributes.get("n_targets").and_then(|targets| targets.int).unwrap_or(1);
    let ids = attributes.ints("target_ids");
    if targets != 1 || ids.iter().any(|id| *id != 0) {
        return Err(unsupported("several targets", "convert one model a target"));
    }
    let link = match attributes.post_transform() {
        b"NONE" => Link::Identity,
        b"LOGISTIC" => Link::Logistic,
        other => {
            let what = format!("the post transform `{}`", shown(other));
            return Err(unsupported(what, "convert a model with `NONE` or `LOGISTIC`"));
        }
    };
    let share = match attributes.text("aggregate_function").unwrap_or(b"SUM") {
        b"SUM" => 1.0,
        b"AVERAGE" => 1.0 / trees as f64,
        other => {
            let what = format!("the aggregate function `{}`", shown(other));
            return Err(unsupported(what, "convert a model with `SUM` or `AVERAGE`"));
        }
    };
    let bias = match attributes.numbers("base_values")?.as_slice() {
        [] => 0.0,
        [base] => *base,
        _ => return Err(malformed("has more `base_values` than targets")),
    };
    let leaves = Leaves::new("target", attributes, vec![share; ids.len()])?;
    Ok((leaves, Output { link, bias }))
}
