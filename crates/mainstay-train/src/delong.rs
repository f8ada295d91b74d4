//! The uncertainty of an AUC, and of the difference between two on the same rows.
//!
//! DeLong, DeLong and Clarke-Pearson (1988): the AUC is the mean of the placements of the positives among the negatives; its variance
//! is that of the placements of both classes, each over its count. Placements come from midranks in O(n log n) (Sun and Xu 2014).

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::evaluate::check_scores;

/// The quantile of the normal distribution that leaves 2.5 % above it.
const NORMAL_97_5: f64 = 1.959_963_984_540_054;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    fn around(middle: f64, variance: f64) -> Self {
        let half = NORMAL_97_5 * variance.sqrt();
        Self { low: middle - half, high: middle + half }
    }

    fn within(self, least: f64, most: f64) -> Self {
        Self { low: self.low.max(least), high: self.high.min(most) }
    }
}

/// Where each positive stands among the negatives, and each negative among the positives, as shares.
#[derive(Debug, Clone)]
pub(crate) struct Placements {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    /// The placements of scores.
    pub(crate) fn of(scores: &[f64], labels: &[bool]) -> Result<Self, TrainError> {
        check_scores(scores, labels)?;
        let of_class = |class: bool| -> Vec<usize> { (0..labels.len()).filter(|row| labels[*row] == class).collect() };
        let ranks_of = |rows: &[usize]| midranks(&rows.iter().map(|row| scores[*row]).collect::<Vec<_>>());
        let all = midranks(scores);
        let (positives, negatives) = (of_class(true), of_class(false));
        let (within_positives, within_negatives) = (ranks_of(&positives), ranks_of(&negatives));
        let (m, n) = (positives.len() as f64, negatives.len() as f64);
        let of_positive = |(row, within): (&usize, &f64)| (all[*row] - within) / n;
        let of_negative = |(row, within): (&usize, &f64)| 1.0 - (all[*row] - within) / m;
        Ok(Self {
            positives: positives.iter().zip(&within_positives).map(of_positive).collect(),
            negatives: negatives.iter().zip(&within_negatives).map(of_negative).collect(),
        })
    }

    pub(crate) fn auc(&self) -> f64 {
        self.positives.iter().sum::<f64>() / self.positives.len() as f64
    }

    /// The interval of the AUC, within 0 and 1; `None` with fewer than two rows of either label.
    pub(crate) fn interval(&self) -> Option<Interval> {
        let variance = variance_of_mean(&self.positives) + variance_of_mean(&self.negatives);
        self.are_enough().then(|| Interval::around(self.auc(), variance).within(0.0, 1.0))
    }

    /// Whether both labels have rows that vary among themselves.
    fn are_enough(&self) -> bool {
        self.positives.len() > 1 && self.negatives.len() > 1
    }

    /// How much greater this AUC is than another on the same rows, with its interval.
    pub(crate) fn difference(&self, other: &Self) -> (f64, Interval) {
        let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
        let variance = variance_of_mean(&minus(&self.positives, &other.positives))
            + variance_of_mean(&minus(&self.negatives, &other.negatives));
        let difference = self.auc() - other.auc();
        (difference, Interval::around(difference, variance))
    }
}

/// The 95 % interval of the AUC. `None` with fewer than two rows of either label, or scores that cannot be ranked.
pub fn auc_interval(scores: &[f64], labels: &[bool]) -> Option<Interval> {
    Placements::of(scores, labels).ok()?.interval()
}

/// The 95 % interval of the AUC of the second scores less that of the first, on the same rows. `None` with fewer than two rows of
/// either label, or scores that cannot be ranked.
pub fn difference_interval(first: &[f64], second: &[f64], labels: &[bool]) -> Option<Interval> {
    let (first, second) = (Placements::of(first, labels).ok()?, Placements::of(second, labels).ok()?);
    first.are_enough().then(|| second.difference(&first).1)
}

/// The sample variance over the count; 0 of a single value.
fn variance_of_mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if values.len() < 2 { 0.0 } else { squares / (n - 1.0) / n }
}

