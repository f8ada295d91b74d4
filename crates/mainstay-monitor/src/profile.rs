//! What a feature looks like over the customers of a day, in a few figures.

use serde::{Deserialize, Serialize};

/// Binary logarithms are counted in units of 2^-20.
const LOG_BITS: u32 = 20;
const LOG_UNIT: f64 = (1u32 << LOG_BITS) as f64;

/// Counts the values of features as they pass, in any order and in any number of parts: its sums are integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    rows: u64,
    columns: Vec<ColumnTally>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct ColumnTally {
    values: u64,
    least: f64,
    greatest: f64,
    at_least: u64,
    at_greatest: u64,
    logs: i128,
    squares: i128,
}

impl Tally {
    /// Nothing counted yet of so many features.
    pub fn new(features: usize) -> Self {
        let none = ColumnTally {
            values: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            at_least: 0,
            at_greatest: 0,
            logs: 0,
            squares: 0,
        };
        Self { rows: 0, columns: vec![none; features] }
    }

    /// Counts rows whose values follow by [`Tally::add`], one call a feature.
    pub fn add_rows(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Counts values of a feature. What is not finite counts as missing.
    pub fn add(&mut self, feature: usize, values: impl IntoIterator<Item = f64>) {
        let Some(column) = self.columns.get_mut(feature) else { return };
        values.into_iter().filter(|value| value.is_finite()).for_each(|value| column.add(value));
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.columns.iter_mut().zip(&other.columns).for_each(|(column, other)| column.merge(other));
    }

    /// The profiles, with the features' names in the order of the columns.
    pub fn profiles(&self, names: &[String]) -> FeatureProfiles {
        let features = names.iter().zip(&self.columns).map(|(name, column)| column.profile(name, self.rows));
        FeatureProfiles { customers: self.rows, features: features.collect() }
    }
}

impl ColumnTally {
    fn add(&mut self, value: f64) {
        let log = log_of(value);
        self.values += 1;
        self.logs += i128::from(log);
        self.squares += i128::from(log) * i128::from(log);
        // -0 and 0 are one value.
        let value = value + 0.0;
        self.merge_ends((value, 1), (value, 1));
    }

    fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.logs += other.logs;
        self.squares += other.squares;
        self.merge_ends((other.least, other.at_least), (other.greatest, other.at_greatest));
    }

    fn merge_ends(&mut self, (least, at_least): (f64, u64), (greatest, at_greatest): (f64, u64)) {
        match least {
            least if least < self.least => (self.least, self.at_least) = (least, at_least),
            least if least == self.least => self.at_least += at_least,
            _ => {}
        }
        match greatest {
            greatest if greatest > self.greatest => (self.greatest, self.at_greatest) = (greatest, at_greatest),
            greatest if greatest == self.greatest => self.at_greatest += at_greatest,
            _ => {}
        }
    }

    fn profile(&self, name: &str, rows: u64) -> FeatureProfile {
        let values = self.values as f64;
        let has_values = self.values > 0;
        let mean = if has_values { self.logs as f64 / values / LOG_UNIT } else { 0.0 };
        // The difference of two integers, so that nothing cancels.
        let scaled = i128::from(self.values) * self.squares - self.logs * self.logs;
        let spread = if has_values { (scaled as f64).max(0.0).sqrt() / values / LOG_UNIT } else { 0.0 };
        FeatureProfile {
            name: name.to_owned(),
            nulls: rows.saturating_sub(self.values),
            least: has_values.then_some(self.least),
            greatest: has_values.then_some(self.greatest),
            at_least: self.at_least,
            at_greatest: self.at_greatest,
            log_mean: mean,
            log_spread: spread,
        }
    }
}

/// log2(1 + |value|) between powers of two by straight lines, at most 0.09 below: read from the bits of the number, so that it is the same
/// on every machine.
fn log_of(value: f64) -> i64 {
    let bits = (1.0 + value.abs()).to_bits() >> (52 - LOG_BITS);
    bits as i64 - (1023 << LOG_BITS)
}

/// log2(1 + |value|), as it is summed.
pub(crate) fn to_log(value: f64) -> f64 {
    log_of(value) as f64 / LOG_UNIT
}

/// The value of at least 0 that has such a logarithm.
pub(crate) fn of_log(log: f64) -> f64 {
    let whole = log.floor();
    (1.0 + (log - whole)) * whole.exp2() - 1.0
}

/// The features of the customers of a day, or of a training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureProfiles {
    /// Eligible customers.
    pub customers: u64,
    /// In the order of the feature table.
    pub features: Vec<FeatureProfile>,
}

