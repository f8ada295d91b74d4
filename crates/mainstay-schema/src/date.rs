//! The two calendars of a run: the day that it decides for and the month whose money it spends.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Days from one end of the calendar to the other, and the most that a span of days holds.
const MOST_DAYS: i32 = 7_304_484;

/// The day D of a run and the value of the partition column `ds`, written `2026-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ds(pub Date);

impl Ds {
    /// 1970-01-01, which days are counted from in Arrow's dates.
    pub const EPOCH: Self = Self(jiff::civil::date(1970, 1, 1));

    /// The as-of instant of this day: D 00:00 in the project's time zone, exclusive.
    ///
    /// Where a daylight-saving change removes midnight it is the first instant of the day.
    pub fn as_of(self, time_zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        Ok(self.0.to_zoned(time_zone.clone())?.timestamp())
    }

    /// The day on which an instant falls in a time zone.
    pub fn of(instant: Timestamp, time_zone: &TimeZone) -> Self {
        Self(instant.to_zoned(time_zone.clone()).date())
    }

    /// The day `days` later (earlier where negative), clamped to the calendar's ends.
    pub fn plus_days(self, days: i32) -> Self {
        // More days than a span can hold are more than the calendar has.
        Self(self.0.saturating_add(days.clamp(-MOST_DAYS, MOST_DAYS).days()))
    }

    /// Whole days from `earlier` to this day, negative where it lies before.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.duration_since(earlier.0).as_hours() as i32 / 24
    }

    /// The month that the day belongs to.
    pub fn month(self) -> Month {
        Month(self.0.first_of_month())
    }

    /// Days left in the month, this one included: 1 on its last day.
    pub fn days_left_in_month(self) -> u32 {
        (self.0.days_in_month() - self.0.day() + 1) as u32
    }
}

impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// Why a text is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date: write it like 2026-01-31")]
pub struct ParseDsError(String);

impl FromStr for Ds {
    type Err = ParseDsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // jiff also reads datetimes; a day is ten characters.
        if text.len() != 10 {
            return Err(ParseDsError(text.to_owned()));
        }
        text.parse().map(Self).map_err(|_| ParseDsError(text.to_owned()))
    }
}

impl JsonSchema for Ds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"title": "date", "type": "string", "format": "date"})
    }
}

/// A calendar month in the project's time zone, the unit of the budget, written `2026-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0.year(), self.0.month()))
    }
}

impl FromStr for Month {
    type Err = ParseDsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 7 {
            return Err(ParseDsError(text.to_owned()));
        }
        format!("{text}-01").parse::<Ds>().map(Ds::month).map_err(|_| ParseDsError(text.to_owned()))
    }
}

impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ds(text: &str) -> Ds {
        text.parse().unwrap()
    }

    #[test]
    fn counts_days_and_months() {
        assert_eq!(ds("2024-03-01").days_since(ds("2024-02-01")), 29);
        assert_eq!(ds("2024-02-29").plus_days(1), ds("2024-03-01"));
        assert_eq!(ds("2024-02-29").days_left_in_month(), 1);
        assert_eq!(ds("2024-02-01").days_left_in_month(), 29);
        assert_eq!(ds("2024-02-29").month().to_string(), "2024-02");
        assert_eq!("2024-02".parse::<Month>().unwrap(), ds("2024-02-10").month());
    }

    #[test]
    fn ends_with_the_calendar() {
        assert_eq!(ds("2024-01-01").plus_days(i32::MAX), Ds(Date::MAX));
        assert_eq!(ds("2024-01-01").plus_days(i32::MIN), Ds(Date::MIN));
    }

    #[test]
    fn as_of_is_midnight_of_the_project() {
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(ds("2024-07-01").as_of(&new_york).unwrap().to_string(), "2024-07-01T04:00:00Z");
        assert_eq!(Ds::of("2024-07-01T03:59:59Z".parse().unwrap(), &new_york), ds("2024-06-30"));
    }

    #[test]
    fn refuses_what_is_not_a_date() {
        for text in ["", "2024-02-30", "2024-2-3", "yesterday", "2024-01-01T00:00", "20240101"] {
            assert!(text.parse::<Ds>().is_err(), "{text}");
        }
    }
}
