//! LightGBM's text file: a header of `key=value` lines, then one block of such lines for each tree.
//!
//! A node asks `value <= threshold` in double precision, or whether the value's code is in a set of bits. Children from 0 are splits, below
//! 0 leaves (-1 is leaf 0). Bits of `decision_type`: 1 categorical, 2 default left, 4 and 8 the missing type (0 none, 4 zero, 8
//! NaN). Covers are the counts, from which LightGBM computes its own contributions.
//!
//! With the boosting `rf` LightGBM's raw score is the sum of the trees, but its prediction is that of their mean: of a binary model the
//! mean is taken by the calibration, of a regression by the leaves.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::error::{Format, ImportError, shortened};
use super::{check_file, tree_of};
use crate::calibration::Calibration;
use crate::condition::{CategorySet, Condition, Missing};
use crate::ensemble::{Ensemble, EnsembleParts, Feature, Link, MAX_FEATURES, MAX_TREES, check_limit};
use crate::tree::{Node, Tree};

/// Reads a text file of LightGBM, as `Booster.save_model("model.txt")` writes it.
///
/// # Errors
/// See [`ImportError`].
pub fn lightgbm_text(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    check_file(bytes, Format::LightgbmText)?;
    let text = std::str::from_utf8(bytes).map_err(|source| ImportError::unreadable(Format::LightgbmText, source))?;
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("tree") {
        return Err(ImportError::unreadable(Format::LightgbmText, "its first line is not `tree`"));
    }
    let (header, ended_by) = Block::read("the header".to_owned(), &mut lines);
    let header = Header::new(&header)?;
    let trees = trees(&mut lines, ended_by)?;
    header.into_ensemble(trees)
}

/// The lines `key=value` up to the start of the next block.
struct Block<'a> {
    place: String,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Block<'a> {
    /// Reads a block, and gives the line that ended it: `Tree=...`, `end of trees`, or none.
    fn read(place: String, lines: &mut impl Iterator<Item = &'a str>) -> (Self, Option<&'a str>) {
        let mut values = BTreeMap::new();
        for line in lines {
            if line.starts_with("Tree=") || line == "end of trees" {
                return (Self { place, values }, Some(line));
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            values.insert(key, value);
        }
        (Self { place, values }, None)
    }

    fn malformed(&self, problem: String) -> ImportError {
        ImportError::Malformed { format: Format::LightgbmText, place: self.place.clone(), problem }
    }

    fn text(&self, key: &str) -> Result<&'a str, ImportError> {
        self.values.get(key).copied().ok_or_else(|| self.malformed(format!("has no `{key}`")))
    }

    fn number<T: FromStr>(&self, key: &str) -> Result<T, ImportError> {
        let text = self.text(key)?;
        text.parse().map_err(|_| self.malformed(format!("has `{key}={}`, which is no fitting number", shortened(text))))
    }

    /// A list that has this many numbers.
    fn numbers<T: FromStr>(&self, key: &str, expected: usize) -> Result<Vec<T>, ImportError> {
        let list = self.list(key)?;
        if list.len() != expected {
            return Err(self.malformed(format!("has {} entries in `{key}`, expected {expected}", list.len())));
        }
        Ok(list)
    }

    fn list<T: FromStr>(&self, key: &str) -> Result<Vec<T>, ImportError> {
        let entry = |entry: &str| {
            entry.parse().map_err(|_| {
                self.malformed(format!("has `{}` in `{key}`, which is no fitting number", shortened(entry)))
            })
        };
        self.text(key)?.split_ascii_whitespace().map(entry).collect()
    }
}

fn unsupported(what: String, advice: &'static str) -> ImportError {
    ImportError::Unsupported { format: Format::LightgbmText, what, advice }
}

struct Header {
    features: Vec<Feature>,
    link: Link,
    /// What the raw score is multiplied by before the link.
    slope: f64,
    /// Whether the prediction is the mean of the trees (boosting `rf`), not their sum.
    is_mean: bool,
}

