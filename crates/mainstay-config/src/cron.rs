//! Cron expressions: minute, hour, day of the month, month, day of the week.
//!
//! As in Vixie's cron, a day comes up if it fits both the day of the month and the day of the week where one of the two begins with
//! `*`, and if it fits either of them where both name days. What other programs add (`@daily`, `L`, `W`, `#`, `?`) is refused.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::yaml;

/// A 29 February that is a Sunday comes every 28 years, or 40 over a century without a leap day.
const MOST_DAYS_AHEAD: i32 = 40 * 366;
/// The days of a month where it is longest.
const LONGEST_MONTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A cron expression that has been read: which minutes, hours and days it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: Numbers,
    hours: Numbers,
    days: Numbers,
    months: Numbers,
    weekdays: Numbers,
}

/// The numbers that one field names, in order and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The field as it was written.
    pub text: String,
    /// The numbers; weekdays count from Sunday, 0, to Saturday, 6.
    pub numbers: Vec<u8>,
    /// How many numbers there could be.
    possible: usize,
}

impl Numbers {
    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        self.numbers.len() == self.possible
    }

    /// Whether the field begins with `*`, which decides how days of month and week go together.
    pub fn begins_with_star(&self) -> bool {
        self.text.starts_with('*')
    }

    fn contains(&self, number: i8) -> bool {
        self.numbers.iter().any(|&named| i16::from(named) == i16::from(number))
    }
}

/// Which days an expression names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRule {
    /// Those that fit the day of the month and the day of the week.
    Both,
    /// Those that fit either.
    Either,
}

impl Cron {
    /// The minutes of an hour.
    pub fn minutes(&self) -> &Numbers {
        &self.minutes
    }

    /// The hours of a day.
    pub fn hours(&self) -> &Numbers {
        &self.hours
    }

    /// The days of a month.
    pub fn days(&self) -> &Numbers {
        &self.days
    }

    /// The months of a year.
    pub fn months(&self) -> &Numbers {
        &self.months
    }

    /// The days of a week, from Sunday, 0.
    pub fn weekdays(&self) -> &Numbers {
        &self.weekdays
    }

    /// How day of the month and day of the week go together.
    pub fn day_rule(&self) -> DayRule {
        if self.days.begins_with_star() || self.weekdays.begins_with_star() { DayRule::Both } else { DayRule::Either }
    }

    /// The first `count` instants after one, in the time zone that the expression is read in.
    ///
    /// A time that the clock passes twice comes up the first time alone; one that it skips does not come up (see
    /// [`skipped`](Self::skipped)), both as with a timer of systemd.
    pub fn next(&self, after: Timestamp, time_zone: &TimeZone, count: usize) -> Vec<Timestamp> {
        let instants = self.local_times(after, time_zone).filter_map(|local| {
            let ambiguous = time_zone.to_ambiguous_zoned(local);
            if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
                return None;
            }
            ambiguous.earlier().ok().map(|zoned| zoned.timestamp())
        });
        instants.filter(|&instant| instant > after).take(count).collect()
    }

    /// The local times within so many days that never come, since clocks are put forward over them.
    pub fn skipped(&self, after: Timestamp, time_zone: &TimeZone, days: i32) -> Vec<DateTime> {
        let end = after.to_zoned(time_zone.clone()).date().saturating_add(days.days());
        let times = self.local_times(after, time_zone).take_while(|local| local.date() <= end);
        times
            .filter(|&local| matches!(time_zone.to_ambiguous_zoned(local).offset(), AmbiguousOffset::Gap { .. }))
            .collect()
    }

    /// How often at most it comes up within so many hours, at most 24, on days that it names.
    pub fn most_within_hours(&self, hours: u32) -> usize {
        let minute = |time: Time| u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs());
        let minutes: Vec<u32> = self.times().map(minute).collect();
        let tomorrow = minutes.iter().map(|minute| minute + 24 * 60);
        let all: Vec<u32> = minutes.iter().copied().chain(tomorrow).collect();
        let within = |from: &u32| all.iter().filter(|to| (*from..from + hours * 60).contains(*to)).count();
        minutes.iter().map(within).max().unwrap_or_default()
    }

    fn local_times(&self, after: Timestamp, time_zone: &TimeZone) -> impl Iterator<Item = DateTime> {
        let first = after.to_zoned(time_zone.clone()).date();
        let days = (0..MOST_DAYS_AHEAD).map_while(move |day| first.checked_add(day.days()).ok());
        days.filter(move |&day| self.names(day))
            .flat_map(move |day| self.times().map(move |time| day.to_datetime(time)))
    }

    fn names(&self, date: Date) -> bool {
        let day = self.days.contains(date.day());
        let weekday = self.weekdays.contains(date.weekday().to_sunday_zero_offset());
        let is_named = match self.day_rule() {
            DayRule::Both => day && weekday,
            DayRule::Either => day || weekday,
        };
        is_named && self.months.contains(date.month())
    }

    fn times(&self) -> impl Iterator<Item = Time> {
        let pairs = self
            .hours
            .numbers
            .iter()
            .flat_map(move |hour| self.minutes.numbers.iter().map(move |minute| (hour, minute)));
        pairs.filter_map(|(&hour, &minute)| Time::new(hour as i8, minute as i8, 0, 0).ok())
    }

    fn comes(&self) -> bool {
        let has_day = |month: u8| {
            let longest = LONGEST_MONTHS.get(usize::from(month) - 1).copied().unwrap_or_default();
            self.days.numbers.iter().any(|&day| day <= longest)
        };
        self.day_rule() == DayRule::Either || self.months.numbers.iter().any(|&month| has_day(month))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        yaml::from_text(deserializer)
    }
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has not five fields.
    #[error("a cron expression has 5 fields (minute, hour, day, month, weekday), this has {0}")]
    Fields(usize),
    /// A field cannot be read.
    #[error("`{text}` is no {field} of a cron expression: {lowest} to {highest}")]
    Field {
        /// What stands there.
        text: String,
        /// What the field counts.
        field: &'static str,
        /// The least number.
        lowest: u8,
        /// The greatest.
        highest: u8,
    },
    /// Its day of the month is in none of its months.
    #[error("`{0}` never comes: none of its months has such a day")]
    Never(String),
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let texts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = texts[..] else {
            return Err(CronError::Fields(texts.len()));
        };
        let cron = Self {
            text: texts.join(" "),
            minutes: MINUTE.numbers(minutes)?,
            hours: HOUR.numbers(hours)?,
            days: DAY.numbers(days)?,
            months: MONTH.numbers(months)?,
            weekdays: WEEKDAY.numbers(weekdays)?,
        };
        if cron.comes() { Ok(cron) } else { Err(CronError::Never(cron.text)) }
    }
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

