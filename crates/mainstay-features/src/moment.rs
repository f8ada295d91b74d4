//! The instants that a model is compiled for.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_schema::date::Ds;

/// Where a model stands in time: it sees what came before `as_of`; a label looks ahead until `label_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant up to which all but labels may see, exclusive.
    pub as_of: Timestamp,
    /// The instant up to which labels may see, exclusive; absent where no label is asked for.
    pub label_end: Option<Timestamp>,
}

impl Moment {
    /// The moment of a day: D 00:00 in the project's time zone, without labels.
    pub fn of_day(ds: Ds, time_zone: &TimeZone) -> Result<Self, jiff::Error> {
        Ok(Self { as_of: ds.as_of(time_zone)?, label_end: None })
    }

    /// The moment of a training cut: labels look ahead `horizon_days` calendar days of the project's time zone.
    pub fn of_cut(ds: Ds, horizon_days: u32, time_zone: &TimeZone) -> Result<Self, jiff::Error> {
        let end = ds.plus_days(i32::try_from(horizon_days).unwrap_or(i32::MAX));
        Ok(Self { as_of: ds.as_of(time_zone)?, label_end: Some(end.as_of(time_zone)?) })
    }
}

/// An instant as SQL: a constant of the type that all source timestamps have.
pub(crate) fn literal(instant: Timestamp) -> String {
    format!("arrow_cast('{instant:.6}', 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_ends_at_midnight_of_the_project() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let cut = Moment::of_cut("2024-03-01".parse().unwrap(), 90, &berlin).unwrap();
        assert_eq!(cut.as_of.to_string(), "2024-02-29T23:00:00Z");
        assert_eq!(cut.label_end.unwrap().to_string(), "2024-05-29T22:00:00Z");
    }
}
