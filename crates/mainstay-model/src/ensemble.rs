//! The ensemble: features, trees, bias and calibration, validated as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::calibration::{Calibration, sigmoid};
use crate::condition::MAX_CATEGORIES;
use crate::error::{ModelError, TreeError};
use crate::explain;
use crate::linear::Term;
use crate::reason;
use crate::tree::{MAX_NODES, Tree, is_margin};

/// The greatest number of features of a model.
pub const MAX_FEATURES: usize = 10_000;
/// The greatest number of trees of a model.
pub const MAX_TREES: usize = 100_000;

/// One input of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// The column that it comes from; unique within the model.
    pub name: String,
    /// How the feature is worded as a reason; `{value}` stands for its value.
    pub reason: Option<String>,
    /// Of a column of texts the categories that training knew: the code of each is its position. All others count as missing.
    pub categories: Option<Vec<String>>,
}

impl Feature {
    /// A feature that is worded as `<name> is <value>`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), reason: None, categories: None }
    }

    /// The code of a text of its column: NaN, which is a missing value, where training did not know it.
    pub fn code_of(&self, text: &str) -> f64 {
        let position = self.categories.as_ref().and_then(|known| known.iter().position(|category| category == text));
        position.map_or(f64::NAN, |code| code as f64)
    }
}

/// From the raw score (the margin) to the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// The prediction is a probability, the logistic function of the calibrated margin.
    #[default]
    Logistic,
    /// The prediction is the margin itself: a regression.
    Identity,
}

/// The parts of an ensemble before they are validated as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleParts {
    /// The inputs, in the order of the columns to score.
    pub features: Vec<Feature>,
    /// The trees, in the order in which their values are added.
    pub trees: Vec<Tree>,
    /// The margin before any tree.
    pub bias: f64,
    /// From margin to prediction.
    pub link: Link,
    /// From margin to log-odds; of a logistic model only.
    pub calibration: Calibration,
}

/// A sound ensemble of trees. Raw score = bias + sum of leaf values + sum of [terms](Term); prediction = sigmoid(calibration(raw score)), or the raw score
/// where the link is the identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    parts: EnsembleParts,
    terms: Vec<Term>,
    expected_margin: Option<f64>,
}

impl Ensemble {
    /// Validates the parts.
    ///
    /// # Errors
    /// Too many or badly named features, a split on a feature that does not exist, too many trees or nodes, a bias or calibration
    /// that is no usable number.
    pub fn new(parts: EnsembleParts) -> Result<Self, ModelError> {
        check_features(&parts.features)?;
        check_trees(&parts.trees, parts.features.len())?;
        if !is_margin(parts.bias) {
            return Err(ModelError::Bias { found: parts.bias });
        }
        check_calibration(parts.link, parts.calibration)?;
        let has_covers = parts.trees.iter().all(Tree::has_covers);
        let expected_margin =
            has_covers.then(|| parts.bias + parts.trees.iter().map(explain::expected_value).sum::<f64>());
        Ok(Self { parts, terms: Vec::new(), expected_margin })
    }

    /// The same trees under another calibration.
    ///
    /// # Errors
    /// Where the calibration does not rise with the margin, or the model predicts no probability.
    pub fn with_calibration(mut self, calibration: Calibration) -> Result<Self, ModelError> {
        check_calibration(self.parts.link, calibration)?;
        self.parts.calibration = calibration;
        Ok(self)
    }

    /// The same model with these wordings of reasons, by feature name; other features keep theirs.
    ///
    /// # Errors
    /// Where a name is no feature of the model or a template has a placeholder other than `{value}`.
    pub fn with_reasons(mut self, reasons: &BTreeMap<String, String>) -> Result<Self, ModelError> {
        for (name, template) in reasons {
            let feature = self.parts.features.iter_mut().find(|feature| feature.name == *name);
            let feature = feature.ok_or_else(|| ModelError::UnknownFeature { feature: name.clone() })?;
            feature.reason = Some(template.clone());
        }
        check_features(&self.parts.features)?;
        Ok(self)
    }

    /// The inputs, in the order of the columns to score.
    pub fn features(&self) -> &[Feature] {
        &self.parts.features
    }

    /// The trees, in the order in which their values are added.
    pub fn trees(&self) -> &[Tree] {
        &self.parts.trees
    }

    /// What is added beside the trees, by rising feature.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Takes terms that were checked.
    pub(crate) fn set_terms(&mut self, terms: Vec<Term>) {
        let mean = |terms: &[Term]| terms.iter().map(|term| term.mean).sum::<f64>();
        let shift = mean(&terms) - mean(&self.terms);
        self.expected_margin = self.expected_margin.map(|expected| expected + shift);
        self.terms = terms;
    }

    /// The margin before any tree.
    pub fn bias(&self) -> f64 {
        self.parts.bias
    }

    /// From margin to log-odds.
    pub fn calibration(&self) -> Calibration {
        self.parts.calibration
    }

