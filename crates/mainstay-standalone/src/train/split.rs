//! Which rows are learnt from and which are judged on: by time where a column tells it, else by customer.

use std::collections::HashMap;
use std::path::Path;

use mainstay_schema::{DigestHasher, Ds};
use mainstay_train::TrainingSet;
use mainstay_train::tune::blocks;

use super::TrainRequest;
use super::error::TrainFileError;
use super::report::SplitReport;
use super::shown;
use super::table::{Table, Values};

/// The day of rows that have none.
pub(super) const NO_TIME: Ds = Ds::EPOCH;
/// One in so many customers is judged on where there is no time.
const TEST_PARTS: u64 = 5;
/// A part to judge on is refused where it has fewer rows than that and than a share of an even part of all rows.
const LEAST_NEWEST_ROWS: usize = 50;
const LEAST_NEWEST_SHARE: usize = 10;
/// Rows of the rarer label below which an AUC may be off by a tenth: its standard error is at most sqrt(1 / (4 x rows)).
const LEAST_OF_LABEL: usize = 20;

pub(super) struct Split {
    /// The day of the decision of each row.
    pub(super) cuts: Vec<Ds>,
    /// The customer of each row.
    pub(super) keys: Vec<String>,
    has_time: bool,
    /// Of instants, the zone whose days they fall on.
    time_zone: Option<String>,
    /// The first day that is judged on.
    test_from: Option<Ds>,
    label_days: u32,
}

impl Split {
    pub(super) fn of(table: &Table, request: &TrainRequest) -> Result<Self, TrainFileError> {
        let mut split = Self::whole(table, request)?;
        if let (Some(column), None) = (&request.time_column, &request.test) {
            let mut days = split.cuts.clone();
            days.sort_unstable();
            let newest = blocks(&days);
            let first = newest.iter().position(|block| Some(block) == newest.last()).unwrap_or(0);
            if first == 0 {
                let day = days.first().map(ToString::to_string).unwrap_or_default();
                return Err(TrainFileError::OneDay { column: column.clone(), day });
            }
            split.test_from = days.get(first).copied();
            let parts = newest.last().map_or(1, |last| last + 1);
            check_newest(table, column, &days, first, parts)?;
            split.check_window(column, days.first().copied(), days.last().copied())?;
        }
        Ok(split)
    }

    /// All rows on one side.
    pub(super) fn whole(table: &Table, request: &TrainRequest) -> Result<Self, TrainFileError> {
        let keys = match &request.key {
            None => (0..table.rows).map(|row| format!("row {row:010}")).collect(),
            Some(column) => keys(table, column)?,
        };
        let cuts: Vec<Ds> = match &request.time_column {
            None => vec![NO_TIME; table.rows],
            Some(column) => days(table, column)?,
        };
        if let Some(column) = &request.time_column {
            check_past(table, column, &cuts, request.today)?;
        }
        if let Some(column) = &request.key {
            check_unique(table, column, &keys, &cuts, request.time_column.as_deref())?;
        }
        let time = request.time_column.as_ref().and_then(|column| table.find(column));
        Ok(Self {
            cuts,
            keys,
            has_time: time.is_some(),
            time_zone: time.and_then(|column| column.time_zone.clone()),
            test_from: None,
            label_days: request.label_days,
        })
    }

    /// Refuses a window of the label that leaves no row to learn from.
    fn check_window(&self, column: &str, first: Option<Ds>, last: Option<Ds>) -> Result<(), TrainFileError> {
        let (Some(first), Some(last), Some(test_from)) = (first, last, self.test_from) else { return Ok(()) };
        if (0..self.cuts.len()).any(|row| self.is_training(row)) {
            return Ok(());
        }
        Err(TrainFileError::LabelDays {
            column: column.to_owned(),
            label_days: self.label_days,
            days: Box::new([first, last, test_from]),
            longest: test_from.days_since(first),
        })
    }

    /// Whether a row is learnt from: its label had come about before the first day that is judged on.
    pub(super) fn is_training(&self, row: usize) -> bool {
        match self.test_from {
            Some(from) => {
                let window = i32::try_from(self.label_days).unwrap_or(i32::MAX);
                self.cuts[row] < from && self.cuts[row].plus_days(window) <= from
            }
            None => !self.is_drawn(row),
        }
    }

    pub(super) fn is_test(&self, row: usize) -> bool {
        match self.test_from {
            Some(from) => self.cuts[row] >= from,
            None => self.is_drawn(row),
        }
    }

    fn is_drawn(&self, row: usize) -> bool {
        let digest = DigestHasher::new().frame(b"test").frame(self.keys[row].as_bytes()).finish();
        digest.leading_u64().is_multiple_of(TEST_PARTS)
    }

