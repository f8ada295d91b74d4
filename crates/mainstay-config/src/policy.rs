//! Policies: what may be offered, to whom, for how much, and what the bands and tiers are called.

use std::collections::BTreeSet;

use mainstay_schema::{Cents, Digest, RiskBand};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::{check_identifier, check_not_empty, check_range, check_unique};
use crate::error::{ConfigError, UnknownName};
use crate::place::Place;
use crate::rules::{AllocationRules, KnownNames, ValueSource};
use crate::yaml;

/// What may be offered, to whom, and for how much.
// Its serialised form, money in cents, is for digests and records, not for reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What may be spent in a month.
    pub budget: Budget,
    /// Days without another intervention after one, be it of our own plans or of the source's contacts.
    pub cooldown_days: u32,
    /// Which consent counts.
    #[serde(default)]
    pub consent: ConsentRule,
    /// Whether whoever has an open support case is left alone; so unless said otherwise.
    #[serde(default = "by_default")]
    pub suppress_open_cases: bool,
    /// The largest share of the rows of consents, of contacts or of cases that may name no known customer, 0 to 1; above it nobody is
    /// contacted, as those rows may forbid it.
    #[serde(default = "unmatched_share", skip_serializing_if = "is_unmatched_share")]
    #[schemars(extend("default" = unmatched_share()))]
    pub unmatched_suppression_share_at_most: f64,
    /// Customers who are never treated, for comparison.
    pub holdout: Option<Holdout>,
    /// What a plan must keep beside the budget; groups are those of `risk_band` and `value_tier`.
    #[serde(default, skip_serializing_if = "AllocationRules::is_empty")]
    pub rules: AllocationRules,
    /// The catalogue: what may be offered, at least one.
    pub interventions: Vec<Intervention>,
    /// Bands of the churn probability, from the highest down to the one from 0.
    pub risk_bands: Vec<RiskBand>,
    /// Tiers of the lifetime value, from the highest down to the one from 0.
    pub value_tiers: Vec<ValueTier>,
}

/// What may be spent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// For a calendar month in the project's time zone, at least 0; in its currency, with at most two decimals.
    #[serde(deserialize_with = "yaml::from_text")]
    #[schemars(schema_with = "crate::scalar::money")]
    pub amount: Cents,
    /// How the month's money is spread over its days.
    pub pacing: Pacing,
    /// A day spends at most so many equal slices of what the month has left, the last day excepted; at least 1. Not while the
    /// month pays for everything that is worth its cost: there is nothing to pace then.
    pub largest_daily_multiple: f64,
}

/// How the month's money is spread over its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pacing {
    /// The price of budget decides what today is worth.
    Price,
    /// All that is left may go today.
    None,
}

/// Which consent a channel needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRule {
    /// The purpose that it must have been given for; consent for another counts neither way.
    pub purpose: String,
}

impl Default for ConsentRule {
    fn default() -> Self {
        Self { purpose: "marketing".to_owned() }
    }
}

fn by_default() -> bool {
    true
}

/// Few enough that a table whose keys are written in another way stands out; some retailers keep consents of people who never bought.
fn unmatched_share() -> f64 {
    0.02
}

// What is left to its default is not part of a policy's digest.
fn is_unmatched_share(share: &f64) -> bool {
    *share == unmatched_share()
}

/// Customers who are never treated, drawn anew each quarter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    /// Part of the salt, with the quarter: another experiment draws other customers.
    pub experiment: String,
    /// Share of the customers, 0 to 0.5.
    pub share: f64,
}

/// An entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Intervention {
    /// Its name, as the table of decisions says it; not `none` and not `holdout`.
    pub name: String,
    /// The channel it goes through, in small letters: `call`, `email`.
    pub channel: String,
    /// What it costs for one customer, at least 0; in the project's currency, with at most two decimals.
    #[serde(deserialize_with = "yaml::from_text")]
    #[schemars(schema_with = "crate::scalar::money")]
    pub cost: Cents,
    /// Share of would-be churners that it keeps, above 0 and at most 1.
    pub effect: f64,
    /// The risk band for which the baseline policy would use it, for comparison.
    pub tier: Option<String>,
}

/// A named range of lifetime value, from `clv_at_least` upwards to the next tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueTier {
    /// What people call it: `gold`, `silver`, `bronze`.
    pub name: String,
    /// The lowest value that belongs to it, at least 0; in the project's currency, with at most two decimals.
    #[serde(deserialize_with = "yaml::from_text")]
    #[schemars(schema_with = "crate::scalar::money")]
    pub clv_at_least: Cents,
}

