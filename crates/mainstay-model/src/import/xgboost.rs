//! XGBoost's JSON and UBJSON files: one structure, two encodings.
//!
//! A leaf has the left child -1 and its value in `split_conditions`. Covers are `sum_hessian`, from which XGBoost computes its own
//! contributions. `base_score` is a probability where the objective is logistic: the bias is its logit. A categorical split
//! sends the codes of its list to the right, so its children are swapped here.

mod tree;
mod values;

use serde::Deserialize;

use self::tree::FileTree;
use self::values::{Parameters, without_nan};
use super::error::{Format, ImportError, shortened};
use super::{check_file, ubjson};
use crate::calibration::{Calibration, logit};
use crate::ensemble::{Ensemble, EnsembleParts, Feature, Link, MAX_FEATURES, check_limit};

/// Reads a file of XGBoost, JSON or UBJSON: their second characters differ.
///
/// # Errors
/// See [`ImportError`].
pub fn xgboost(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    let is_binary = matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#' | b'N', ..]);
    if is_binary { xgboost_ubjson(bytes) } else { xgboost_json(bytes) }
}

/// Reads a JSON file of XGBoost, as `Booster.save_model("model.json")` writes it.
///
/// # Errors
/// See [`ImportError`].
pub fn xgboost_json(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    const FORMAT: Format = Format::XgboostJson;
    check_file(bytes, FORMAT)?;
    let bytes = without_nan(bytes);
    let unreadable = |source| ImportError::unreadable(FORMAT, source);
    let header: File<HeaderBooster> = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let link = header.learner.check(FORMAT)?;
    let file: File<Booster> = serde_json::from_slice(&bytes).map_err(unreadable)?;
    file.learner.into_ensemble(FORMAT, link)
}

/// Reads a UBJSON file of XGBoost, as `Booster.save_model("model.ubj")` writes it.
///
/// # Errors
/// See [`ImportError`].
pub fn xgboost_ubjson(bytes: &[u8]) -> Result<Ensemble, ImportError> {
    const FORMAT: Format = Format::XgboostUbjson;
    check_file(bytes, FORMAT)?;
    let unreadable = |source| ImportError::unreadable(FORMAT, source);
    let header: File<HeaderBooster> = ubjson::from_slice(bytes).map_err(unreadable)?;
    let link = header.learner.check(FORMAT)?;
    let file: File<Booster> = ubjson::from_slice(bytes).map_err(unreadable)?;
    file.learner.into_ensemble(FORMAT, link)
}

#[derive(Deserialize)]
struct File<B> {
    learner: Learner<B>,
}

#[derive(Deserialize)]
struct Learner<B> {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: B,
    learner_model_param: LearnerParameters,
    objective: Objective,
}

