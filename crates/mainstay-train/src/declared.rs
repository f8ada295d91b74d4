//! What a project states of a feature, beside its values.

use std::collections::BTreeMap;

use mainstay_model::Feature;
use serde::{Deserialize, Serialize};

use crate::bins::MOST_CATEGORIES;
use crate::error::TrainError;
use crate::rows::TrainingSet;

/// What is known of a feature before training.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Which way the risk may go as the value rises; either where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone: Option<Monotone>,
    /// Of a column of texts the categories that are told apart: a value is the position in this list, and NaN any other text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// Which way the risk goes as the value of a feature rises and all others stay. Missing values are not part of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// Never down.
    Increasing,
    /// Never up.
    Decreasing,
}

impl Monotone {
    /// 1 or -1: what a rising value is multiplied by for the risk to rise.
    pub(crate) fn sign(self) -> f64 {
        match self {
            Self::Increasing => 1.0,
            Self::Decreasing => -1.0,
        }
    }
}

impl TrainingSet {
    /// The same rows with what is declared of features, by name; of others nothing is.
    ///
    /// # Errors
    /// Where a name is no feature, a feature of categories is monotone, or a value is no position in the list of categories.
    pub fn with_declared(mut self, declared: &BTreeMap<String, Declared>) -> Result<Self, TrainError> {
        for (name, of_feature) in declared {
            let position = self.feature_names().iter().position(|feature| feature == name);
            let Some(position) = position else {
                return Err(TrainError::UnknownDeclared { feature: name.clone() });
            };
            if let Some(categories) = &of_feature.categories {
                let (found, most) = (categories.len(), MOST_CATEGORIES);
                if found > most {
                    return Err(TrainError::TooManyCategories { feature: name.clone(), found, most });
                }
                if of_feature.monotone.is_some() {
                    return Err(TrainError::MonotoneCategories { feature: name.clone() });
                }
                let is_code = |value: &f64| {
                    value.is_nan() || (value.fract() == 0.0 && (0.0..categories.len() as f64).contains(value))
                };
                if let Some(value) = self.column(position).iter().find(|value| !is_code(value)) {
                    return Err(TrainError::CategoryCode {
                        feature: name.clone(),
                        value: *value,
                        categories: categories.len(),
                    });
                }
            }
            self.declare(position, of_feature.clone());
        }
        Ok(self)
    }

    /// The features as the model takes them.
    pub(crate) fn model_features(&self) -> Vec<Feature> {
        let features = self.feature_names().iter().zip(self.declared());
        features.map(|(name, of)| Feature { categories: of.categories.clone(), ..Feature::new(name) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rows::draw_truth;

    fn refusal(feature: &str, declared: Declared) -> String {
        let set = TrainingSet::new(draw_truth(1, 50).rows).unwrap();
        set.with_declared(&BTreeMap::from([(feature.to_owned(), declared)])).unwrap_err().to_string()
    }

    #[test]
    fn refuses_what_cannot_be_declared() {
        let categories = || Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            refusal("feature_9", Declared::default()),
            "`feature_9` is declared, but is no feature: remove it or correct the name"
        );
        assert_eq!(
            refusal("feature_0", Declared { monotone: Some(Monotone::Increasing), categories: categories() }),
            "feature `feature_0` has categories, which have no order: take `monotone` away"
        );
        let message = refusal("feature_0", Declared { categories: categories(), monotone: None });
        assert!(message.starts_with("feature `feature_0` has 2 categories, but a row has the code "), "{message}");
    }

    #[test]
    fn is_written_as_in_yaml() {
        let monotone = Declared { monotone: Some(Monotone::Decreasing), categories: None };
        assert_eq!(serde_json::to_string(&monotone).unwrap(), r#"{"monotone":"decreasing"}"#);
        assert_eq!(serde_json::from_str::<Declared>("{}").unwrap(), Declared::default());
        assert!(serde_json::from_str::<Declared>(r#"{"monotone":"up"}"#).is_err());
    }
}
