//! The circuit breaker: what a day's sources, features, population, risk, value and spend are, against the days before and against training.
//!
//! [`judge_table`], [`judge_features`], [`judge_population`], [`judge_risk`], [`judge_value`] and [`judge_plan`] give [`Measure`]s: a figure, what is
//! usual, and how near to its limit that is. [`Verdict`] parts those beyond a limit into what stops a run, what somebody has accepted
//! with a reason, and what was accepted on an earlier day and still stands.
//!
//! It reads nothing: the caller counts rows ([`TableDays`]), tallies features ([`Tally`]) and keeps the figures of each day
//! ([`DayFigures`]) for the days that follow. Sums are integers, so that no figure depends on partitions or threads.

mod feature;
mod figures;
mod measure;
mod plan;
mod population;
mod profile;
mod refused_rows;
mod risk;
mod robust;
mod source;
mod value;
mod verdict;

pub use feature::judge_features;
pub use figures::{
    Before, Customers, DayFigures, Plan, RefusedFigures, RiskFigures, TableFigures, TrainingFigures, ValueFigures,
};
pub use measure::{Check, Measure};
pub use plan::judge_plan;
pub use population::{IdsByCase, judge_ids, judge_population};
pub use profile::{FeatureProfile, FeatureProfiles, Tally, TrainingProfile};
pub use refused_rows::{judge_refused, refused_since};
pub use risk::judge_risk;
pub use source::{Amount, DayRows, TableDays, judge_history, judge_set_aside, judge_table};
pub use value::judge_value;
pub use verdict::{Acceptance, Accepted, Subject, Verdict};

#[cfg(test)]
mod tests;