#[derive(Deserialize)]
struct LearnerParameters {
    base_score: Parameters,
    num_feature: Parameters,
    #[serde(default)]
    num_class: Parameters,
    #[serde(default)]
    num_target: Parameters,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

/// What of a booster is read first: those of another kind have other parts.
#[derive(Deserialize)]
struct HeaderBooster {
    name: String,
}

#[derive(Deserialize)]
struct Booster {
    model: Option<TreeModel>,
    /// Of the booster `dart`: its trees and their weights.
    gbtree: Option<Box<Booster>>,
    #[serde(default)]
    weight_drop: Vec<f64>,
}

#[derive(Deserialize)]
struct TreeModel {
    trees: Vec<FileTree>,
    tree_info: Vec<u32>,
}

impl Learner<HeaderBooster> {
    /// Refuses what is not read, and says how base score and prediction are read.
    fn check(&self, format: Format) -> Result<Link, ImportError> {
        let unsupported = |what: String, advice| Err(ImportError::Unsupported { format, what, advice });
        let booster = self.gradient_booster.name.as_str();
        if !matches!(booster, "gbtree" | "dart") {
            return unsupported(
                format!("the booster `{}`", shortened(booster)),
                "train with booster `gbtree` or `dart`",
            );
        }
        if self.learner_model_param.num_class.single().is_none_or(|classes| classes > 1.0) {
            return unsupported("several classes".to_owned(), "train one `binary:logistic` model a class");
        }
        if self.learner_model_param.num_target.single().is_none_or(|targets| targets > 1.0) {
            return unsupported("several targets".to_owned(), "train one model a target");
        }
        match self.objective.name.as_str() {
            "binary:logistic" | "reg:logistic" => Ok(Link::Logistic),
            "reg:squarederror" | "reg:linear" | "reg:absoluteerror" | "reg:pseudohubererror" => Ok(Link::Identity),
            other => unsupported(
                format!("the objective `{}`", shortened(other)),
                "train with `binary:logistic` or `reg:squarederror`",
            ),
        }
    }
}

impl Learner<Booster> {
    fn into_ensemble(self, format: Format, link: Link) -> Result<Ensemble, ImportError> {
        let parameters = &self.learner_model_param;
        let features = features(format, self.feature_names, parameters)?;
        let bias = bias(format, link, parameters)?;
        let (model, weights) = self.gradient_booster.into_trees(format)?;
        if model.tree_info.iter().any(|class| *class != 0) {
            return Err(ImportError::Unsupported {
                format,
                what: "trees of several classes or targets".to_owned(),
                advice: "train one model a class",
            });
        }
        let weighted = model.trees.into_iter().zip(weights).enumerate();
        let trees = weighted.map(|(tree, (of, weight))| of.into_tree(format, tree, weight));
        let trees = trees.collect::<Result<Vec<_>, _>>()?;
        Ok(Ensemble::new(EnsembleParts { features, trees, bias, link, calibration: Calibration::Identity })?)
    }
}

fn features(format: Format, names: Vec<String>, parameters: &LearnerParameters) -> Result<Vec<Feature>, ImportError> {
    let malformed = |problem| ImportError::Malformed { format, place: "the header".to_owned(), problem };
    let count = parameters.num_feature.single().filter(|count| *count >= 0.0);
    let count = count.ok_or_else(|| malformed("has a `num_feature` that is no count".to_owned()))? as usize;
    check_limit("features", count, MAX_FEATURES)?;
    if names.is_empty() {
        return Ok((0..count).map(|feature| Feature::new(format!("f{feature}"))).collect());
    }
    if names.len() != count {
        return Err(malformed(format!("has {} names in `feature_names`, expected {count}", names.len())));
    }
    Ok(names.into_iter().map(Feature::new).collect())
}

fn bias(format: Format, link: Link, parameters: &LearnerParameters) -> Result<f64, ImportError> {
    let bias = parameters.base_score.single().map(|score| match link {
        Link::Logistic => logit(score),
        Link::Identity => score,
    });
    bias.filter(|bias| bias.is_finite()).ok_or_else(|| ImportError::Malformed {
        format,
        place: "the header".to_owned(),
        problem: "has a `base_score` that is no number, or no probability where the objective asks for one".to_owned(),
    })
}

impl Booster {
    /// The trees and the weight of each: 1 where none are given.
    fn into_trees(self, format: Format) -> Result<(TreeModel, Vec<f64>), ImportError> {
        let malformed = |problem| ImportError::Malformed { format, place: "the booster".to_owned(), problem };
        let (model, weights) = match (self.model, self.gbtree) {
            (Some(model), _) => {
                let weights = vec![1.0; model.trees.len()];
                (model, weights)
            }
            (None, Some(inner)) => {
                let model = inner.model.ok_or_else(|| malformed("has no `model`".to_owned()))?;
                (model, self.weight_drop)
            }
            (None, None) => return Err(malformed("has no `model`".to_owned())),
        };
        if weights.len() != model.trees.len() {
            let problem = format!("has {} weights in `weight_drop`, expected {}", weights.len(), model.trees.len());
            return Err(malformed(problem));
        }
        Ok((model, weights))
    }
}
