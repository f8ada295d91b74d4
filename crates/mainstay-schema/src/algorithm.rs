//! The kinds of model that can be trained, by the names that jobs and flags share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a training may be asked to fit: `algorithm.kind` of a training job, and `--kind` of `mainstay train`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlgorithmKind {
    /// Gradient boosted trees. Settings, and what they are where they are left out: `rounds` 150, `trees_per_round` 2, `depth` 5,
    /// `learning_rate` 0.1, `rows_per_tree` 16384, `columns_per_tree` 0.5, `l2` 1, `minimum_leaf_rows` 20, `positive_weight` 1.
    BoostedTrees,
    /// A random forest. Settings: `trees` 150, `depth` 10, `rows_per_tree` 8192, `columns_per_tree` 0.4, `minimum_leaf_rows` 10,
    /// `prior_rows` 2.
    Forest,
    /// A single tree. Settings: `depth` 5, `minimum_leaf_rows` 50.
    Tree,
    /// Logistic regression. Settings: `l2` 1, `clip_quantile` 0.01.
    Logistic,
    /// Whichever of these, with whichever settings, ranks the newest rows best: successive halving in time order. Setting: `candidates` 20.
    Auto,
}

impl AlgorithmKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::BoostedTrees, Self::Forest, Self::Tree, Self::Logistic, Self::Auto];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BoostedTrees => "boosted_trees",
            Self::Forest => "forest",
            Self::Tree => "tree",
            Self::Logistic => "logistic",
            Self::Auto => "auto",
        }
    }

    /// The one of that name; `None` where none is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The one kind of model that is asked for; `None` where any may win.
    pub fn only(self) -> Option<LearnerKind> {
        match self {
            Self::BoostedTrees => Some(LearnerKind::Boosted),
            Self::Forest => Some(LearnerKind::Forest),
            Self::Tree => Some(LearnerKind::Tree),
            Self::Logistic => Some(LearnerKind::Logistic),
            Self::Auto => None,
        }
    }

    /// What it is, in the middle of a sentence.
    pub fn described(self) -> &'static str {
        match self {
            Self::BoostedTrees => "boosted trees",
            Self::Forest => "a forest",
            Self::Tree => "a single tree",
            Self::Logistic => "a logistic regression",
            Self::Auto => "a search over all kinds",
        }
    }
}

/// A kind of model, as records and reports name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerKind {
    /// Boosted trees.
    Boosted,
    /// A random forest.
    Forest,
    /// One tree.
    Tree,
    /// Logistic regression.
    Logistic,
}

impl LearnerKind {
    /// All kinds, the likeliest to rank best first.
    pub const ALL: [Self; 4] = [Self::Boosted, Self::Forest, Self::Logistic, Self::Tree];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boosted => "boosted",
            Self::Forest => "forest",
            Self::Tree => "tree",
            Self::Logistic => "logistic",
        }
    }

    /// What it is, in words.
    pub fn described(self) -> &'static str {
        match self {
            Self::Boosted => "boosted trees",
            Self::Forest => "random forest",
            Self::Tree => "single tree",
            Self::Logistic => "logistic regression",
        }
    }
}

impl fmt::Display for LearnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_asked_for_by_one_name() {
        for kind in AlgorithmKind::ALL {
            assert_eq!(AlgorithmKind::named(kind.as_str()), Some(kind));
        }
        assert_eq!(AlgorithmKind::named("boosted"), None);
        let mut only: Vec<LearnerKind> = AlgorithmKind::ALL.into_iter().filter_map(AlgorithmKind::only).collect();
        only.sort();
        let mut all = LearnerKind::ALL;
        all.sort();
        assert_eq!(only, all);
    }
}
