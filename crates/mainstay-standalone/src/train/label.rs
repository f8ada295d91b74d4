//! What happened: the label of each row.

use std::collections::BTreeMap;

use super::error::TrainFileError;
use super::table::Table;

/// Values that plainly stand for churn where the other one stands for staying.
const PLAIN: [(&str, &str); 6] =
    [("1", "0"), ("true", "false"), ("yes", "no"), ("y", "n"), ("churned", "retained"), ("churn", "no churn")];
/// How many values a message lists.
const LISTED: usize = 5;

pub(super) struct Label {
    pub(super) labels: Vec<bool>,
    /// The value that stands for churn.
    pub(super) positive: String,
}

impl Label {
    pub(super) fn of(table: &Table, column: &str, positive: Option<&str>) -> Result<Self, TrainFileError> {
        let values = table.named("--label", column)?;
        let text =
            |row| values.text(row).ok_or_else(|| TrainFileError::MissingLabel { column: column.to_owned(), row });
        let texts: Vec<String> = (0..table.rows).map(text).collect::<Result<_, _>>()?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in &texts {
            *counts.entry(text).or_default() += 1;
        }
        let listed = || {
            let more = if counts.len() > LISTED { ", ..." } else { "" };
            counts.keys().take(LISTED).map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ") + more
        };
        let column = column.to_owned();
        let distinct: Vec<&str> = counts.keys().copied().collect();
        let positive = match (distinct.as_slice(), positive) {
            ([value], _) => {
                return Err(TrainFileError::OneClass { column, value: format!("`{value}`"), rows: table.rows });
            }
            (all, Some(positive)) if all.contains(&positive) => positive.to_owned(),
            (_, Some(positive)) => {
                return Err(TrainFileError::NoPositive { column, value: positive.to_owned(), values: listed() });
            }
            ([a, b], None) => match plain_positive(a, b) {
                Some(positive) => positive.to_owned(),
                None => return Err(TrainFileError::UnclearLabel { column, values: format!("`{a}` or `{b}`") }),
            },
            (all, None) => {
                return Err(TrainFileError::ManyClasses { column, count: all.len(), values: listed() });
            }
        };
        Ok(Self { labels: texts.iter().map(|text| *text == positive).collect(), positive })
    }
}

fn plain_positive<'a>(a: &'a str, b: &'a str) -> Option<&'a str> {
    PLAIN.iter().find_map(|(positive, negative)| {
        let is = |value: &str, expected: &str| value.eq_ignore_ascii_case(expected);
        match () {
            () if is(a, positive) && is(b, negative) => Some(a),
            () if is(b, positive) && is(a, negative) => Some(b),
            () => None,
        }
    })
}
