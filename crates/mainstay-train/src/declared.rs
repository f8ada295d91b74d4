//! What a project states of a feature, beside its values.

use serde::{Deserialize, Serialize};

/// The most categories of a feature: codes 1 to 254.
pub(crate) const MOST_CATEGORIES: usize = 254;

/// What is known of a feature before training.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Which way the risk may go as the value rises; either where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone: Option<Monotone>,
    /// Of a column of texts the categories that are distinguished: a value is the position in this list, and NaN any other text.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rows::TrainingSet;
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
