//! Features against the days before, and against training.

use mainstay_config::CircuitBreaker;
use mainstay_schema::Ds;

use crate::measure::{Check, DEVIATIONS, Measure, bounded, shown, strain_of_multiple};
use crate::profile::{FeatureProfile, FeatureProfiles, TrainingProfile, of_log, to_log};

/// Customers who must have had another value for it to matter that all have the same.
const LEAST_OTHERS: f64 = 30.0;
/// How many times the range of training, or the largest size in it, a value that all customers share may lie outside.
const RANGES: f64 = 10.0;

/// Judges the features of a day: where they differ from all of the days before, and where they differ by far from training.
///
/// A feature with one value for all customers, such as an economic indicator, is held against the values of training alone.
pub fn judge_features(
    day: &FeatureProfiles,
    before: &[(Ds, &FeatureProfiles)],
    training: Option<&TrainingProfile>,
    limits: &CircuitBreaker,
) -> Vec<Measure> {
    let mut measures = Vec::new();
    for feature in &day.features {
        let judged = Feature { feature, customers: day.customers, limits };
        let before = before.iter().filter_map(|(ds, profiles)| {
            Some(Reference {
                profile: profiles.feature(&feature.name)?,
                customers: profiles.customers,
                when: ds.to_string(),
            })
        });
        let before: Vec<Reference> = before.collect();
        let trained = training.and_then(|training| {
            let (profile, levels) = training.feature(&feature.name)?;
            let when = "training".to_owned();
            Some((Reference { profile, customers: training.all.customers, when }, levels))
        });
        measures.extend(judged.measures(&before, trained.as_ref()));
    }
    measures
}

struct Reference<'a> {
    profile: &'a FeatureProfile,
    customers: u64,
    when: String,
}

struct Feature<'a> {
    feature: &'a FeatureProfile,
    customers: u64,
    limits: &'a CircuitBreaker,
}

impl Feature<'_> {
    fn measures(&self, before: &[Reference<'_>], trained: Option<&(Reference<'_>, (f64, f64))>) -> Vec<Measure> {
        let nearest = |of: &dyn Fn(&Reference<'_>) -> Measure| {
            before.iter().map(of).min_by(|left, right| left.strain.total_cmp(&right.strain))
        };
        let limits = self.limits;
        let mut measures: Vec<Measure> = [
            nearest(&|other| self.null_share(other, Check::NullShare, limits.null_share_rise_at_most)),
            nearest(&|other| self.constant(other)),
            nearest(&|other| self.size(other, Check::Size, self.multiple_since(other))),
        ]
        .into_iter()
        .flatten()
        .collect();
        let Some((training, (low, high))) = trained else { return measures };
        // As much as some cut had is as usual as what the days before have; and what had one value in training, such as what happened a year
        // ago in the first year, is nothing that the model asks for.
        if (*low..=*high).contains(&self.feature.log_mean) || training.profile.constant().is_some() {
            measures.iter_mut().filter(|measure| measure.check == Check::Size).for_each(|measure| measure.strain = 0.0);
        }
        measures.push(self.null_share(training, Check::NullShareSinceTraining, 2.0 * limits.null_share_rise_at_most));
        measures.extend(self.range(training.profile));
        if self.feature.constant().is_some() || training.profile.constant().is_some() {
            // One value is held against the range; what had one in training has no size to be held against.
            return measures;
        }
        let multiple = limits.feature_multiple_at_most * limits.feature_multiple_at_most;
        let size = self.size(training, Check::SizeSinceTraining, multiple);
        let nearest_level = self.feature.log_mean.clamp(*low, *high);
        let strain = strain_of_multiple(self.feature.typical(), of_log(nearest_level), multiple);
        measures.push(Measure { strain: size.strain.min(strain), ..size });
        measures
    }

    /// How many times a size may be another. What counts the days since an event falls at once on the day on which many customers have one,
    /// and rises by a day a day: what is lower may be so by the limit squared.
    fn multiple_since(&self, other: &Reference<'_>) -> f64 {
        let multiple = self.limits.feature_multiple_at_most;
        if self.feature.log_mean < other.profile.log_mean { multiple * multiple } else { multiple }
    }

    fn null_share(&self, other: &Reference<'_>, check: Check, limit: f64) -> Measure {
        let share = |nulls: u64, customers: u64| nulls as f64 / (customers as f64).max(1.0);
        let (figure, usual) = (share(self.feature.nulls, self.customers), share(other.profile.nulls, other.customers));
        let rise = figure - usual;
        let deviation = deviation_of_share(usual, other.customers, self.customers);
        let strain = (rise / limit).min(rise / deviation / DEVIATIONS);
        let message = format!(
            "{:.1} % of the customers have no value, {:.1} % of them had none in {}",
            100.0 * figure,
            100.0 * usual,
            other.when
        );
        self.measure(check, (figure, usual), strain, message)
    }

    /// All customers have one value, where many had another.
    fn constant(&self, other: &Reference<'_>) -> Measure {
        let others = match self.feature.constant() {
            Some(value) => with_another_value(other, value),
            None => 0.0,
        };
        let value = self.feature.least.unwrap_or_default();
        let message = format!(
            "all customers have {}, where values from {} to {} stood in {}",
            shown(value),
            shown(other.profile.least.unwrap_or_default()),
            shown(other.profile.greatest.unwrap_or_default()),
            other.when
        );
        self.measure(Check::Constant, (value, other.profile.typical()), others / LEAST_OTHERS, message)
    }

    fn size(&self, other: &Reference<'_>, check: Check, multiple: f64) -> Measure {
        let (figure, usual) = (self.feature.typical(), other.profile.typical());
        let has_values = self.feature.least.is_some() && other.profile.least.is_some();
        let is_one_value = self.feature.constant().is_some() && other.profile.constant().is_some();
        let strain = if has_values && !is_one_value {
            let values = |nulls: u64, customers: u64| (customers.saturating_sub(nulls) as f64).max(1.0);
            let square = |spread: f64| spread * spread;
            let deviation = (square(self.feature.log_spread) / values(self.feature.nulls, self.customers)
                + square(other.profile.log_spread) / values(other.profile.nulls, other.customers))
            .sqrt();
            let deviations = (self.feature.log_mean - other.profile.log_mean).abs() / deviation / DEVIATIONS;
            strain_of_multiple(figure, usual, multiple).min(deviations)
        } else {
            0.0
        };
        let message = format!("a typical value is {}, it was {} in {}", shown(figure), shown(usual), other.when);
        self.measure(check, (figure, usual), strain, message)
    }

    /// The one value of all customers, against the values of training.
    fn range(&self, training: &FeatureProfile) -> Option<Measure> {
        let (value, least, greatest) = (self.feature.constant()?, training.least?, training.greatest?);
        let outside = (least - value).max(value - greatest).max(0.0);
        let message = format!(
            "all customers have {}, where training saw values from {} to {}",
            shown(value),
            shown(least),
            shown(greatest)
        );
        let nearest = value.clamp(least, greatest);
        // A change that was the same at all cuts may have the other sign today.
        let size = (greatest - least).max(least.abs()).max(greatest.abs());
        // Where training saw nothing but 0, it says of no size that it is large.
        let strain = if size > 0.0 { outside / (RANGES * size) } else { 0.0 };
        Some(self.measure(Check::Range, (value, nearest), strain, message))
    }

    fn measure(&self, check: Check, (figure, usual): (f64, f64), strain: f64, message: String) -> Measure {
        let name = format!("feature:{}", self.feature.name);
        Measure { name, check, of: String::new(), figure, usual, strain: bounded(strain), message }
    }
}

