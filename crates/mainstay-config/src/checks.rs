//! Checks that more than one kind of setting needs.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::error::ConfigError;
use crate::place::Place;

/// Letters, digits and underscores, not beginning with a digit: what SQL and file names take without quotes.
pub(crate) fn is_identifier(name: &str) -> bool {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_word && name.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

pub(crate) fn check_identifier(name: &str, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(is_identifier(name), || {
        format!("`{name}` is no name: use letters, digits and underscores, and begin with a letter")
    })
}

/// Every item of the list at `place` has a name of its own (the key `name`, or the item itself where it is a text).
pub(crate) fn check_unique<'a>(
    kind: &str,
    names: impl IntoIterator<Item = &'a str>,
    place: Place<'_>,
) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    names.into_iter().enumerate().try_for_each(|(index, name)| {
        place.item(index).key("name").ensure(seen.insert(name), || format!("{kind} `{name}` is given twice"))
    })
}

/// No item of the list at `place` is there twice.
pub(crate) fn check_unique_items<T: PartialEq>(kind: &str, items: &[T], place: Place<'_>) -> Result<(), ConfigError> {
    items.iter().enumerate().try_for_each(|(index, item)| {
        let is_repeated = items.iter().take(index).any(|other| other == item);
        place.item(index).ensure(!is_repeated, || format!("this {kind} is given twice"))
    })
}

/// The number lies in the range; NaN does not.
pub(crate) fn check_range<N: PartialOrd + Display + Copy>(
    number: N,
    range: RangeInclusive<N>,
    place: Place<'_>,
) -> Result<(), ConfigError> {
    place.ensure(range.contains(&number), || {
        format!("expected a number from {} to {}, found {number}", range.start(), range.end())
    })
}

pub(crate) fn check_at_least_1(number: u32, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(number >= 1, || format!("expected a number of at least 1, found {number}"))
}

pub(crate) fn check_not_empty(is_empty: bool, kind: &str, place: Place<'_>) -> Result<(), ConfigError> {
    place.ensure(!is_empty, || format!("expected at least one {kind}"))
}