impl Header {
    fn new(block: &Block<'_>) -> Result<Self, ImportError> {
        if block.number::<u32>("num_class")? != 1 || block.number::<u32>("num_tree_per_iteration")? != 1 {
            return Err(unsupported("several classes".to_owned(), "train one `binary` model a class"));
        }
        let features = block.number::<usize>("max_feature_idx")?.saturating_add(1);
        check_limit("features", features, MAX_FEATURES)?;
        let names: Vec<&str> = block.text("feature_names")?.split(' ').collect();
        if names.len() != features {
            let problem = format!("has {} entries in `feature_names`, expected {features}", names.len());
            return Err(block.malformed(problem));
        }
        // A model with an objective of the user's own has no such line.
        let (link, slope) = objective(block.values.get("objective").copied().unwrap_or("regression"))?;
        Ok(Self {
            features: names.into_iter().map(Feature::new).collect(),
            link,
            slope,
            is_mean: block.values.contains_key("average_output"),
        })
    }

    fn into_ensemble(self, trees: Vec<FileTree>) -> Result<Ensemble, ImportError> {
        let Self { features, link, slope, is_mean } = self;
        let share = if is_mean { 1.0 / trees.len() as f64 } else { 1.0 };
        let (slope, leaf_share) = match link {
            Link::Logistic => (slope * share, 1.0),
            Link::Identity => (slope, share),
        };
        let calibration = if slope == 1.0 { Calibration::Identity } else { Calibration::Platt { a: slope, b: 0.0 } };
        let trees = trees.into_iter().enumerate().map(|(tree, of)| of.into_tree(tree, leaf_share));
        let trees = trees.collect::<Result<_, _>>()?;
        Ok(Ensemble::new(EnsembleParts { features, trees, bias: 0.0, link, calibration })?)
    }
}

/// Link and slope of an objective: the probability of `binary sigmoid:k` is the logistic function of k times the raw score.
fn objective(line: &str) -> Result<(Link, f64), ImportError> {
    let unknown = || {
        unsupported(format!("the objective `{}`", shortened(line)), "train with the objective `binary` or `regression`")
    };
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["binary", sigmoid] => {
            let slope = sigmoid.strip_prefix("sigmoid:").and_then(|slope| slope.parse().ok()).ok_or_else(unknown)?;
            Ok((Link::Logistic, slope))
        }
        ["cross_entropy"] => Ok((Link::Logistic, 1.0)),
        ["regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape", ..] if !words.contains(&"sqrt") => {
            Ok((Link::Identity, 1.0))
        }
        _ => Err(unknown()),
    }
}

/// The blocks of the trees, the first of which begins with `line`.
fn trees<'a>(
    lines: &mut impl Iterator<Item = &'a str>,
    mut line: Option<&'a str>,
) -> Result<Vec<FileTree>, ImportError> {
    let mut trees = Vec::new();
    while let Some(name) = line.and_then(|line| line.strip_prefix("Tree=")) {
        check_limit("trees", trees.len() + 1, MAX_TREES)?;
        let (block, ended_by) = Block::read(format!("tree {}", shortened(name)), lines);
        trees.push(FileTree::new(&block)?);
        line = ended_by;
    }
    match line {
        Some(_) => Ok(trees),
        None => Err(ImportError::unreadable(Format::LightgbmText, "it has no line `end of trees`: it is cut off")),
    }
}

/// The nodes of a tree, splits first.
struct FileTree {
    nodes: Vec<Node>,
}

impl FileTree {
    fn new(block: &Block<'_>) -> Result<Self, ImportError> {
        if block.values.get("is_linear").is_some_and(|is_linear| *is_linear != "0") {
            return Err(unsupported("linear trees".to_owned(), "train with linear_tree=false"));
        }
        let leaf_count = block.number::<usize>("num_leaves")?;
        let values: Vec<f64> = block.numbers("leaf_value", leaf_count)?;
        let Some(split_count) = values.len().checked_sub(1) else {
            return Err(block.malformed("has no leaf".to_owned()));
        };
        if split_count == 0 {
            // LightGBM writes no counts where nothing is split.
            return Ok(Self { nodes: values.into_iter().map(|value| Node::Leaf { value, cover: 1.0 }).collect() });
        }
        let splits = Splits::new(block, split_count)?;
        let mut nodes = (0..split_count).map(|at| splits.node(block, at)).collect::<Result<Vec<_>, _>>()?;
        let covers: Vec<f64> = block.numbers("leaf_count", leaf_count)?;
        nodes.extend(values.into_iter().zip(covers).map(|(value, cover)| Node::Leaf { value, cover }));
        Ok(Self { nodes })
    }

