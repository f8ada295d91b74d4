//! Features as integer codes: what linfa's trees are fitted on.
//!
//! linfa takes values closer than an absolute 1e-5 for equal and knows no missing values. Codes answer both: value v of a
//! feature with the ascending edges e_1 .. e_m has the code 1 + #{e <= v}, so that "code <= c" is exactly "v < e_c". A missing
//! value has a code below all others; a feature with missing values has a second column in which it lies above all others, so
//! that a split can send it either way, as XGBoost learns a default direction.
//!
//! Categories have a code each. Every tree puts them in an order of its own ([`TreeColumns`]), missing values among them, so that a
//! split in that order is a set of categories.

use mainstay_model::{CategorySet, Condition, Missing, Node};

use crate::declared::{Declared, MOST_CATEGORIES};
use crate::rows::TrainingSet;

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
    kind: ColumnKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    /// Codes rise with the values; missing values lie on this side, where there are any.
    Ordered(Option<Side>),
    /// Code 0 is a missing value, and 1 + c category c.
    Categories {
        /// Whether training has missing values.
        has_missing: bool,
    },
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

/// The columns as one tree sees them.
#[derive(Debug, Clone)]
pub(crate) struct TreeColumns<'a> {
    columns: &'a [CodedColumn],
    /// By column, of categories: the place of each code in the order of this tree.
    ranks: Vec<Option<Box<[u8; 256]>>>,
}

/// A split on values that divides all rows as a split on codes does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueSplit {
    pub(crate) feature: u32,
    pub(crate) condition: Condition,
    /// Where missing values go; `None` where training had none.
    pub(crate) default_left: Option<bool>,
    /// Whether left and right of the split on codes change places.
    pub(crate) is_swapped: bool,
}

impl CodedRows {
    /// Bins every feature by its quantiles over all rows.
    pub(crate) fn new(set: &TrainingSet) -> Self {
        Self::of(set.columns(), set.declared())
    }

    pub(crate) fn of(columns: impl Iterator<Item = Vec<f64>>, declared: &[Declared]) -> Self {
        let has_categories = |feature: usize| declared.get(feature).is_some_and(|of| of.categories.is_some());
        let mut coded = Self { columns: Vec::new(), varying: Vec::new(), edges: Vec::new() };
        for (feature, column) in columns.enumerate() {
            if has_categories(feature) {
                coded.edges.push(Vec::new());
                coded.push_categories(feature, &column);
                continue;
            }
            coded.edges.push(edges_of(&column));
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
            let of_side = |&missing: &Option<Side>| {
                let kind = ColumnKind::Ordered(missing);
                CodedColumn { feature, codes: codes_of(&column, edges, kind), kind }
            };
            let added: Vec<CodedColumn> = sides.iter().map(of_side).collect();
            coded.varying.push((coded.columns.len()..coded.columns.len() + added.len()).collect());
            coded.columns.extend(added);
        }
        coded
    }

    fn push_categories(&mut self, feature: usize, column: &[f64]) {
        let kind = ColumnKind::Categories { has_missing: column.iter().any(|value| value.is_nan()) };
        let codes = codes_of(column, &[], kind);
        if codes.iter().any(|code| *code != codes[0]) {
            self.varying.push(vec![self.columns.len()]);
            self.columns.push(CodedColumn { feature, codes, kind });
        }
    }

    /// Other rows by the same bins.
    pub(crate) fn recode(&self, rows: &TrainingSet) -> Vec<CodedColumn> {
        let recoded = self.columns.iter().map(|of| {
            let codes = codes_of(&rows.column(of.feature), &self.edges[of.feature], of.kind);
            CodedColumn { codes, ..*of }
        });
        recoded.collect()
    }

