//! The rows to learn from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mainstay_model::ensemble::MAX_FEATURES;
use mainstay_model::{Ensemble, Feature};
use mainstay_schema::Ds;

use crate::column::CompactColumn;
use crate::declared::{Declared, MOST_CATEGORIES};
use crate::error::TrainError;

/// Rows that are scored at a time: what is held of them in double precision stays in the cache.
const BLOCK_ROWS: usize = 4_096;

/// A feature that a model takes.
struct Taken {
    position: usize,
    /// What the model calls each category of ours; `None` where the values are as they are.
    codes: Option<Vec<f64>>,
}

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
    /// The rows that `keep` wants, asked by customer and cut: how rows are split by time or held back for calibration.
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

/// Validated rows, sorted by cut and customer. A copy, and a part of the rows, share the values.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    feature_names: Arc<[String]>,
    columns: Arc<[CompactColumn]>,
    /// The customers, each once, in any order.
    customers: Arc<[String]>,
    /// Where the values of each row stand; in the order of the rows where absent.
    chosen: Option<Arc<[u32]>>,
    /// The customer of each row.
    customer_of: Vec<u32>,
    labels: Vec<bool>,
    cuts: Vec<Ds>,
    /// By feature.
    declared: Vec<Declared>,
}

/// A set that takes its rows cut by cut, so that no more than one cut of them is held in double precision.
#[derive(Debug)]
pub struct TrainingSetBuilder {
    feature_names: Vec<String>,
    columns: Vec<CompactColumn>,
    customers: HashMap<String, u32>,
    customer_of: Vec<u32>,
    labels: Vec<bool>,
    cuts: Vec<Ds>,
}

impl TrainingSetBuilder {
    /// A set of these features without rows.
    pub fn new(feature_names: Vec<String>) -> Self {
        Self {
            columns: vec![CompactColumn::default(); feature_names.len()],
            feature_names,
            customers: HashMap::new(),
            customer_of: Vec::new(),
            labels: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// Adds the rows of cuts that lie after all that are there; a cut may have none.
    ///
    /// # Errors
    /// Other features, ragged columns, two rows of a customer at one cut, an infinite value, or a cut that does not lie after the others.
    pub fn push(&mut self, rows: TrainingRows) -> Result<(), TrainError> {
        if rows.keys.is_empty() && rows.labels.is_empty() {
            return Ok(());
        }
        check_lengths(&rows)?;
        if rows.feature_names != self.feature_names {
            let (found, allowed) = (rows.feature_names.join(", "), self.feature_names.join(", "));
            return Err(TrainError::Parameter { parameter: "features", found, allowed });
        }
        let mut order: Vec<usize> = (0..rows.keys.len()).collect();
        order.sort_by(|&a, &b| (rows.cuts[a], &rows.keys[a]).cmp(&(rows.cuts[b], &rows.keys[b])));
        check_keys(&rows, &order)?;
        if let (Some(last), Some(first)) = (self.cuts.last(), order.first().map(|row| rows.cuts[*row]))
            && first <= *last
        {
            let (found, allowed) = (first.to_string(), format!("a day after {last}"));
            return Err(TrainError::Parameter { parameter: "cut", found, allowed });
        }
        for (name, values) in rows.feature_names.iter().zip(&rows.columns) {
            if let Some(row) = order.iter().copied().find(|row| values[*row].is_infinite()) {
                let (key, cut) = (rows.keys[row].clone(), rows.cuts[row]);
                return Err(TrainError::Infinite { column: name.clone(), key, cut });
            }
        }
        let TrainingRows { columns, labels, mut keys, cuts, .. } = rows;
        self.labels.extend(order.iter().map(|&row| labels[row]));
        self.cuts.extend(order.iter().map(|&row| cuts[row]));
        self.customer_of.reserve_exact(order.len());
        for &row in &order {
            let next = self.customers.len() as u32;
            let customer = *self.customers.entry(std::mem::take(&mut keys[row])).or_insert(next);
            self.customer_of.push(customer);
        }
        // One column at a time, so that what has found its place is not held twice.
        for (kept, values) in self.columns.iter_mut().zip(columns) {
            kept.push(&order.iter().map(|&row| values[row]).collect::<Vec<f64>>());
        }
        Ok(())
    }

    /// Bytes that the rows take.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(CompactColumn::bytes).sum()
    }

    /// The set of all rows.
    ///
    /// # Errors
    /// No rows or features, or labels of one class only.
    pub fn finish(self) -> Result<TrainingSet, TrainError> {
        if self.feature_names.is_empty() {
            return Err(TrainError::NoFeatures);
        }
        check_classes(&self.labels)?;
        let mut customers = vec![String::new(); self.customers.len()];
        for (customer, position) in self.customers {
            customers[position as usize] = customer;
        }
        Ok(TrainingSet {
            declared: vec![Declared::default(); self.columns.len()],
            feature_names: self.feature_names.into(),
            columns: self.columns.into(),
            customers: customers.into(),
            chosen: None,
            customer_of: self.customer_of,
            labels: self.labels,
            cuts: self.cuts,
        })
    }
}

impl TrainingSet {
    /// Validates and sorts the rows.
    ///
    /// # Errors
    /// No rows or features, ragged columns, two rows of a customer at one cut, an infinite value, or labels of one class only.
    pub fn new(rows: TrainingRows) -> Result<Self, TrainError> {
        let mut builder = TrainingSetBuilder::new(rows.feature_names.clone());
        builder.push(rows)?;
        builder.finish()
    }

