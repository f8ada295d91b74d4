//! Wall clocks: which instant a time of day in a zone is.
//!
//! Where clocks go back an hour is there twice, and where they go forward one is missing. As in jiff's "compatible" rule, a time that is
//! there twice is its first one, and one that is missing is read as if the clocks had not yet gone forward. Both come to this: until a
//! change is over on the wall clock, the offset before it holds.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) const MICROSECONDS_OF_A_SECOND: i64 = 1_000_000;
/// Microseconds of a day without a change of clocks.
pub const MICROSECONDS_OF_A_DAY: i64 = 86_400 * MICROSECONDS_OF_A_SECOND;
/// Changes are looked up until 2200-01-01T00:00:00Z; jiff is asked about later ones.
const LAST_SECOND: i64 = 7_258_118_400;

/// The wall clock of a time zone. Times of it are microseconds from 1970-01-01 00:00 on that clock, instants from that in UTC.
#[derive(Debug)]
pub struct LocalTime {
    zone: TimeZone,
    spans: OnceLock<Vec<Span>>,
}

/// A stretch of the wall clock with one offset, until the next one begins.
#[derive(Debug, Clone, Copy)]
struct Span {
    begins: i64,
    offset: i64,
    /// The greatest instant of a time before it.
    greatest_before: i64,
}

impl LocalTime {
    /// The clock of a zone.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, spans: OnceLock::new() }
    }

    /// The clock of UTC.
    pub fn utc() -> Self {
        Self::new(TimeZone::UTC)
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether its times are instants as they stand.
    pub fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC
    }

    /// The instant of a time.
    pub fn instant(&self, local: i64) -> i64 {
        if self.is_utc() {
            return local;
        }
        match self.span(local) {
            Some(span) => local.saturating_sub(span.offset),
            None => self.asked(local),
        }
    }

    /// A bound that no instant of a time up to this one exceeds: where clocks go forward a missing time before comes later than one after.
    pub fn latest_instant(&self, local: i64) -> i64 {
        if self.is_utc() {
            return local;
        }
        match self.span(local) {
            Some(span) => local.saturating_sub(span.offset).max(span.greatest_before),
            None => self.asked(local).saturating_add(MICROSECONDS_OF_A_DAY),
        }
    }

    /// The time at an instant.
    pub fn at(&self, instant: i64) -> i64 {
        let nearest = nearest_timestamp(instant);
        instant.saturating_add(microseconds(self.zone.to_offset(nearest).seconds()))
    }

    /// The span of a time; `None` of one that is too late to be looked up.
    fn span(&self, local: i64) -> Option<Span> {
        if local >= LAST_SECOND * MICROSECONDS_OF_A_SECOND {
            return None;
        }
        let spans = self.spans.get_or_init(|| spans(&self.zone));
        let after = spans.partition_point(|span| span.begins <= local);
        after.checked_sub(1).and_then(|last| spans.get(last)).copied()
    }

    fn asked(&self, local: i64) -> i64 {
        let civil = TimeZone::UTC.to_datetime(nearest_timestamp(local));
        let offset = match self.zone.to_ambiguous_timestamp(civil).compatible() {
            Ok(instant) => civil_microseconds(local).saturating_sub(instant.as_microsecond()),
            // Behind the end of jiff's calendar.
            Err(_) => microseconds(self.zone.to_offset(Timestamp::MAX).seconds()),
        };
        local.saturating_sub(offset)
    }
}

impl PartialEq for LocalTime {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone
    }
}

impl Eq for LocalTime {}

impl Hash for LocalTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.zone.iana_name().hash(state);
    }
}

fn spans(zone: &TimeZone) -> Vec<Span> {
    let mut offset = microseconds(zone.to_offset(Timestamp::MIN).seconds());
    let mut spans = vec![Span { begins: i64::MIN, offset, greatest_before: i64::MIN }];
    let mut greatest_before = i64::MIN;
    let changes = zone.following(Timestamp::MIN);
    for change in changes.take_while(|change| change.timestamp().as_second() <= LAST_SECOND + 86_400) {
        let next = microseconds(change.offset().seconds());
        let begins = change.timestamp().as_microsecond().saturating_add(offset.max(next));
        greatest_before = greatest_before.max(begins.saturating_sub(1).saturating_sub(offset));
        spans.push(Span { begins, offset: next, greatest_before });
        offset = next;
    }
    spans
}

fn microseconds(seconds: i32) -> i64 {
    i64::from(seconds) * MICROSECONDS_OF_A_SECOND
}

fn nearest_timestamp(microseconds: i64) -> Timestamp {
    let end = if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(microseconds).unwrap_or(end)
}

