//! How good scores are: as a ranking, and as probabilities.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::rows::check_classes;

/// Bins of equal count for the calibration error.
const CALIBRATION_BINS: usize = 10;

/// How well scores rank rows. Shares are in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// How many rows were judged.
    pub rows: usize,
    /// How many of them have label 1.
    pub positives: usize,
    /// positives / rows.
    pub base_rate: f64,
    /// Probability that a positive scores above a negative, ties counted half.
    pub auc: f64,
    /// Sum over distinct scores of (recall gained) x precision.
    pub average_precision: f64,
    /// Share of positives among the top 20 % (rounded up to whole rows; ties in the order given).
    pub precision_at_top_20_percent: f64,
    /// The precision over the base rate.
    pub lift_at_top_20_percent: f64,
    /// Share of all positives that the top 20 % hold.
    pub gain_at_top_20_percent: f64,
    /// The precision of a perfect ranking: min(1, positives / top rows), which is min(1, base rate / 0.2) up to rounding.
    pub attainable_precision_at_top_20_percent: f64,
}

/// How good probabilities are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// As a ranking.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Mean squared distance of probability and label.
    pub brier: f64,
    /// Expected calibration error over ten bins of equal count: sum |B| / n |mean p - mean y|.
    pub ece: f64,
    /// The calibration error to expect of exact probabilities on so many rows, from chance alone:
    /// sum |B| / n sqrt(2 / pi) sqrt(sum p(1 - p)) / |B|. A greater `ece` speaks against the calibration, a smaller one does not.
    pub ece_noise_floor: f64,
}

/// Judges probabilities against labels. Rows with equal scores count in the order given: sort by key for a stable answer.
///
/// # Errors
/// No rows, one class only, or probabilities that are not one a label or not within 0 and 1.
pub fn evaluate(probabilities: &[f64], labels: &[bool]) -> Result<Evaluation, TrainError> {
    let ranking = rank(probabilities, labels)?;
    if let Some(row) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(TrainError::Score { row, score: probabilities[row] });
    }
    let (ece, ece_noise_floor) = calibration_error(probabilities, labels);
    Ok(Evaluation { ranking, brier: brier(probabilities, labels), ece, ece_noise_floor })
}

/// Mean squared distance of probability and label.
pub(crate) fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    let squares = probabilities.iter().zip(labels).map(|(p, label)| (p - number(*label)) * (p - number(*label)));
    squares.sum::<f64>() / labels.len() as f64
}

/// Judges any finite scores as a ranking, higher meaning likelier. Rows with equal scores count in the order given.
///
/// # Errors
/// No rows, one class only, or scores that are not one a label or not finite.
pub fn rank(scores: &[f64], labels: &[bool]) -> Result<Ranking, TrainError> {
    check_scores(scores, labels)?;
    let order = by_falling_score(scores);
    let rows = labels.len();
    let positives = labels.iter().filter(|label| **label).count();
    let top_rows = rows.div_ceil(5);
    let top_positives = order.iter().take(top_rows).filter(|row| labels[**row]).count();
    let base_rate = positives as f64 / rows as f64;
    let precision = top_positives as f64 / top_rows as f64;
    let (auc, average_precision) = areas(&groups(scores, labels, &order), positives, rows - positives);
    Ok(Ranking {
        rows,
        positives,
        base_rate,
        auc,
        average_precision,
        precision_at_top_20_percent: precision,
        lift_at_top_20_percent: precision / base_rate,
        gain_at_top_20_percent: top_positives as f64 / positives as f64,
        attainable_precision_at_top_20_percent: (positives as f64 / top_rows as f64).min(1.0),
    })
}

/// Refuses scores that cannot be held against labels.
pub(crate) fn check_scores(scores: &[f64], labels: &[bool]) -> Result<(), TrainError> {
    if scores.len() != labels.len() {
        return Err(TrainError::ScoreCount { scores: scores.len(), labels: labels.len() });
    }
    if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
        return Err(TrainError::Score { row, score: scores[row] });
    }
    check_classes(labels)
}

