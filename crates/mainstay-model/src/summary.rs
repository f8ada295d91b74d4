//! What a model is made of, for people and programs.

use std::collections::BTreeSet;

use mainstay_schema::Digest;
use serde::Serialize;

use crate::calibration::Calibration;
use crate::condition::{Condition, Missing};
use crate::ensemble::{Ensemble, Link};
use crate::linear::{Effect, Term};
use crate::tree::{Node, Tree};

/// A model at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The digest of its canonical bytes.
    pub digest: Digest,
    /// What it predicts.
    pub predicts: Predicts,
    /// Slope and intercept from raw score to log-odds, where it is calibrated.
    pub calibration: Option<[f64; 2]>,
    /// The raw score before any tree.
    pub bias: f64,
    /// The mean raw score of the training rows; none where the model has no covers, so that it cannot be explained.
    pub expected_margin: Option<f64>,
    /// How many features it takes.
    pub features: usize,
    /// How many features add to the raw score by themselves, beside the trees.
    pub terms: usize,
    /// How many trees it has.
    pub trees: usize,
    /// How many leaves all trees have.
    pub leaves: usize,
    /// How many leaves the largest tree has.
    pub most_leaves: usize,
    /// The greatest number of splits from a root to a leaf.
    pub depth: usize,
    /// Splits of each kind.
    pub splits: Splits,
    /// Features that it splits on, the most important first.
    pub importance: Vec<Importance>,
}

/// What a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicts {
    /// The logistic function of the raw score.
    Probability,
    /// The raw score itself.
    Number,
}

/// How many splits there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Splits {
    /// On a threshold.
    pub numerical: usize,
    /// On a set of categories.
    pub categorical: usize,
    /// For which zero is missing as NaN is.
    pub zero_is_missing: usize,
    /// That send missing values left.
    pub missing_goes_left: usize,
}

/// How much a model splits on a feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// Its splits.
    pub splits: usize,
    /// How many training rows met one of its splits, as a share of the rows that met any; by splits alone where the model has no
    /// covers. Of a model without trees: how far its term reaches, as a share of how far all of them do.
    pub share: f64,
    /// How many distinct categories its splits name.
    pub categories: usize,
}

impl Summary {
    /// Looks at every node once.
    pub fn of(model: &Ensemble) -> Self {
        let trees = model.trees();
        let mut splits = Splits::default();
        let mut features = vec![FeatureUse::default(); model.features().len()];
        for node in trees.iter().flat_map(Tree::nodes) {
            if let Node::Split { feature, condition, missing, default_left, cover, .. } = node {
                splits.missing_goes_left += usize::from(default_left);
                splits.zero_is_missing += usize::from(missing == Missing::NanOrZero);
                let of_feature = &mut features[feature as usize];
                of_feature.splits += 1;
                of_feature.weight += if model.has_covers() { cover } else { 1.0 };
                match condition {
                    Condition::Below(_) => splits.numerical += 1,
                    Condition::OneOf(categories) => {
                        splits.categorical += 1;
                        of_feature.categories.extend(categories.codes());
                    }
                }
            }
        }
        Self {
            digest: model.digest(),
            predicts: match model.link() {
                Link::Logistic => Predicts::Probability,
                Link::Identity => Predicts::Number,
            },
            calibration: match model.calibration() {
                Calibration::Identity => None,
                Calibration::Platt { a, b } => Some([a, b]),
            },
            bias: model.bias(),
            expected_margin: model.expected_margin().ok(),
            features: model.features().len(),
            terms: model.terms().len(),
            trees: trees.len(),
            leaves: trees.iter().map(Tree::leaf_count).sum(),
            most_leaves: trees.iter().map(Tree::leaf_count).max().unwrap_or(0),
            depth: trees.iter().map(depth).max().unwrap_or(0),
            splits,
            importance: if trees.is_empty() { reach(model) } else { importance(model, features) },
        }
    }
}

/// What the splits on one feature add up to.
#[derive(Debug, Clone, Default)]
struct FeatureUse {
    splits: usize,
    weight: f64,
    categories: BTreeSet<u32>,
}

