//! Reasons: the contributions that raise a customer's risk, in plain words.

use std::collections::{BTreeMap, BTreeSet};

use crate::ensemble::Ensemble;
use crate::error::ModelError;

/// What stands for the feature's value in a template.
const PLACEHOLDER: &str = "{value}";
/// A contribution below this share of the sum of all contributions, by size, is no reason.
const MINIMUM_SHARE: f64 = 0.05;

/// Stands for the strongest feature of a group of which none has been looked at.
const NO_FEATURE: usize = usize::MAX;
/// More reasons than these help no one (Regulation B, official commentary on 12 CFR 1002.9(b)(2)).
pub const MOST_REASONS: usize = 4;

/// One feature that raises the risk of one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// Position of the feature in the model.
    pub feature: usize,
    /// Its value; NaN where missing.
    pub value: f64,
    /// How much it adds to the raw score, above 0; that of its whole group where it speaks for one.
    pub contribution: f64,
}

/// Which contributions become reasons: the strongest that raise the risk, as [`Ensemble::reasons`] says, with features taken
/// together in groups and some never named.
#[derive(Debug, Clone)]
pub struct ReasonRules {
    /// By feature.
    members: Vec<Member>,
    /// By group: whether it may be a reason.
    may_be_named: Vec<bool>,
    most: usize,
}

/// A feature in its group.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Groups are numbered in the order of their names, so that the lower number wins a tie.
    group: usize,
    /// The feature's position in the order of all names.
    rank: usize,
}

impl ReasonRules {
    /// Rules for a model: at most `most` reasons a row. `groups` names the group of each feature that has one, such as `city` for
    /// `city_is_paris`; a group's contribution is the sum of its features', and the one that raises the risk most speaks for it.
    /// A group with a feature of `withheld`, such as a protected attribute, is never a reason, though it counts in the total.
    ///
    /// # Errors
    /// Where a name is no feature of the model, or `most` is above [`MOST_REASONS`].
    pub fn new(
        model: &Ensemble,
        groups: &BTreeMap<String, String>,
        withheld: &BTreeSet<String>,
        most: usize,
    ) -> Result<Self, ModelError> {
        if most > MOST_REASONS {
            return Err(ModelError::TooManyReasons { found: most, limit: MOST_REASONS });
        }
        let features: BTreeSet<&str> = model.features().iter().map(|feature| feature.name.as_str()).collect();
        if let Some(name) = groups.keys().chain(withheld).find(|name| !features.contains(name.as_str())) {
            return Err(ModelError::UnknownGrouped { feature: name.clone() });
        }
        // A feature without a group is one of its own, apart from a group that happens to have its name.
        let group_of = |name| groups.get(name).map_or((name, true), |group| (group.as_str(), false));
        let names: Vec<_> = features.iter().map(|name| group_of(*name)).collect::<BTreeSet<_>>().into_iter().collect();
        let mut may_be_named = vec![true; names.len()];
        let members = model.features().iter().map(|feature| {
            let name = feature.name.as_str();
            let group = names.partition_point(|other| *other < group_of(name));
            may_be_named[group] &= !withheld.contains(name);
            Member { group, rank: features.range(..name).count() }
        });
        Ok(Self { members: members.collect(), may_be_named, most })
    }

    /// A place to pick the reasons of row after row without allocating.
    pub(crate) fn picker(&self) -> Picker<'_> {
        let none = Group { contribution: 0.0, strongest: NO_FEATURE };
        Picker {
            rules: self,
            groups: vec![none; self.may_be_named.len()],
            reasons: Vec::with_capacity(MOST_REASONS + 1),
        }
    }
}

/// Picks the reasons of one row after the other.
pub(crate) struct Picker<'a> {
    rules: &'a ReasonRules,
    groups: Vec<Group>,
    reasons: Vec<Reason>,
}

/// What the features of a group say of one row together.
#[derive(Debug, Clone, Copy)]
struct Group {
    contribution: f64,
    /// The feature that raises the risk most.
    strongest: usize,
}

