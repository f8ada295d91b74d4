//! Jobs, the files `jobs/*.yml`: what `mainstay run` can run.

use std::path::Path;
use std::time::Duration;

use mainstay_schema::JobKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::breaker::CircuitBreaker;
use crate::checks::{check_at_least_1, check_identifier, check_range};
use crate::error::ConfigError;
use crate::place::Place;
use crate::schedule::Schedule;
use crate::time_limit::step_time_limit;
use crate::training::TrainingJob;
use crate::yaml::{self, Document};

/// A job of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum JobConfig {
    /// Scores, explains, values, allocates and publishes one day.
    Daily(Box<DailyJob>),
    /// Trains, calibrates and judges a model.
    Training(Box<TrainingJob>),
}

/// The job of a day: features, score, reasons, value, allocation, publication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailyJob {
    /// Its name, which is that of its file without `.yml`.
    pub name: String,
    /// Always `daily`.
    #[schemars(schema_with = "crate::scalar::daily")]
    pub kind: JobKind,
    /// What it is for.
    pub description: Option<String>,
    /// When it runs.
    pub schedule: Option<Schedule>,
    /// Model of SQL of the features: one row for every known customer.
    pub features: String,
    /// Model of SQL of the value: `clv_cents` and `expected_revenue_cents` of every customer.
    pub value: String,
    /// Model of SQL of the consents: `is_granted` for a customer, channel and purpose.
    #[serde(default = "default_consents")]
    pub consents: String,
    /// Model of SQL of what else forbids contact: `open_cases` and `days_since_last_contact` of every customer.
    #[serde(default = "default_contact_rules")]
    pub contact_rules: String,
    /// The registered model that scores.
    pub model: String,
    /// The alias that says which version of it, such as `champion`.
    pub alias: String,
    /// Training job that runs first where the model has no version of that alias yet; without it such a day fails.
    pub train_with: Option<String>,
    /// How many reasons each score is published with, at most 4; with none, no score is explained.
    pub reasons: u8,
    /// File of the policy, below the folder `jobs`: `policies/retention.yml`.
    pub policy: String,
    /// How far a day may differ from the days before it and from the training.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// The longest that the SQL of a step may run, in seconds, at least 1; six hours (21600) where the job does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_time_limit_seconds: Option<u32>,
}

fn default_consents() -> String {
    "customer_consents".to_owned()
}

fn default_contact_rules() -> String {
    "customer_contact_rules".to_owned()
}

/// What is read first, to know what the rest of the file must be.
#[derive(Deserialize)]
struct KindOnly {
    kind: JobKind,
}

impl JobConfig {
    /// Reads a job from the text of its file; `file` is shown in errors, and its stem is the name that the job must have.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        Self::read(file, text).map(|document| document.value)
    }

    pub(crate) fn read(file: &str, text: &str) -> Result<Document<Self>, ConfigError> {
        let job = match yaml::parse::<KindOnly>(file, text)?.value.kind {
            JobKind::Daily => yaml::parse(file, text)?.map(|job| Self::Daily(Box::new(job))),
            JobKind::Training => yaml::parse(file, text)?.map(|job| Self::Training(Box::new(job))),
        };
        let (config, place) = job.parts();
        check_name(config.name(), file, place.key("name"))?;
        match config {
            Self::Daily(daily) => daily.check(place)?,
            Self::Training(training) => training.check(place)?,
        }
        Ok(job)
    }

    /// The name of the job.
    pub fn name(&self) -> &str {
        match self {
            Self::Daily(job) => &job.name,
            Self::Training(job) => &job.name,
        }
    }

    /// When the job runs, where it says so.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Daily(job) => job.schedule.as_ref(),
            Self::Training(_) => None,
        }
    }
}

fn check_name(name: &str, file: &str, place: Place<'_>) -> Result<(), ConfigError> {
    check_identifier(name, place)?;
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    place.ensure(name == stem, || format!("a job is named like its file: `{stem}`, not `{name}`"))
}

impl DailyJob {
    /// The SQL models that the job reads, each with the key that names it.
    pub fn sql_models(&self) -> [(&'static str, &str); 4] {
        [
            ("features", &self.features),
            ("value", &self.value),
            ("consents", &self.consents),
            ("contact_rules", &self.contact_rules),
        ]
    }

    /// The longest that the SQL of a step may run; six hours where the job does not say.
    pub fn step_time_limit(&self) -> Duration {
        step_time_limit(self.step_time_limit_seconds)
    }

    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        if let Some(seconds) = self.step_time_limit_seconds {
            check_at_least_1(seconds, place.key("step_time_limit_seconds"))?;
        }
        if let Some(schedule) = &self.schedule {
            schedule.check(place.key("schedule"))?;
        }
        let names = self.sql_models().into_iter().chain([("model", &*self.model), ("alias", &*self.alias)]);
        for (key, name) in names {
            check_identifier(name, place.key(key))?;
        }
        self.circuit_breaker.check(place.key("circuit_breaker"))?;
        check_range(self.reasons, 0..=4, place.key("reasons"))
    }
}
