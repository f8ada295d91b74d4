//! Rows and amounts of a source table by day.

use std::collections::BTreeMap;

use mainstay_config::CircuitBreaker;
use mainstay_config::source::Volume;
use mainstay_schema::Ds;

use crate::figures::TableFigures;
use crate::measure::{Check, Measure, bounded, shown, strain_of_multiple};
use crate::robust::{median, root, spread};

/// Days back that say what is usual.
const PAST_DAYS: i32 = 56;
/// The newest days, each of which is judged.
const NEWEST_DAYS: i32 = 7;
/// Same weekdays of the past, at least, for one to be usual.
const LEAST_WEEKDAYS: usize = 3;
/// How many standard deviations a day or a week must lie away from what is usual: shops have quiet days of their own.
const ROW_DEVIATIONS: f64 = 6.0;
/// Days with rows, at least, for a silence to be longer than usual.
const LEAST_DAYS_WITH_ROWS: usize = 5;
/// Days with amounts, at least, for one to be usual.
const LEAST_DAYS_WITH_AMOUNTS: usize = 10;
/// Days that every silence may last beyond the longest so far.
const LEAST_SILENCE: f64 = 3.0;
/// The least spread of the logarithm of a day's typical amount.
const LEAST_AMOUNT_SPREAD: f64 = 0.1;
/// The least spread of the rows of a day, on the scale of `root`: that of chance.
const LEAST_SPREAD_OF_DAY: f64 = 0.5;
/// That of a week, of which there are eight at the most to tell it by.
const LEAST_SPREAD_OF_WEEK: f64 = 0.6;
/// Rows, at least, of which chance leaves none.
const ROWS_BEYOND_CHANCE: f64 = 12.0;
/// Rows of the weakest day of the past, at least, after which no day has none.
const LEAST_OF_EVERY_DAY: f64 = 4.0;
/// Logarithms are counted in millionths.
const LOG_UNIT: f64 = 1e6;

/// The rows of a source table that a day may see, by the day on which they happened.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDays {
    /// `source.table`.
    pub table: String,
    /// The first day that was looked at.
    pub since: Ds,
    /// The newest day with a row, if one is known: it may lie before `since`.
    pub newest: Option<Ds>,
    /// The columns of [`DayRows::amounts`].
    pub columns: Vec<String>,
    /// The days with rows, in order.
    pub days: Vec<DayRows>,
}

impl TableDays {
    /// Whether the week before a day was one of declared rest: it has no row, and most of its days are declared holidays. What is
    /// counted over a week is then 0 for everybody, and rightly so.
    pub fn rested_before(&self, ds: Ds, volume: &Volume) -> bool {
        let week: Vec<Ds> = (1..=7).map(|back| ds.plus_days(-back)).collect();
        let is_empty = !self.days.iter().any(|day| week.contains(&day.ds) && day.rows > 0);
        is_empty && week.iter().filter(|day| volume.holidays.contains(day)).count() >= 4
    }
}

/// What a table holds of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRows {
    /// The day on which the rows happened.
    pub ds: Ds,
    /// All that are known.
    pub rows: u64,
    /// Those that were known by the end of the day itself.
    pub on_time: u64,
    /// Of each column.
    pub amounts: Vec<Amount>,
}

/// The amounts of a column on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Rows with a value other than 0.
    pub values: u64,
    /// Sum of ln(1 + |value|) over them, in millionths.
    pub log_sum: i64,
}

/// Judges rows, silence and amounts of a table as a run for `ds` sees them.
///
/// A day's rows are held against the median of the same weekday's in the eight weeks before it, as they were known after as long; where the
/// week before it was weaker than its weekdays say, less is usual.
pub fn judge_table(
    ds: Ds,
    table: &TableDays,
    volume: &Volume,
    limits: &CircuitBreaker,
) -> (TableFigures, Vec<Measure>) {
    let judged = Table { ds, table, volume, limits, by_day: by_day(table) };
    let newest_day = ds.plus_days(-1);
    let mut figures = TableFigures {
        table: table.table.clone(),
        newest: table.newest,
        rows: judged.on_time(newest_day),
        usual_rows: None,
    };
    let mut measures = judged.declared().into_iter().collect::<Vec<_>>();
    if volume.learnt {
        figures.usual_rows = judged.usual_rows(newest_day, true).map(|usual| usual.rows);
        measures.extend(judged.rows_of_days());
        measures.extend(judged.rows_of_week());
        measures.extend(judged.silence());
        measures.extend((0..table.columns.len()).filter_map(|column| judged.amounts_of(column)));
    }
    (figures, measures)
}

