//! The rules that a plan must keep beside its budget, as a policy states them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::{check_not_empty, check_unique_items};
use crate::error::{ConfigError, UnknownName};
use crate::place::Place;
use crate::yaml;

/// What a plan must keep. All of it is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AllocationRules {
    /// Offers that are worth less are not made; cents, at least 0.
    pub minimum_value_cents: i64,
    /// Which of an offer's values counts.
    pub value: ValueSource,
    /// With `value: lower_bound`, the most cents that may be spent on offers that are worth something by expectation only; their expected
    /// value counts. 0 makes no such offers.
    pub exploration_budget_cents: i64,
    /// The most and the least for channels, offers and groups.
    pub limits: Vec<Limit>,
    /// Groups that must be reached alike.
    pub parity: Vec<Parity>,
    /// Offers that are only for some.
    pub eligibility: Vec<Eligibility>,
}

/// Which of an offer's values counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueSource {
    /// What it is expected to gain.
    #[default]
    Expected,
    /// What it gains at least, with the confidence of whoever computed it.
    LowerBound,
}

/// The most or the least of what is meant; without channel, offer and group, of everything. All that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Offers through this channel.
    pub channel: Option<String>,
    /// Offers of this name.
    pub offer: Option<String>,
    /// Customers of one group of this column; goes with `is`.
    pub group: Option<String>,
    /// The group; goes with `group`.
    pub is: Option<String>,
    /// At most so many contacts: the capacity of the day.
    pub most_contacts: Option<u32>,
    /// At least so many contacts.
    pub least_contacts: Option<u32>,
    /// At most so much money, in cents.
    pub most_cents: Option<i64>,
    /// At least so much money, in cents.
    pub least_cents: Option<i64>,
    /// At most this share of the budget.
    #[serde(deserialize_with = "share")]
    pub most_budget_share: Option<Share>,
    /// At least this share of the budget.
    #[serde(deserialize_with = "share")]
    pub least_budget_share: Option<Share>,
}

/// The share of a group's customers that gets an offer is at least `ratio` times that of every other group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// The column that holds the groups.
    pub group: String,
    /// Above 0 and at most 1; 0.8 is the rule of four fifths.
    #[serde(deserialize_with = "yaml::from_text")]
    pub ratio: Share,
}

/// An offer or channel that is only for customers of some groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Eligibility {
    /// Offers of this name.
    pub offer: Option<String>,
    /// Offers through this channel.
    pub channel: Option<String>,
    /// The column that holds the groups; must be there.
    pub group: String,
    /// The groups that are eligible, at least one.
    pub is: Vec<String>,
}

/// A share as it was written, exactly: 0.8 is 4/5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// At least 0, and at most the denominator.
    pub numerator: i64,
    /// A power of 10, reduced.
    pub denominator: i64,
}

/// The most digits behind the point.
const MOST_DIGITS: usize = 6;

impl FromStr for Share {
    type Err = String;

    /// Reads `0.8`, `1`, `0`: at most six decimals, no exponent.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("`{text}` is no share: write a number from 0 to 1 with at most {MOST_DIGITS} decimals, like 0.8")
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(decimals) || decimals.len() > MOST_DIGITS {
            return Err(wrong());
        }
        let denominator = 10i64.pow(decimals.len() as u32);
        let numerator: i64 = format!("{whole}{decimals}").parse().map_err(|_| wrong())?;
        if numerator > denominator {
            return Err(wrong());
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.numerator as f64 / self.denominator as f64)
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        yaml::from_text(deserializer)
    }
}

fn share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Share>, D::Error> {
    Option::<Share>::deserialize(deserializer)
}

/// The greatest number that divides both; 1 for two zeros.
pub(crate) fn greatest_common_divisor(one: i64, other: i64) -> i64 {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// The names that rules may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// Channels.
    pub channels: Vec<String>,
    /// Offers.
    pub offers: Vec<String>,
    /// Columns of groups, with the groups where they are known.
    pub groups: Vec<(String, Option<Vec<String>>)>,
}

