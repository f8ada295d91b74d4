//! When a job runs: a cron expression and its time zone.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{ConfigError, UnknownName};
use crate::place::Place;

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// IANA name of the time zone that the expression is read in.
    pub time_zone: String,
}

impl Schedule {
    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_cron(&self.cron, place.key("cron"))?;
        time_zone(&self.time_zone, place.key("time_zone")).map(|_| ())
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

/// A field of a cron expression: what it counts, from where to where, and its names from the lowest number on.
struct Field {
    name: &'static str,
    lowest: u8,
    highest: u8,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", lowest: 0, highest: 59, names: &[] },
    Field { name: "hour", lowest: 0, highest: 23, names: &[] },
    Field { name: "day of the month", lowest: 1, highest: 31, names: &[] },
    Field { name: "month", lowest: 1, highest: 12, names: MONTHS },
    Field { name: "day of the week", lowest: 0, highest: 7, names: WEEKDAYS },
];

impl Field {
    /// Whether a text is a list of `*`, `5`, `1-5`, each with or without a step such as `/2`.
    fn allows(&self, text: &str) -> bool {
        text.split(',').all(|item| {
            let (range, step) = item.split_once('/').unwrap_or((item, "1"));
            step.parse::<u8>().is_ok_and(|step| (1..=self.highest).contains(&step)) && self.allows_range(range)
        })
    }

    fn allows_range(&self, range: &str) -> bool {
        match range.split_once('-') {
            Some((from, to)) => self.number(from).zip(self.number(to)).is_some_and(|(from, to)| from <= to),
            None => range == "*" || self.number(range).is_some(),
        }
    }

    fn number(&self, text: &str) -> Option<u8> {
        let by_name = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match by_name.and_then(|position| u8::try_from(position).ok()) {
            Some(position) => Some(position + self.lowest),
            None => text.parse().ok().filter(|number| (self.lowest..=self.highest).contains(number)),
        }
    }
}

fn check_cron(cron: &str, place: Place<'_>) -> Result<(), ConfigError> {
    let texts: Vec<&str> = cron.split_whitespace().collect();
    place.ensure(texts.len() == FIELDS.len(), || {
        let given = texts.len();
        format!("a cron expression has 5 fields (minute, hour, day, month, weekday), this has {given}")
    })?;
    FIELDS.iter().zip(texts).try_for_each(|(field, text)| {
        let Field { name, lowest, highest, .. } = field;
        place
            .ensure(field.allows(text), || format!("`{text}` is no {name} of a cron expression: {lowest} to {highest}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn check(cron: &str) -> Result<(), ConfigError> {
        let text = format!("cron: \"{cron}\"\ntime_zone: UTC");
        let document = yaml::parse::<Schedule>("jobs/x.yml", &text)?;
        document.value.check(document.place())
    }

    #[test]
    fn reads_what_cron_reads() {
        for cron in ["0 4 * * *", "*/15 0-6,22 1,15 jan-MAR 1-5", "59 23 31 12 7", "0 0/2 * * MON"] {
            assert!(check(cron).is_ok(), "{cron}");
        }
    }

    #[test]
    fn refuses_what_never_comes() {
        for cron in [
            "60 4 * * *",
            "0 24 * * *",
            "0 4 0 * *",
            "0 4 * 13 *",
            "0 4 * * 8",
            "*/0 4 * * *",
            "0 6-4 * * *",
            "0 4 * * x",
            "0 4 * *",
            "@daily",
            ", 4 * * *",
        ] {
            assert!(check(cron).is_err(), "{cron}");
        }
    }
}
