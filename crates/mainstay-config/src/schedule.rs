//! When a job runs: a cron expression and its time zone.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cron::Cron;
use crate::error::{ConfigError, UnknownName};
use crate::place::Place;

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week: `0 4 * * *` is every day at four.
    pub cron: Cron,
    /// IANA name of the time zone that the expression is read in; that of the project where absent.
    pub time_zone: Option<String>,
}

impl Schedule {
    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let stated = self.time_zone.as_deref();
        stated.map_or(Ok(()), |name| time_zone(name, place.key("time_zone")).map(|_| ()))
    }
}

/// The time zone of an IANA name.
pub(crate) fn time_zone(name: &str, place: Place<'_>) -> Result<TimeZone, ConfigError> {
    jiff::tz::db().get(name).map_err(|_| {
        let known = jiff::tz::db().available().map(|zone| zone.as_str().to_owned());
        let unknown = UnknownName::new("time zone", name, known);
        place.error_with_help(unknown.to_string(), "time zones have IANA names, such as Europe/Berlin or UTC")
    })
}