    /// The rows at which `kept` is true.
    ///
    /// # Errors
    /// No rows, or labels of one class only.
    pub fn subset(&self, kept: &[bool]) -> Result<Self, TrainError> {
        let kept_rows = || (0..self.row_count()).filter(|row| kept.get(*row).copied().unwrap_or(false));
        let labels: Vec<bool> = kept_rows().map(|row| self.labels[row]).collect();
        check_classes(&labels)?;
        Ok(Self {
            feature_names: Arc::clone(&self.feature_names),
            columns: Arc::clone(&self.columns),
            customers: Arc::clone(&self.customers),
            chosen: Some(kept_rows().map(|row| self.place(row) as u32).collect()),
            customer_of: kept_rows().map(|row| self.customer_of[row]).collect(),
            labels,
            cuts: kept_rows().map(|row| self.cuts[row]).collect(),
            declared: self.declared.clone(),
        })
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.labels.len()
    }

    /// Names of the features.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// The values of a feature; NaN is a missing value.
    pub fn column(&self, feature: usize) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.row_count()];
        self.fill(feature, 0, &mut values);
        values
    }

    /// A column a feature, one held at a time; NaN is a missing value.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = Vec<f64>> {
        (0..self.columns.len()).map(|feature| self.column(feature))
    }

    /// The values of a feature from a row on, as many as `out` takes.
    pub fn fill(&self, feature: usize, first: usize, out: &mut [f64]) {
        let Some(column) = self.columns.get(feature) else { return };
        match &self.chosen {
            None => column.fill(first, out),
            Some(chosen) => {
                out.iter_mut()
                    .zip(chosen.iter().skip(first))
                    .for_each(|(value, row)| *value = column.get(*row as usize));
            }
        }
    }

    /// The raw score of each row by a model of these features, in their order.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn raw_scores(&self, model: &Ensemble) -> Result<Vec<f64>, TrainError> {
        let taken: Vec<Taken> = (0..self.columns.len()).map(|position| Taken { position, codes: None }).collect();
        self.scored(model, &taken)
    }

    /// The raw score of each row by a model that was trained elsewhere: it takes its features by their names, and of categories its
    /// own codes.
    ///
    /// # Errors
    /// A feature that there is not, and what the model refuses.
    pub fn raw_scores_of_other(&self, model: &Ensemble) -> Result<Vec<f64>, TrainError> {
        let take = |feature: &Feature| -> Result<Taken, TrainError> {
            let position = self.position_of(&feature.name)?;
            let ours = self.declared.get(position).and_then(|declared| declared.categories.as_ref());
            let codes = ours.map(|ours| ours.iter().map(|category| feature.code_of(category)).collect());
            Ok(Taken { position, codes })
        };
        self.scored(model, &model.features().iter().map(take).collect::<Result<Vec<_>, _>>()?)
    }

    /// Where a feature stands.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn position_of(&self, feature: &str) -> Result<usize, TrainError> {
        let position = self.feature_names().iter().position(|name| name == feature);
        position.ok_or_else(|| TrainError::NoFeature { feature: feature.to_owned() })
    }

    fn scored(&self, model: &Ensemble, features: &[Taken]) -> Result<Vec<f64>, TrainError> {
        let mut scores = vec![0.0; self.row_count()];
        let mut values = vec![vec![0.0; BLOCK_ROWS.min(self.row_count())]; features.len()];
        for (block, out) in scores.chunks_mut(BLOCK_ROWS).enumerate() {
            for (feature, values) in features.iter().zip(&mut values) {
                let values = &mut values[..out.len()];
                self.fill(feature.position, block * BLOCK_ROWS, values);
                if let Some(codes) = &feature.codes {
                    // A missing value is NaN, and so is a category that the model does not know.
                    let code = |ours: f64| if ours.is_nan() { None } else { codes.get(ours as usize).copied() };
                    values.iter_mut().for_each(|value| *value = code(*value).unwrap_or(f64::NAN));
                }
            }
            let columns: Vec<&[f64]> = values.iter().map(|values| &values[..out.len()]).collect();
            model.raw_scores(&columns, out)?;
        }
        Ok(scores)
    }

    /// The labels, both classes among them.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The customer of each row.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.customer_of.iter().map(|customer| self.customers[*customer as usize].as_str())
    }

    /// The cuts, ascending.
    pub fn cuts(&self) -> &[Ds] {
        &self.cuts
    }

    /// What is declared of each feature.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The same rows with what is declared of features, by name; of others nothing is.
    ///
    /// # Errors
    /// Where a name is no feature, a feature of categories is monotone, or a value is no position in the list of categories.
    pub fn with_declared(mut self, declared: &BTreeMap<String, Declared>) -> Result<Self, TrainError> {
        for (name, of_feature) in declared {
            let position = self.feature_names().iter().position(|feature| feature == name);
            let Some(position) = position else {
                return Err(TrainError::UnknownDeclared { feature: name.clone() });
            };
            if let Some(categories) = &of_feature.categories {
                let (found, most) = (categories.len(), MOST_CATEGORIES);
                if found > most {
                    return Err(TrainError::TooManyCategories { feature: name.clone(), found, most });
                }
                if of_feature.monotone.is_some() {
                    return Err(TrainError::MonotoneCategories { feature: name.clone() });
                }
                let is_code = |value: &f64| {
                    value.is_nan() || (value.fract() == 0.0 && (0.0..categories.len() as f64).contains(value))
                };
                if let Some(value) = self.column(position).iter().find(|value| !is_code(value)) {
                    return Err(TrainError::CategoryCode {
                        feature: name.clone(),
                        value: *value,
                        categories: categories.len(),
                    });
                }
            }
            self.declared[position] = of_feature.clone();
        }
        Ok(self)
    }

    /// The features as the model takes them.
    pub(crate) fn model_features(&self) -> Vec<Feature> {
        let features = self.feature_names().iter().zip(self.declared());
        features.map(|(name, of)| Feature { categories: of.categories.clone(), ..Feature::new(name) }).collect()
    }

    /// Where the values of a row stand.
    fn place(&self, row: usize) -> usize {
        self.chosen.as_ref().map_or(row, |chosen| chosen[row] as usize)
    }
}

