//! Checks of one feature against the label.

use std::collections::BTreeMap;

use super::finding::{Finding, LeakKind, LeakageInput};
use crate::draw::mix;
use crate::evaluate::rank;

/// An AUC of one feature from which on it is too good: the strongest honest ones, recency of a daily habit, reach 0.93.
const IMPLAUSIBLE_AUC: f64 = 0.96;
/// How often two values may differ from two labels and still be the label with errors.
const NOISY_ERRORS: f64 = 0.08;
/// An AUC of "is missing" from which on it reveals the label.
const MISSING_AUC: f64 = 0.9;
/// How far an AUC may come down from the training rows to later ones.
const COLLAPSE: f64 = 0.15;
/// The most values that are taken for buckets, and the least rows of a bucket on average.
const MOST_BUCKETS: usize = 64;
const LEAST_BUCKET_ROWS: usize = 20;
/// Rows of the rarer label below which a coincidence is no surprise.
const LEAST_ROWS: usize = 20;

/// A feature with its label, and what is asked of it more than once.
struct Alone<'a> {
    name: &'a str,
    values: &'a [f64],
    labels: &'a [bool],
    positives: usize,
    has_categories: bool,
}

pub(super) fn look(input: &LeakageInput<'_>) -> Vec<Finding> {
    let training = input.training;
    let mut findings = Vec::new();
    for (position, (name, values)) in training.feature_names().iter().zip(training.columns()).enumerate() {
        let labels = training.labels();
        let positives = labels.iter().filter(|label| **label).count();
        let has_categories = training.declared()[position].categories.is_some();
        let alone = Alone { name, values: &values, labels, positives, has_categories };
        findings.extend(alone.named_like(input.label));
        if positives.min(labels.len() - positives) < LEAST_ROWS {
            continue;
        }
        // The plainest explanation is reported, once.
        let of_label = alone
            .is_label()
            .or_else(|| alone.missing_reveals_label())
            .or_else(|| alone.ranks_too_well())
            .or_else(|| alone.parts_too_well())
            .or_else(|| alone.constant_within_label());
        match of_label {
            Some(finding) => findings.push(finding),
            None => findings.extend(alone.collapses(&input.test.column(position), input.test.labels())),
        }
    }
    findings
}