    /// From margin to prediction.
    pub fn link(&self) -> Link {
        self.parts.link
    }

    /// Whether all trees say how many training rows passed each node: without that the model scores but cannot be explained.
    pub fn has_covers(&self) -> bool {
        self.expected_margin.is_some()
    }

    /// The mean margin of the training rows, as the covers give it: what contributions are measured from.
    ///
    /// # Errors
    /// Where the model has no covers.
    pub fn expected_margin(&self) -> Result<f64, ModelError> {
        self.expected_margin.ok_or(ModelError::NoCovers)
    }

    /// What the model predicts at a raw score: the calibrated probability, or the raw score itself where the link is the identity.
    pub fn prediction(&self, raw_score: f64) -> f64 {
        match self.parts.link {
            Link::Logistic => sigmoid(self.parts.calibration.log_odds(raw_score)),
            Link::Identity => raw_score,
        }
    }

    /// The calibrated probability of a raw score (a margin); NaN where the link is not logistic, see [`Ensemble::prediction`].
    pub fn probability(&self, raw_score: f64) -> f64 {
        match self.parts.link {
            Link::Logistic => self.prediction(raw_score),
            Link::Identity => f64::NAN,
        }
    }
}

fn check_calibration(link: Link, calibration: Calibration) -> Result<(), ModelError> {
    if link == Link::Identity && calibration != Calibration::Identity {
        return Err(ModelError::CalibratedIdentity);
    }
    calibration.check()
}

fn check_features(features: &[Feature]) -> Result<(), ModelError> {
    if features.is_empty() {
        return Err(ModelError::NoFeatures);
    }
    check_limit("features", features.len(), MAX_FEATURES)?;
    let mut names = BTreeSet::new();
    for (position, feature) in features.iter().enumerate() {
        if feature.name.is_empty() || !names.insert(&feature.name) {
            return Err(ModelError::FeatureName { position, name: feature.name.clone() });
        }
        if let Some(template) = feature.reason.as_ref().filter(|template| !reason::is_template(template)) {
            return Err(ModelError::ReasonTemplate { feature: feature.name.clone(), template: template.clone() });
        }
        check_categories(feature)?;
    }
    Ok(())
}

fn check_categories(feature: &Feature) -> Result<(), ModelError> {
    let Some(categories) = &feature.categories else { return Ok(()) };
    let distinct: BTreeSet<&String> = categories.iter().collect();
    let is_sound = !categories.is_empty() && categories.len() < MAX_CATEGORIES as usize;
    if is_sound && distinct.len() == categories.len() {
        return Ok(());
    }
    let found = format!("{} with {} distinct", categories.len(), distinct.len());
    Err(ModelError::Categories { feature: feature.name.clone(), found, limit: MAX_CATEGORIES })
}

fn check_trees(trees: &[Tree], features: usize) -> Result<(), ModelError> {
    check_limit("trees", trees.len(), MAX_TREES)?;
    check_limit("nodes", trees.iter().map(Tree::node_count).sum(), MAX_NODES)?;
    for (tree, of) in trees.iter().enumerate() {
        let outside = of.splits().find(|split| of.feature(*split) >= features);
        if let Some(node) = outside {
            let feature = of.feature(node) as u32;
            let source = TreeError::FeatureOutOfRange { node, feature, features };
            return Err(ModelError::Tree { tree, source });
        }
    }
    Ok(())
}

