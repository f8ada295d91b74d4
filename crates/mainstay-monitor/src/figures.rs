//! What a day keeps for the days that follow it.

use mainstay_config::CircuitBreaker;
use mainstay_schema::{Cents, Digest, Ds};
use serde::{Deserialize, Serialize};

use crate::measure::Measure;
use crate::profile::{FeatureProfiles, TrainingProfile};
use crate::verdict::Accepted;

/// The circuit breaker's part of a day's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayFigures {
    /// What was allowed.
    pub limits: CircuitBreaker,
    /// Each source table with an event time.
    pub sources: Vec<TableFigures>,
    /// The features of the eligible customers.
    pub features: FeatureProfiles,
    /// The risk of the scored ones.
    pub risk: RiskFigures,
    /// What they are worth; `None` in records of an earlier release.
    #[serde(default)]
    pub value: Option<ValueFigures>,
    /// Customers whose ids are those of others but for capitals; `None` in records of an earlier release.
    #[serde(default)]
    pub ids_by_case: Option<u64>,
    /// Each source table that has refused rows since the last published day; `None` in records of an earlier release, and of a first day.
    #[serde(default)]
    pub refused: Option<Vec<RefusedFigures>>,
    /// What came nearest to its limit, a measure a check.
    pub nearest: Vec<Measure>,
    /// What lay beyond a limit and was accepted for this day.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
    /// What was accepted for an earlier day and is still as it was.
    #[serde(default)]
    pub standing: Vec<Accepted>,
}

/// The newest day of a source table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFigures {
    /// `source.table`.
    pub table: String,
    /// The newest day with a row.
    pub newest: Option<Ds>,
    /// Rows of the day before the run's that were known by its end.
    pub rows: u64,
    /// How many are usual; `None` where too few weeks say it.
    pub usual_rows: Option<f64>,
}

/// The risk of the scored customers of a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RiskFigures {
    /// Mean probability of churn; 0 without customers.
    pub mean: f64,
    /// Customers by risk band, in the order of the bands' names.
    pub bands: Vec<(String, u64)>,
}

/// What the scored customers of a day are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueFigures {
    /// Their mean lifetime value; 0 without customers.
    pub mean_cents: f64,
    /// The standard deviation of it among them.
    pub deviation_cents: f64,
}

/// The rows of a source table that broke their contract since the last published day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedFigures {
    /// `source.table`.
    pub table: String,
    /// All that came since.
    pub rows: u64,
    /// Those that are refused and were not.
    pub refused: u64,
}

/// How the known customers of a day split up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Customers {
    /// All.
    pub known: u64,
    /// With a score.
    pub scored: u64,
}

/// What was decided for a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plan {
    /// Customers with an intervention.
    pub treated: u64,
    /// What they cost.
    pub spent: Cents,
}

/// A published day before the one that is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// The day.
    pub ds: Ds,
    /// Its customers.
    pub customers: Customers,
    /// The model that scored.
    pub model: Digest,
    /// What was decided; `None` where nobody could be treated, as the model was not approved.
    pub plan: Option<Plan>,
    /// Its figures; `None` where an earlier release published it.
    pub figures: Option<DayFigures>,
}

/// What the model's training says of its test cut and of its rows; kept with the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingFigures {
    /// Eligible customers of the test cut.
    pub customers: u64,
    /// The mean probability that the model gave them.
    pub risk: f64,
    /// The features of all cuts.
    pub profile: TrainingProfile,
}
