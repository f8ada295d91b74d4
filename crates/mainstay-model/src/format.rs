//! The file of a model: JSON with one canonical form, whose digest names the model.
//!
//! Real numbers are written as texts in their shortest exact form: JSON parsers, ours included, may miss the last bit of a
//! number, and a model that is read back must give the same bits. The canonical form is written by hand, so that no digest
//! depends on the habits of a library. A tree is a set of arrays; a leaf has the children 0 and 0.
//!
//! Version 2 adds what other libraries' models need: the link `identity`, and in a tree `zero_is_missing` (an array), `categories`
//! (an array with the codes where a split is on categories, else null) and no `cover`. A model that needs none of it is
//! written as version 1 was, so that its digest stays.
//!
//! Version 3 adds `terms` (see [`crate::linear`]) and the `categories` of a feature whose column holds texts.
//!
//! Version 4 adds `category_sets`: sets of more than [`LISTED_CODES`] codes that several splits ask for, each written once, in the order
//! in which trees name them. In the `categories` of a tree their position among these stands in the place of the codes. So a model is no
//! larger than a small multiple of the file that it was imported from, whatever that file shares.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use mainstay_schema::Digest;
use serde::{Deserialize, Deserializer, de};

use crate::calibration::Calibration;
use crate::condition::{CategorySet, Condition, Missing};
use crate::ensemble::{Ensemble, EnsembleParts, Feature, Link, check_limit};
use crate::error::{ModelError, TreeError};
use crate::linear::{Effect, Term};
use crate::tree::{Node, Tree};

/// The newest version of the format.
pub const VERSION: u32 = 4;
/// A set of so many codes or fewer is written wherever it is asked for, as it always was: no digest changes.
pub const LISTED_CODES: usize = 256;
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
        if !(1..=VERSION).contains(&header.mainstay_model) {
            return Err(ModelError::Version { found: header.mainstay_model, newest: VERSION });
        }
        let file: ModelFile = serde_json::from_slice(bytes).map_err(ModelError::Unreadable)?;
        let ModelFile { _version: _, link, bias, calibration, features, terms, category_sets, trees } = file;
        let sets = category_sets.into_iter().map(CategorySet::new).collect::<Result<Vec<_>, _>>();
        let sets = sets.map_err(|source| ModelError::Tree { tree: 0, source })?;
        let trees = trees.into_iter().enumerate();
        let trees = trees.map(|(tree, of)| of.into_tree(&sets).map_err(|source| ModelError::in_tree(tree, source)));
        let ensemble = Self::new(EnsembleParts {
            features: features.into_iter().map(FeatureFile::into_feature).collect(),
            trees: trees.collect::<Result<_, _>>()?,
            bias: bias.0,
            link: link.into(),
            calibration: calibration.into(),
        })?;
        ensemble.with_terms(terms.into_iter().map(TermFile::into_term).collect())
    }

    /// The canonical bytes: the same model gives the same bytes, and they read back to the same bits.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = String::new();
        // Writing to a string does not fail.
        let _ = self.write_json(&mut json);
        json.into_bytes()
    }

    /// The canonical bytes, if they can be read back.
    ///
    /// # Errors
    /// Where they are more than [`MAX_BYTES`].
    pub fn to_file(&self) -> Result<Vec<u8>, ModelError> {
        let bytes = self.to_json();
        check_limit("bytes", bytes.len(), MAX_BYTES)?;
        Ok(bytes)
    }

    /// The digest of the canonical bytes: the model's name in `predict()` and in run records.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    fn write_json(&self, out: &mut String) -> fmt::Result {
        let link = match self.link() {
            Link::Logistic => "logistic",
            Link::Identity => "identity",
        };
        let shared = SharedSets::of(self.trees());
        let version = if shared.by_set.is_empty() { self.least_version() } else { VERSION };
        write!(out, "{{\"mainstay_model\":{version},\"link\":\"{link}\",\"bias\":\"{:?}\",", self.bias())?;
        match self.calibration() {
            Calibration::Identity => write!(out, "\"calibration\":\"identity\",")?,
            Calibration::Platt { a, b } => {
                write!(out, "\"calibration\":{{\"platt\":{{\"a\":\"{a:?}\",\"b\":\"{b:?}\"}}}},")?;
            }
        }
        write!(out, "\"features\":[")?;
        write_list(out, self.features().iter(), write_feature)?;
        if !self.terms().is_empty() {
            write!(out, "],\n\"terms\":[\n")?;
            write_list(out, self.terms().iter(), write_term)?;
        }
        if !shared.by_set.is_empty() {
            write!(out, "],\n\"category_sets\":[\n")?;
            write_list(out, shared.in_order().into_iter(), write_codes)?;
        }
        write!(out, "],\n\"trees\":[\n")?;
        for (position, tree) in self.trees().iter().enumerate() {
            write!(out, "{}", if position > 0 { ",\n" } else { "" })?;
            write_tree(out, tree, &shared)?;
        }
        write!(out, "\n]}}\n")
    }

    /// The oldest version of the format that can hold the model, if it shares no sets of categories.
    fn least_version(&self) -> u32 {
        let is_first = |tree: &Tree| {
            let has_plain_splits = tree.splits().all(|split| {
                matches!(tree.condition(split), Condition::Below(_)) && tree.missing(split) == Missing::Nan
            });
            tree.has_covers() && has_plain_splits
        };
        if !self.terms().is_empty() || self.features().iter().any(|feature| feature.categories.is_some()) {
            return 3;
        }
        if self.link() == Link::Logistic && self.trees().iter().all(is_first) { 1 } else { 2 }
    }
}