/// The rank of each value from 1, equal ones sharing the middle of theirs.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].partial_cmp(&values[b]).unwrap_or(std::cmp::Ordering::Equal));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|row| ranks[*row] = rank);
        below += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};
    use crate::evaluate::rank;

    fn drawn(seed: u64, rows: u64, signal: f64) -> (Vec<f64>, Vec<bool>) {
        let of = |row: u64, purpose: u64| unit(mix(mix(seed ^ mix(row)) ^ purpose));
        let labels: Vec<bool> = (0..rows).map(|row| of(row, 0) < 0.3).collect();
        let score = |(row, label): (u64, &bool)| (of(row, 1) * 20.0).floor() / 20.0 + if *label { signal } else { 0.0 };
        ((0..rows).zip(&labels).map(score).collect(), labels)
    }

    #[test]
    fn agrees_with_the_definition() {
        let (scores, labels) = drawn(1, 120, 0.2);
        let placements = Placements::of(&scores, &labels).unwrap();
        assert!((placements.auc() - rank(&scores, &labels).unwrap().auc).abs() < 1e-12);
        let won = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        };
        let negatives: Vec<f64> = (0..120).filter(|row| !labels[*row]).map(|row| scores[row]).collect();
        let slow = (0..120).filter(|row| labels[*row]).map(|row| {
            negatives.iter().map(|negative| won(scores[row], *negative)).sum::<f64>() / negatives.len() as f64
        });
        for (fast, slow) in placements.positives.iter().zip(slow) {
            assert!((fast - slow).abs() < 1e-12);
        }
    }

    /// Of 300 samples about 95 % hold the truth, which is known: both scores are uniform.
    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        // P(U + 0.2 > V), ties counted half, of the 20 steps of the scores.
        let steps = 20.0f64;
        let (mut truth, shift) = (0.0, 4.0);
        for a in 0..20 {
            for b in 0..20 {
                let difference = f64::from(a) + shift - f64::from(b);
                truth += if difference > 0.0 {
                    1.0
                } else if difference == 0.0 {
                    0.5
                } else {
                    0.0
                } / (steps * steps);
            }
        }
        let holds = (0..300).filter(|seed| {
            let (scores, labels) = drawn(1000 + seed, 200, 0.2);
            let interval = auc_interval(&scores, &labels).unwrap();
            interval.low <= truth && truth <= interval.high
        });
        let holds = holds.count();
        assert!((275..=296).contains(&holds), "{holds}");
    }

    #[test]
    fn a_score_does_not_differ_from_itself_and_much_from_noise() {
        let (scores, labels) = drawn(3, 2_000, 0.3);
        let (noise, _) = drawn(4, 2_000, 0.0);
        let [ours, theirs] = [&scores, &noise].map(|scores| Placements::of(scores, &labels).unwrap());
        let (difference, interval) = ours.difference(&ours);
        assert_eq!((difference, interval.low, interval.high), (0.0, 0.0, 0.0));
        let (difference, interval) = ours.difference(&theirs);
        assert!(difference > 0.15 && interval.low > 0.1 && interval.high < 0.4, "{difference} {interval:?}");
    }

    /// A number in [0, 1) that looks drawn.
    fn uniform(seed: u64) -> f64 {
        let mixed = mainstay_schema::Digest::of(&seed.to_le_bytes()).short();
        u64::from_str_radix(&mixed, 16).unwrap() as f64 / 16f64.powi(mixed.len() as i32)
    }

    /// Scores of rows that know their label more or less.
    fn drawn_twice(rows: u64, seed: u64, knows: [f64; 2]) -> ([Vec<f64>; 2], Vec<bool>) {
        let labels: Vec<bool> = (0..rows).map(|row| uniform(seed + 10 * row) < 0.4).collect();
        let score = |of: u64, knows: f64| {
            let rows = labels.iter().zip(0..rows);
            rows.map(|(label, row)| knows * f64::from(u8::from(*label)) + uniform(seed + 10 * row + of)).collect()
        };
        ([score(1, knows[0]), score(2, knows[1])], labels)
    }

    #[test]
    fn agrees_with_pairs_counted_by_hand() {
        let labels = [true, true, false, false];
        let placements = Placements::of(&[0.9, 0.4, 0.4, 0.1], &labels).unwrap();
        assert_eq!(placements.positives, [1.0, 0.75]);
        assert_eq!(placements.negatives, [0.75, 1.0]);
        assert_eq!(midranks(&[3.0, 1.0, 3.0]), [2.5, 1.0, 2.5]);
    }

    #[test]
    fn the_middle_is_the_difference_of_the_areas() {
        let ([first, second], labels) = drawn_twice(300, 7, [0.2, 0.5]);
        let Interval { low, high } = difference_interval(&first, &second, &labels).unwrap();
        let expected = rank(&second, &labels).unwrap().auc - rank(&first, &labels).unwrap().auc;
        assert!(((low + high) / 2.0 - expected).abs() < 1e-12);
        assert!(low > 0.0, "a better score is distinguished from chance: {low}");
        let same = difference_interval(&first, &first, &labels).unwrap();
        assert!([same.low, same.high].iter().all(|bound| bound.abs() < 1e-15), "{same:?}");
    }

    #[test]
    fn chance_stays_within_the_interval_nineteen_times_in_twenty() {
        let covered = (0..400u64).filter(|sample| {
            let ([first, second], labels) = drawn_twice(120, 1_000_000 * (sample + 1), [0.3, 0.3]);
            let Interval { low, high } = difference_interval(&first, &second, &labels).unwrap();
            low <= 0.0 && 0.0 <= high
        });
        let covered = covered.count() as f64 / 400.0;
        assert!((0.92..=0.98).contains(&covered), "{covered}");
    }

    #[test]
    fn too_few_rows_of_an_outcome_have_no_interval() {
        let (scores, labels) = ([0.1, 0.2, 0.3], [true, false, false]);
        assert_eq!(difference_interval(&scores, &scores, &labels), None);
        assert_eq!(auc_interval(&scores, &labels), None);
    }
}
