//! The file of a model: JSON with one canonical form, whose digest names the model.
//!
//! Real numbers are written as texts in their shortest exact form: JSON parsers, ours included, may miss the last bit of a
//! number, and a model that is read back must give the same bits. The canonical form is written by hand, so that no digest
//! depends on the habits of a library. A tree is a set of arrays; a leaf has the children 0 and 0.

use std::fmt::{self, Write};

use mainstay_schema::Digest;
use serde::{Deserialize, Deserializer, de};

use crate::calibration::Calibration;
use crate::ensemble::{Ensemble, EnsembleParts, Feature, check_limit};
use crate::error::{ModelError, TreeError};
use crate::tree::{Node, Tree};

/// Version of the format.
pub const VERSION: u32 = 1;
/// The greatest size of a file.
pub const MAX_BYTES: usize = 256 << 20;

impl Ensemble {
    /// Reads and validates a model.
    ///
    /// # Errors
    /// Where the bytes are too many, not JSON of this format, or not a sound model.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        check_limit("bytes", bytes.len(), MAX_BYTES)?;
        let header: Header = serde_json::from_slice(bytes).map_err(ModelError::Unreadable)?;
        if header.mainstay_model != VERSION {
            return Err(ModelError::Version { found: header.mainstay_model, expected: VERSION });
        }
        let file: ModelFile = serde_json::from_slice(bytes).map_err(ModelError::Unreadable)?;
        let ModelFile { _version: _, link: Link::Logistic, bias, calibration, features, trees } = file;
        let trees = trees.into_iter().enumerate();
        let trees = trees.map(|(tree, of)| of.into_tree().map_err(|source| ModelError::Tree { tree, source }));
        Self::new(EnsembleParts {
            features: features.into_iter().map(|f| Feature { name: f.name, reason: f.reason }).collect(),
            trees: trees.collect::<Result<_, _>>()?,
            bias: bias.0,
            calibration: calibration.into(),
        })
    }

    /// The canonical bytes: the same model gives the same bytes, and they read back to the same bits.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = String::new();
        // Writing to a string does not fail.
        let _ = self.write_json(&mut json);
        json.into_bytes()
    }

    /// The digest of the canonical bytes: the model's name in `predict()` and in run records.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    fn write_json(&self, out: &mut String) -> fmt::Result {
        write!(out, "{{\"mainstay_model\":{VERSION},\"link\":\"logistic\",\"bias\":\"{:?}\",", self.bias())?;
        match self.calibration() {
            Calibration::Identity => write!(out, "\"calibration\":\"identity\",")?,
            Calibration::Platt { a, b } => {
                write!(out, "\"calibration\":{{\"platt\":{{\"a\":\"{a:?}\",\"b\":\"{b:?}\"}}}},")?;
            }
        }
        write!(out, "\"features\":[")?;
        write_list(out, self.features().iter(), write_feature)?;
        write!(out, "],\n\"trees\":[\n")?;
        for (position, tree) in self.trees().iter().enumerate() {
            write!(out, "{}", if position > 0 { ",\n" } else { "" })?;
            write_tree(out, tree)?;
        }
        write!(out, "\n]}}\n")
    }
}

fn write_feature(out: &mut String, feature: &Feature) -> fmt::Result {
    write!(out, "{{\"name\":{}", text(&feature.name))?;
    if let Some(reason) = &feature.reason {
        write!(out, ",\"reason\":{}", text(reason))?;
    }
    write!(out, "}}")
}

fn text(value: &str) -> serde_json::Value {
    serde_json::Value::from(value)
}

