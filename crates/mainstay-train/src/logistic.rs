//! Logistic regression, with its preparation stored in the model.
//!
//! Values are clipped at quantiles of the training rows and standardised; a missing value is the mean with a coefficient of its own; a
//! category is a column of zeros and ones. What comes out is one [`Term`] a feature. Features whose coefficient goes against what is
//! declared of them are left out, and the others fitted anew.

use std::num::NonZeroUsize;

use mainstay_model::{Calibration, Effect, Ensemble, EnsembleParts, Link, Term};
use serde::{Deserialize, Serialize};

use crate::declared::Monotone;
use crate::error::TrainError;
use crate::newton::{self, Matrix};
use crate::params::within;
use crate::rows::TrainingSet;

/// The greatest number of cells of the matrix, 2 GB, and of columns: the work grows with their square.
const MAX_CELLS: usize = 1 << 28;
const MAX_WIDTH: usize = 2_000;

/// Parameters of logistic regression.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticParams {
    /// Weight of half the sum of squared coefficients of standardised features, 0 to 1,000,000.
    pub l2: f64,
    /// The quantile, and its counterpart at the other end, at which values are clipped, 0 (nothing is) to 0.2.
    pub clip_quantile: f64,
    /// The most steps of Newton's method, 1 to 1,000.
    pub steps: usize,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self { l2: 1.0, clip_quantile: 0.01, steps: 50 }
    }
}

impl LogisticParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// The first parameter outside of its range, with the range.
    pub fn check(self) -> Result<ValidLogisticParams, TrainError> {
        within("l2", self.l2, 0.0, 1e6)?;
        within("clip_quantile", self.clip_quantile, 0.0, 0.2)?;
        within("steps", self.steps, 1, 1_000)?;
        Ok(ValidLogisticParams(self))
    }
}

/// Parameters that were checked: only these fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidLogisticParams(LogisticParams);

impl ValidLogisticParams {
    /// The parameters.
    pub fn params(&self) -> &LogisticParams {
        &self.0
    }

    /// Fits a model, uncalibrated, with at most `threads` threads: any number gives the same model.
    ///
    /// # Errors
    /// Where there are too few rows, more cells than memory should hold, or the optimiser gives up.
    pub fn fit(&self, set: &TrainingSet, threads: NonZeroUsize) -> Result<Ensemble, TrainError> {
        let (found, minimum) = (set.row_count(), 2);
        if found < minimum {
            return Err(TrainError::TooFewRows { found, minimum });
        }
        let features: Vec<Prepared> = (0..set.feature_names().len()).map(|f| Prepared::of(set, f, &self.0)).collect();
        let mut coefficients = self.coefficients(set, &features, threads)?;
        let mut left_out = vec![false; features.len()];
        // Each turn leaves one feature more out.
        for _ in 0..features.len() {
            let against = |feature: &usize| {
                let sign = set.declared()[*feature].monotone.map_or(0.0, Monotone::sign);
                !left_out[*feature] && coefficients.of[*feature].first().is_some_and(|slope| sign * slope < 0.0)
            };
            let Some(against) = (0..features.len()).find(against) else { break };
            left_out[against] = true;
            let kept: Vec<Prepared> =
                features.iter().zip(&left_out).map(|(f, out)| if *out { f.left_out() } else { f.clone() }).collect();
            coefficients = self.coefficients(set, &kept, threads)?;
            if let Some(of) = coefficients.of.get_mut(against) {
                of.clear();
            }
        }
        let terms = features.iter().zip(&coefficients.of).enumerate();
        let terms = terms.filter(|(_, (_, of))| !of.is_empty());
        let terms = terms.map(|(feature, (prepared, of))| prepared.term(feature as u32, of)).collect();
        let model = Ensemble::new(EnsembleParts {
            features: set.model_features(),
            trees: Vec::new(),
            bias: coefficients.intercept,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })?;
        Ok(model.with_terms(terms)?)
    }

    fn coefficients(
        &self,
        set: &TrainingSet,
        features: &[Prepared],
        threads: NonZeroUsize,
    ) -> Result<Coefficients, TrainError> {
        let width = 1 + features.iter().map(Prepared::width).sum::<usize>();
        if width.saturating_mul(set.row_count()) > MAX_CELLS || width > MAX_WIDTH {
            return Err(TrainError::TooManyCells { rows: set.row_count(), columns: width });
        }
        let mut values = vec![0.0; set.row_count() * width];
        values.iter_mut().step_by(width).for_each(|cell| *cell = 1.0);
        let mut first = 1;
        for (prepared, column) in features.iter().zip(set.columns()) {
            for (row, value) in values.chunks_exact_mut(width).zip(&column) {
                prepared.fill(*value, |at, cell| row[first + at] = cell);
            }
            first += prepared.width();
        }
        let matrix = Matrix { values, width };
        let found = newton::fit(&matrix, set.labels(), self.0.l2, self.0.steps, threads);
        let mut all = found.ok_or(TrainError::FitLogistic)?.into_iter();
        let intercept = all.next().unwrap_or_default();
        let of = features.iter().map(|prepared| all.by_ref().take(prepared.width()).collect()).collect();
        Ok(Coefficients { intercept, of })
    }
}