const MINUTE: Field = Field { name: "minute", lowest: 0, highest: 59, names: &[] };
const HOUR: Field = Field { name: "hour", lowest: 0, highest: 23, names: &[] };
const DAY: Field = Field { name: "day of the month", lowest: 1, highest: 31, names: &[] };
const MONTH: Field = Field { name: "month", lowest: 1, highest: 12, names: MONTHS };
/// Sunday is 0, and 7 as well.
const WEEKDAY: Field = Field { name: "day of the week", lowest: 0, highest: 7, names: WEEKDAYS };

impl Field {
    /// The numbers of a list of `*`, `5`, `1-5`, each with or without a step such as `/2`.
    fn numbers(&self, text: &str) -> Result<Numbers, CronError> {
        let (is_week, mut numbers) = (!self.names.is_empty() && self.lowest == 0, Vec::new());
        for item in text.split(',') {
            let (from, to, step) = self.item(item).ok_or_else(|| self.error(text))?;
            numbers.extend((from..=to).step_by(step).map(|number| if is_week { number % 7 } else { number }));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let possible = usize::from(self.highest - self.lowest) + usize::from(!is_week);
        Ok(Numbers { text: text.to_owned(), numbers, possible })
    }

    /// From where to where an item goes, and by which step. A number with a step goes to the end.
    fn item(&self, item: &str) -> Option<(u8, u8, usize)> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => {
                (range, Some(step.parse::<u8>().ok().filter(|step| (1..=self.highest).contains(step))?))
            }
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None if range == "*" => (self.lowest, self.highest),
            None => (self.number(range)?, if step.is_some() { self.highest } else { self.number(range)? }),
        };
        (from <= to).then_some((from, to, usize::from(step.unwrap_or(1))))
    }

    fn number(&self, text: &str) -> Option<u8> {
        let by_name = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match by_name.and_then(|position| u8::try_from(position).ok()) {
            Some(position) => Some(position + self.lowest),
            // The standard library reads `+5` as a number, cron does not.
            None if !text.bytes().all(|byte| byte.is_ascii_digit()) => None,
            None => text.parse().ok().filter(|number| (self.lowest..=self.highest).contains(number)),
        }
    }

    fn error(&self, text: &str) -> CronError {
        let Self { name, lowest, highest, .. } = *self;
        CronError::Field { text: text.to_owned(), field: name, lowest, highest }
    }
}

#[cfg(test)]
mod tests;