impl AllocationRules {
    /// Whether nothing is asked beyond the budget.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The columns of groups that the rules name, each once, in alphabetical order.
    pub fn group_columns(&self) -> Vec<&str> {
        let limits = self.limits.iter().filter_map(|limit| limit.group.as_deref());
        let parity = self.parity.iter().map(|parity| parity.group.as_str());
        let eligibility = self.eligibility.iter().map(|eligibility| eligibility.group.as_str());
        let mut columns: Vec<&str> = limits.chain(parity).chain(eligibility).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_cents(self.minimum_value_cents, place.key("minimum_value_cents"))?;
        check_cents(self.exploration_budget_cents, place.key("exploration_budget_cents"))?;
        let is_exploring = self.exploration_budget_cents > 0;
        place.key("exploration_budget_cents").ensure(!is_exploring || self.value == ValueSource::LowerBound, || {
            "exploration spends on offers whose lower bound is 0: it needs `value: lower_bound`".to_owned()
        })?;
        for (index, limit) in self.limits.iter().enumerate() {
            limit.check(place.key("limits").item(index))?;
        }
        check_unique_items("limit", &self.limits, place.key("limits"))?;
        for (index, parity) in self.parity.iter().enumerate() {
            let place = place.key("parity").item(index);
            place.key("ratio").ensure(parity.ratio.numerator > 0, || "expected a ratio above 0".to_owned())?;
        }
        check_unique_items(
            "parity",
            &self.parity.iter().map(|parity| &parity.group).collect::<Vec<_>>(),
            place.key("parity"),
        )?;
        for (index, eligibility) in self.eligibility.iter().enumerate() {
            let place = place.key("eligibility").item(index);
            check_not_empty(eligibility.is.is_empty(), "group under `is`", place)?;
            place.ensure(!eligibility.group.is_empty(), || {
                "expected `group`, the column that holds the groups".to_owned()
            })?;
        }
        Ok(())
    }

    /// Every name is known.
    pub(crate) fn check_names(&self, known: &KnownNames, place: Place<'_>) -> Result<(), ConfigError> {
        for (index, limit) in self.limits.iter().enumerate() {
            let place = place.key("limits").item(index);
            known.check_selection(limit.channel.as_deref(), limit.offer.as_deref(), place)?;
            if let Some(group) = &limit.group {
                known.check_group(group, limit.is.as_slice(), place)?;
            }
        }
        for (index, parity) in self.parity.iter().enumerate() {
            known.check_group(&parity.group, &[], place.key("parity").item(index))?;
        }
        for (index, eligibility) in self.eligibility.iter().enumerate() {
            let place = place.key("eligibility").item(index);
            known.check_selection(eligibility.channel.as_deref(), eligibility.offer.as_deref(), place)?;
            known.check_group(&eligibility.group, &eligibility.is, place)?;
        }
        Ok(())
    }
}

impl Limit {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        for (key, cents) in [("most_cents", self.most_cents), ("least_cents", self.least_cents)] {
            check_cents(cents.unwrap_or_default(), place.key(key))?;
        }
        place.ensure(self.group.is_some() == self.is.is_some(), || {
            "`group` and `is` belong together: the column, and the group in it".to_owned()
        })?;
        let bounds = [
            self.most_contacts.is_some(),
            self.least_contacts.is_some(),
            self.most_cents.is_some(),
            self.least_cents.is_some(),
            self.most_budget_share.is_some(),
            self.least_budget_share.is_some(),
        ];
        place.ensure(bounds.contains(&true), || {
            "this limits nothing: add most_ or least_ with contacts, cents or budget_share".to_owned()
        })
    }
}

impl KnownNames {
    fn check_selection(&self, channel: Option<&str>, offer: Option<&str>, place: Place<'_>) -> Result<(), ConfigError> {
        let check = |kind, key, name: Option<&str>, known: &[String]| match name {
            Some(name) if !known.iter().any(|known| known == name) => {
                Err(place.key(key).unknown(&UnknownName::new(kind, name, known.to_vec())))
            }
            _ => Ok(()),
        };
        check("channel", "channel", channel, &self.channels)?;
        check("offer", "offer", offer, &self.offers)
    }

    fn check_group(&self, column: &str, groups: &[String], place: Place<'_>) -> Result<(), ConfigError> {
        let Some((_, known)) = self.groups.iter().find(|(name, _)| name == column) else {
            let columns = self.groups.iter().map(|(name, _)| name.clone());
            return Err(place.key("group").unknown(&UnknownName::new("group column", column, columns)));
        };
        let Some(known) = known else { return Ok(()) };
        match groups.iter().find(|group| !known.contains(group)) {
            Some(group) => Err(place.key("is").unknown(&UnknownName::new("group", group.clone(), known.clone()))),
            None => Ok(()),
        }
    }
}

fn check_cents(cents: i64, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(cents >= 0, || format!("expected a number of cents of at least 0, found {cents}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        let share = |text: &str| text.parse::<Share>().map(|share| (share.numerator, share.denominator));
        assert_eq!(share("0.8"), Ok((4, 5)));
        assert_eq!(share("1"), Ok((1, 1)));
        assert_eq!(share("0.333333"), Ok((333_333, 1_000_000)));
        assert_eq!(share("0"), Ok((0, 1)));
        for wrong in ["1.1", "-0.5", "0.1234567", "1e-1", ".5", "half"] {
            assert_eq!(
                share(wrong).unwrap_err(),
                format!("`{wrong}` is no share: write a number from 0 to 1 with at most 6 decimals, like 0.8")
            );
        }
    }
}