fn write_tree(out: &mut String, tree: &Tree) -> fmt::Result {
    let nodes: Vec<FileNode> = tree.nodes().map(FileNode::from).collect();
    write!(out, "{{\"feature\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.feature))?;
    write!(out, "],\"threshold\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.threshold))?;
    write!(out, "],\"default_left\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.default_left))?;
    write!(out, "],\"left\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.left))?;
    write!(out, "],\"right\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.right))?;
    write!(out, "],\"value\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.value))?;
    write!(out, "],\"cover\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.cover))?;
    write!(out, "]}}")
}

fn write_list<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    write_item: impl Fn(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_item(out, item)?;
    }
    Ok(())
}

/// A node as the arrays of the file hold it.
#[derive(Debug, Clone, Copy)]
struct FileNode {
    feature: u32,
    threshold: f64,
    default_left: bool,
    left: u32,
    right: u32,
    value: f64,
    cover: f64,
}

impl From<Node> for FileNode {
    fn from(node: Node) -> Self {
        match node {
            Node::Leaf { value, cover } => {
                Self { feature: 0, threshold: 0.0, default_left: false, left: 0, right: 0, value, cover }
            }
            Node::Split { feature, threshold, default_left, left, right, cover } => {
                Self { feature, threshold, default_left, left, right, value: 0.0, cover }
            }
        }
    }
}

impl FileNode {
    /// The node; `None` where it is neither quite a leaf nor quite a split.
    fn into_node(self) -> Option<Node> {
        let Self { feature, threshold, default_left, left, right, value, cover } = self;
        if left == 0 && right == 0 {
            let is_bare = feature == 0 && threshold == 0.0 && !default_left;
            return is_bare.then_some(Node::Leaf { value, cover });
        }
        (value == 0.0).then_some(Node::Split { feature, threshold, default_left, left, right, cover })
    }
}

#[derive(Deserialize)]
struct Header {
    mainstay_model: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    #[serde(rename = "mainstay_model")]
    _version: de::IgnoredAny,
    link: Link,
    bias: Exact,
    calibration: CalibrationFile,
    features: Vec<FeatureFile>,
    trees: Vec<TreeFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Link {
    Logistic,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum CalibrationFile {
    Identity,
    Platt { a: Exact, b: Exact },
}

impl From<CalibrationFile> for Calibration {
    fn from(file: CalibrationFile) -> Self {
        match file {
            CalibrationFile::Identity => Self::Identity,
            CalibrationFile::Platt { a, b } => Self::Platt { a: a.0, b: b.0 },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureFile {
    name: String,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeFile {
    feature: Vec<u32>,
    threshold: Vec<Exact>,
    default_left: Vec<bool>,
    left: Vec<u32>,
    right: Vec<u32>,
    value: Vec<Exact>,
    cover: Vec<Exact>,
}

impl TreeFile {
    fn into_tree(self) -> Result<Tree, TreeError> {
        self.check_lengths()?;
        let columns = self.feature.iter().zip(&self.threshold).zip(&self.default_left);
        let columns = columns.zip(&self.left).zip(&self.right).zip(&self.value).zip(&self.cover);
        let nodes = columns.enumerate().map(
            |(node, ((((((feature, threshold), default_left), left), right), value), cover))| {
                let file_node = FileNode {
                    feature: *feature,
                    threshold: threshold.0,
                    default_left: *default_left,
                    left: *left,
                    right: *right,
                    value: value.0,
                    cover: cover.0,
                };
                file_node.into_node().ok_or(TreeError::Ambiguous { node })
            },
        );
        Tree::new(&nodes.collect::<Result<Vec<_>, _>>()?)
    }

    fn check_lengths(&self) -> Result<(), TreeError> {
        let expected = self.feature.len();
        let arrays = [
            ("threshold", self.threshold.len()),
            ("default_left", self.default_left.len()),
            ("left", self.left.len()),
            ("right", self.right.len()),
            ("value", self.value.len()),
            ("cover", self.cover.len()),
        ];
        match arrays.into_iter().find(|(_, found)| *found != expected) {
            Some((array, found)) => Err(TreeError::ArrayLength { array, expected, found }),
            None => Ok(()),
        }
    }
}

/// A real number that is written as text.
#[derive(Debug, Clone, Copy)]
struct Exact(f64);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Exact;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finite number as text, like \"0.5\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                number.map(Exact).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests;