    /// The columns with the categories of those at the positions `chosen` in the order of `score`, which is asked by column and
    /// code; equal scores come in the order of the codes.
    pub(crate) fn for_tree(&self, chosen: &[usize], score: impl Fn(usize) -> [f64; 256]) -> TreeColumns<'_> {
        let mut ranks = vec![None; self.columns.len()];
        for &column in chosen {
            if let ColumnKind::Categories { .. } = self.columns[column].kind {
                let scores = score(column);
                let mut order: Vec<u8> = (0..=u8::MAX).collect();
                order.sort_by(|&a, &b| scores[usize::from(a)].total_cmp(&scores[usize::from(b)]));
                let mut rank = Box::new([0; 256]);
                for (place, code) in (0..=u8::MAX).zip(order) {
                    rank[usize::from(code)] = place;
                }
                ranks[column] = Some(rank);
            }
        }
        TreeColumns { columns: &self.columns, ranks }
    }

    /// The split on values that sends a row left where its code in `column` is at most `last_left` in the order of the tree.
    pub(crate) fn value_split(&self, tree: &TreeColumns<'_>, column: usize, last_left: u8) -> ValueSplit {
        let feature = self.columns[column].feature;
        let side = match (self.columns[column].kind, &tree.ranks[column]) {
            (ColumnKind::Ordered(side), _) => side,
            (ColumnKind::Categories { has_missing }, ranks) => {
                let goes_left = |code: u8| ranks.as_ref().is_some_and(|ranks| ranks[usize::from(code)] <= last_left);
                let left = (0..MOST_CATEGORIES as u8).filter(|category| goes_left(category + 1));
                let condition = Condition::OneOf(CategorySet::of_small(left));
                let default_left = has_missing.then(|| goes_left(MISSING_LOW));
                return ValueSplit { feature: feature as u32, condition, default_left, is_swapped: false };
            }
        };
        let edges = &self.edges[feature];
        let missing_left = side.map(|side| side == Side::Low);
        let split = |threshold, default_left, is_swapped| ValueSplit {
            feature: feature as u32,
            condition: Condition::Below(threshold),
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

impl<'a> TreeColumns<'a> {
    /// The code of a row in a column, in the order of this tree.
    pub(crate) fn code(&self, column: usize, row: usize) -> u8 {
        let code = self.columns[column].codes[row];
        match &self.ranks[column] {
            Some(ranks) => ranks[usize::from(code)],
            None => code,
        }
    }

    /// The same order over other rows.
    pub(crate) fn over(&self, columns: &'a [CodedColumn]) -> Self {
        Self { columns, ranks: self.ranks.clone() }
    }

    /// Whether a split parts present values by size, so that a monotone feature must not turn there.
    pub(crate) fn parts_values(&self, column: usize, last_left: u8) -> bool {
        match self.columns[column].kind {
            ColumnKind::Categories { .. } => false,
            ColumnKind::Ordered(Some(Side::Low)) => last_left > MISSING_LOW,
            ColumnKind::Ordered(Some(Side::High)) => {
                self.columns[column].codes.iter().any(|code| *code > last_left && *code != MISSING_HIGH)
            }
            ColumnKind::Ordered(None) => true,
        }
    }

    /// The feature of a column.
    pub(crate) fn feature(&self, column: usize) -> usize {
        self.columns[column].feature
    }
}

impl ValueSplit {
    /// The node of a split between the nodes `left` and `right` of the codes, which their rows reach with these covers.
    pub(crate) fn node(&self, left: (u32, f64), right: (u32, f64)) -> Node {
        let (left, right) = if self.is_swapped { (right, left) } else { (left, right) };
        Node::Split {
            feature: self.feature,
            condition: self.condition.clone(),
            missing: Missing::Nan,
            default_left: self.default_left.unwrap_or(left.1 >= right.1),
            left: left.0,
            right: right.0,
            cover: left.1 + right.1,
        }
    }
}

fn codes_of(column: &[f64], edges: &[f64], kind: ColumnKind) -> Vec<u8> {
    let code = |value: &f64| match kind {
        ColumnKind::Ordered(missing) => code_of(*value, edges, missing),
        ColumnKind::Categories { .. } if value.is_nan() => MISSING_LOW,
        ColumnKind::Categories { .. } => 1 + *value as u8,
    };
    column.iter().map(code).collect()
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
    use crate::rows::TrainingRows;

    fn goes_left(split: &ValueSplit, value: f64) -> bool {
        let left = if value.is_nan() { split.default_left.unwrap() } else { split.condition.holds(value) };
        left != split.is_swapped
    }

    fn coded(columns: &[Vec<f64>]) -> CodedRows {
        CodedRows::of(columns.iter().cloned(), &[])
    }

    fn split(coded: &CodedRows, column: usize, last_left: u8) -> ValueSplit {
        coded.value_split(&coded.for_tree(&[], |_| [0.0; 256]), column, last_left)
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
            let coded = coded(std::slice::from_ref(&column));
            for (position, of) in coded.columns.iter().enumerate() {
                let top = of.codes.iter().copied().max().unwrap();
                for last_left in (0..top).filter(|code| of.codes.iter().any(|other| other <= code)) {
                    let split = split(&coded, position, last_left);
                    for (code, value) in of.codes.iter().zip(&column) {
                        prop_assert_eq!(*code <= last_left, goes_left(&split, *value), "{} {}", last_left, value);
                    }
                }
            }
        }
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let coded = coded(&[vec![3.0, 1.0, 1e-7, 1.0]]);
        assert_eq!(coded.columns.len(), 1);
        assert_eq!(coded.columns[0].codes, [3, 2, 1, 2]);
        assert_eq!(split(&coded, 0, 2).condition, Condition::Below(2.0));
    }

    #[test]
    fn many_values_share_bins_of_equal_count() {
        let coded = coded(&[(0..6_400).map(|i| f64::from(i) * 1e-9).collect()]);
        let mut counts = [0; 256];
        for code in &coded.columns[0].codes {
            counts[usize::from(*code)] += 1;
        }
        assert_eq!(counts.iter().sum::<i32>(), 6_400);
        assert!(counts[1..65].iter().all(|count| *count == 100), "{counts:?}");
    }

    #[test]
    fn missing_values_can_go_either_way() {
        let coded = coded(&[vec![1.0, f64::NAN, 2.0]]);
        let codes: Vec<_> = coded.columns.iter().map(|column| column.codes.clone()).collect();
        assert_eq!(codes, [vec![1, 0, 2], vec![1, 255, 2]]);
        assert_eq!(split(&coded, 0, 1).default_left, Some(true));
        assert_eq!(split(&coded, 1, 1).default_left, Some(false));
    }

    #[test]
    fn a_feature_without_missing_values_sends_them_with_most_rows() {
        let coded = coded(&[vec![1.0, 2.0, 3.0]]);
        let node = split(&coded, 0, 1).node((1, 10.0), (2, 20.0));
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
        let coded = coded(&[vec![5.0; 3], vec![f64::NAN; 3], vec![1.0, 1.0, 2.0], vec![1.0, f64::NAN, 1.0]]);
        let columns: Vec<_> = coded.columns.iter().map(|column| (column.feature, column.codes.clone())).collect();
        assert_eq!(columns, [(2, vec![1, 1, 2]), (3, vec![1, 0, 1])]);
        assert_eq!(coded.varying, [vec![0], vec![1]]);
    }

    /// Every set that the order of a tree allows, missing values on their own side among them.
    #[test]
    fn a_split_in_the_order_of_a_tree_is_a_set_of_categories() {
        let column = vec![2.0, 0.0, f64::NAN, 1.0, 0.0, 3.0];
        let declared =
            Declared { categories: Some(["a", "b", "c", "d"].map(str::to_owned).into()), ..Declared::default() };
        let coded = CodedRows::of(std::iter::once(column.clone()), std::slice::from_ref(&declared));
        let mut scores = [9.0; 256];
        // By rising score: c, missing, a, d, b.
        scores[..5].copy_from_slice(&[1.0, 2.0, 4.0, 0.0, 3.0]);
        let tree = coded.for_tree(&[0], |_| scores);
        for last_left in 0..4 {
            let split = coded.value_split(&tree, 0, last_left);
            for (row, value) in column.iter().enumerate() {
                assert_eq!(tree.code(0, row) <= last_left, goes_left(&split, *value), "{last_left} {value}");
            }
        }
        let split = coded.value_split(&tree, 0, 2);
        assert_eq!(
            (split.condition, split.default_left),
            (Condition::OneOf(CategorySet::new([0, 2]).unwrap()), Some(true))
        );
        assert!(!tree.parts_values(0, 2));
        let other = TrainingRows {
            feature_names: vec!["letter".into()],
            columns: vec![vec![1.0, f64::NAN]],
            labels: vec![true, false],
            keys: vec!["a".into(), "b".into()],
            cuts: vec!["2024-01-01".parse().unwrap(); 2],
        };
        let other = coded.recode(&TrainingSet::new(other).unwrap());
        assert_eq!([0, 1].map(|row| tree.over(&other).code(0, row)), [4, 1]);
    }
}
