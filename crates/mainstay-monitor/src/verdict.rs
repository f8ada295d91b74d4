//! What stops a run, what was accepted, and what stands accepted.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use mainstay_schema::Ds;
use serde::{Deserialize, Serialize};

use crate::measure::{Check, Measure};

/// How much worse than what was accepted it may become before it is asked about again: by two thirds.
const SLACK: f64 = 0.6;

/// Who goes on in spite of what findings, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The names of the findings.
    pub names: Vec<Subject>,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// What a finding is about: the NAME of `--accept NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Subject {
    /// `source:retailer.orders`
    Source(String),
    /// `feature:days_since_last_order`
    Feature(String),
    /// `population`
    Population,
    /// `risk`
    Risk,
    /// `value`
    Value,
    /// `treated`
    Treated,
    /// `spend`
    Spend,
    /// `model_knows_future`: the model was trained on what happened after the day.
    ModelKnowsFuture,
    /// `skew:active_days`: a feature or a variable is not as the model has learnt it.
    Skew(String),
}

impl Subject {
    /// Whether the circuit breaker judges it.
    pub fn is_of_breaker(&self) -> bool {
        !matches!(self, Self::ModelKnowsFuture | Self::Skew(_))
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl TryFrom<String> for Subject {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match (name, name.split_once(':')) {
            ("population", _) => Ok(Self::Population),
            ("risk", _) => Ok(Self::Risk),
            ("value", _) => Ok(Self::Value),
            ("treated", _) => Ok(Self::Treated),
            ("spend", _) => Ok(Self::Spend),
            ("model_knows_future", _) => Ok(Self::ModelKnowsFuture),
            (_, Some(("source", table))) if !table.is_empty() => Ok(Self::Source(table.to_owned())),
            (_, Some(("feature", feature))) if !feature.is_empty() => Ok(Self::Feature(feature.to_owned())),
            (_, Some(("skew", name))) if !name.is_empty() => Ok(Self::Skew(name.to_owned())),
            _ => Err(format!(
                "`{name}` is nothing that stops a run: source:SOURCE.TABLE, feature:FEATURE, population, risk, value, treated, spend, \
                 skew:NAME or model_knows_future, as the message of the run that stopped names it"
            )),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(table) => write!(f, "source:{table}"),
            Self::Feature(feature) => write!(f, "feature:{feature}"),
            Self::Population => f.write_str("population"),
            Self::Risk => f.write_str("risk"),
            Self::Value => f.write_str("value"),
            Self::Treated => f.write_str("treated"),
            Self::Spend => f.write_str("spend"),
            Self::ModelKnowsFuture => f.write_str("model_knows_future"),
            Self::Skew(name) => write!(f, "skew:{name}"),
        }
    }
}

/// A finding that somebody accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The figures as they were accepted.
    pub finding: Measure,
    /// For which day.
    pub ds: Ds,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl Accepted {
    /// Whether a finding is no more than what was accepted: the same thing, no farther from the usual.
    fn covers(&self, finding: &Measure) -> bool {
        let accepted = &self.finding;
        let is_same = accepted.name == finding.name && accepted.check.holds(finding.check);
        if !is_same || accepted.check == finding.check && accepted.of != finding.of {
            return false;
        }
        let left = |measure: &Measure| match measure.check {
            Check::Silence => 0.0,
            // What is usual may be none of them: more of them is worse.
            Check::Refused | Check::IdsByCase => 1.0 + measure.figure,
            _ => measure.figure / measure.usual,
        };
        let (accepted, found) = (left(accepted), left(finding));
        if accepted <= 1.0 {
            found <= 1.0 && found >= SLACK * accepted
        } else {
            found >= 1.0 && SLACK * found <= accepted
        }
    }
}

/// The findings of a day, parted by what becomes of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// They stop the run.
    pub stops: Vec<Measure>,
    /// They were accepted for this day.
    pub accepted: Vec<Accepted>,
    /// They were accepted for an earlier day and are no worse.
    pub standing: Vec<Accepted>,
}

impl Verdict {
    /// Parts the findings among measures; `standing` is what was or stood accepted on the last published day.
    pub fn of<'a>(
        ds: Ds,
        measures: impl IntoIterator<Item = &'a Measure>,
        standing: &[Accepted],
        acceptance: Option<&Acceptance>,
    ) -> Self {
        let mut verdict = Self::default();
        for finding in measures.into_iter().filter(|measure| measure.is_finding()) {
            let named =
                acceptance.filter(|acceptance| acceptance.names.iter().any(|name| name.to_string() == finding.name));
            if let Some(Acceptance { by, why, at, .. }) = named {
                let (by, why, at) = (by.clone(), why.clone(), *at);
                verdict.accepted.push(Accepted { finding: finding.clone(), ds, by, why, at });
            } else if let Some(earlier) = standing.iter().find(|earlier| earlier.covers(finding)) {
                if !verdict.standing.contains(earlier) {
                    verdict.standing.push(earlier.clone());
                }
            } else {
                verdict.stops.push(finding.clone());
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
