//! Features as integer codes: what linfa's trees are fitted on.
//!
//! linfa takes values closer than an absolute 1e-5 for equal and knows no missing values. Codes answer both: value v of a
//! feature with the ascending edges e_1 .. e_m has the code 1 + #{e <= v}, so that "code <= c" is exactly "v < e_c". A missing
//! value has a code below all others; a feature with missing values has a second column in which it lies above all others, so
//! that a split can send it either way, as XGBoost learns a default direction.

use mainstay_model::{Condition, Missing, Node};

/// The most bins of present values: codes 1 to 64. More of them cost linfa time and rank no better.
const MAX_BINS: usize = 64;
const MISSING_LOW: u8 = 0;
const MISSING_HIGH: u8 = 255;

/// One column of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodedColumn {
    /// Position of the feature.
    pub(crate) feature: usize,
    /// The code of every row.
    pub(crate) codes: Vec<u8>,
    /// Where missing values lie; `None` where there are none.
    missing: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// All features as codes, with what leads back to values.
#[derive(Debug, Clone)]
pub(crate) struct CodedRows {
    pub(crate) columns: Vec<CodedColumn>,
    /// Positions in `columns` of each feature that varies: its one column, or one for each side that missing values can take.
    pub(crate) varying: Vec<Vec<usize>>,
    /// The edges of each feature, ascending.
    edges: Vec<Vec<f64>>,
}

/// A split on values that parts all rows as a split on codes does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ValueSplit {
    pub(crate) feature: u32,
    pub(crate) threshold: f64,
    /// Where missing values go; `None` where training had none.
    pub(crate) default_left: Option<bool>,
    /// Whether left and right of the split on codes change places.
    pub(crate) is_swapped: bool,
}

impl CodedRows {
    /// Bins every feature by its quantiles over all rows.
    pub(crate) fn new(columns: &[Vec<f64>]) -> Self {
        let edges: Vec<Vec<f64>> = columns.iter().map(|column| edges_of(column)).collect();
        let mut coded = Self { columns: Vec::new(), varying: Vec::new(), edges };
        for (feature, column) in columns.iter().enumerate() {
            let missing = column.iter().filter(|value| value.is_nan()).count();
            let edges = &coded.edges[feature];
            let sides: &[Option<Side>] = match (edges.is_empty(), missing) {
                // Nothing to split.
                (true, 0) => continue,
                (true, all) if all == column.len() => continue,
                (false, 0) => &[None],
                // Missing or not: the same split from either side.
                (true, _) => &[Some(Side::Low)],
                (false, _) => &[Some(Side::Low), Some(Side::High)],
            };
            let of_side = |&missing: &Option<Side>| CodedColumn {
                feature,
                codes: column.iter().map(|&value| code_of(value, edges, missing)).collect(),
                missing,
            };
            let added: Vec<CodedColumn> = sides.iter().map(of_side).collect();
            coded.varying.push((coded.columns.len()..coded.columns.len() + added.len()).collect());
            coded.columns.extend(added);
        }
        coded
    }

    /// The split on values that sends a row left where its code in `column` is at most `last_left`.
    pub(crate) fn value_split(&self, column: usize, last_left: u8) -> ValueSplit {
        let CodedColumn { feature, missing, .. } = self.columns[column];
        let edges = &self.edges[feature];
        let missing_left = missing.map(|side| side == Side::Low);
        let split = |threshold, default_left, is_swapped| ValueSplit {
            feature: feature as u32,
            threshold,
            default_left,
            is_swapped,
        };
        // No value is below the lowest number: "missing or not".
        let nothing = f64::MIN;
        match usize::from(last_left).checked_sub(1) {
            None => split(nothing, missing_left, false),
            Some(edge) if edge < edges.len() => split(edges[edge], missing_left, false),
            Some(_) => split(nothing, missing_left.map(|left| !left), true),
        }
    }
}

impl ValueSplit {
    /// The node of a split between the nodes `left` and `right` of the codes, which their rows reach with these covers.
    pub(crate) fn node(&self, left: (u32, f64), right: (u32, f64)) -> Node {
        let (left, right) = if self.is_swapped { (right, left) } else { (left, right) };
        Node::Split {
            feature: self.feature,
            condition: Condition::Below(self.threshold),
            missing: Missing::Nan,
            default_left: self.default_left.unwrap_or(left.1 >= right.1),
            left: left.0,
            right: right.0,
            cover: left.1 + right.1,
        }
    }
}