/// Judges the rows in all files of a table against those that the last published day found: history must not vanish, and that of a table
/// that `forbids` contacts not at all.
pub fn judge_history(
    table: &str,
    rows: u64,
    (before, before_ds): (u64, Ds),
    forbids: bool,
    limits: &CircuitBreaker,
) -> Measure {
    let (figure, usual) = (rows as f64, before as f64);
    let (limit, why) = match forbids {
        true => (
            limits.suppression_history_lost_at_most,
            "; a consent, contact or case that is gone forbids nothing any more",
        ),
        false => (limits.history_lost_at_most, ""),
    };
    Measure {
        name: name_of(table),
        check: Check::History,
        of: String::new(),
        figure,
        usual,
        strain: bounded((usual - figure) / usual / limit),
        message: format!("its files hold {rows} rows in all, and held {before} for {before_ds}{why}"),
    }
}

/// Judges the rows of files that are set aside as bad, `lost` of them, against those of the files that are read.
pub fn judge_set_aside(table: &str, rows: u64, (lost, files): (u64, usize), limits: &CircuitBreaker) -> Measure {
    let (figure, usual) = (rows as f64, rows as f64 + lost as f64);
    Measure {
        name: name_of(table),
        check: Check::History,
        of: "set aside".to_owned(),
        figure,
        usual,
        strain: bounded((usual - figure) / usual / limits.history_lost_at_most),
        message: format!(
            "{files} bad files are set aside (`bad_files: quarantine`), and with them about {lost} of {} rows",
            rows.saturating_add(lost)
        ),
    }
}

fn name_of(table: &str) -> String {
    format!("source:{table}")
}

fn by_day(table: &TableDays) -> BTreeMap<Ds, &DayRows> {
    table.days.iter().map(|day| (day.ds, day)).collect()
}

struct Table<'a> {
    ds: Ds,
    table: &'a TableDays,
    volume: &'a Volume,
    limits: &'a CircuitBreaker,
    by_day: BTreeMap<Ds, &'a DayRows>,
}

/// What is usual of a day.
struct UsualRows {
    rows: f64,
    /// On the scale of [`root`].
    spread: f64,
    /// The most of a day of the past.
    most: f64,
    /// The least of a day of the past.
    least: f64,
}