impl FeatureProfiles {
    /// A feature by its name.
    pub fn feature(&self, name: &str) -> Option<&FeatureProfile> {
        self.features.iter().find(|feature| feature.name == name)
    }
}

/// One feature over many customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureProfile {
    /// The feature.
    pub name: String,
    /// Customers without a finite value.
    pub nulls: u64,
    /// The least value; `None` where nobody has one.
    pub least: Option<f64>,
    /// The greatest value.
    pub greatest: Option<f64>,
    /// How many have the least.
    pub at_least: u64,
    /// How many have the greatest.
    pub at_greatest: u64,
    /// Mean of log2(1 + |value|), read from the bits.
    pub log_mean: f64,
    /// Standard deviation of the same.
    pub log_spread: f64,
}

impl FeatureProfile {
    /// The value whose logarithm is the mean.
    pub(crate) fn typical(&self) -> f64 {
        of_log(self.log_mean).min(f64::MAX)
    }

    /// The one value that all customers have who have one.
    pub(crate) fn constant(&self) -> Option<f64> {
        self.least.filter(|least| Some(*least) == self.greatest)
    }
}

/// The features of a model's training rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingProfile {
    /// Over all cuts.
    pub all: FeatureProfiles,
    /// For each feature the least and the greatest [`FeatureProfile::log_mean`] of a cut.
    pub levels: Vec<(f64, f64)>,
}

impl TrainingProfile {
    /// The profile of rows that were tallied by cut.
    pub fn of_cuts(cuts: &[Tally], names: &[String]) -> Self {
        let mut all = Tally::new(names.len());
        let mut levels = vec![(f64::INFINITY, f64::NEG_INFINITY); names.len()];
        for cut in cuts {
            all.merge(cut);
            for ((low, high), feature) in levels.iter_mut().zip(cut.profiles(names).features) {
                (*low, *high) = (low.min(feature.log_mean), high.max(feature.log_mean));
            }
        }
        let all = all.profiles(names);
        levels.iter_mut().filter(|(low, high)| low > high).for_each(|level| *level = (0.0, 0.0));
        Self { all, levels }
    }

    /// A feature with the levels of its cuts.
    pub(crate) fn feature(&self, name: &str) -> Option<(&FeatureProfile, (f64, f64))> {
        let position = self.all.features.iter().position(|feature| feature.name == name)?;
        Some((self.all.features.get(position)?, *self.levels.get(position)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(values: &[f64]) -> Tally {
        let mut tally = Tally::new(1);
        tally.add_rows(values.len() as u64);
        tally.add(0, values.iter().copied());
        tally
    }

    fn profile(values: &[f64]) -> FeatureProfile {
        tally(values).profiles(&["a".to_owned()]).features.remove(0)
    }

    #[test]
    fn a_profile_counts_what_is_missing_and_both_ends() {
        let found = profile(&[3.0, f64::NAN, -1.0, 3.0, f64::INFINITY, -0.0]);
        assert_eq!((found.nulls, found.least, found.greatest), (2, Some(-1.0), Some(3.0)));
        assert_eq!((found.at_least, found.at_greatest), (1, 2));
        // log2 of 4, 2, 4 and 1.
        assert_eq!(found.log_mean, 1.25);
        assert!((found.log_spread - 0.6875f64.sqrt()).abs() < 1e-12);
        assert_eq!(profile(&[f64::NAN]).least, None);
    }

    #[test]
    fn a_constant_is_known_by_both_ends() {
        let found = profile(&[0.0, -0.0, f64::NAN]);
        assert_eq!(found.constant(), Some(0.0));
        assert_eq!((found.log_mean, found.log_spread), (0.0, 0.0));
        assert_eq!(profile(&[1.0, 2.0]).constant(), None);
    }

    proptest! {
        #[test]
        fn parts_in_any_order_are_the_whole(values in prop::collection::vec(-1e9..1e9f64, 1..60), at in 0usize..60) {
            let (left, right) = values.split_at(at.min(values.len()));
            let mut merged = tally(right);
            merged.merge(&tally(left));
            prop_assert_eq!(merged, tally(&values));
        }

        #[test]
        fn a_logarithm_comes_back_as_its_value(value in 0.0..1e15f64) {
            let back = of_log(log_of(value) as f64 / LOG_UNIT);
            prop_assert!((back - value).abs() <= 1e-6 * (1.0 + value), "{} of {}", back, value);
        }
    }
}
