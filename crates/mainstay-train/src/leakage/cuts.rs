//! Features that reveal the cut of a row.

use crate::rows::TrainingSet;

/// The fewest rows of a cut, on average, of which it is no coincidence that they all have one value.
const LEAST_CUT_ROWS: usize = 20;

/// The features with one value at each cut and more than one over all cuts.
pub(super) fn naming(training: &TrainingSet) -> Vec<String> {
    // Ascending, so that each cut is one stretch of the rows.
    let cuts: Vec<usize> = training.cuts().chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    if cuts.len() < 2 || training.row_count() < LEAST_CUT_ROWS * cuts.len() {
        return Vec::new();
    }
    let names_it = |values: &[f64]| {
        let mut rest = values;
        let is_constant_in_each = cuts.iter().all(|rows| {
            let (of_cut, later) = rest.split_at((*rows).min(rest.len()));
            rest = later;
            is_constant(of_cut)
        });
        is_constant_in_each && !is_constant(values)
    };
    let columns = training.feature_names().iter().zip(training.columns());
    columns.filter(|(_, values)| names_it(values)).map(|(name, _)| name.clone()).collect()
}

/// Whether all values are the same; missing ones are the same as one another.
fn is_constant(values: &[f64]) -> bool {
    let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    values.windows(2).all(|pair| bits(pair[0]) == bits(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::TrainingRows;

    /// Thirty customers at each of three cuts.
    type Column = (&'static str, fn(usize, usize) -> f64);

    fn rows(columns: &[Column]) -> TrainingSet {
        let each = || (0..3usize).flat_map(|cut| (0..30usize).map(move |customer| (cut, customer)));
        TrainingSet::new(TrainingRows {
            feature_names: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            columns: columns.iter().map(|(_, of)| each().map(|(cut, customer)| of(cut, customer)).collect()).collect(),
            labels: each().map(|(cut, customer)| (cut + customer) % 3 == 0).collect(),
            keys: each().map(|(_, customer)| format!("C{customer}")).collect(),
            cuts: each().map(|(cut, _)| format!("2025-0{}-01", cut + 1).parse().unwrap()).collect(),
        })
        .unwrap()
    }

    #[test]
    fn what_is_the_same_for_all_customers_of_a_cut_is_named() {
        let late = |cut, _| if cut == 0 { f64::NAN } else { 4.0 };
        let training = rows(&[
            ("index", |cut, _| 100.0 + cut as f64),
            ("published_late", late),
            ("orders", |_, customer| customer as f64),
            ("orders_and_index", |cut, customer| (customer + cut) as f64),
            ("constant", |_, _| 1.0),
            ("missing", |_, _| f64::NAN),
        ]);
        assert_eq!(naming(&training), ["index", "published_late"]);
    }

    #[test]
    fn one_cut_or_a_few_rows_of_each_name_nothing() {
        let training = rows(&[("index", |cut, _| cut as f64)]);
        let first: Vec<bool> = (0..90).map(|row| row < 30).collect();
        assert!(naming(&training.subset(&first).unwrap()).is_empty());
        let few: Vec<bool> = (0..90).map(|row| row % 30 < 5).collect();
        assert!(naming(&training.subset(&few).unwrap()).is_empty());
    }
}