/// How many customers had another value than `value`, at the least.
fn with_another_value(other: &Reference<'_>, value: f64) -> f64 {
    let profile = other.profile;
    let values = other.customers.saturating_sub(profile.nulls) as f64;
    match (profile.least, profile.greatest) {
        // Another constant is a new figure, not a feature that no longer varies.
        (Some(least), Some(greatest)) if least == greatest => 0.0,
        (Some(least), _) if least == value => values - profile.at_least as f64,
        (_, Some(greatest)) if greatest == value => values - profile.at_greatest as f64,
        (Some(least), Some(greatest)) if value > least && value < greatest => {
            ((profile.at_least + profile.at_greatest) as f64).max(away_from(profile, values, value))
        }
        (Some(_), Some(_)) => values,
        _ => 0.0,
    }
}

/// How many of so many values are not `value`, at the least: none lies farther from it than the ends, and so the mean square of the
/// distances says how many must lie away from it (Markov's inequality, on the logarithms).
fn away_from(profile: &FeatureProfile, values: f64, value: f64) -> f64 {
    let center = to_log(value);
    let spans_zero = profile.least.is_some_and(|least| least < 0.0) && profile.greatest.is_some_and(|most| most > 0.0);
    let ends = profile.least.iter().chain(&profile.greatest).map(|end| to_log(*end)).chain(spans_zero.then_some(0.0));
    let farthest = ends.map(|end| (end - center).abs()).fold(0.0, f64::max);
    if farthest == 0.0 {
        return 0.0;
    }
    let distance = profile.log_mean - center;
    values * (profile.log_spread * profile.log_spread + distance * distance) / (farthest * farthest)
}

/// The standard deviation of the difference of two shares that are one; never 0, so that a share of 0 may become small by chance.
pub(crate) fn deviation_of_share(share: f64, before: u64, now: u64) -> f64 {
    let of =
        |customers: u64| (share * (1.0 - share)).max(1.0 / (customers as f64).max(1.0)) / (customers as f64).max(1.0);
    (of(before) + of(now)).sqrt()
}

#[cfg(test)]
mod tests;
