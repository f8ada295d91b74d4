//! Scoring: margins of many rows from columns.

use crate::column::BLOCK_ROWS;
use crate::ensemble::Ensemble;
use crate::error::ModelError;

impl Ensemble {
    /// Writes the raw score (bias + leaf values, before calibration) of every row into `out`.
    ///
    /// `columns` are the features in the model's order, each as long as `out`; NaN is a missing value. The trees of a row
    /// are added in the model's order, so that a row's score is the same to the bit however the rows are split.
    ///
    /// # Errors
    /// Where columns are missing or differ in length, or where a value is infinite; `out` is untouched then.
    pub fn raw_scores(&self, columns: &[&[f64]], out: &mut [f64]) -> Result<(), ModelError> {
        self.check_columns(columns, out.len())?;
        for (block, sums) in out.chunks_mut(BLOCK_ROWS).enumerate() {
            self.score_block(columns, block * BLOCK_ROWS, sums);
        }
        Ok(())
    }

    fn score_block(&self, columns: &[&[f64]], first_row: usize, sums: &mut [f64]) {
        sums.fill(self.bias());
        for tree in self.trees() {
            for (offset, sum) in sums.iter_mut().enumerate() {
                *sum += tree.margin(|feature| columns[feature][first_row + offset]);
            }
        }
        for term in self.terms() {
            let values = &columns[term.feature as usize][first_row..];
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += term.value(*value);
            }
        }
    }

    fn check_columns(&self, columns: &[&[f64]], rows: usize) -> Result<(), ModelError> {
        let features = self.features();
        if columns.len() != features.len() {
            return Err(ModelError::ColumnCount { expected: features.len(), found: columns.len() });
        }
        for (feature, column) in features.iter().zip(columns) {
            let feature = || feature.name.clone();
            if column.len() != rows {
                return Err(ModelError::ColumnLength { feature: feature(), expected: rows, found: column.len() });
            }
            if let Some(row) = column.iter().position(|value| value.is_infinite()) {
                return Err(ModelError::Infinite { feature: feature(), row });
            }
        }
        Ok(())
    }

    /// Refuses a row that has not one finite or missing value for each feature.
    pub(crate) fn check_row(&self, row: &[f64]) -> Result<(), ModelError> {
        let features = self.features();
        if row.len() != features.len() {
            return Err(ModelError::ColumnCount { expected: features.len(), found: row.len() });
        }
        match row.iter().zip(features).find(|(value, _)| value.is_infinite()) {
            Some((_, feature)) => Err(ModelError::Infinite { feature: feature.name.clone(), row: 0 }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_models::{random_columns, random_ensemble};

    fn scores(model: &Ensemble, columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Vec<f64> {
        let mut out = vec![f64::NAN; rows.len()];
        let columns: Vec<&[f64]> = columns.iter().map(|column| &column[rows.clone()]).collect();
        model.raw_scores(&columns, &mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn a_score_does_not_depend_on_the_split_of_rows(seed: u64, cut in 0usize..600) {
            let model = random_ensemble(seed, 4, 12, 5);
            let columns = random_columns(seed, 4, 600);
            let whole = scores(&model, &columns, 0..600);
            let mut parted = scores(&model, &columns, 0..cut);
            parted.extend(scores(&model, &columns, cut..600));
            prop_assert_eq!(whole.iter().map(|s| s.to_bits()).collect::<Vec<_>>(),
                parted.iter().map(|s| s.to_bits()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_score_is_the_bias_and_the_leaves() {
        let model = random_ensemble(7, 3, 5, 4);
        let columns = random_columns(7, 3, 300);
        for (row, score) in scores(&model, &columns, 0..300).into_iter().enumerate() {
            let leaves = model.trees().iter().map(|tree| tree.margin(|feature| columns[feature][row]));
            assert_eq!(score, leaves.fold(model.bias(), |sum, leaf| sum + leaf));
        }
        assert!(scores(&model, &columns, 0..0).is_empty());
    }

    #[test]
    fn refuses_rows_that_do_not_fit() {
        let model = random_ensemble(1, 2, 3, 3);
        let mut out = [9.0; 2];
        let mut refusal = |columns: &[&[f64]]| {
            let message = model.raw_scores(columns, &mut out).unwrap_err().to_string();
            assert_eq!(out, [9.0; 2]);
            message
        };
        assert_eq!(
            refusal(&[&[1.0, 2.0]]),
            "the model has 2 features, but the rows have 1 columns: give the columns in the model's order"
        );
        assert_eq!(
            refusal(&[&[1.0, 2.0], &[1.0]]),
            "column `feature_1` has 1 rows, expected 2: give every column the same rows"
        );
        assert_eq!(
            refusal(&[&[1.0, f64::NAN], &[1.0, f64::NEG_INFINITY]]),
            "column `feature_1` is infinite in row 1: make it null or finite in its SQL"
        );
    }
}