impl Picker<'_> {
    /// The reasons of a row, the strongest first.
    pub(crate) fn pick(&mut self, contributions: &[f64], mut value: impl FnMut(usize) -> f64) -> &[Reason] {
        let least = MINIMUM_SHARE * self.sum_groups(contributions);
        self.reasons.clear();
        for (group, may_be_named) in self.groups.iter().zip(&self.rules.may_be_named) {
            let Group { contribution, strongest: feature } = *group;
            if *may_be_named && contribution > 0.0 && contribution >= least {
                // Groups come in the order of their names: equal ones stay in it.
                let at = self.reasons.partition_point(|reason| reason.contribution >= contribution);
                if at < self.rules.most {
                    self.reasons.truncate(self.rules.most - 1);
                    self.reasons.insert(at, Reason { feature, value: f64::NAN, contribution });
                }
            }
        }
        for reason in &mut self.reasons {
            reason.value = value(reason.feature);
        }
        &self.reasons
    }

    /// Sums the contributions by group, and gives the total by size.
    fn sum_groups(&mut self, contributions: &[f64]) -> f64 {
        self.groups.fill(Group { contribution: 0.0, strongest: NO_FEATURE });
        for (feature, (contribution, member)) in contributions.iter().zip(&self.rules.members).enumerate() {
            let group = &mut self.groups[member.group];
            group.contribution += contribution;
            let is_stronger = |other: usize| {
                let by_size = contribution.total_cmp(&contributions[other]);
                by_size.then(self.rules.members[other].rank.cmp(&member.rank)).is_gt()
            };
            if group.strongest == NO_FEATURE || is_stronger(group.strongest) {
                group.strongest = feature;
            }
        }
        self.groups.iter().map(|group| group.contribution.abs()).sum()
    }
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
        let value = self.plain_value(reason);
        match self.features().get(reason.feature).and_then(|feature| feature.reason.as_ref()) {
            Some(template) => template.replace(PLACEHOLDER, &value),
            None => format!("{} is {value}", self.feature_name(reason.feature)),
        }
    }

    /// The category of a column of texts, otherwise the number.
    fn plain_value(&self, reason: &Reason) -> String {
        let categories = self.features().get(reason.feature).and_then(|feature| feature.categories.as_ref());
        let category = categories.filter(|_| reason.value >= 0.0).and_then(|known| known.get(reason.value as usize));
        category.cloned().unwrap_or_else(|| plain_number(reason.value))
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
    use proptest::prelude::*;

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

    fn rules(groups: &[(&str, &str)], withheld: &[&str], most: usize) -> Result<ReasonRules, ModelError> {
        let groups = groups.iter().map(|(feature, group)| ((*feature).to_owned(), (*group).to_owned())).collect();
        let withheld = withheld.iter().map(|feature| (*feature).to_owned()).collect();
        ReasonRules::new(&model(), &groups, &withheld, most)
    }

    /// Features and contributions of the reasons; the value of feature i is i.
    fn picked(rules: &ReasonRules, contributions: &[f64]) -> Vec<(usize, f64)> {
        let mut picker = rules.picker();
        let reasons = picker.pick(contributions, |feature| feature as f64);
        assert!(reasons.iter().all(|reason| reason.value == reason.feature as f64));
        reasons.iter().map(|reason| (reason.feature, reason.contribution)).collect()
    }

    #[test]
    fn a_group_is_one_reason_and_its_strongest_feature_speaks() {
        let grouped = rules(&[("feature_1", "city"), ("feature_3", "city")], &[], 4).unwrap();
        assert_eq!(
            picked(&grouped, &[0.3, 0.25, 0.5, 0.25, 0.0]),
            [(1, 0.5), (2, 0.5), (0, 0.3)],
            "ties by group name"
        );
        assert_eq!(picked(&grouped, &[0.25, 0.25, 0.0, -0.5, 0.0]), [(0, 0.25)], "together they lower the risk");
        assert_eq!(picked(&grouped, &[1.0, 0.04, 0.0, 0.03, 0.0]), [(0, 1.0), (1, 0.07)], "together above 5 %");
        let named_as_a_feature = rules(&[("feature_1", "feature_0"), ("feature_3", "feature_0")], &[], 4).unwrap();
        assert_eq!(picked(&named_as_a_feature, &[0.4, 0.2, 0.0, 0.1, 0.0]).len(), 2);
    }

    #[test]
    fn what_is_withheld_is_never_a_reason_but_counts() {
        let withheld = rules(&[("feature_1", "city"), ("feature_3", "city")], &["feature_3", "feature_0"], 4).unwrap();
        assert_eq!(picked(&withheld, &[0.9, 0.9, 0.3, 0.0, 0.1]), [(2, 0.3)]);
    }

    #[test]
    fn refuses_rules_of_no_use() {
        assert_eq!(
            rules(&[("city", "place")], &[], 3).unwrap_err().to_string(),
            "`city` is grouped or withheld for reasons, but is no feature of the model: remove it or correct the name"
        );
        assert!(rules(&[], &["age"], 3).unwrap_err().to_string().starts_with("`age` is grouped or withheld"));
        assert_eq!(
            rules(&[], &[], 5).unwrap_err().to_string(),
            "5 reasons were asked for, at most 4 are given: ask for fewer"
        );
    }

    proptest! {
        #[test]
        fn without_groups_the_rules_are_those_of_the_model(
            steps in prop::collection::vec(-4i8..8, 5), most in 0usize..=MOST_REASONS
        ) {
            let contributions: Vec<f64> = steps.into_iter().map(f64::from).collect();
            let row = [0.0, 1.0, 2.0, 3.0, 4.0];
            let expected = model().reasons(&row, &contributions, most);
            let rules = rules(&[], &[], most).unwrap();
            let mut picker = rules.picker();
            prop_assert_eq!(picker.pick(&contributions, |feature| row[feature]), expected);
        }
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