    fn into_tree(mut self, tree: usize, share: f64) -> Result<Tree, ImportError> {
        for node in &mut self.nodes {
            if let Node::Leaf { value, .. } = node {
                *value *= share;
            }
        }
        tree_of(tree, self.nodes)
    }
}

/// The arrays of a tree that have an entry for each split.
struct Splits {
    features: Vec<u32>,
    thresholds: Vec<f64>,
    decisions: Vec<u8>,
    lefts: Vec<i32>,
    rights: Vec<i32>,
    covers: Vec<f64>,
    /// The sets that categorical splits name by their number.
    category_sets: Vec<CategorySet>,
}

impl Splits {
    fn new(block: &Block<'_>, count: usize) -> Result<Self, ImportError> {
        Ok(Self {
            features: block.numbers("split_feature", count)?,
            thresholds: block.numbers("threshold", count)?,
            decisions: block.numbers("decision_type", count)?,
            lefts: block.numbers("left_child", count)?,
            rights: block.numbers("right_child", count)?,
            covers: block.numbers("internal_count", count)?,
            category_sets: category_sets(block)?,
        })
    }

    /// The node at a position within all arrays.
    fn node(&self, block: &Block<'_>, at: usize) -> Result<Node, ImportError> {
        let (decision, threshold) = (self.decisions[at], self.thresholds[at]);
        let (condition, missing, default_left) = if decision & 1 == 1 {
            let set = self.category_sets.get(threshold as usize);
            let set = set.ok_or_else(|| block.malformed(format!("has no set of categories {threshold}")))?;
            (Condition::OneOf(set.clone()), Missing::Nan, false)
        } else {
            let default_left = decision & 2 == 2;
            let (missing, default_left) = match decision & 12 {
                // NaN is read as 0.
                0 => (Missing::Nan, 0.0 <= threshold),
                4 => (Missing::NanOrZero, default_left),
                8 => (Missing::Nan, default_left),
                _ => return Err(block.malformed(format!("has the unknown decision type {decision}"))),
            };
            (Condition::at_most(threshold), missing, default_left)
        };
        Ok(Node::Split {
            feature: self.features[at],
            condition,
            missing,
            default_left,
            left: self.child(self.lefts[at]),
            right: self.child(self.rights[at]),
            cover: self.covers[at],
        })
    }

    /// The position of a child among the nodes, splits first.
    fn child(&self, child: i32) -> u32 {
        let first_leaf = self.features.len() as u32;
        if child < 0 { first_leaf.saturating_add(!child as u32) } else { child as u32 }
    }
}

/// The sets of a tree: the bits of words of 32, which begin and end at `cat_boundaries`.
fn category_sets(block: &Block<'_>) -> Result<Vec<CategorySet>, ImportError> {
    let count: usize = block.number("num_cat")?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let boundaries: Vec<usize> = block.numbers("cat_boundaries", count.saturating_add(1))?;
    let words: Vec<u32> = block.list("cat_threshold")?;
    let is_parted = boundaries.is_sorted() && boundaries.last() == Some(&words.len());
    if !is_parted {
        return Err(block.malformed("has `cat_boundaries` that do not part `cat_threshold`".to_owned()));
    }
    let set = |bounds: &[usize]| {
        let words = words[bounds[0]..bounds[1]].iter().zip(0u32..);
        let codes = words.flat_map(|(word, position)| {
            (0..32)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| position.saturating_mul(32).saturating_add(bit))
        });
        CategorySet::new(codes).map_err(|source| block.malformed(format!("has a set of no use ({source})")))
    };
    boundaries.windows(2).map(set).collect()
}