fn code_of(value: f64, edges: &[f64], missing: Option<Side>) -> u8 {
    if value.is_nan() {
        return if missing == Some(Side::High) { MISSING_HIGH } else { MISSING_LOW };
    }
    1 + edges.partition_point(|edge| *edge <= value) as u8
}

/// At most `MAX_BINS - 1` edges between distinct values, at equal counts of rows where there are more values.
fn edges_of(column: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = column.iter().copied().filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= MAX_BINS {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f64> = (1..MAX_BINS)
        .map(|quantile| values[quantile * values.len() / MAX_BINS])
        .filter_map(|above| {
            let below = distinct.partition_point(|value| *value < above).checked_sub(1)?;
            Some(between(distinct[below], above))
        })
        .collect();
    edges.dedup();
    edges
}

/// A threshold t with low < t <= high, in the middle where there is room.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low < middle && middle <= high { middle } else { high }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn goes_left(split: &ValueSplit, value: f64) -> bool {
        let left = if value.is_nan() { split.default_left.unwrap() } else { value < split.threshold };
        left != split.is_swapped
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => (-5i32..5).prop_map(f64::from),
            3 => -1.0f64..1.0,
            2 => Just(f64::NAN),
            1 => (0u32..9).prop_map(|i| 1e-300 * f64::from(i)),
            1 => prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(0.0), Just(-0.0), Just(1.0 + f64::EPSILON)],
        ]
    }

    proptest! {
        #[test]
        fn codes_and_values_part_the_rows_alike(column in prop::collection::vec(value(), 1..700)) {
            let coded = CodedRows::new(std::slice::from_ref(&column));
            for (position, of) in coded.columns.iter().enumerate() {
                let top = of.codes.iter().copied().max().unwrap();
                for last_left in (0..top).filter(|code| of.codes.iter().any(|other| other <= code)) {
                    let split = coded.value_split(position, last_left);
                    prop_assert!(split.threshold.is_finite());
                    for (code, value) in of.codes.iter().zip(&column) {
                        prop_assert_eq!(*code <= last_left, goes_left(&split, *value), "{} {}", last_left, value);
                    }
                }
            }
        }
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let coded = CodedRows::new(&[vec![3.0, 1.0, 1e-7, 1.0]]);
        assert_eq!(coded.columns.len(), 1);
        assert_eq!(coded.columns[0].codes, [3, 2, 1, 2]);
        assert_eq!(coded.value_split(0, 2).threshold, 2.0);
    }

    #[test]
    fn many_values_share_bins_of_equal_count() {
        let coded = CodedRows::new(&[(0..6_400).map(|i| f64::from(i) * 1e-9).collect()]);
        let mut counts = [0; 256];
        for code in &coded.columns[0].codes {
            counts[usize::from(*code)] += 1;
        }
        assert_eq!(counts.iter().sum::<i32>(), 6_400);
        assert!(counts[1..65].iter().all(|count| *count == 100), "{counts:?}");
    }

    #[test]
    fn missing_values_can_go_either_way() {
        let coded = CodedRows::new(&[vec![1.0, f64::NAN, 2.0]]);
        let codes: Vec<_> = coded.columns.iter().map(|column| column.codes.clone()).collect();
        assert_eq!(codes, [vec![1, 0, 2], vec![1, 255, 2]]);
        assert_eq!(coded.value_split(0, 1).default_left, Some(true));
        assert_eq!(coded.value_split(1, 1).default_left, Some(false));
    }

    #[test]
    fn a_feature_without_missing_values_sends_them_with_most_rows() {
        let coded = CodedRows::new(&[vec![1.0, 2.0, 3.0]]);
        let node = coded.value_split(0, 1).node((1, 10.0), (2, 20.0));
        let expected = Node::Split {
            feature: 0,
            condition: Condition::Below(1.5),
            missing: Missing::Nan,
            default_left: false,
            left: 1,
            right: 2,
            cover: 30.0,
        };
        assert_eq!(node, expected);
    }

    #[test]
    fn features_that_do_not_vary_have_no_column() {
        let coded = CodedRows::new(&[vec![5.0; 3], vec![f64::NAN; 3], vec![1.0, 1.0, 2.0], vec![1.0, f64::NAN, 1.0]]);
        let columns: Vec<_> = coded.columns.iter().map(|column| (column.feature, column.codes.clone())).collect();
        assert_eq!(columns, [(2, vec![1, 1, 2]), (3, vec![1, 0, 1])]);
        assert_eq!(coded.varying, [vec![0], vec![1]]);
    }
}