fn civil_microseconds(local: i64) -> i64 {
    nearest_timestamp(local).as_microsecond()
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use jiff::tz::db;
    use proptest::prelude::*;

    use super::*;

    fn clock(zone: &str) -> LocalTime {
        LocalTime::new(TimeZone::get(zone).unwrap())
    }

    fn local(text: &str) -> i64 {
        let civil: DateTime = text.parse().unwrap();
        civil.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond()
    }

    fn instant(zone: &str, text: &str) -> String {
        Timestamp::from_microsecond(clock(zone).instant(local(text))).unwrap().to_string()
    }

    #[test]
    fn a_time_that_is_there_twice_is_its_first_one_and_a_missing_one_is_read_by_the_offset_before() {
        assert_eq!(instant("Europe/Paris", "2025-10-26T02:30:00"), "2025-10-26T00:30:00Z");
        assert_eq!(instant("Europe/Paris", "2025-10-26T03:00:00"), "2025-10-26T02:00:00Z");
        assert_eq!(instant("Europe/Paris", "2025-03-30T02:30:00"), "2025-03-30T01:30:00Z");
        assert_eq!(instant("Europe/Paris", "2025-03-30T03:00:00"), "2025-03-30T01:00:00Z");
        assert_eq!(instant("America/New_York", "2025-12-16T00:00:00"), "2025-12-16T05:00:00Z");
        // Samoa had no 30th of December 2011; Beirut's clocks go forward at midnight.
        assert_eq!(instant("Pacific/Apia", "2011-12-30T12:00:00"), "2011-12-30T22:00:00Z");
        assert_eq!(instant("Asia/Beirut", "2024-03-31T00:00:00"), "2024-03-30T22:00:00Z");
    }

    #[test]
    fn times_beyond_the_calendar_have_instants_too() {
        for zone in ["Europe/Paris", "America/New_York", "UTC"] {
            let clock = clock(zone);
            for local in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
                let instant = clock.instant(local);
                assert!(instant.abs_diff(local) <= MICROSECONDS_OF_A_DAY as u64, "{zone} {local} {instant}");
            }
        }
    }

    /// Zones of the database, so that odd ones come by as well.
    fn zones() -> impl Strategy<Value = TimeZone> {
        let names: Vec<String> = db().available().map(|name| name.as_str().to_owned()).collect();
        assert!(names.len() > 300);
        prop::sample::select(names).prop_map(|name| TimeZone::get(&name).unwrap())
    }

    /// Any time from 1800 on, and times near a change of clocks.
    fn times(zone: &TimeZone, any: i64, change: usize, near: i64) -> Vec<i64> {
        let changes: Vec<i64> =
            zone.following(Timestamp::MIN).take(400).map(|change| change.timestamp().as_second()).collect();
        let near_change =
            changes.get(change % changes.len().max(1)).map(|second| (second + near) * MICROSECONDS_OF_A_SECOND + 7);
        near_change.into_iter().chain([any]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn instants_are_those_of_jiff(
            zone in zones(),
            any in -5_364_662_400_000_000..15_000_000_000_000_000_i64,
            change in 0..400_usize,
            near in -100_000..100_000_i64,
        ) {
            let clock = LocalTime::new(zone.clone());
            for local in times(&zone, any, change, near) {
                let civil = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(local).unwrap());
                let expected = zone.to_ambiguous_timestamp(civil).compatible().unwrap().as_microsecond();
                prop_assert_eq!(clock.instant(local), expected, "{} in {:?}", civil, zone);
                let instant = Timestamp::from_microsecond(local).unwrap();
                let shown = zone.to_datetime(instant);
                prop_assert_eq!(TimeZone::UTC.to_datetime(Timestamp::from_microsecond(clock.at(local)).unwrap()), shown);
            }
        }

        #[test]
        fn no_time_before_has_a_later_instant_than_the_bound(
            zone in zones(),
            any in -5_364_662_400_000_000..8_000_000_000_000_000_i64,
            change in 0..400_usize,
            near in -100_000..100_000_i64,
            before in 0..200_000_000_000_i64,
        ) {
            let clock = LocalTime::new(zone.clone());
            for local in times(&zone, any, change, near) {
                prop_assert!(clock.instant(local - before) <= clock.latest_instant(local));
            }
        }

        #[test]
        fn a_day_begins_where_the_calendar_says_and_days_come_in_order(zone in zones(), day in -40_000..90_000_i32) {
            let clock = LocalTime::new(zone.clone());
            let begins = |day: i32| clock.instant(i64::from(day) * MICROSECONDS_OF_A_DAY);
            let ds = mainstay_schema::Ds::EPOCH.plus_days(day);
            prop_assert_eq!(begins(day), ds.as_of(&zone).unwrap().as_microsecond());
            prop_assert!(begins(day) <= begins(day + 1));
        }
    }
}