fn importance(model: &Ensemble, features: Vec<FeatureUse>) -> Vec<Importance> {
    let all: f64 = features.iter().map(|of| of.weight).sum();
    let used = model.features().iter().zip(features).filter(|(_, of)| of.splits > 0);
    let mut importance: Vec<Importance> = used
        .map(|(feature, of)| Importance {
            feature: feature.name.clone(),
            splits: of.splits,
            share: of.weight / all,
            categories: of.categories.len(),
        })
        .collect();
    importance.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.feature.cmp(&b.feature)));
    importance
}

/// The importance of the features of a linear model.
fn reach(model: &Ensemble) -> Vec<Importance> {
    let all: f64 = model.terms().iter().map(Term::reach).sum();
    let of_term = |term: &Term| Importance {
        feature: model.features()[term.feature as usize].name.clone(),
        splits: 0,
        share: if all > 0.0 { term.reach() / all } else { 0.0 },
        categories: match &term.effect {
            Effect::Line { .. } => 0,
            Effect::Categories(values) => values.len(),
        },
    };
    let mut importance: Vec<Importance> = model.terms().iter().map(of_term).collect();
    importance.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.feature.cmp(&b.feature)));
    importance
}

/// The greatest number of splits from the root to a leaf.
fn depth(tree: &Tree) -> usize {
    let nodes: Vec<Node> = tree.nodes().collect();
    let mut deepest = 0;
    let mut open = vec![(0, 0)];
    while let Some((node, depth)) = open.pop() {
        deepest = deepest.max(depth);
        if let Node::Split { left, right, .. } = nodes[node] {
            open.extend([left, right].map(|child| (child as usize, depth + 1)));
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::CategorySet;
    use crate::{EnsembleParts, Feature};

    fn leaf(cover: f64) -> Node {
        Node::Leaf { value: 1.0, cover }
    }

    fn split(feature: u32, condition: Condition, missing: Missing, [left, right]: [u32; 2], cover: f64) -> Node {
        Node::Split { feature, condition, missing, default_left: feature == 0, left, right, cover }
    }

    fn model(covers: [f64; 5]) -> Ensemble {
        let [root, below, a, b, c] = covers;
        let categories = Condition::OneOf(CategorySet::new([3, 70, 9]).unwrap());
        let nodes = [
            split(0, Condition::Below(0.5), Missing::Nan, [1, 2], root),
            split(2, categories, Missing::NanOrZero, [3, 4], below),
            leaf(a),
            leaf(b),
            leaf(c),
        ];
        Ensemble::new(EnsembleParts {
            features: ["recency", "unused", "city"].map(Feature::new).into(),
            trees: vec![Tree::new(&nodes).unwrap(), Tree::new(&[leaf(a)]).unwrap()],
            bias: 0.5,
            link: Link::Logistic,
            calibration: Calibration::Platt { a: 2.0, b: -1.0 },
        })
        .unwrap()
    }

    #[test]
    fn counts_what_a_model_is_made_of() {
        let model = model([4.0, 2.0, 2.0, 1.0, 1.0]);
        let summary = Summary::of(&model);
        let shape = (summary.features, summary.trees, summary.leaves, summary.most_leaves, summary.depth);
        assert_eq!(shape, (3, 2, 4, 3, 2));
        assert_eq!(summary.splits, Splits { numerical: 1, categorical: 1, zero_is_missing: 1, missing_goes_left: 1 });
        assert_eq!((summary.predicts, summary.calibration), (Predicts::Probability, Some([2.0, -1.0])));
        assert_eq!((summary.expected_margin, summary.digest), (Some(2.5), model.digest()));
        let of =
            |feature: &str, share, categories| Importance { feature: feature.to_owned(), splits: 1, share, categories };
        assert_eq!(summary.importance, [of("recency", 4.0 / 6.0, 0), of("city", 2.0 / 6.0, 3)]);
    }

    #[test]
    fn counts_splits_where_there_are_no_covers() {
        let summary = Summary::of(&model([0.0; 5]));
        assert_eq!(summary.expected_margin, None);
        assert_eq!(summary.importance.iter().map(|of| of.share).collect::<Vec<_>>(), [0.5, 0.5]);
        assert_eq!(summary.importance[0].feature, "city");
    }
}
