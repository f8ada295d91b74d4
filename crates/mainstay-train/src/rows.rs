//! The rows to learn from.

use mainstay_model::ensemble::MAX_FEATURES;
use mainstay_schema::Ds;

use crate::declared::Declared;
use crate::error::TrainError;

/// Rows as they were read: one a customer and cut, in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingRows {
    /// Names of the features.
    pub feature_names: Vec<String>,
    /// A column a feature; NaN is a missing value.
    pub columns: Vec<Vec<f64>>,
    /// Whether the customer churned within the horizon after the cut.
    pub labels: Vec<bool>,
    /// The customers.
    pub keys: Vec<String>,
    /// The day as of which the features were taken.
    pub cuts: Vec<Ds>,
}

impl TrainingRows {
    /// The rows that `keep` wants, asked by customer and cut: how rows are parted by time or held back for calibration.
    pub fn select(&self, mut keep: impl FnMut(&str, Ds) -> bool) -> Self {
        let kept: Vec<bool> = self.keys.iter().zip(&self.cuts).map(|(key, cut)| keep(key, *cut)).collect();
        Self {
            feature_names: self.feature_names.clone(),
            columns: self.columns.iter().map(|column| select(column, &kept)).collect(),
            labels: select(&self.labels, &kept),
            keys: select(&self.keys, &kept),
            cuts: select(&self.cuts, &kept),
        }
    }
}

/// Values beyond the mask are kept, so that ragged columns stay ragged and are refused later.
fn select<T: Clone>(values: &[T], kept: &[bool]) -> Vec<T> {
    let is_kept = |row: usize| kept.get(row).copied().unwrap_or(true);
    values.iter().enumerate().filter(|(row, _)| is_kept(*row)).map(|(_, value)| value.clone()).collect()
}

/// Validated rows, sorted by cut and customer.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    rows: TrainingRows,
    /// By feature.
    declared: Vec<Declared>,
}

impl TrainingSet {
    /// Validates and sorts the rows.
    ///
    /// # Errors
    /// No rows or features, ragged columns, two rows of a customer at one cut, an infinite value, or labels of one class only.
    pub fn new(rows: TrainingRows) -> Result<Self, TrainError> {
        check_lengths(&rows)?;
        let set = Self { declared: vec![Declared::default(); rows.columns.len()], rows: sorted(rows) };
        set.check_keys()?;
        set.check_values()?;
        check_classes(&set.rows.labels)?;
        Ok(set)
    }

    /// The rows at which `kept` is true.
    ///
    /// # Errors
    /// No rows, or labels of one class only.
    pub fn subset(&self, kept: &[bool]) -> Result<Self, TrainError> {
        let mut row = 0;
        let rows = self.rows.select(|_, _| {
            row += 1;
            kept.get(row - 1).copied().unwrap_or(false)
        });
        check_classes(&rows.labels)?;
        Ok(Self { rows, declared: self.declared.clone() })
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows.keys.len()
    }

    /// Names of the features.
    pub fn feature_names(&self) -> &[String] {
        &self.rows.feature_names
    }

    /// A column a feature; NaN is a missing value.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.rows.columns
    }

    /// The labels, both classes among them.
    pub fn labels(&self) -> &[bool] {
        &self.rows.labels
    }

    /// The customers.
    pub fn keys(&self) -> &[String] {
        &self.rows.keys
    }

    /// The cuts, ascending.
    pub fn cuts(&self) -> &[Ds] {
        &self.rows.cuts
    }

    /// What is declared of each feature.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// Takes what was checked.
    pub(crate) fn declare(&mut self, position: usize, declared: Declared) {
        self.declared[position] = declared;
    }

    fn check_keys(&self) -> Result<(), TrainError> {
        let pairs: Vec<_> = self.rows.cuts.iter().zip(&self.rows.keys).collect();
        match pairs.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(TrainError::DuplicateRow { key: pair[0].1.clone(), cut: *pair[0].0 }),
            None => Ok(()),
        }
    }

    fn check_values(&self) -> Result<(), TrainError> {
        for (name, column) in self.rows.feature_names.iter().zip(&self.rows.columns) {
            if let Some(row) = column.iter().position(|value| value.is_infinite()) {
                let (key, cut) = (self.rows.keys[row].clone(), self.rows.cuts[row]);
                return Err(TrainError::Infinite { column: name.clone(), key, cut });
            }
        }
        Ok(())
    }
}

fn check_lengths(rows: &TrainingRows) -> Result<(), TrainError> {
    let (names, columns) = (rows.feature_names.len(), rows.columns.len());
    if names != columns {
        return Err(TrainError::ColumnCount { names, columns });
    }
    if names == 0 {
        return Err(TrainError::NoFeatures);
    }
    if names > MAX_FEATURES {
        let allowed = format!("at most {MAX_FEATURES}");
        return Err(TrainError::Parameter { parameter: "features", found: names.to_string(), allowed });
    }
    if rows.keys.is_empty() {
        return Err(TrainError::NoRows);
    }
    let features = rows.feature_names.iter().map(String::as_str).zip(rows.columns.iter().map(Vec::len));
    let others = [("label", rows.labels.len()), ("cut", rows.cuts.len())];
    let expected = rows.keys.len();
    match features.chain(others).find(|(_, found)| *found != expected) {
        Some((column, found)) => Err(TrainError::ColumnLength { column: column.to_owned(), expected, found }),
        None => Ok(()),
    }
}