    /// What of the rows that were judged on makes the figures rough.
    pub(super) fn doubts(&self, request: &TrainRequest, labels: &[bool]) -> Option<String> {
        let positives = labels.iter().filter(|label| **label).count();
        let (rarer, rows) = (positives.min(labels.len() - positives), labels.len());
        let advice = match (&request.test, self.has_time) {
            (Some(_), _) => "give a larger file with --test",
            (None, true) => "add rows of later days, or give a file of rows with --test",
            (None, false) => "add rows, or give a file of rows with --test",
        };
        (rarer < LEAST_OF_LABEL).then(|| {
            format!(
                "the model is judged on {rows} rows, {positives} of which churned: with fewer than {LEAST_OF_LABEL} of either outcome its \
                 figures are rough, and an AUC may be off by a tenth and more; {advice}"
            )
        })
    }

    pub(super) fn report(&self, training: &TrainingSet, test: &TrainingSet, file: Option<&Path>) -> SplitReport {
        SplitReport {
            by: match (file, self.has_time) {
                (Some(file), _) => format!("the rows of {}", shown(file)),
                (None, true) => "time".to_owned(),
                (None, false) => "customer".to_owned(),
            },
            training_rows: training.row_count(),
            test_rows: test.row_count(),
            test_from: self.test_from,
            time_zone: self.time_zone.clone(),
            rows_between: match file {
                Some(_) => 0,
                None => self.keys.len() - training.row_count() - test.row_count(),
            },
        }
    }
}

/// The customer of each row; whose row it is must be known, as the rows of one customer are all on one side.
fn keys(table: &Table, column: &str) -> Result<Vec<String>, TrainFileError> {
    let values = table.named("--key", column)?;
    let missing = |row| TrainFileError::MissingKey { path: table.path.clone(), column: column.to_owned(), row };
    (0..table.rows).map(|row| values.text(row).ok_or_else(|| missing(row))).collect()
}

/// Refuses two rows of one customer on one day.
fn check_unique(
    table: &Table,
    column: &str,
    keys: &[String],
    cuts: &[Ds],
    time_column: Option<&str>,
) -> Result<(), TrainFileError> {
    let mut first_rows: HashMap<(&str, Ds), usize> = HashMap::with_capacity(keys.len());
    for (row, (key, cut)) in keys.iter().zip(cuts).enumerate() {
        if let Some(first) = first_rows.insert((key, *cut), row) {
            return Err(TrainFileError::DuplicateKey {
                path: table.path.clone(),
                column: column.to_owned(),
                key: key.clone(),
                rows: [first, row],
                advice: match time_column {
                    Some(time) => format!("on {cut}, as `{time}` says: keep one row for each customer and day"),
                    None => "keep one of them, or name the column of the day of each row with --time-column".to_owned(),
                },
            });
        }
    }
    Ok(())
}

/// Refuses decisions of days to come; tomorrow is today somewhere east of UTC.
fn check_past(table: &Table, column: &str, cuts: &[Ds], today: Ds) -> Result<(), TrainFileError> {
    let is_late = |cut: &Ds| *cut > today.plus_days(1);
    let Some(row) = cuts.iter().position(is_late) else { return Ok(()) };
    Err(TrainFileError::FutureTime {
        path: table.path.clone(),
        column: column.to_owned(),
        row,
        day: cuts.get(row).copied().unwrap_or(today),
        today,
        rows: cuts.iter().filter(|cut| is_late(cut)).count(),
    })
}

/// Refuses a newest part, which begins at the row `first` of all sorted days, that has hardly any rows beside the others.
fn check_newest(table: &Table, column: &str, days: &[Ds], first: usize, parts: usize) -> Result<(), TrainFileError> {
    let found = days.len() - first;
    let is_few = found < LEAST_NEWEST_ROWS && found * parts * LEAST_NEWEST_SHARE < days.len();
    match days.get(first).filter(|_| is_few) {
        None => Ok(()),
        Some(from) => Err(TrainFileError::FewNewest {
            path: table.path.clone(),
            column: column.to_owned(),
            from: *from,
            found,
            rows: days.len(),
        }),
    }
}

fn days(table: &Table, column: &str) -> Result<Vec<Ds>, TrainFileError> {
    let no_time = |row| TrainFileError::NoTime { path: table.path.clone(), column: column.to_owned(), row };
    let Values::Days(days) = &table.named("--time-column", column)?.values else { return Err(no_time(0)) };
    let day = |(row, day): (usize, &f64)| match day.is_nan() {
        true => Err(no_time(row)),
        false => Ok(NO_TIME.plus_days(*day as i32)),
    };
    days.iter().enumerate().map(day).collect()
}