fn write_feature(out: &mut String, feature: &Feature) -> fmt::Result {
    write!(out, "{{\"name\":{}", text(&feature.name))?;
    if let Some(reason) = &feature.reason {
        write!(out, ",\"reason\":{}", text(reason))?;
    }
    if let Some(categories) = &feature.categories {
        write!(out, ",\"categories\":[")?;
        write_list(out, categories.iter(), |out, category| write!(out, "{}", text(category)))?;
        write!(out, "]")?;
    }
    write!(out, "}}")
}

fn write_term(out: &mut String, term: &Term) -> fmt::Result {
    let Term { feature, effect, missing, mean } = term;
    write!(out, "{{\"feature\":{feature},\"missing\":\"{missing:?}\",\"mean\":\"{mean:?}\",\"effect\":{{")?;
    match effect {
        Effect::Line { slope, centre, low, high } => write!(
            out,
            "\"line\":{{\"slope\":\"{slope:?}\",\"centre\":\"{centre:?}\",\"low\":\"{low:?}\",\
             \"high\":\"{high:?}\"}}}}}}"
        ),
        Effect::Categories(values) => {
            write!(out, "\"categories\":[")?;
            write_list(out, values.iter(), |out, value| write!(out, "\"{value:?}\""))?;
            write!(out, "]}}}}")
        }
    }
}

fn text(value: &str) -> serde_json::Value {
    serde_json::Value::from(value)
}

/// The large sets that several splits ask for, and the position of each among them.
struct SharedSets {
    by_set: BTreeMap<CategorySet, usize>,
}

impl SharedSets {
    fn of(trees: &[Tree]) -> Self {
        let mut counts: BTreeMap<&CategorySet, (usize, u32)> = BTreeMap::new();
        let conditions = trees.iter().flat_map(|tree| tree.splits().map(|split| tree.condition(split)));
        for condition in conditions {
            if let Condition::OneOf(set) = condition
                && set.codes().len() > LISTED_CODES
            {
                let first = counts.len();
                counts.entry(set).or_insert((first, 0)).1 += 1;
            }
        }
        let mut shared: Vec<_> = counts.into_iter().filter(|(_, (_, count))| *count > 1).collect();
        shared.sort_by_key(|(_, (first, _))| *first);
        Self { by_set: shared.into_iter().enumerate().map(|(position, (set, _))| (set.clone(), position)).collect() }
    }

    fn in_order(&self) -> Vec<&CategorySet> {
        let mut sets: Vec<_> = self.by_set.iter().collect();
        sets.sort_by_key(|(_, position)| **position);
        sets.into_iter().map(|(set, _)| set).collect()
    }
}

