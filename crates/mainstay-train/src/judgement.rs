//! Everything that is reported of a model on rows that it has not seen, beside others on the same rows.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::competitor::Competitor;
use crate::delong::{Interval, Placements};
use crate::error::TrainError;
use crate::evaluate::{Evaluation, by_falling_score, calibration_bins, evaluate, rank};
use crate::segments::{SegmentFigures, Segmentation, write_as_values};

/// Shares of the rows, from the top, at which the ranking is reported.
const SHARES: [f64; 6] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5];
/// The most segments of a column that are reported, the largest first.
const MOST_SEGMENTS: usize = 20;

/// Rows to judge on.
#[derive(Debug, Clone, Default)]
pub struct JudgedOn<'a> {
    /// What the model gives each row.
    pub probabilities: &'a [f64],
    /// What happened.
    pub labels: &'a [bool],
    /// Columns that part the rows into segments.
    pub segments: &'a [Segmentation],
    /// Scores of others on the same rows: one feature alone, the model in use.
    pub others: &'a [Competitor],
}

/// How a model did. What a record of an earlier release does not say is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The figures of all rows.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// 95 % interval of the AUC; `None` with fewer than two rows of either label.
    #[serde(default)]
    pub auc_interval: Option<Interval>,
    /// The ranking from the top.
    #[serde(default)]
    pub at: Vec<AtShare>,
    /// Probabilities against what happened, in ten bins of equal count, the greatest first.
    #[serde(default)]
    pub calibration_table: Vec<CalibrationBin>,
    /// The figures of each segment.
    #[serde(default, serialize_with = "write_as_values")]
    pub segments: Vec<SegmentFigures>,
    /// The figures of others.
    #[serde(default)]
    pub others: Vec<Comparison>,
}

/// The ranking at a share of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtShare {
    /// The share of the rows, from the top.
    pub share: f64,
    /// Rounded up to whole rows.
    pub rows: usize,
    /// The share of positives among them.
    pub precision: f64,
    /// The precision of a perfect ranking.
    pub attainable_precision: f64,
    /// The precision over the base rate.
    pub lift: f64,
    /// The share of all positives that they hold.
    pub gain: f64,
    /// The gain of a perfect ranking.
    pub attainable_gain: f64,
}

/// Rows of like probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// How many.
    pub rows: usize,
    /// The mean of their probabilities.
    pub mean_probability: f64,
    /// The share of them that churned.
    pub base_rate: f64,
    /// How far chance alone takes that share from exact probabilities: the square root of its variance.
    pub deviation: f64,
}

/// Another score on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What it is.
    pub name: String,
    /// Its AUC.
    pub auc: f64,
    /// Its average precision.
    pub average_precision: f64,
    /// The model's AUC less its own.
    pub auc_difference: f64,
    /// 95 % interval of the difference.
    pub auc_difference_interval: Interval,
}

impl Judgement {
    /// Judges.
    ///
    /// # Errors
    /// No rows, one class only, scores that are not one a label or not finite, or probabilities outside of 0 to 1.
    pub fn of(on: &JudgedOn<'_>) -> Result<Self, TrainError> {
        let evaluation = evaluate(on.probabilities, on.labels)?;
        let placements = Placements::of(on.probabilities, on.labels)?;
        let compare = |other: &Competitor| {
            let theirs = Placements::of(&other.scores, on.labels)?;
            let (auc_difference, auc_difference_interval) = placements.difference(&theirs);
            let ranking = rank(&other.scores, on.labels)?;
            Ok(Comparison {
                name: other.name.clone(),
                auc: ranking.auc,
                average_precision: ranking.average_precision,
                auc_difference,
                auc_difference_interval,
            })
        };
        Ok(Self {
            evaluation,
            auc_interval: placements.interval(),
            at: at_shares(on),
            calibration_table: calibration_table(on),
            segments: on.segments.iter().flat_map(|by| segments(on, by)).collect(),
            others: on.others.iter().map(compare).collect::<Result<_, TrainError>>()?,
        })
    }
}

fn at_shares(on: &JudgedOn<'_>) -> Vec<AtShare> {
    let order = by_falling_score(on.probabilities);
    let (all, positives) = (on.labels.len() as f64, on.labels.iter().filter(|label| **label).count() as f64);
    let at = |share: f64| {
        let rows = ((share * all).ceil() as usize).clamp(1, on.labels.len());
        let found = order.iter().take(rows).filter(|row| on.labels[**row]).count() as f64;
        let attainable = positives.min(rows as f64);
        AtShare {
            share,
            rows,
            precision: found / rows as f64,
            attainable_precision: attainable / rows as f64,
            lift: found / rows as f64 / (positives / all),
            gain: found / positives,
            attainable_gain: attainable / positives,
        }
    };
    SHARES.map(at).to_vec()
}

