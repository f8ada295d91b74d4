//! What a model is held against on the rows that it is judged on: one feature alone, and the model in use.

use mainstay_model::Ensemble;

use crate::baseline::{FeatureRows, SingleFeature, scores_of, single_feature};
use crate::error::TrainError;
use crate::rows::TrainingSet;

/// Scores of something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Competitor {
    /// What it is: `days_since_last_order alone`, `champion`.
    pub name: String,
    /// Higher is riskier.
    pub scores: Vec<f64>,
}

impl Competitor {
    /// One feature alone, in the direction that does better on the training rows, and how it ranks the test rows.
    ///
    /// # Errors
    /// Those of [`single_feature`], and a feature that there is not.
    pub fn alone(
        feature: &str,
        training: &TrainingSet,
        test: &TrainingSet,
    ) -> Result<(SingleFeature, Self), TrainError> {
        let column = |set: &TrainingSet| Ok::<_, TrainError>(set.column(set.position_of(feature)?));
        let (before, after) = (column(training)?, column(test)?);
        let single = single_feature(
            FeatureRows { values: &before, labels: training.labels() },
            FeatureRows { values: &after, labels: test.labels() },
        )?;
        let scores = scores_of(&after, single.higher_is_riskier);
        Ok((single, Self { name: format!("{feature} alone"), scores }))
    }

    /// Another model, which takes its features by their names.
    ///
    /// # Errors
    /// A feature that there is not, and what the model refuses.
    pub fn model(name: &str, model: &Ensemble, test: &TrainingSet) -> Result<Self, TrainError> {
        Ok(Self { name: name.to_owned(), scores: test.raw_scores_of_other(model)? })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mainstay_model::{Calibration, Condition, EnsembleParts, Feature, Link, Missing, Node, Tree};

    use super::*;
    use crate::declared::Declared;
    use crate::rows::TrainingRows;

    /// Four customers, the last of no known city; the code of a city is its position.
    fn rows(cities: [&str; 2]) -> TrainingSet {
        let code = |city: &str| cities.iter().position(|known| *known == city).map_or(f64::NAN, |code| code as f64);
        let set = TrainingSet::new(TrainingRows {
            feature_names: vec!["orders".into(), "city".into()],
            columns: vec![vec![1.0, 2.0, 3.0, 4.0], ["Oslo", "Rome", "Rome", ""].map(code).to_vec()],
            labels: vec![true, true, false, false],
            keys: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            cuts: vec!["2025-08-01".parse().unwrap(); 4],
        });
        let categories = Some(cities.map(str::to_owned).to_vec());
        let declared = BTreeMap::from([("city".to_owned(), Declared { monotone: None, categories })]);
        set.unwrap().with_declared(&declared).unwrap()
    }

    /// 1 for the code 0 of its only feature, -1 for others, missing ones too.
    fn model(feature: &str, categories: &[&str]) -> Ensemble {
        let categories = Some(categories.iter().map(|city| (*city).to_owned()).collect());
        let leaf = |value| Node::Leaf { value, cover: 2.0 };
        let split = Node::Split {
            feature: 0,
            condition: Condition::at_most(0.0),
            missing: Missing::Nan,
            default_left: false,
            left: 1,
            right: 2,
            cover: 4.0,
        };
        Ensemble::new(EnsembleParts {
            features: vec![Feature { categories, ..Feature::new(feature) }],
            trees: vec![Tree::new(&[split, leaf(1.0), leaf(-1.0)]).unwrap()],
            bias: 0.0,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })
        .unwrap()
    }

    #[test]
    fn another_model_takes_features_by_name_and_categories_by_its_own_codes() {
        let champion = model("city", &["Rome", "Paris"]);
        let expected = [-1.0, 1.0, 1.0, -1.0];
        for cities in [["Oslo", "Rome"], ["Rome", "Oslo"]] {
            let found = Competitor::model("champion", &champion, &rows(cities)).unwrap();
            assert_eq!((found.name.as_str(), found.scores.as_slice()), ("champion", &expected[..]), "{cities:?}");
        }
    }

    #[test]
    fn one_feature_alone_is_judged_on_the_test_rows() {
        let set = rows(["Oslo", "Rome"]);
        let (single, alone) = Competitor::alone("orders", &set, &set).unwrap();
        assert_eq!((single.higher_is_riskier, single.ranking.auc), (false, 1.0));
        assert_eq!((alone.name.as_str(), alone.scores.as_slice()), ("orders alone", &[-1.0, -2.0, -3.0, -4.0][..]));
    }

    #[test]
    fn a_feature_that_there_is_not_is_named() {
        let set = rows(["Oslo", "Rome"]);
        let expected = "there is no feature `region`: name one of the features of the rows";
        assert_eq!(Competitor::alone("region", &set, &set).unwrap_err().to_string(), expected);
        let error = Competitor::model("champion", &model("region", &["north"]), &set).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