impl Table<'_> {
    fn rows(&self, day: Ds) -> u64 {
        self.by_day.get(&day).map_or(0, |day| day.rows)
    }

    fn on_time(&self, day: Ds) -> u64 {
        self.by_day.get(&day).map_or(0, |day| day.on_time)
    }

    /// The rows of a day as they are compared: of the newest day only those are there that were on time.
    fn compared(&self, day: Ds, is_newest: bool) -> f64 {
        (if is_newest { self.on_time(day) } else { self.rows(day) }) as f64
    }

    /// The first day from which the table's rows say what is usual: before its first row it was not there.
    fn first(&self) -> Option<Ds> {
        self.table.days.first().map(|first| first.ds.max(self.table.since))
    }

    fn is_open(&self, day: Ds) -> bool {
        !self.volume.holidays.contains(&day)
    }

    /// The days that say what is usual on `day`, oldest first.
    fn past(&self, day: Ds) -> Vec<Ds> {
        let Some(first) = self.first() else { return Vec::new() };
        let days = (1..=PAST_DAYS).rev().map(|back| day.plus_days(-back));
        days.filter(|past| *past >= first && self.is_open(*past)).collect()
    }

    /// The median of the same weekday's among days.
    fn of_weekday(&self, day: Ds, past: &[Ds], is_newest: bool) -> Option<f64> {
        let same = past.iter().filter(|past| day.days_since(**past) % 7 == 0);
        let rows: Vec<f64> = same.map(|past| self.compared(*past, is_newest)).collect();
        if rows.len() < LEAST_WEEKDAYS { None } else { median(rows) }
    }

    fn usual_rows(&self, day: Ds, is_newest: bool) -> Option<UsualRows> {
        let past = self.past(day);
        let of_weekday = self.of_weekday(day, &past, is_newest)?;
        let expected: Vec<(Ds, f64)> =
            past.iter().filter_map(|other| Some((*other, self.of_weekday_around(*other, &past, is_newest)?))).collect();
        let differences = expected.iter().map(|(other, rows)| root(self.compared(*other, is_newest)) - root(*rows));
        let spread = spread(differences).unwrap_or_default().max(LEAST_SPREAD_OF_DAY);
        let week = expected.iter().filter(|(other, _)| day.days_since(*other) <= 7);
        let (seen, usual) = week
            .fold((0.0, 0.0), |(seen, usual), (other, rows)| (seen + self.compared(*other, is_newest), usual + rows));
        let season = if usual > 0.0 { (seen / usual).min(1.0) } else { 1.0 };
        let of_past = || past.iter().map(|other| self.compared(*other, is_newest));
        let (most, least) = (of_past().fold(0.0, f64::max), of_past().fold(f64::INFINITY, f64::min));
        Some(UsualRows { rows: of_weekday * season, spread, most, least })
    }

    /// The median of a past day's weekday among the same days, itself included.
    fn of_weekday_around(&self, other: Ds, past: &[Ds], is_newest: bool) -> Option<f64> {
        let same = past.iter().filter(|past| other.days_since(**past) % 7 == 0);
        median(same.map(|past| self.compared(*past, is_newest)).collect())
    }

    /// The newest days by their rows: all that are findings, or the one farthest from what is usual, which comes last.
    fn rows_of_days(&self) -> Vec<Measure> {
        let days = (1..=NEWEST_DAYS).map(|back| self.ds.plus_days(-back)).filter(|day| self.is_open(*day));
        let mut measures: Vec<Measure> =
            days.filter_map(|day| self.rows_of_day(day, self.ds.days_since(day) == 1)).collect();
        measures.sort_by(|left, right| left.strain.total_cmp(&right.strain));
        let usual = measures.iter().take_while(|measure| !measure.is_finding()).count();
        measures.split_off(usual.min(measures.len().saturating_sub(1)))
    }

    fn rows_of_day(&self, day: Ds, is_newest: bool) -> Option<Measure> {
        let UsualRows { rows: usual, spread, most, least } = self.usual_rows(day, is_newest)?;
        let figure = self.compared(day, is_newest);
        let deviations = |usual: f64| (root(figure) - root(usual)).abs() / spread / ROW_DEVIATIONS;
        // Roots say too little of no rows at all, which chance leaves of e rows once in exp(e) times; and where every day of weeks had a
        // handful, on a day without any it was not chance.
        let clumped = spread / LEAST_SPREAD_OF_DAY;
        let beyond_chance = usual / (clumped * clumped) / ROWS_BEYOND_CHANCE;
        let of_none = if figure == 0.0 { beyond_chance.max(least / LEAST_OF_EVERY_DAY) } else { 0.0 };
        let lost = ((1.0 - figure / usual) / self.limits.rows_lost_at_most).min(deviations(usual).max(of_none));
        let gained = strain_of_multiple(figure, most, self.limits.rows_multiple_at_most).min(deviations(most));
        let (strain, usual, word) = match figure > most {
            true => (gained, most, "at most"),
            false if figure < usual => (lost, usual, "about"),
            false => (0.0, usual, "about"),
        };
        let known = if is_newest { " known by its end" } else { "" };
        let message =
            format!("{} rows of {day}{known}, where {word} {} are usual", shown(figure), shown(usual.round()));
        Some(self.measure(Check::RowsOfDay, &day.to_string(), (figure, usual), strain, message))
    }

    /// The newest seven days as one, against the median of the weeks before and the week before alone.
    fn rows_of_week(&self) -> Option<Measure> {
        let first = self.first()?;
        let week = |back: i32| -> Option<f64> {
            let days = (1..=7).map(|day| self.ds.plus_days(-day - 7 * back));
            let open: Vec<Ds> = days.filter(|day| self.is_open(*day)).collect();
            let is_known = self.ds.plus_days(-7 - 7 * back) >= first;
            let rows: u64 = open.iter().map(|day| self.rows(*day)).sum();
            // A week with many closed days is like no other.
            (is_known && open.len() >= 5).then(|| rows as f64 * 7.0 / open.len() as f64)
        };
        let figure = week(0)?;
        let past: Vec<f64> = (1..=PAST_DAYS / 7).filter_map(week).collect();
        if past.len() < LEAST_WEEKDAYS {
            return None;
        }
        let usual = median(past.clone())?;
        let spread = spread(past.iter().map(|rows| root(*rows) - root(usual)))?.max(LEAST_SPREAD_OF_WEEK);
        let deviations = (root(usual) - root(figure)) / spread / ROW_DEVIATIONS;
        let lost = |of: f64| (1.0 - figure / of) / self.limits.rows_lost_at_most;
        // Where the shop rested the week before, a season may have ended with it: there is nothing to hold the week against.
        let last_week = lost(week(1)?);
        let strain = lost(usual).min(last_week).min(deviations);
        let message = format!(
            "{} rows in the seven days until {}, where about {} are usual",
            shown(figure.round()),
            self.ds.plus_days(-1),
            shown(usual.round())
        );
        Some(self.measure(Check::RowsOfWeek, "", (figure, usual), strain, message))
    }

    /// Open days since the newest row, against the longest silence so far.
    fn silence(&self) -> Option<Measure> {
        let newest = self.table.newest?;
        let with_rows: Vec<Ds> = self.table.days.iter().map(|day| day.ds).collect();
        let between = |from: Ds, to: Ds| {
            let days = (1..to.days_since(from)).map(|day| from.plus_days(day));
            days.filter(|day| self.is_open(*day)).count() as f64
        };
        // A table that is too large to be looked at whole, and of which no newer day has a row.
        let is_silent_throughout = with_rows.is_empty() && newest < self.table.since;
        if with_rows.len() < LEAST_DAYS_WITH_ROWS && !is_silent_throughout {
            return None;
        }
        let longest = with_rows.windows(2).filter_map(|pair| Some(between(*pair.first()?, *pair.get(1)?)));
        let longest = longest.fold(0.0, f64::max);
        let figure = between(newest, self.ds);
        let limit = (longest * self.limits.silence_multiple_at_most).max(longest + LEAST_SILENCE);
        let message = format!(
            "{} days without a row since {newest}, where {} were the most so far",
            shown(figure),
            shown(longest)
        );
        Some(self.measure(Check::Silence, "", (figure, longest), figure / limit, message))
    }

    fn declared(&self) -> Option<Measure> {
        let least = self.volume.rows_per_day_at_least?;
        let day = self.ds.plus_days(-1);
        if !self.is_open(day) {
            return None;
        }
        let (figure, usual) = (self.on_time(day) as f64, least as f64);
        let strain = if figure < usual { 1.0 + (1.0 - figure / usual) } else { usual / figure };
        let message = format!(
            "{} rows of {day} known by its end, where the project asks for {least} (`volume.rows_per_day_at_least`)",
            shown(figure)
        );
        Some(self.measure(Check::RowsDeclared, &day.to_string(), (figure, usual), strain, message))
    }

    /// The typical amounts of a column on the newest days: those farthest from what is usual.
    fn amounts_of(&self, column: usize) -> Option<Measure> {
        let days = (1..=NEWEST_DAYS).map(|back| self.ds.plus_days(-back));
        worst(days.filter_map(|day| self.amounts_of_day(column, day)))
    }

    fn amounts_of_day(&self, column: usize, day: Ds) -> Option<Measure> {
        let typical = |day: Ds| {
            let amount = self.by_day.get(&day)?.amounts.get(column).filter(|amount| amount.values > 0)?;
            Some((amount.log_sum as f64 / LOG_UNIT / amount.values as f64, amount.values as f64))
        };
        let (log, values) = typical(day)?;
        let past: Vec<(f64, f64)> = self.past(day).into_iter().filter_map(typical).collect();
        if past.len() < LEAST_DAYS_WITH_AMOUNTS {
            return None;
        }
        let usual = median(past.iter().map(|(log, _)| *log).collect())?;
        let many = median(past.iter().map(|(_, values)| *values).collect())?;
        let spread = spread(past.iter().map(|(log, _)| log - usual))?.max(LEAST_AMOUNT_SPREAD);
        // The mean of few amounts moves more than that of many.
        let spread = spread * (many / values).max(1.0).sqrt();
        let (figure, usual_amount) = (log.exp_m1(), usual.exp_m1());
        let multiple = strain_of_multiple(figure, usual_amount, self.limits.amount_multiple_at_most);
        let strain = multiple.min((log - usual).abs() / spread / ROW_DEVIATIONS);
        let name = self.table.columns.get(column)?;
        let message =
            format!("a typical `{name}` of {day} is {}, where {} is usual", shown(figure), shown(usual_amount));
        Some(self.measure(Check::Amount, name, (figure, usual_amount), strain, message))
    }

    fn measure(&self, check: Check, of: &str, (figure, usual): (f64, f64), strain: f64, message: String) -> Measure {
        let name = name_of(&self.table.table);
        Measure { name, check, of: of.to_owned(), figure, usual, strain: bounded(strain), message }
    }
}

fn worst(measures: impl Iterator<Item = Measure>) -> Option<Measure> {
    measures.max_by(|left, right| left.strain.total_cmp(&right.strain))
}

#[cfg(test)]
mod tests;