fn number(label: bool) -> f64 {
    f64::from(u8::from(label))
}

/// Rows by falling score, equal ones in the order given.
pub(crate) fn by_falling_score(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // The scores are finite, so that they compare; -0.0 equals 0.0.
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(std::cmp::Ordering::Equal));
    order
}

/// Positives and negatives of one distinct score.
#[derive(Debug, Clone, Copy)]
struct Group {
    positives: u64,
    negatives: u64,
}

fn groups(scores: &[f64], labels: &[bool], order: &[usize]) -> Vec<Group> {
    let tied = order.chunk_by(|&a, &b| scores[a] == scores[b]);
    let group = |rows: &[usize]| {
        let positives = rows.iter().filter(|row| labels[**row]).count() as u64;
        Group { positives, negatives: rows.len() as u64 - positives }
    };
    tied.map(group).collect()
}

/// Area under the ROC curve and average precision, in one pass from the top; pairs are counted in whole numbers.
fn areas(groups: &[Group], positives: usize, negatives: usize) -> (f64, f64) {
    let (mut above, mut positives_above) = (0u64, 0u64);
    let (mut twice_pairs_won, mut average_precision) = (0u128, 0.0);
    for group in groups {
        // Each negative loses to the positives above it and draws with those beside it.
        twice_pairs_won += u128::from(group.negatives) * u128::from(2 * positives_above + group.positives);
        positives_above += group.positives;
        above += group.positives + group.negatives;
        let precision = positives_above as f64 / above as f64;
        average_precision += group.positives as f64 / positives as f64 * precision;
    }
    let twice_pairs = 2 * positives as u128 * negatives as u128;
    (twice_pairs_won as f64 / twice_pairs as f64, average_precision)
}

/// The rows of each bin of the calibration error, by falling probability.
pub(crate) fn calibration_bins(probabilities: &[f64]) -> Vec<Vec<usize>> {
    let order = by_falling_score(probabilities);
    let edge = |bin: usize| bin * order.len() / CALIBRATION_BINS;
    (0..CALIBRATION_BINS).map(|bin| order[edge(bin)..edge(bin + 1)].to_vec()).collect()
}

