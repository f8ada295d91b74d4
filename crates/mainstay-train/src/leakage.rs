//! What speaks for a leak: features that know what they could not know on the day of the decision.
//!
//! A leak makes figures too good to be true, and the model worthless. Each check here looks for one way in which it comes about, and says
//! which column and what to do. None of them proves a leak; thresholds are such that features of honest data, the strongest
//! included, pass. How features have moved between the training rows and the test rows is distinguished from leaks: time moves them.

mod alone;
mod cuts;
mod finding;
mod pairs;
mod rows;
mod thresholds;

use serde::{Deserialize, Serialize};

use crate::drift::{Drift, drift};
use crate::error::TrainError;

pub use finding::{DateColumn, Finding, LeakKind, LeakageInput};

/// All that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakageReport {
    /// What speaks for a leak, by kind and column.
    pub findings: Vec<Finding>,
    /// How features moved between training and test rows, the most first; those that chance explains are left out.
    pub drift: Vec<Drift>,
    /// Features that are the same for all customers of a cut and differ between cuts, such as indicators of the economy. They name the
    /// cut: what a model learns by them is how many churned at that time, which says little of another time.
    #[serde(default)]
    pub names_the_cut: Vec<String>,
}

/// Looks for every kind of leak.
///
/// # Errors
/// Where training and test rows have other features.
pub fn look_for_leaks(input: &LeakageInput<'_>) -> Result<LeakageReport, TrainError> {
    if input.training.feature_names() != input.test.feature_names() {
        let (names, columns) = (input.training.feature_names().len(), input.test.feature_names().len());
        return Err(TrainError::ColumnCount { names, columns });
    }
    let mut findings = thresholds::without_explained(alone::look(input), input.training);
    findings.extend(pairs::look(input, &findings));
    findings.extend(rows::look(input));
    findings.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| a.columns.cmp(&b.columns)));
    let names_the_cut = cuts::naming(input.training);
    Ok(LeakageReport { findings, drift: drift(input.training, input.test), names_the_cut })
}

#[cfg(test)]
mod tests;