/// Refuses labels of one class: there is nothing to tell apart.
pub(crate) fn check_classes(labels: &[bool]) -> Result<(), TrainError> {
    let Some(&label) = labels.first() else {
        return Err(TrainError::NoRows);
    };
    if labels.iter().all(|other| *other == label) {
        return Err(TrainError::OneClass { rows: labels.len(), label });
    }
    Ok(())
}

fn sorted(rows: TrainingRows) -> TrainingRows {
    let mut order: Vec<usize> = (0..rows.keys.len()).collect();
    order.sort_by(|&a, &b| (rows.cuts[a], &rows.keys[a]).cmp(&(rows.cuts[b], &rows.keys[b])));
    TrainingRows {
        feature_names: rows.feature_names,
        columns: rows.columns.iter().map(|column| order.iter().map(|&row| column[row]).collect()).collect(),
        labels: order.iter().map(|&row| rows.labels[row]).collect(),
        keys: order.iter().map(|&row| rows.keys[row].clone()).collect(),
        cuts: order.iter().map(|&row| rows.cuts[row]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> TrainingRows {
        let day = |text: &str| text.parse().unwrap();
        TrainingRows {
            feature_names: vec!["recency".into(), "orders".into()],
            columns: vec![vec![3.0, 1.0, 2.0], vec![30.0, f64::NAN, 20.0]],
            labels: vec![true, false, false],
            keys: vec!["a".into(), "b".into(), "a".into()],
            cuts: vec![day("2024-03-01"), day("2024-02-01"), day("2024-02-01")],
        }
    }

    fn refusal(change: impl Fn(&mut TrainingRows)) -> String {
        let mut rows = rows();
        change(&mut rows);
        TrainingSet::new(rows).unwrap_err().to_string()
    }

    #[test]
    fn sorts_by_cut_and_customer() {
        let set = TrainingSet::new(rows()).unwrap();
        assert_eq!(set.keys(), ["a", "b", "a"]);
        assert_eq!(set.columns()[0], [2.0, 1.0, 3.0]);
        assert_eq!(set.labels(), [false, false, true]);
        assert_eq!(set.cuts()[2].to_string(), "2024-03-01");
    }

    #[test]
    fn a_subset_keeps_the_order() {
        let set = TrainingSet::new(rows()).unwrap();
        let subset = set.subset(&[false, true, true]).unwrap();
        assert_eq!((subset.keys(), subset.labels()), (&["b".to_owned(), "a".to_owned()][..], &[false, true][..]));
        assert!(matches!(set.subset(&[true, true, false]), Err(TrainError::OneClass { label: false, rows: 2 })));
        assert!(matches!(set.subset(&[]), Err(TrainError::NoRows)));
    }

    #[test]
    fn selects_by_customer_and_cut() {
        let selected = rows().select(|key, cut| key == "a" && cut.to_string() == "2024-02-01");
        assert_eq!(selected.columns, [vec![2.0], vec![20.0]]);
        assert_eq!((selected.labels, selected.keys), (vec![false], vec!["a".to_owned()]));
    }

    #[test]
    fn refuses_rows_that_cannot_be_learnt_from() {
        assert_eq!(refusal(|r| *r = r.select(|_, _| false)), "there are no rows: choose cuts with eligible customers");
        assert_eq!(
            refusal(|r| (r.feature_names, r.columns) = (vec![], vec![])),
            "there are no features: name at least one column"
        );
        assert_eq!(
            refusal(|r| r.labels = vec![true; 3]),
            "all 3 rows have label 1: choose cuts with both churned and retained customers"
        );
        assert!(refusal(|r| r.labels = vec![false; 3]).starts_with("all 3 rows have label 0"));
    }

    #[test]
    fn refuses_ragged_columns() {
        assert_eq!(
            refusal(|r| r.feature_names.truncate(1)),
            "1 feature names were given for 2 columns: give one name a column"
        );
        assert_eq!(
            refusal(|r| r.columns[1].truncate(2)),
            "column `orders` has 2 rows, expected 3: give every column the same rows"
        );
        assert!(refusal(|r| r.labels.truncate(1)).starts_with("column `label` has 1 rows"));
        assert!(refusal(|r| r.cuts.truncate(1)).starts_with("column `cut` has 1 rows"));
        assert!(
            refusal(|r| {
                r.columns = vec![vec![0.0; 3]; 10_001];
                r.feature_names = vec!["x".into(); 10_001];
            })
            .starts_with("`features` is 10001: it must be at most 10000")
        );
    }

    #[test]
    fn names_the_row_at_fault() {
        assert_eq!(
            refusal(|r| r.keys[1] = "a".into()),
            "customer `a` has more than one row at cut 2024-02-01: give each customer one row a cut"
        );
        assert_eq!(
            refusal(|r| r.columns[1][2] = f64::NEG_INFINITY),
            "column `orders` is infinite for customer `a` at cut 2024-02-01: make it null or finite in its SQL"
        );
    }
}