pub(crate) fn check_limit(what: &'static str, found: usize, limit: usize) -> Result<(), ModelError> {
    if found > limit {
        return Err(ModelError::Limit { what, found, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Condition, Missing};
    use crate::tree::Node;

    fn parts() -> EnsembleParts {
        let tree = Tree::new(&[
            Node::Split {
                feature: 1,
                condition: Condition::Below(0.5),
                missing: Missing::Nan,
                default_left: false,
                left: 1,
                right: 2,
                cover: 4.0,
            },
            Node::Leaf { value: -2.0, cover: 3.0 },
            Node::Leaf { value: 2.0, cover: 1.0 },
        ]);
        EnsembleParts {
            features: vec![Feature::new("recency"), Feature::new("orders")],
            trees: vec![tree.unwrap()],
            bias: 0.25,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        }
    }

    fn message(parts: EnsembleParts) -> String {
        Ensemble::new(parts).unwrap_err().to_string()
    }

    #[test]
    fn a_model_of_no_trees_says_its_bias() {
        let model = Ensemble::new(EnsembleParts { trees: Vec::new(), bias: 0.0, ..parts() }).unwrap();
        assert_eq!(model.probability(model.bias()), 0.5);
    }

    #[test]
    fn the_expected_margin_is_the_mean_over_the_covers() {
        let model = Ensemble::new(parts()).unwrap();
        assert_eq!(model.expected_margin().unwrap(), 0.25 + (3.0 * -2.0 + 2.0) / 4.0);
    }

    #[test]
    fn calibration_shifts_the_probability() {
        let model = Ensemble::new(parts()).unwrap().with_calibration(Calibration::Platt { a: 2.0, b: -1.0 }).unwrap();
        assert_eq!(model.probability(0.5), 0.5);
        assert!(model.with_calibration(Calibration::Platt { a: -2.0, b: 0.0 }).is_err());
    }

    #[test]
    fn a_regression_predicts_its_raw_score() {
        let model = Ensemble::new(EnsembleParts { link: Link::Identity, ..parts() }).unwrap();
        assert_eq!(model.prediction(-7.5), -7.5);
        assert!(model.probability(0.0).is_nan());
        let error = model.with_calibration(Calibration::Platt { a: 2.0, b: 0.0 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the model predicts no probability (its link is the identity), so it has none to calibrate"
        );
    }

    #[test]
    fn a_model_without_covers_cannot_be_explained() {
        let tree = Tree::new(&[Node::Leaf { value: 1.0, cover: 0.0 }]).unwrap();
        let with_one = vec![parts().trees[0].clone(), tree];
        let model = Ensemble::new(EnsembleParts { trees: with_one, ..parts() }).unwrap();
        assert!(!model.has_covers());
        let message = "the model has no covers (the training rows that passed each node), so its scores cannot be explained: \
                       import it from XGBoost's or LightGBM's own file";
        assert_eq!(model.expected_margin().unwrap_err().to_string(), message);
        assert_eq!(model.contributions(&[0.0; 2], &mut [0.0; 2]).unwrap_err().to_string(), message);
    }

    #[test]
    fn refuses_bad_features() {
        assert_eq!(
            message(EnsembleParts { features: Vec::new(), ..parts() }),
            "the model has no features: train it on at least one column"
        );
        let twice = vec![Feature::new("orders"), Feature::new("orders")];
        assert_eq!(
            message(EnsembleParts { features: twice, ..parts() }),
            "feature 1 has the name `orders`: names must be unique and not empty"
        );
        let empty = vec![Feature::new("orders"), Feature::new("")];
        assert!(message(EnsembleParts { features: empty, ..parts() }).contains("has the name ``"));
        let many = (0..=MAX_FEATURES).map(|i| Feature::new(i.to_string())).collect();
        assert_eq!(
            message(EnsembleParts { features: many, ..parts() }),
            "the model has 10001 features, at most 10000 are allowed: train a smaller one"
        );
    }

    #[test]
    fn knows_the_codes_of_texts_and_refuses_lists_that_do_not_distinguish_them() {
        let with = |categories: &[&str]| {
            let categories = Some(categories.iter().map(|category| (*category).to_owned()).collect());
            vec![Feature { categories, ..Feature::new("city") }, Feature::new("orders")]
        };
        let features = with(&["Paris", "Rome"]);
        assert_eq!((features[0].code_of("Rome"), features[0].code_of("Oslo").is_nan()), (1.0, true));
        assert!(features[1].code_of("Rome").is_nan(), "no column of texts");
        assert!(Ensemble::new(EnsembleParts { features, ..parts() }).is_ok());
        assert_eq!(
            message(EnsembleParts { features: with(&["Paris", "Paris"]), ..parts() }),
            "the categories of feature `city` are 2 with 1 distinct: name each once, at least one and fewer than 65536"
        );
        assert!(message(EnsembleParts { features: with(&[]), ..parts() }).contains("are 0 with 0 distinct"));
    }

    #[test]
    fn refuses_a_split_on_an_unknown_feature() {
        let error = Ensemble::new(EnsembleParts { features: vec![Feature::new("recency")], ..parts() }).unwrap_err();
        let ModelError::Tree { tree: 0, source } = error else { panic!("{error}") };
        assert_eq!(source.to_string(), "node 0 splits on feature 1, but the model has 1");
    }

    #[test]
    fn refuses_too_many_trees_and_a_bias_of_no_use() {
        let trees = vec![parts().trees[0].clone(); MAX_TREES + 1];
        assert!(message(EnsembleParts { trees, ..parts() }).starts_with("the model has 100001 trees"));
        for bias in [f64::NAN, f64::INFINITY, 1e13] {
            assert!(message(EnsembleParts { bias, ..parts() }).starts_with("the bias is "), "{bias}");
        }
    }

    #[test]
    fn takes_wordings_by_name_and_refuses_wrong_ones() {
        let reasons = |name: &str, text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
        let model = Ensemble::new(parts()).unwrap();
        let worded = model.clone().with_reasons(&reasons("orders", "only {value} orders")).unwrap();
        assert_eq!(worded.features()[1].reason.as_deref(), Some("only {value} orders"));
        assert_eq!(
            model.clone().with_reasons(&reasons("order", "x")).unwrap_err().to_string(),
            "there is a reason for `order`, which is no feature of the model: remove it or correct the name"
        );
        assert_eq!(
            model.with_reasons(&reasons("orders", "only {valeu} orders")).unwrap_err().to_string(),
            "the reason of feature `orders` is `only {valeu} orders`: write a text whose only placeholder is `{value}`"
        );
    }
}