/// The expected calibration error and its noise floor.
pub(crate) fn calibration_error(probabilities: &[f64], labels: &[bool]) -> (f64, f64) {
    let rows = labels.len() as f64;
    let (mut error, mut floor) = (0.0, 0.0);
    for bin in calibration_bins(probabilities) {
        let gap: f64 = bin.iter().map(|&row| probabilities[row] - number(labels[row])).sum();
        let variance: f64 = bin.iter().map(|&row| probabilities[row] * (1.0 - probabilities[row])).sum();
        error += gap.abs() / rows;
        floor += (std::f64::consts::FRAC_2_PI * variance).sqrt() / rows;
    }
    (error, floor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::mix;

    #[test]
    fn agrees_with_a_ranking_judged_by_hand() {
        // By falling score: 0.9 +, 0.8 -, 0.7 + (tied) 0.7 -, 0.1 -
        let ranking = rank(&[0.1, 0.7, 0.9, 0.7, 0.8], &[false, true, true, false, false]).unwrap();
        assert_eq!((ranking.rows, ranking.positives, ranking.base_rate), (5, 2, 0.4));
        assert_eq!(ranking.auc, (3.0 + 1.5) / 6.0);
        assert_eq!(ranking.average_precision, 0.5 * 1.0 + 0.5 * 0.5);
        assert_eq!(ranking.precision_at_top_20_percent, 1.0);
        assert_eq!(ranking.lift_at_top_20_percent, 2.5);
        assert_eq!(ranking.gain_at_top_20_percent, 0.5);
        assert_eq!(ranking.attainable_precision_at_top_20_percent, 1.0);
    }

    #[test]
    fn ties_at_the_top_count_in_the_order_given() {
        let mut labels = [false; 10];
        labels[1] = true;
        let ranking = rank(&[0.5; 10], &labels).unwrap();
        assert_eq!((ranking.auc, ranking.average_precision), (0.5, 0.1));
        assert_eq!(ranking.precision_at_top_20_percent, 0.5);
        assert_eq!(ranking.attainable_precision_at_top_20_percent, 0.5, "base rate 0.1 / 0.2");
        labels.swap(1, 2);
        assert_eq!(rank(&[0.5; 10], &labels).unwrap().precision_at_top_20_percent, 0.0);
    }

    #[test]
    fn agrees_with_probabilities_judged_by_hand() {
        let evaluation = evaluate(&[0.8, 0.6, 0.3], &[true, false, false]).unwrap();
        assert!((evaluation.brier - (0.04 + 0.36 + 0.09) / 3.0).abs() < 1e-15);
        // Three rows in ten bins: each stands alone.
        assert!((evaluation.ece - (0.2 + 0.6 + 0.3) / 3.0).abs() < 1e-15);
        let deviations = 0.16f64.sqrt() + 0.24f64.sqrt() + 0.21f64.sqrt();
        let expected = (2.0 / std::f64::consts::PI).sqrt() * deviations / 3.0;
        assert!((evaluation.ece_noise_floor - expected).abs() < 1e-15);
    }

    #[test]
    fn exact_probabilities_err_by_the_noise_floor() {
        let uniform = |x: u64| (mix(x) >> 11) as f64 / (1u64 << 53) as f64;
        let means = (0..200u64).fold((0.0, 0.0), |(ece, floor), sample| {
            let p: Vec<f64> = (0..500).map(|row| uniform(mix(sample) ^ (2 * row))).collect();
            let labels: Vec<bool> =
                p.iter().zip(0..).map(|(p, row)| uniform(mix(sample) ^ (2 * row + 1)) < *p).collect();
            let evaluation = evaluate(&p, &labels).unwrap();
            (ece + evaluation.ece / 200.0, floor + evaluation.ece_noise_floor / 200.0)
        });
        assert!((means.0 / means.1 - 1.0).abs() < 0.05, "{means:?}");
    }

    proptest! {
        #[test]
        fn the_auc_is_the_share_of_pairs_won(rows in prop::collection::vec((-3i8..3, any::<bool>()), 2..60)) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().map(|(s, l)| (f64::from(*s), *l)).unzip();
            let pairs: Vec<f64> = rows.iter().filter(|row| row.1)
                .flat_map(|positive| rows.iter().filter(|row| !row.1).map(move |negative| {
                    if positive.0 > negative.0 { 1.0 } else if positive.0 == negative.0 { 0.5 } else { 0.0 }
                }))
                .collect();
            prop_assume!(!pairs.is_empty());
            let auc = rank(&scores, &labels).unwrap().auc;
            prop_assert_eq!(auc, pairs.iter().sum::<f64>() / pairs.len() as f64);
        }
    }

    #[test]
    fn is_flat_in_json() {
        let evaluation = evaluate(&[0.9, 0.2], &[true, false]).unwrap();
        let json = serde_json::to_value(evaluation).unwrap();
        assert_eq!(json["auc"], 1.0);
        assert_eq!(serde_json::from_value::<Evaluation>(json).unwrap(), evaluation);
    }

    #[test]
    fn refuses_what_cannot_be_judged() {
        let message = |scores: &[f64], labels: &[bool]| evaluate(scores, labels).unwrap_err().to_string();
        assert_eq!(message(&[0.1], &[]), "1 scores were given for 0 labels: give one score a row");
        assert!(message(&[], &[]).starts_with("there are no rows"));
        assert!(message(&[0.1, 0.2], &[true, true]).starts_with("all 2 rows have label 1"));
        assert_eq!(
            message(&[0.1, f64::NAN], &[true, false]),
            "the score of row 1 is NaN: scores must be finite, and probabilities within 0 and 1"
        );
        assert!(message(&[1.5, 0.1], &[true, false]).starts_with("the score of row 0 is 1.5"));
    }
}
