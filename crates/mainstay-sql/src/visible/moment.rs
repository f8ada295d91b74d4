//! The instants that a model is compiled for.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_schema::date::Ds;

/// Where a model stands in time: it sees what came before `as_of`; a label looks ahead until `label_end`, at what was known by
/// `labels_known_before`, and what decides who may be contacted sees all that came before `suppression_as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The instant up to which all but labels may see, exclusive.
    pub as_of: Timestamp,
    /// The instant up to which labels may see, exclusive; absent where no label is asked for.
    pub label_end: Option<Timestamp>,
    /// The instant before which the rows of a label had to be known, at or after `label_end`: an order of the label window that was
    /// loaded late counts. `label_end` itself where absent. Of what a label builds on, which has no `label_end`, the same of `as_of`.
    pub labels_known_before: Option<Timestamp>,
    /// The instant up to which a model of suppression may see, exclusive, at or after `as_of`; absent for all other models.
    pub suppression_as_of: Option<Timestamp>,
    /// Whether a model of suppression sees rows that say to be of later among the refused ones: where `suppression_as_of` is the instant at
    /// which the files were pinned, none can be, and doubt forbids. False where it is an instant of the past, of which they are the future.
    pub later_rows_are_refused: bool,
}

impl Moment {
    /// What came before an instant, without labels.
    pub fn before(as_of: Timestamp) -> Self {
        Self {
            as_of,
            label_end: None,
            labels_known_before: None,
            suppression_as_of: None,
            later_rows_are_refused: false,
        }
    }

    /// The moment of a model that decides who may be contacted: days are counted from `as_of`, and its rows are those that were
    /// there by `suppression_as_of`.
    pub fn of_suppression(as_of: Timestamp, suppression_as_of: Timestamp) -> Self {
        Self { suppression_as_of: Some(suppression_as_of), ..Self::before(as_of) }
    }

    /// The same where no row can be of later: those that say so are seen among the refused ones.
    pub fn refusing_later_rows(self) -> Self {
        Self { later_rows_are_refused: self.suppression_as_of.is_some(), ..self }
    }

    /// The moment of a label, which looks ahead until `label_end`, at what was known by then.
    pub fn of_label(as_of: Timestamp, label_end: Timestamp) -> Self {
        Self { label_end: Some(label_end), ..Self::before(as_of) }
    }

    /// The same with labels that see what happened before their end and was known before `instant`, which is when a training looks: what
    /// was loaded in between has happened all the same. An instant before the end changes nothing.
    pub fn with_labels_known_before(self, instant: Timestamp) -> Self {
        let later = self.label_end.filter(|end| *end < instant).map(|_| instant);
        Self { labels_known_before: later, ..self }
    }

    /// The moment of what a label builds on: what happened before `end` and was known before `known`, if that is later.
    pub(crate) fn of_happened(end: Timestamp, known: Timestamp) -> Self {
        Self { labels_known_before: Some(known).filter(|known| *known > end), ..Self::before(end) }
    }

    /// The instant up to which all but labels see their sources.
    pub fn sources_before(&self) -> Timestamp {
        self.suppression_as_of.unwrap_or(self.as_of)
    }

    /// The moment of a day: D 00:00 in the project's time zone, without labels.
    pub fn of_day(ds: Ds, time_zone: &TimeZone) -> Result<Self, jiff::Error> {
        Ok(Self::before(ds.as_of(time_zone)?))
    }

    /// The moment of a training cut: labels look ahead `horizon_days` calendar days of the project's time zone.
    pub fn of_cut(ds: Ds, horizon_days: u32, time_zone: &TimeZone) -> Result<Self, jiff::Error> {
        let end = ds.plus_days(i32::try_from(horizon_days).unwrap_or(i32::MAX));
        Ok(Self::of_label(ds.as_of(time_zone)?, end.as_of(time_zone)?))
    }
}

/// The instants up to which rows of a source are seen, both exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bounds {
    /// They happened before this.
    pub(crate) happened_before: Timestamp,
    /// They were known before this, which is never earlier.
    pub(crate) known_before: Timestamp,
    /// Rows of later are refused, and seen as such.
    pub(crate) later_are_refused: bool,
}

impl Bounds {
    /// What had happened and was known before one instant.
    pub(crate) fn at(instant: Timestamp) -> Self {
        Self { happened_before: instant, known_before: instant, later_are_refused: false }
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
