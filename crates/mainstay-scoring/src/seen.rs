//! What the rows of a file hold of each feature: a column that the model can read nothing of is scored all the same, as missing.

use std::path::Path;

use mainstay_model::{Ensemble, Feature};

use crate::error::ScoringError;

/// The share of a feature's values that are unknown to the model from which on somebody should know of it: where training took rare ones
/// together, fewer are usual.
const UNKNOWN: f64 = 0.5;
/// Categories that a message lists, and the letters of a text that it shows.
const LISTED: usize = 5;
const SHOWN_LETTERS: usize = 40;

/// A feature that the model takes as missing in many rows or in all.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureWarning {
    /// The feature.
    pub feature: String,
    /// Of a feature that is missing in every row 1; otherwise the share of its values that the model has not learnt, from 0 to 1.
    pub share: f64,
    /// What was found and what to do, in words.
    pub message: String,
}

/// The values of one feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Values that are there. Of numbers it only counts whether there are any: they are not counted once some have been found.
    values: u64,
    /// Those of them that are no category of the model.
    unknown: u64,
    /// The first of the unknown ones in the order of the file.
    first_unknown: Option<String>,
}

impl Seen {
    /// Takes note of numbers, which are counted where none has been found so far.
    pub(crate) fn numbers(&mut self, count: impl FnOnce() -> u64) {
        if self.values == 0 {
            self.values = count();
        }
    }

    /// Takes note of a category that is there, by its code where the model knows it.
    pub(crate) fn category(&mut self, code: Option<f64>, text: impl FnOnce() -> String) {
        self.values += 1;
        if code.is_none() {
            self.unknown += 1;
            self.first_unknown.get_or_insert_with(|| shortened(text()));
        }
    }

    fn is_nothing(&self) -> bool {
        self.values == self.unknown
    }

    fn unknown_share(&self) -> f64 {
        self.unknown as f64 / self.values.max(1) as f64
    }

    /// What is there instead of values that the model knows.
    fn found(&self, feature: &Feature) -> String {
        match &self.first_unknown {
            None => format!("`{}` is missing", feature.name),
            Some(text) => format!("`{}` holds others than training did, such as `{text}`", feature.name),
        }
    }
}

/// Adds what the next rows of the file hold.
pub(crate) fn add(seen: &mut [Seen], next: &[Seen]) {
    for (seen, next) in seen.iter_mut().zip(next) {
        seen.values += next.values;
        seen.unknown += next.unknown;
        if seen.first_unknown.is_none() {
            seen.first_unknown.clone_from(&next.first_unknown);
        }
    }
}

/// Refuses a file of which the model can read nothing at all.
pub(crate) fn refuse_nothing(path: &Path, rows: u64, model: &Ensemble, seen: &[Seen]) -> Result<(), ScoringError> {
    if seen.is_empty() || rows == 0 || !seen.iter().all(Seen::is_nothing) {
        return Ok(());
    }
    let found = model.features().iter().zip(seen).map(|(feature, seen)| seen.found(feature)).collect();
    Err(ScoringError::NothingRead { path: path.to_owned(), found, rows })
}

/// Features that are missing in all rows, or whose values the model does not know for the most part.
pub(crate) fn warnings(path: &Path, rows: u64, model: &Ensemble, seen: &[Seen]) -> Vec<FeatureWarning> {
    let warning = |(feature, seen): (&Feature, &Seen)| {
        let (name, path) = (&feature.name, path.display());
        if seen.values == 0 {
            let message = format!(
                "feature `{name}` is missing in all {rows} rows of {path}: they are scored as if nobody knew it; fill the column in, or use a \
                 model without it"
            );
            return Some(FeatureWarning { feature: name.clone(), share: 1.0, message });
        }
        let share = seen.unknown_share();
        let first = seen.first_unknown.as_ref().filter(|_| share > UNKNOWN)?;
        let message = format!(
            "feature `{name}` of {path} has values that the model has not learnt in {} of the {} rows that have one ({:.0} %), such as \
             `{first}`: they count as missing; write them as they were in training ({}), or train anew",
            seen.unknown,
            seen.values,
            100.0 * share,
            known(feature)
        );
        Some(FeatureWarning { feature: name.clone(), share, message })
    };
    if rows == 0 {
        return Vec::new();
    }
    model.features().iter().zip(seen).filter_map(warning).collect()
}

/// Some of the categories of a feature.
fn known(feature: &Feature) -> String {
    let all = feature.categories.as_deref().unwrap_or_default();
    let some = all.iter().take(LISTED).map(|category| format!("`{}`", shortened(category.clone())));
    let more = if all.len() > LISTED { ", ..." } else { "" };
    some.collect::<Vec<_>>().join(", ") + more
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_LETTERS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
