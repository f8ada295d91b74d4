//! Groups of the rows that a model is judged on, and its figures on each: groups of a project's customers, or categories of a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::delong::{Interval, auc_interval};
use crate::evaluate::{Ranking, brier, calibration_error, rank};

/// A group of fewer rows is left out: its figures would be chance, and say too much of each customer.
pub const LEAST_ROWS: usize = 30;
/// The group of rows of which nothing is known.
const NOT_KNOWN: &str = "not known";

/// A column whose values part the rows into groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segmentation {
    /// The column.
    pub column: String,
    /// The group of each row; `None` where it is not known.
    pub groups: Vec<Option<String>>,
}

/// The figures of the rows of one group. Those of a ranking are `None` where all rows have the same label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// The column that parts the rows.
    #[serde(alias = "column")]
    pub by: String,
    /// The group.
    #[serde(alias = "value")]
    pub group: String,
    /// What came out.
    #[serde(flatten)]
    pub figures: GroupFigures,
}

/// How a model does on some rows, of one label perhaps. The fields are those of [`Ranking`] and
/// [`Evaluation`](crate::evaluate::Evaluation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupFigures {
    /// How many rows.
    pub rows: usize,
    /// How many of them churned.
    pub positives: usize,
    /// positives / rows.
    pub base_rate: f64,
    /// The mean probability; `None` in records of an earlier release.
    #[serde(default)]
    pub mean_probability: Option<f64>,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Its 95 % interval; `None` with fewer than two rows of either label.
    #[serde(default)]
    pub auc_interval: Option<Interval>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// Share of positives among the top 20 %.
    pub precision_at_top_20_percent: Option<f64>,
    /// That precision over the base rate.
    pub lift_at_top_20_percent: Option<f64>,
    /// Share of all positives that the top 20 % hold.
    pub gain_at_top_20_percent: Option<f64>,
    /// That precision of a perfect ranking.
    pub attainable_precision_at_top_20_percent: Option<f64>,
    /// Mean squared distance of probability and label.
    pub brier: f64,
    /// Expected calibration error over ten bins of equal count.
    pub ece: f64,
    /// The calibration error to expect of exact probabilities.
    pub ece_noise_floor: f64,
}

impl Segmentation {
    /// The rows of each group, by its name; groups of fewer than [`LEAST_ROWS`] are left out. None where all rows are of one group.
    pub fn parts(&self) -> Vec<(&str, Vec<usize>)> {
        let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, group) in self.groups.iter().enumerate() {
            rows_of.entry(group.as_deref().unwrap_or(NOT_KNOWN)).or_default().push(row);
        }
        if rows_of.len() < 2 {
            return Vec::new();
        }
        rows_of.into_iter().filter(|(_, rows)| rows.len() >= LEAST_ROWS).collect()
    }

    /// The figures of each group that [`parts`](Self::parts) gives, in its order. Rows are in the order of the groups.
    pub fn figures(&self, probabilities: &[f64], labels: &[bool]) -> Vec<SegmentFigures> {
        let figures = |(group, rows): (&str, Vec<usize>)| SegmentFigures {
            by: self.column.clone(),
            group: group.to_owned(),
            figures: GroupFigures::of(&select(probabilities, &rows), &select(labels, &rows)),
        };
        self.parts().into_iter().map(figures).collect()
    }
}

impl GroupFigures {
    fn of(probabilities: &[f64], labels: &[bool]) -> Self {
        let (rows, positives) = (labels.len(), labels.iter().filter(|label| **label).count());
        let ranking = rank(probabilities, labels).ok();
        let of = |figure: fn(&Ranking) -> f64| ranking.as_ref().map(figure);
        let (ece, ece_noise_floor) = calibration_error(probabilities, labels);
        Self {
            rows,
            positives,
            base_rate: positives as f64 / rows as f64,
            mean_probability: Some(probabilities.iter().sum::<f64>() / rows as f64),
            auc: of(|ranking| ranking.auc),
            auc_interval: auc_interval(probabilities, labels),
            average_precision: of(|ranking| ranking.average_precision),
            precision_at_top_20_percent: of(|ranking| ranking.precision_at_top_20_percent),
            lift_at_top_20_percent: of(|ranking| ranking.lift_at_top_20_percent),
            gain_at_top_20_percent: of(|ranking| ranking.gain_at_top_20_percent),
            attainable_precision_at_top_20_percent: of(|ranking| ranking.attainable_precision_at_top_20_percent),
            brier: brier(probabilities, labels),
            ece,
            ece_noise_floor,
        }
    }
}