struct Coefficients {
    intercept: f64,
    /// By feature: of its columns in the matrix.
    of: Vec<Vec<f64>>,
}

/// How the values of a feature become columns of the matrix.
#[derive(Debug, Clone)]
struct Prepared {
    scale: Scale,
    /// Rows with each category, or with a value; the last is of those without.
    shares: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Does not vary, or is left out.
    Nothing,
    Line {
        low: f64,
        high: f64,
        mean: f64,
        deviation: f64,
    },
    /// Present or missing alone distinguishes rows.
    Present,
    Categories {
        count: usize,
    },
}

impl Prepared {
    fn of(set: &TrainingSet, feature: usize, params: &LogisticParams) -> Self {
        let column = &set.column(feature);
        let rows = column.len() as f64;
        let missing = column.iter().filter(|value| value.is_nan()).count() as f64 / rows;
        if let Some(categories) = &set.declared()[feature].categories {
            let mut shares = vec![0.0; categories.len() + 1];
            for value in column {
                let at = if value.is_nan() { categories.len() } else { *value as usize };
                shares[at] += 1.0 / rows;
            }
            return Self { scale: Scale::Categories { count: categories.len() }, shares };
        }
        let mut present: Vec<f64> = column.iter().copied().filter(|value| !value.is_nan()).collect();
        present.sort_by(f64::total_cmp);
        let shares = vec![1.0 - missing, missing];
        let quantile = |share: f64| present.get((share * (present.len().saturating_sub(1)) as f64).round() as usize);
        let (Some(&low), Some(&high)) = (quantile(params.clip_quantile), quantile(1.0 - params.clip_quantile)) else {
            return Self { scale: Scale::Nothing, shares };
        };
        // A few values far from all others are what there is to learn from.
        let (low, high) = if low < high { (low, high) } else { (present[0], present[present.len() - 1]) };
        let clipped = || present.iter().map(|value| value.clamp(low, high));
        let mean = clipped().sum::<f64>() / present.len() as f64;
        let variance = clipped().map(|value| (value - mean) * (value - mean)).sum::<f64>() / present.len() as f64;
        let deviation = variance.sqrt();
        let scale = match (low < high && deviation > 0.0, missing > 0.0) {
            (true, _) => Scale::Line { low, high, mean, deviation },
            (false, true) => Scale::Present,
            (false, false) => Scale::Nothing,
        };
        Self { scale, shares }
    }

    fn left_out(&self) -> Self {
        Self { scale: Scale::Nothing, shares: self.shares.clone() }
    }

    fn has_missing(&self) -> bool {
        self.shares.last().is_some_and(|missing| *missing > 0.0)
    }

    fn width(&self) -> usize {
        let missing = usize::from(self.has_missing());
        match self.scale {
            Scale::Nothing => 0,
            Scale::Line { .. } => 1 + missing,
            Scale::Present => 1,
            Scale::Categories { count } => count + missing,
        }
    }

    /// Hands the cells of a value that are not zero to `set`, by their place among those of the feature.
    fn fill(&self, value: f64, mut set: impl FnMut(usize, f64)) {
        match self.scale {
            Scale::Nothing => {}
            Scale::Line { .. } if value.is_nan() => set(1, 1.0),
            Scale::Line { low, high, mean, deviation } => set(0, (value.clamp(low, high) - mean) / deviation),
            Scale::Present if value.is_nan() => set(0, 1.0),
            Scale::Present => {}
            Scale::Categories { count } => set(if value.is_nan() { count } else { value as usize }, 1.0),
        }
    }

    fn term(&self, feature: u32, coefficients: &[f64]) -> Term {
        let at = |place: usize| coefficients.get(place).copied().unwrap_or_default();
        let line = |slope, centre, low, high| Effect::Line { slope, centre, low, high };
        let (effect, missing) = match self.scale {
            Scale::Nothing => (line(0.0, 0.0, 0.0, 0.0), 0.0),
            Scale::Line { low, high, mean, deviation } => (line(at(0) / deviation, mean, low, high), at(1)),
            Scale::Present => (line(0.0, 0.0, 0.0, 0.0), at(0)),
            Scale::Categories { count } => (Effect::Categories((0..count).map(at).collect()), at(count)),
        };
        let present_mean = match &effect {
            // Standardised values have the mean 0.
            Effect::Line { .. } => 0.0,
            Effect::Categories(values) => values.iter().zip(&self.shares).map(|(value, share)| value * share).sum(),
        };
        let mean = present_mean + missing * self.shares.last().copied().unwrap_or_default();
        Term { feature, effect, missing, mean }
    }
}
