//! Terms: what a linear model adds to the raw score, each from one feature.
//!
//! A term holds its own preparation, so that whoever scores does to a value what training did: outliers are clipped at the quantiles
//! of the training rows, the slope is that of the standardised value divided by its scale, a category has a value of its own, and a
//! missing value has one too. Terms do not act on each other, so the contribution of a feature is exactly its term less the mean of
//! the term over the training rows (Lundberg and Lee 2017, corollary 1).

use std::ops::Range;

use crate::column::{BLOCK_ROWS, Column, InfiniteRow};
use crate::ensemble::{Ensemble, check_limit};
use crate::error::{ModelError, TermError};
use crate::tree::is_margin;

/// The greatest number of categories of all terms together.
const MAX_VALUES: usize = 1 << 20;

/// What one feature adds to the raw score beside the trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Position of the feature in the model.
    pub feature: u32,
    /// What a value adds.
    pub effect: Effect,
    /// What a missing value adds.
    pub missing: f64,
    /// What the term added to the training rows on average: contributions are measured from it.
    pub mean: f64,
}

/// What a value adds to the raw score.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A straight line: slope * (value clipped to low .. high - centre).
    Line {
        /// What one unit adds.
        slope: f64,
        /// Where the line is at 0.
        centre: f64,
        /// Values below count as this one.
        low: f64,
        /// Values above count as this one.
        high: f64,
    },
    /// A number for each category code from 0 on; other codes count as missing.
    Categories(Vec<f64>),
}

impl Term {
    /// What the term adds to the raw score of a row with this value; NaN is a missing value.
    pub fn value(&self, value: f64) -> f64 {
        if value.is_nan() {
            return self.missing;
        }
        match &self.effect {
            Effect::Line { slope, centre, low, high } => slope * (value.clamp(*low, *high) - centre),
            // Cut to an integer, as a set of categories does.
            Effect::Categories(values) if value > -1.0 => values.get(value as usize).copied().unwrap_or(self.missing),
            Effect::Categories(_) => self.missing,
        }
    }

    /// How much the value of the feature moves the raw score of a row.
    pub fn contribution(&self, value: f64) -> f64 {
        self.value(value) - self.mean
    }

    /// The distance between the least and the most that the term can add.
    pub fn reach(&self) -> f64 {
        let (low, high) =
            self.extremes().fold((self.missing, self.missing), |(low, high), v| (low.min(v), high.max(v)));
        high - low
    }

    /// Values among which the least and the greatest are that the term can add.
    fn extremes(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match &self.effect {
            Effect::Line { low, high, .. } => Box::new([*low, *high].into_iter().map(|end| self.value(end))),
            Effect::Categories(values) => Box::new(values.iter().copied()),
        }
    }

    fn check(&self) -> Result<(), TermError> {
        let numbers = match &self.effect {
            Effect::Line { low, high, .. } if low.is_nan() || high.is_nan() || low > high => {
                return Err(TermError::Range { low: *low, high: *high });
            }
            Effect::Line { slope, centre, .. } => vec![*slope, *centre],
            Effect::Categories(values) => values.clone(),
        };
        let all = numbers.into_iter().chain(self.extremes()).chain([self.missing, self.mean]);
        match all.into_iter().find(|number| !is_margin(*number)) {
            Some(found) => Err(TermError::Number { found }),
            None => Ok(()),
        }
    }
}

impl Ensemble {
    /// The same model with these terms beside its trees, by rising feature and at most one a feature.
    ///
    /// # Errors
    /// Where terms are not in order, name a feature that does not exist, or hold a number that is of no use.
    pub fn with_terms(mut self, terms: Vec<Term>) -> Result<Self, ModelError> {
        let of_values = |term: &Term| match &term.effect {
            Effect::Line { .. } => 0,
            Effect::Categories(values) => values.len(),
        };
        check_limit("categories", terms.iter().map(of_values).sum(), MAX_VALUES)?;
        for (position, term) in terms.iter().enumerate() {
            let refused = |source| ModelError::Term { term: position, source };
            let before = position.checked_sub(1).map(|before| terms[before].feature);
            if before.is_some_and(|before| before >= term.feature) {
                return Err(refused(TermError::Order { feature: term.feature }));
            }
            let features = self.features().len();
            if term.feature as usize >= features {
                return Err(refused(TermError::Feature { feature: term.feature, features }));
            }
            term.check().map_err(refused)?;
        }
        self.set_terms(terms);
        Ok(self)
    }
}

/// Adds the terms to the raw scores of rows, as [`Ensemble::raw_scores`] does after the trees.
pub(crate) fn add_terms(
    terms: &[Term],
    features: &[String],
    columns: &[Column<'_>],
    out: &mut [f64],
) -> Result<(), ModelError> {
    let mut buffer = [0.0; BLOCK_ROWS];
    for (block, out) in out.chunks_mut(BLOCK_ROWS).enumerate() {
        let rows = block * BLOCK_ROWS..block * BLOCK_ROWS + out.len();
        for term in terms {
            for (sum, value) in out.iter_mut().zip(read(term, features, columns, rows.clone(), &mut buffer)?) {
                *sum += term.value(*value);
            }
        }
    }
    Ok(())
}

/// Hands the contribution of each term to `add`, with the position of its feature and of the row within `rows`.
pub(crate) fn each_contribution(
    terms: &[Term],
    features: &[String],
    columns: &[Column<'_>],
    rows: Range<usize>,
    mut add: impl FnMut(usize, usize, f64),
) -> Result<(), ModelError> {
    let mut buffer = [0.0; BLOCK_ROWS];
    for term in terms {
        for (row, value) in read(term, features, columns, rows.clone(), &mut buffer)?.iter().enumerate() {
            add(term.feature as usize, row, term.contribution(*value));
        }
    }
    Ok(())
}

fn read<'b>(
    term: &Term,
    features: &[String],
    columns: &'b [Column<'_>],
    rows: Range<usize>,
    buffer: &'b mut [f64; BLOCK_ROWS],
) -> Result<&'b [f64], ModelError> {
    let feature = term.feature as usize;
    let infinite = |InfiniteRow(row)| ModelError::Infinite { feature: features[feature].clone(), row };
    columns[feature].read(rows, buffer).map_err(infinite)
}

#[cfg(test)]
mod tests;