fn calibration_table(on: &JudgedOn<'_>) -> Vec<CalibrationBin> {
    let bins = calibration_bins(on.probabilities).into_iter().filter(|bin| !bin.is_empty());
    let of = |bin: Vec<usize>| {
        let n = bin.len() as f64;
        let variance: f64 = bin.iter().map(|row| on.probabilities[*row] * (1.0 - on.probabilities[*row])).sum();
        CalibrationBin {
            rows: bin.len(),
            mean_probability: bin.iter().map(|row| on.probabilities[*row]).sum::<f64>() / n,
            base_rate: bin.iter().filter(|row| on.labels[**row]).count() as f64 / n,
            deviation: variance.sqrt() / n,
        }
    };
    bins.map(of).collect()
}

/// The largest groups, the largest first.
fn segments(on: &JudgedOn<'_>, by: &Segmentation) -> Vec<SegmentFigures> {
    let mut largest = by.figures(on.probabilities, on.labels);
    largest.sort_by_key(|segment| Reverse(segment.figures.rows));
    largest.truncate(MOST_SEGMENTS);
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};

    fn rows(n: u64) -> (Vec<f64>, Vec<bool>, Vec<Option<String>>) {
        let p: Vec<f64> = (0..n).map(|row| unit(mix(row)) * 0.4).collect();
        let labels = p.iter().zip(0..n).map(|(p, row)| unit(mix(!row)) < *p).collect();
        let segments = (0..n).map(|row| Some(if row % 3 == 0 { "a" } else { "b" }.to_owned())).collect();
        (p, labels, segments)
    }

    #[test]
    fn reports_the_attainable_beside_what_was_reached() {
        let (probabilities, labels, groups) = rows(2_000);
        let segments = [Segmentation { column: "city".into(), groups }];
        let perfect = Competitor { name: "oracle".into(), scores: labels.iter().map(|l| f64::from(*l)).collect() };
        let on = JudgedOn { probabilities: &probabilities, labels: &labels, segments: &segments, others: &[perfect] };
        let judged = Judgement::of(&on).unwrap();
        let base_rate = judged.evaluation.ranking.base_rate;
        let top = judged.at[3];
        assert_eq!((top.share, top.rows), (0.2, 400));
        assert_eq!(top.precision, judged.evaluation.ranking.precision_at_top_20_percent);
        assert!((top.attainable_precision - (base_rate * 2_000.0 / 400.0).min(1.0)).abs() < 1e-12);
        assert!(top.gain < top.attainable_gain && (top.lift - top.precision / base_rate).abs() < 1e-12);
        assert!(judged.auc_interval.unwrap().low < judged.evaluation.ranking.auc);
        assert_eq!(judged.calibration_table.iter().map(|bin| bin.rows).sum::<usize>(), 2_000);
        let off =
            judged.calibration_table.iter().filter(|b| (b.mean_probability - b.base_rate).abs() > 3.0 * b.deviation);
        assert_eq!(off.count(), 0, "{:?}", judged.calibration_table);
        let reported: Vec<_> = judged.segments.iter().map(|s| (s.group.as_str(), s.figures.rows)).collect();
        assert_eq!(reported, [("b", 1_333), ("a", 667)]);
        let oracle = &judged.others[0];
        assert_eq!((oracle.auc, oracle.average_precision), (1.0, 1.0));
        assert!(oracle.auc_difference < 0.0 && oracle.auc_difference_interval.high < 0.0);
        let json = serde_json::to_string(&judged).unwrap();
        assert!(json.contains("\"auc\":") && json.contains("\"attainable_gain\""));
    }

    #[test]
    fn a_segment_of_one_class_has_no_auc_and_a_small_one_is_not_reported() {
        let probabilities = vec![0.5; 100];
        let labels: Vec<bool> = (0..100).map(|row| row < 20).collect();
        let group = |row| match row {
            0..50 => "early",
            50..60 => "few",
            _ => "late",
        };
        let groups = (0..100).map(|row| Some(group(row).to_owned())).collect();
        let segments = [Segmentation { column: "half".into(), groups }];
        let on = JudgedOn { probabilities: &probabilities, labels: &labels, segments: &segments, others: &[] };
        let judged = Judgement::of(&on).unwrap().segments;
        assert_eq!(judged.len(), 2);
        let of = |at: usize| (judged[at].group.as_str(), judged[at].figures.auc, judged[at].figures.base_rate);
        assert_eq!((of(0), of(1)), (("early", Some(0.5), 0.4), ("late", None, 0.0)));
    }
}
