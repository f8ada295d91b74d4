//! Reasons: the contributions that raise a customer's risk, in plain words.

use crate::ensemble::Ensemble;

/// What stands for the feature's value in a template.
const PLACEHOLDER: &str = "{value}";
/// A contribution below this share of the sum of all contributions, by size, is no reason.
const MINIMUM_SHARE: f64 = 0.05;

/// One feature that raises the risk of one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// Position of the feature in the model.
    pub feature: usize,
    /// Its value; NaN where missing.
    pub value: f64,
    /// How much it adds to the raw score, above 0.
    pub contribution: f64,
}

impl Ensemble {
    /// The at most `k` strongest reasons of one row: positive contributions of at least 5 % of the sum of all by size, greatest
    /// first, equal ones by feature name.
    pub fn reasons(&self, row: &[f64], contributions: &[f64], k: usize) -> Vec<Reason> {
        let least = MINIMUM_SHARE * contributions.iter().map(|phi| phi.abs()).sum::<f64>();
        let mut reasons: Vec<Reason> = row
            .iter()
            .zip(contributions)
            .enumerate()
            .map(|(feature, (&value, &contribution))| Reason { feature, value, contribution })
            .filter(|reason| reason.contribution > 0.0 && reason.contribution >= least)
            .collect();
        reasons.sort_by(|a, b| {
            let by_name = || self.feature_name(a.feature).cmp(self.feature_name(b.feature));
            b.contribution.total_cmp(&a.contribution).then_with(by_name)
        });
        reasons.truncate(k);
        reasons
    }

    /// A reason in words: the feature's template with the value filled in, or `<name> is <value>`.
    pub fn reason_text(&self, reason: &Reason) -> String {
        let value = plain_number(reason.value);
        match self.features().get(reason.feature).and_then(|feature| feature.reason.as_ref()) {
            Some(template) => template.replace(PLACEHOLDER, &value),
            None => format!("{} is {value}", self.feature_name(reason.feature)),
        }
    }

    fn feature_name(&self, feature: usize) -> &str {
        self.features().get(feature).map_or("", |feature| feature.name.as_str())
    }
}

/// Whether a text is not empty and has no placeholder but the value.
pub(crate) fn is_template(text: &str) -> bool {
    !text.is_empty() && !text.replace(PLACEHOLDER, "").contains(['{', '}'])
}

/// Integers without decimals, others with up to two; a missing value is `unknown`.
fn plain_number(value: f64) -> String {
    if value.is_nan() {
        return "unknown".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::test_models::random_ensemble;

    fn model() -> Ensemble {
        let reasons = BTreeMap::from([("feature_1".to_owned(), "no order for {value} days".to_owned())]);
        random_ensemble(0, 5, 1, 2).with_reasons(&reasons).unwrap()
    }

    #[test]
    fn takes_the_strongest_that_raise_the_risk() {
        let row = [1.0, 2.0, 3.0, 4.0, 5.0];
        let features = |contributions: &[f64], k| -> Vec<usize> {
            model().reasons(&row, contributions, k).iter().map(|reason| reason.feature).collect()
        };
        assert_eq!(features(&[0.1, -0.9, 0.5, 0.2, 0.0], 3), [2, 3, 0]);
        assert_eq!(features(&[0.1, -0.9, 0.5, 0.2, 0.0], 2), [2, 3]);
        assert_eq!(features(&[0.3, 0.3, 0.3, 0.1, 0.3], 3), [0, 1, 2], "ties by name");
        assert_eq!(features(&[0.05, 0.049, 0.0, -0.901, 0.0], 3), [0], "below 5 % is no reason");
        assert!(features(&[0.0; 5], 3).is_empty());
        assert!(features(&[-1.0; 5], 3).is_empty());
    }

    #[test]
    fn words_a_reason() {
        let text = |feature, value| model().reason_text(&Reason { feature, value, contribution: 1.0 });
        assert_eq!(text(1, 120.0), "no order for 120 days");
        assert_eq!(text(1, f64::NAN), "no order for unknown days");
        assert_eq!(text(0, 0.126), "feature_0 is 0.13");
    }

    #[test]
    fn shows_numbers_plainly() {
        let cases = [
            (120.0, "120"),
            (-3.0, "-3"),
            (0.5, "0.5"),
            (0.126, "0.13"),
            (1e6, "1000000"),
            (-0.001, "0"),
            (0.0, "0"),
            (2.999, "3"),
        ];
        for (value, expected) in cases {
            assert_eq!(plain_number(value), expected);
        }
        assert_eq!(plain_number(f64::NAN), "unknown");
    }

    #[test]
    fn knows_a_template() {
        for good in ["{value} days", "plain", "{value} and {value}"] {
            assert!(is_template(good), "{good}");
        }
        for bad in ["", "{days}", "{value", "}", "{{value}}"] {
            assert!(!is_template(bad), "{bad}");
        }
    }
}
