//! The instant as of which it is decided who may be contacted.
//!
//! Features see what came before midnight. Whether somebody may be contacted is decided by all that is there when the run pins its
//! sources: a withdrawal that came at two counts at four. A rehearsal over past days states the instant instead, as the data of later
//! days are there by now.

use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use mainstay_schema::Ds;
use mainstay_sql::Moment;

/// An instant that a caller states in the place of the one at which the sources are pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatedInstant {
    /// This one.
    At(Timestamp),
    /// That time of the day that is run, in the project's time zone.
    TimeOfDay(Time),
}

impl FromStr for StatedInstant {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // jiff reads the time of a datetime too, and drops its day and offset.
        let is_time_of_day = text.len() <= "04:00:00".len() && text.contains(':');
        let parsed = if is_time_of_day { text.parse().map(Self::TimeOfDay) } else { text.parse().map(Self::At) };
        parsed.map_err(|_| {
            anyhow!("`{text}` is no instant: write it like 2026-01-31T04:00:00Z, or 04:00 for that time of the day that is run")
        })
    }
}

/// The instant up to which a run sees consents, cases and contacts, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuppressionInstant {
    /// At or after the day's as-of, in whole microseconds, as source timestamps are.
    pub as_of: Timestamp,
    /// Whether it was stated.
    pub is_stated: bool,
}

impl SuppressionInstant {
    /// The instant of a run of a day whose sources were pinned at `pinned_at`.
    pub(crate) fn of(
        stated: Option<StatedInstant>,
        ds: Ds,
        pinned_at: Timestamp,
        time_zone: &TimeZone,
    ) -> Result<Self> {
        let day_begins = ds.as_of(time_zone).with_context(|| format!("{ds} has no midnight"))?;
        let as_of = match stated {
            None => pinned_at,
            Some(StatedInstant::At(instant)) => instant,
            Some(StatedInstant::TimeOfDay(time)) => {
                let instant = ds.0.to_datetime(time).to_zoned(time_zone.clone());
                instant.with_context(|| format!("{ds} has no {time}"))?.timestamp().max(day_begins)
            }
        };
        if as_of < day_begins {
            bail!(
                "--suppression-as-of {as_of} lies before {ds} begins, at {day_begins}: who may be contacted would be decided by less \
                 than the features know; give an instant from then on, or none"
            );
        }
        if as_of > pinned_at {
            bail!(
                "--suppression-as-of {as_of} lies in the future, after {pinned_at}: what will have come by then is not known; give \
                 an earlier instant, or none"
            );
        }
        Ok(Self { as_of: in_microseconds(as_of), is_stated: stated.is_some() })
    }

    /// The moment of models that decide who may be contacted. Nothing has happened after the sources were pinned: a row that says so has a
    /// wrong clock or zone, and forbids as a refused one does. What came after an instant that was stated is its future.
    pub fn moment(&self, day_begins: Timestamp) -> Moment {
        let moment = Moment::of_suppression(day_begins, self.as_of);
        if self.is_stated { moment } else { moment.refusing_later_rows() }
    }
}

/// Source timestamps have no finer part, and the bound is written with six digits.
fn in_microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED_AT: &str = "2025-12-16T04:00:07.123456789Z";

    fn instant_of(stated: Option<&str>, zone: &str) -> Result<SuppressionInstant> {
        let stated = stated.map(|text| text.parse().unwrap());
        let ds = "2025-12-16".parse().unwrap();
        SuppressionInstant::of(stated, ds, PINNED_AT.parse().unwrap(), &TimeZone::get(zone).unwrap())
    }

    #[test]
    fn it_is_the_instant_at_which_the_sources_were_pinned_unless_another_is_stated() {
        let as_of = |stated, zone| instant_of(stated, zone).map(|of| (of.as_of.to_string(), of.is_stated)).unwrap();
        assert_eq!(as_of(None, "UTC"), ("2025-12-16T04:00:07.123456Z".to_owned(), false));
        assert_eq!(as_of(Some("2025-12-16T02:30:00Z"), "UTC"), ("2025-12-16T02:30:00Z".to_owned(), true));
        assert_eq!(as_of(Some("2025-12-16T03:30:00+01:00"), "UTC"), ("2025-12-16T02:30:00Z".to_owned(), true));
        assert_eq!(as_of(Some("04:00"), "Europe/Berlin"), ("2025-12-16T03:00:00Z".to_owned(), true));
        assert_eq!(as_of(Some("00:00"), "Europe/Berlin"), ("2025-12-15T23:00:00Z".to_owned(), true));
    }

    #[test]
    fn a_midnight_that_the_clocks_leave_out_is_the_beginning_of_the_day() {
        let (beirut, ds): (_, Ds) = (TimeZone::get("Asia/Beirut").unwrap(), "2022-03-27".parse().unwrap());
        let stated = Some("00:00".parse().unwrap());
        let found = SuppressionInstant::of(stated, ds, PINNED_AT.parse().unwrap(), &beirut).unwrap();
        assert_eq!(found.as_of, ds.as_of(&beirut).unwrap());
    }

    #[test]
    fn an_instant_before_the_day_or_in_the_future_is_refused() {
        let refusal = |stated| instant_of(Some(stated), "UTC").unwrap_err().to_string();
        assert_eq!(
            refusal("2025-12-15T23:59:59Z"),
            "--suppression-as-of 2025-12-15T23:59:59Z lies before 2025-12-16 begins, at 2025-12-16T00:00:00Z: who may be contacted \
             would be decided by less than the features know; give an instant from then on, or none"
        );
        assert_eq!(
            refusal("04:01"),
            "--suppression-as-of 2025-12-16T04:01:00Z lies in the future, after 2025-12-16T04:00:07.123456789Z: what will have come \
             by then is not known; give an earlier instant, or none"
        );
    }

    #[test]
    fn a_text_that_is_no_instant_is_refused() {
        for text in ["2025-12-16", "4", "25:00", "yesterday", "2025-12-16T04:00:00", ""] {
            let message = text.parse::<StatedInstant>().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`{text}` is no instant: write it like ")), "{message}");
        }
    }
}