fn write_tree(out: &mut String, tree: &Tree, shared: &SharedSets) -> fmt::Result {
    let nodes: Vec<FileNode> = tree.nodes().map(FileNode::from).collect();
    write!(out, "{{\"feature\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.feature))?;
    write!(out, "],\"threshold\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.threshold))?;
    if nodes.iter().any(|node| node.categories.is_some()) {
        write!(out, "],\"categories\":[")?;
        write_list(out, nodes.iter(), |out, node| write_categories(out, node.categories.as_ref(), shared))?;
    }
    if nodes.iter().any(|node| node.zero_is_missing) {
        write!(out, "],\"zero_is_missing\":[")?;
        write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.zero_is_missing))?;
    }
    write!(out, "],\"default_left\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.default_left))?;
    write!(out, "],\"left\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.left))?;
    write!(out, "],\"right\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "{}", node.right))?;
    write!(out, "],\"value\":[")?;
    write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.value))?;
    if tree.has_covers() {
        write!(out, "],\"cover\":[")?;
        write_list(out, nodes.iter(), |out, node| write!(out, "\"{:?}\"", node.cover))?;
    }
    write!(out, "]}}")
}

fn write_categories(out: &mut String, categories: Option<&CategorySet>, shared: &SharedSets) -> fmt::Result {
    let Some(categories) = categories else {
        return write!(out, "null");
    };
    match shared.by_set.get(categories) {
        Some(position) => write!(out, "{position}"),
        None => write_codes(out, categories),
    }
}

fn write_codes(out: &mut String, categories: &CategorySet) -> fmt::Result {
    write!(out, "[")?;
    write_list(out, categories.codes(), |out, code| write!(out, "{code}"))?;
    write!(out, "]")
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
#[derive(Debug)]
struct FileNode {
    feature: u32,
    threshold: f64,
    categories: Option<CategorySet>,
    zero_is_missing: bool,
    default_left: bool,
    left: u32,
    right: u32,
    value: f64,
    cover: f64,
}

impl From<Node> for FileNode {
    fn from(node: Node) -> Self {
        let leaf = Self {
            feature: 0,
            threshold: 0.0,
            categories: None,
            zero_is_missing: false,
            default_left: false,
            left: 0,
            right: 0,
            value: 0.0,
            cover: 0.0,
        };
        match node {
            Node::Leaf { value, cover } => Self { value, cover, ..leaf },
            Node::Split { feature, condition, missing, default_left, left, right, cover } => {
                let (threshold, categories) = match condition {
                    Condition::Below(threshold) => (threshold, None),
                    Condition::OneOf(categories) => (0.0, Some(categories)),
                };
                let zero_is_missing = missing == Missing::NanOrZero;
                Self { feature, threshold, categories, zero_is_missing, default_left, left, right, cover, ..leaf }
            }
        }
    }
}

impl FileNode {
    /// The node; `None` where it is neither quite a leaf nor quite a split.
    fn into_node(self) -> Option<Node> {
        let Self { feature, threshold, categories, zero_is_missing, default_left, left, right, value, cover } = self;
        if left == 0 && right == 0 {
            let is_bare = feature == 0 && threshold == 0.0 && categories.is_none() && !zero_is_missing && !default_left;
            return is_bare.then_some(Node::Leaf { value, cover });
        }
        let condition = match categories {
            Some(categories) if threshold == 0.0 => Condition::OneOf(categories),
            Some(_) => return None,
            None => Condition::Below(threshold),
        };
        let missing = if zero_is_missing { Missing::NanOrZero } else { Missing::Nan };
        let split = Node::Split { feature, condition, missing, default_left, left, right, cover };
        (value == 0.0).then_some(split)
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
    link: LinkFile,
    bias: Exact,
    calibration: CalibrationFile,
    features: Vec<FeatureFile>,
    #[serde(default)]
    terms: Vec<TermFile>,
    #[serde(default)]
    category_sets: Vec<Vec<u32>>,
    trees: Vec<TreeFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum LinkFile {
    Logistic,
    Identity,
}

impl From<LinkFile> for Link {
    fn from(file: LinkFile) -> Self {
        match file {
            LinkFile::Logistic => Self::Logistic,
            LinkFile::Identity => Self::Identity,
        }
    }
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
    #[serde(default)]
    categories: Option<Vec<String>>,
}

impl FeatureFile {
    fn into_feature(self) -> Feature {
        Feature { name: self.name, reason: self.reason, categories: self.categories }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermFile {
    feature: u32,
    missing: Exact,
    mean: Exact,
    effect: EffectFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EffectFile {
    Line(LineFile),
    Categories(Vec<Exact>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineFile {
    slope: Exact,
    centre: Exact,
    low: Exact,
    high: Exact,
}

impl TermFile {
    fn into_term(self) -> Term {
        let effect = match self.effect {
            EffectFile::Line(LineFile { slope, centre, low, high }) => {
                Effect::Line { slope: slope.0, centre: centre.0, low: low.0, high: high.0 }
            }
            EffectFile::Categories(values) => Effect::Categories(values.into_iter().map(|value| value.0).collect()),
        };
        Term { feature: self.feature, effect, missing: self.missing.0, mean: self.mean.0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeFile {
    feature: Vec<u32>,
    threshold: Vec<Exact>,
    categories: Option<Vec<Option<CategoriesFile>>>,
    zero_is_missing: Option<Vec<bool>>,
    default_left: Vec<bool>,
    left: Vec<u32>,
    right: Vec<u32>,
    value: Vec<Exact>,
    cover: Option<Vec<Exact>>,
}

impl TreeFile {
    fn into_tree(self, sets: &[CategorySet]) -> Result<Tree, TreeError> {
        self.check_lengths()?;
        let nodes =
            (0..self.feature.len()).map(|node| self.node(node, sets)?.into_node().ok_or(TreeError::Ambiguous { node }));
        Tree::new(&nodes.collect::<Result<Vec<_>, _>>()?)
    }

    /// The node at a position within all arrays.
    fn node(&self, at: usize, sets: &[CategorySet]) -> Result<FileNode, TreeError> {
        let categories = match self.categories.as_ref().and_then(|categories| categories[at].as_ref()) {
            None => None,
            Some(CategoriesFile::Listed(codes)) => Some(CategorySet::new(codes.iter().copied())?),
            Some(CategoriesFile::Shared(set)) => {
                let missing = TreeError::NoCategorySet { node: at, set: *set, sets: sets.len() };
                Some(sets.get(*set).cloned().ok_or(missing)?)
            }
        };
        Ok(FileNode {
            feature: self.feature[at],
            threshold: self.threshold[at].0,
            categories,
            zero_is_missing: self.zero_is_missing.as_ref().is_some_and(|zero_is_missing| zero_is_missing[at]),
            default_left: self.default_left[at],
            left: self.left[at],
            right: self.right[at],
            value: self.value[at].0,
            cover: self.cover.as_ref().map_or(0.0, |cover| cover[at].0),
        })
    }

    fn check_lengths(&self) -> Result<(), TreeError> {
        let expected = self.feature.len();
        let arrays = [
            ("threshold", self.threshold.len()),
            ("categories", self.categories.as_ref().map_or(expected, Vec::len)),
            ("zero_is_missing", self.zero_is_missing.as_ref().map_or(expected, Vec::len)),
            ("default_left", self.default_left.len()),
            ("left", self.left.len()),
            ("right", self.right.len()),
            ("value", self.value.len()),
            ("cover", self.cover.as_ref().map_or(expected, Vec::len)),
        ];
        match arrays.into_iter().find(|(_, found)| *found != expected) {
            Some((array, found)) => Err(TreeError::ArrayLength { array, expected, found }),
            None => Ok(()),
        }
    }
}

/// The categories of a split.
enum CategoriesFile {
    /// The codes.
    Listed(Vec<u32>),
    /// Position among the model's sets.
    Shared(usize),
}

impl<'de> Deserialize<'de> for CategoriesFile {
    /// By hand: an untagged enum would hold each code in 32 bytes before it is looked at.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = CategoriesFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of category codes, or the position of a set of them")
            }

            fn visit_u64<E: de::Error>(self, position: u64) -> Result<CategoriesFile, E> {
                Ok(CategoriesFile::Shared(usize::try_from(position).unwrap_or(usize::MAX)))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<CategoriesFile, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(CategoriesFile::Listed)
            }
        }
        deserializer.deserialize_any(Visitor)
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