impl Policy {
    /// Reads a policy from the text of its file; `file` is shown in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let document = yaml::parse::<Self>(file, text)?;
        document.value.check(document.place())?;
        let mut policy = document.value;
        policy.risk_bands.sort_by(|a, b| b.churn_probability_at_least.total_cmp(&a.churn_probability_at_least));
        policy.value_tiers.sort_by_key(|tier| std::cmp::Reverse(tier.clv_at_least));
        Ok(policy)
    }

    /// The name of the risk band of a churn probability.
    pub fn risk_band(&self, churn_probability: f64) -> &str {
        let band = self.risk_bands.iter().find(|band| churn_probability >= band.churn_probability_at_least);
        band.or(self.risk_bands.last()).map_or("", |band| &band.name)
    }

    /// The name of the value tier of a lifetime value; one below 0 is in the lowest.
    pub fn value_tier(&self, clv: Cents) -> &str {
        let tier = self.value_tiers.iter().find(|tier| clv >= tier.clv_at_least);
        tier.or(self.value_tiers.last()).map_or("", |tier| &tier.name)
    }

    /// The channels of the catalogue, each once, in alphabetical order.
    pub fn channels(&self) -> BTreeSet<&str> {
        self.interventions.iter().map(|intervention| intervention.channel.as_str()).collect()
    }

    /// The digest of what the policy says, whatever the layout of its file and the order of bands and tiers.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::json!(self).to_string().as_bytes())
    }

    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.name, place.key("name"))?;
        self.budget.check(place.key("budget"))?;
        check_staged_name(&self.consent.purpose, place.key("consent").key("purpose"))?;
        let unmatched = self.unmatched_suppression_share_at_most;
        check_range(unmatched, 0.0..=1.0, place.key("unmatched_suppression_share_at_most"))?;
        if let Some(holdout) = &self.holdout {
            let place = place.key("holdout");
            check_identifier(&holdout.experiment, place.key("experiment"))?;
            check_range(holdout.share, 0.0..=0.5, place.key("share"))?;
        }
        check_risk_bands(&self.risk_bands, place.key("risk_bands"))?;
        check_value_tiers(&self.value_tiers, place.key("value_tiers"))?;
        self.check_rules(place.key("rules"))?;
        self.check_interventions(place.key("interventions"))
    }

    fn check_rules(&self, place: Place<'_>) -> Result<(), ConfigError> {
        self.rules.check(place)?;
        place.key("value").ensure(self.rules.value == ValueSource::Expected, || {
            "the catalogue states the expected effect alone: `lower_bound` is for offers that come with one".to_owned()
        })?;
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let known = KnownNames {
            channels: names(self.channels().into_iter().collect()),
            offers: names(self.interventions.iter().map(|each| each.name.as_str()).collect()),
            groups: vec![
                ("risk_band".to_owned(), Some(names(self.risk_bands.iter().map(|band| band.name.as_str()).collect()))),
                (
                    "value_tier".to_owned(),
                    Some(names(self.value_tiers.iter().map(|tier| tier.name.as_str()).collect())),
                ),
            ],
        };
        self.rules.check_names(&known, place)
    }

    fn check_interventions(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_not_empty(self.interventions.is_empty(), "intervention", place)?;
        check_unique("intervention", self.interventions.iter().map(|each| each.name.as_str()), place)?;
        self.interventions.iter().enumerate().try_for_each(|(index, intervention)| {
            let place = place.item(index);
            intervention.check(place)?;
            self.check_tier(intervention.tier.as_deref(), place.key("tier"))
        })
    }

    fn check_tier(&self, tier: Option<&str>, place: Place<'_>) -> Result<(), ConfigError> {
        let bands = || self.risk_bands.iter().map(|band| band.name.as_str());
        match tier {
            Some(tier) if bands().all(|band| band != tier) => {
                Err(place.unknown(&UnknownName::new("risk band", tier, bands())))
            }
            _ => Ok(()),
        }
    }
}

impl Budget {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_not_negative(self.amount, place.key("amount"))?;
        let multiple = self.largest_daily_multiple;
        place
            .key("largest_daily_multiple")
            .ensure(multiple >= 1.0, || format!("expected a number of at least 1, found {multiple}"))
    }
}

impl Intervention {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.name, place.key("name"))?;
        let is_decision = matches!(self.name.as_str(), "none" | "holdout");
        place.key("name").ensure(!is_decision, || {
            format!(
                "`{}` is what the table of decisions says of customers without an intervention: use another name",
                self.name
            )
        })?;
        check_staged_name(&self.channel, place.key("channel"))?;
        check_not_negative(self.cost, place.key("cost"))?;
        let effect = self.effect;
        place
            .key("effect")
            .ensure(effect > 0.0 && effect <= 1.0, || format!("expected a share above 0 and at most 1, found {effect}"))
    }
}

/// A name that is held against staged data, which know small letters alone.
fn check_staged_name(name: &str, place: Place<'_>) -> Result<(), ConfigError> {
    check_identifier(name, place)?;
    let small = name.to_ascii_lowercase();
    place.ensure(name == small, || {
        format!("`{name}` has capital letters: staged channels and purposes have none, write `{small}`")
    })
}

fn check_not_negative(amount: Cents, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(amount >= Cents::ZERO, || format!("expected an amount of at least 0, found {amount}"))
}

fn check_risk_bands(bands: &[RiskBand], place: Place<'_>) -> Result<(), ConfigError> {
    check_unique("risk band", bands.iter().map(|band| band.name.as_str()), place)?;
    for (index, band) in bands.iter().enumerate() {
        let place = place.item(index).key("churn_probability_at_least");
        let lowest = band.churn_probability_at_least;
        check_range(lowest, 0.0..=1.0, place)?;
        let is_repeated = bands.iter().take(index).any(|other| other.churn_probability_at_least == lowest);
        place.ensure(!is_repeated, || format!("another risk band begins at {lowest} as well"))?;
    }
    place.ensure(bands.iter().any(|band| band.churn_probability_at_least == 0.0), || {
        "no risk band begins at 0: the lowest must, so that every customer has one".into()
    })
}

fn check_value_tiers(tiers: &[ValueTier], place: Place<'_>) -> Result<(), ConfigError> {
    check_unique("value tier", tiers.iter().map(|tier| tier.name.as_str()), place)?;
    for (index, tier) in tiers.iter().enumerate() {
        let place = place.item(index).key("clv_at_least");
        let lowest = tier.clv_at_least;
        check_not_negative(lowest, place)?;
        let is_repeated = tiers.iter().take(index).any(|other| other.clv_at_least == lowest);
        place.ensure(!is_repeated, || format!("another value tier begins at {lowest} as well"))?;
    }
    place.ensure(tiers.iter().any(|tier| tier.clv_at_least == Cents::ZERO), || {
        "no value tier begins at 0: the lowest must, so that every customer has one".into()
    })
}