fn check_keys(rows: &TrainingRows, order: &[usize]) -> Result<(), TrainError> {
    let same = |pair: &&[usize]| {
        let [one, other] = **pair else { return false };
        (rows.cuts[one], &rows.keys[one]) == (rows.cuts[other], &rows.keys[other])
    };
    match order.windows(2).find(same) {
        Some(pair) => Err(TrainError::DuplicateRow { key: rows.keys[pair[0]].clone(), cut: rows.cuts[pair[0]] }),
        None => Ok(()),
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

/// Refuses labels of one class: there is nothing to distinguish.
pub(crate) fn check_classes(labels: &[bool]) -> Result<(), TrainError> {
    let Some(&label) = labels.first() else {
        return Err(TrainError::NoRows);
    };
    if labels.iter().all(|other| *other == label) {
        return Err(TrainError::OneClass { rows: labels.len(), label });
    }
    Ok(())
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
        assert_eq!(set.keys().collect::<Vec<_>>(), ["a", "b", "a"]);
        assert_eq!(set.column(0), [2.0, 1.0, 3.0]);
        assert_eq!(set.labels(), [false, false, true]);
        assert_eq!(set.cuts()[2].to_string(), "2024-03-01");
    }

    #[test]
    fn a_subset_keeps_the_order() {
        let set = TrainingSet::new(rows()).unwrap();
        let subset = set.subset(&[false, true, true]).unwrap();
        assert_eq!((subset.keys().collect::<Vec<_>>(), subset.labels()), (vec!["b", "a"], &[false, true][..]));
        assert_eq!(subset.column(0), [1.0, 3.0]);
        let one_more = TrainingSet::new(rows().select(|_, _| true)).unwrap().subset(&[true, false, true]).unwrap();
        let of_subset = one_more.subset(&[true, true]).unwrap();
        assert_eq!((of_subset.column(0), of_subset.column(1)), (vec![2.0, 3.0], vec![20.0, 30.0]));
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
    fn cut_by_cut_gives_the_same_set() {
        let whole = TrainingSet::new(rows()).unwrap();
        let mut builder = TrainingSetBuilder::new(rows().feature_names);
        for cut in ["2024-02-01", "2024-03-01"] {
            builder.push(rows().select(|_, of| of.to_string() == cut)).unwrap();
        }
        let by_cut = builder.finish().unwrap();
        assert_eq!(by_cut.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        let bits = |set: &TrainingSet| -> Vec<u64> { set.columns().flatten().map(f64::to_bits).collect() };
        assert_eq!((bits(&by_cut), by_cut.labels(), by_cut.cuts()), (bits(&whole), whole.labels(), whole.cuts()));
    }

    #[test]
    fn cuts_come_in_their_order() {
        let mut builder = TrainingSetBuilder::new(rows().feature_names);
        builder.push(rows().select(|_, of| of.to_string() == "2024-03-01")).unwrap();
        let error = builder.push(rows().select(|_, of| of.to_string() == "2024-02-01")).unwrap_err();
        assert_eq!(error.to_string(), "`cut` is 2024-02-01: it must be a day after 2024-03-01");
        let mut other = rows();
        other.feature_names[1] = "visits".into();
        let error = TrainingSetBuilder::new(rows().feature_names).push(other).unwrap_err();
        assert_eq!(error.to_string(), "`features` is recency, visits: it must be recency, orders");
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