/// The values of some rows.
pub fn select<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|row| values.get(*row)).copied().collect()
}

/// The report of a file calls a group the value of a column.
pub(crate) fn write_as_values<S: Serializer>(segments: &[SegmentFigures], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        column: &'a str,
        value: &'a str,
        #[serde(flatten)]
        figures: &'a GroupFigures,
    }
    serializer.collect_seq(segments.iter().map(|segment| {
        let SegmentFigures { by, group, figures } = segment;
        Written { column: by, value: group, figures }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{mix, unit};
    use crate::evaluate::evaluate;

    fn by_region(group: impl Fn(usize) -> Option<&'static str>, rows: usize) -> Segmentation {
        let groups = (0..rows).map(|row| group(row).map(str::to_owned)).collect();
        Segmentation { column: "region".into(), groups }
    }

    #[test]
    fn groups_of_too_few_rows_are_left_out() {
        let group = |row| match row {
            0..40 => Some("north"),
            40..60 => Some("south"),
            _ => None,
        };
        let by = by_region(group, 100);
        let parts: Vec<_> = by.parts().into_iter().map(|(group, rows)| (group, rows.len(), rows[0])).collect();
        assert_eq!(parts, [("north", 40, 0), ("not known", 40, 60)]);
    }

    #[test]
    fn one_group_of_all_parts_nobody() {
        assert!(by_region(|_| None, 100).parts().is_empty());
    }

    #[test]
    fn the_figures_of_a_group_are_those_of_its_rows_alone() {
        let probabilities: Vec<f64> = (0..200).map(|row| unit(mix(row))).collect();
        let labels: Vec<bool> = (0..200).map(|row| unit(mix(!row)) < probabilities[row as usize]).collect();
        let by = by_region(|row| Some(if row < 120 { "north" } else { "south" }), 200);
        let south = &by.figures(&probabilities, &labels)[1].figures;
        let expected = evaluate(&probabilities[120..], &labels[120..]).unwrap();
        // All that an evaluation says stands in it under the same name.
        let (south, expected) = (serde_json::to_value(south).unwrap(), serde_json::to_value(expected).unwrap());
        for (name, figure) in expected.as_object().unwrap() {
            assert_eq!(south[name], *figure, "{name}");
        }
    }

    #[test]
    fn a_group_of_one_label_has_no_ranking() {
        let labels: Vec<bool> = (0..80).map(|row| row < 20).collect();
        let by = by_region(|row| Some(if row < 40 { "north" } else { "south" }), 80);
        let found = by.figures(&[0.5; 80], &labels);
        let of = |at: usize| (found[at].figures.base_rate, found[at].figures.auc, found[at].figures.brier);
        assert_eq!((of(0), of(1)), ((0.5, Some(0.5), 0.25), (0.0, None, 0.25)));
    }

    #[test]
    fn both_names_of_a_group_are_read() {
        let by = by_region(|row| Some(if row < 40 { "north" } else { "south" }), 80);
        let found = by.figures(&[0.25; 80], &[true; 80]);
        let record = serde_json::to_value(&found).unwrap();
        assert_eq!((&record[0]["by"], &record[0]["group"]), (&"region".into(), &"north".into()));
        let report = write_as_values(&found, serde_json::value::Serializer).unwrap();
        assert_eq!((&report[1]["column"], &report[1]["value"]), (&"region".into(), &"south".into()));
        assert_eq!((&report[1]["rows"], &report[1]["auc"]), (&40.into(), &serde_json::Value::Null));
        for written in [record, report] {
            assert_eq!(serde_json::from_value::<Vec<SegmentFigures>>(written).unwrap(), found);
        }
    }
}