impl Alone<'_> {
    fn finding(&self, kind: LeakKind, figure: f64, message: String) -> Finding {
        Finding { kind, columns: vec![self.name.to_owned()], figure, message }
    }

    fn named_like(&self, label: &str) -> Option<Finding> {
        let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let (name, label) = (plain(self.name), plain(label));
        if label.len() < 3 || !name.contains(&label) {
            return None;
        }
        let message = format!("`{}` is called like the label: leave it out if it says what happened", self.name);
        Some(self.finding(LeakKind::NamedLikeLabel, 1.0, message))
    }

    /// The label itself, turned round, with errors, or under two other names.
    fn is_label(&self) -> Option<Finding> {
        let mut distinct: Vec<f64> = Vec::new();
        for value in self.values.iter().filter(|value| !value.is_nan()) {
            if !distinct.contains(value) {
                distinct.push(*value);
            }
            if distinct.len() > 2 {
                return None;
            }
        }
        let [a, b] = distinct[..] else { return None };
        let present = self.values.iter().zip(self.labels).filter(|(value, _)| !value.is_nan());
        let rows = present.clone().count();
        if rows * 2 < self.values.len() {
            return None;
        }
        let agree = present.filter(|(value, label)| (**value == a.max(b)) == **label).count();
        let differ = rows - agree;
        let errors = agree.min(differ) as f64 / rows as f64;
        // Few errors are no feat where one label is rare: they are held against those of always saying the same.
        let rare = self.positives.min(self.labels.len() - self.positives) as f64 / self.labels.len() as f64;
        let is_zero_one = (a.min(b), a.max(b)) == (0.0, 1.0);
        let name = self.name;
        let (kind, message) = match (errors == 0.0, is_zero_one, agree > differ) {
            (true, true, true) => (LeakKind::LabelCopy, format!("`{name}` is the label: leave it out")),
            (true, true, false) => {
                (LeakKind::LabelInverted, format!("`{name}` is the label turned round: leave it out"))
            }
            (true, false, _) => (
                LeakKind::LabelFunction,
                format!("`{name}` has two values, one for each label: it is the label in other words, leave it out"),
            ),
            (false, ..) if errors <= NOISY_ERRORS && errors <= rare / 3.0 => (
                LeakKind::NoisyLabel,
                format!(
                    "`{name}` is the label but for {:.1} % of the rows: it was filled in by what happened, leave it out",
                    100.0 * errors
                ),
            ),
            _ => return None,
        };
        Some(self.finding(kind, 1.0 - errors, message))
    }

    fn missing_reveals_label(&self) -> Option<Finding> {
        let missing: Vec<f64> = self.values.iter().map(|value| f64::from(u8::from(value.is_nan()))).collect();
        let auc = auc_either_way(&missing, self.labels)?;
        let message = format!(
            "whether `{}` is missing reveals the label (AUC {auc:.3}): it is filled in, or emptied, by what happened; leave it out, \
             or take its value as of the day of the decision",
            self.name
        );
        (auc >= MISSING_AUC).then(|| self.finding(LeakKind::MissingTellsLabel, auc, message))
    }

    fn ranks_too_well(&self) -> Option<Finding> {
        let auc = auc_either_way(&present_or_low(self.values), self.labels)?;
        let name = self.name;
        if auc >= 1.0 {
            let message = format!(
                "a threshold of `{name}` separates the labels without an error: it is made from the label, leave it out"
            );
            return Some(self.finding(LeakKind::LabelFunction, auc, message));
        }
        let message = format!(
            "`{name}` alone has the AUC {auc:.3}, which honest features do not reach: check when its values come to be known, and \
             take them as of the day of the decision"
        );
        (auc >= IMPLAUSIBLE_AUC).then(|| self.finding(LeakKind::ImplausibleAlone, auc, message))
    }

    /// As [`Self::ranks_too_well`], whatever the order of the values: shares of ranges of values learnt on half of the rows and tried
    /// on the other.
    fn parts_too_well(&self) -> Option<Finding> {
        let buckets = buckets(self.values, self.has_categories);
        let count = buckets.iter().max()? + 1;
        if count < 2 || self.values.len() < LEAST_BUCKET_ROWS * count {
            return None;
        }
        let is_pure = (0..count).all(|bucket| {
            let mut labels = buckets.iter().zip(self.labels).filter(|(b, _)| **b == bucket).map(|(_, label)| label);
            let first = labels.next();
            labels.all(|label| Some(label) == first)
        });
        let name = self.name;
        if is_pure {
            let message = format!("every value of `{name}` has one label: it is made from the label, leave it out");
            return Some(self.finding(LeakKind::LabelBuckets, 1.0, message));
        }
        let learnt = |row: usize| mix(row as u64).is_multiple_of(2);
        let (mut positives, mut rows) = (vec![0.0; count], vec![1e-9; count]);
        for row in (0..buckets.len()).filter(|row| learnt(*row)) {
            positives[buckets[row]] += f64::from(u8::from(self.labels[row]));
            rows[buckets[row]] += 1.0;
        }
        let tried: Vec<usize> = (0..buckets.len()).filter(|row| !learnt(*row)).collect();
        let scores: Vec<f64> = tried.iter().map(|row| positives[buckets[*row]] / rows[buckets[*row]]).collect();
        let labels: Vec<bool> = tried.iter().map(|row| self.labels[*row]).collect();
        let auc = rank(&scores, &labels).ok()?.auc;
        let message = format!(
            "the values of `{name}` alone reveal the label with the AUC {auc:.3}, which honest features do not: check when they come \
             to be known, and take them as of the day of the decision"
        );
        (auc >= IMPLAUSIBLE_AUC).then(|| self.finding(LeakKind::ImplausibleAlone, auc, message))
    }

    fn constant_within_label(&self) -> Option<Finding> {
        for class in [true, false] {
            let of =
                |class: bool| self.values.iter().zip(self.labels).filter(move |(_, l)| **l == class).map(|(v, _)| *v);
            let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
            let first = of(class).next()?;
            if !of(class).all(|value| same(value, first)) {
                continue;
            }
            let (others, alike) =
                (of(!class).count() as f64, of(!class).filter(|value| same(*value, first)).count() as f64);
            let share = alike / others;
            // Chance would have to choose this value for every row of the class.
            let rows = of(class).count() as f64;
            if share <= 0.8 && rows * (1.0 - share) >= 20.0 {
                let value = if first.is_nan() { "missing".to_owned() } else { format!("{first}") };
                let message = format!(
                    "`{}` is {value} for all rows with label {}, but for {:.0} % of the others only: it is set, or cleared, by what \
                     happened; leave it out",
                    self.name,
                    u8::from(class),
                    100.0 * share
                );
                return Some(self.finding(LeakKind::ConstantWithinLabel, 1.0 - share, message));
            }
        }
        None
    }

    fn collapses(&self, later: &[f64], later_labels: &[bool]) -> Option<Finding> {
        let of =
            |values: &[f64], labels: &[bool]| rank(&present_or_low(values), labels).ok().map(|ranking| ranking.auc);
        let (training, test) = (of(self.values, self.labels)?, of(later, later_labels)?);
        let (training, test) = if training < 0.5 { (1.0 - training, 1.0 - test) } else { (training, test) };
        let positives = later_labels.iter().filter(|label| **label).count();
        let rare = positives.min(later_labels.len() - positives) as f64;
        // Three deviations of an AUC by chance: its variance is at most 1 / (4 x the rarer class).
        let chance = 3.0 * (0.25 / rare.max(1.0)).sqrt();
        let message = format!(
            "`{}` ranks the training rows with the AUC {training:.3} and the test rows with {test:.3}: it knows of the training rows \
             what it does not know in time; check when its values come to be known",
            self.name
        );
        let falls = training - test.max(0.5);
        let has_collapsed = falls > COLLAPSE.max(chance) && test - 0.5 < (training - 0.5) / 3.0;
        has_collapsed.then(|| self.finding(LeakKind::CollapsesLater, falls, message))
    }
}

/// The AUC of the scores or of their negatives, whichever is greater.
pub(super) fn auc_either_way(scores: &[f64], labels: &[bool]) -> Option<f64> {
    rank(scores, labels).ok().map(|ranking| ranking.auc.max(1.0 - ranking.auc))
}

/// Missing values below all others.
pub(super) fn present_or_low(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| if value.is_nan() { f64::MIN } else { *value }).collect()
}

/// The bucket of each row: of each value where there are few, else of each range of equal count; missing values have their own.
fn buckets(values: &[f64], has_categories: bool) -> Vec<usize> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut edges = sorted.clone();
    edges.dedup();
    if edges.len() > MOST_BUCKETS && !has_categories {
        edges = (0..MOST_BUCKETS).map(|bucket| sorted[bucket * sorted.len() / MOST_BUCKETS]).collect();
        edges.dedup();
    }
    let mut numbers = BTreeMap::new();
    let bucket = |value: &f64| if value.is_nan() { 0 } else { edges.partition_point(|edge| edge <= value) };
    values
        .iter()
        .map(|value| {
            let next = numbers.len();
            *numbers.entry(bucket(value)).or_insert(next)
        })
        .collect()
}
