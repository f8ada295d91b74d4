//! The values of the added columns for rows of features.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::thread;

use arrow::array::ArrayRef;
use mainstay_model::{Column, Ensemble, Explainer, ModelError, Reason, ReasonRules, Scorer};

use crate::added::AddedValues;
use crate::features::column;
use crate::request::Explanation;

/// Rows below which another thread is not worth its start.
const LEAST_ROWS_OF_A_THREAD: usize = 256;

/// A model made ready to score, and to explain where that is asked for.
pub(crate) struct RowScorer<'a> {
    model: &'a Ensemble,
    scorer: Scorer,
    explainer: Option<Explainer>,
    rules: Option<ReasonRules>,
    explanation: Explanation,
}

impl<'a> RowScorer<'a> {
    /// Errors: the model cannot be explained.
    pub(crate) fn new(model: &'a Ensemble, explanation: Explanation) -> Result<Self, ModelError> {
        let is_explained = explanation != Explanation::default();
        let most = explanation.reasons;
        let rules =
            (most > 0).then(|| ReasonRules::new(model, &BTreeMap::new(), &BTreeSet::new(), most)).transpose()?;
        let explainer = is_explained.then(|| Explainer::new(model)).transpose()?;
        Ok(Self { model, scorer: Scorer::new(model), explainer, rules, explanation })
    }

    /// The added columns of a batch, in parts of consecutive rows, one part a thread. A row's values depend on no other row.
    pub(crate) fn score(
        &self,
        features: &[ArrayRef],
        rows: usize,
        threads: usize,
    ) -> Result<Vec<Vec<AddedValues>>, ModelError> {
        let rows_of_a_thread = rows.div_ceil(threads).next_multiple_of(LEAST_ROWS_OF_A_THREAD);
        let parts: Vec<Range<usize>> =
            (0..rows).step_by(rows_of_a_thread).map(|start| start..rows.min(start + rows_of_a_thread)).collect();
        thread::scope(|scope| {
            let Some((first, others)) = parts.split_first() else { return Ok(Vec::new()) };
            let others: Vec<_> =
                others.iter().map(|part| scope.spawn(|| self.score_part(features, part.clone()))).collect();
            let mut scored = vec![self.score_part(features, first.clone())?];
            for other in others {
                scored.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(scored)
        })
    }

    fn score_part(&self, features: &[ArrayRef], rows: Range<usize>) -> Result<Vec<AddedValues>, ModelError> {
        let arrays: Vec<ArrayRef> = features.iter().map(|array| array.slice(rows.start, rows.len())).collect();
        let columns: Vec<Column<'_>> = arrays.iter().map(column).collect::<Result<_, _>>()?;
        let mut raw_scores = vec![0.0; rows.len()];
        self.scorer.raw_scores(&columns, &mut raw_scores).map_err(|error| at_row(error, rows.start))?;
        let predictions = raw_scores.iter().map(|&raw_score| self.model.prediction(raw_score)).collect();
        let mut added = vec![AddedValues::Numbers(predictions), AddedValues::Numbers(raw_scores)];
        if let Some(explainer) = &self.explainer {
            self.explain(explainer, &columns, rows.len(), &mut added)?;
        }
        Ok(added)
    }

    fn explain(
        &self,
        explainer: &Explainer,
        columns: &[Column<'_>],
        rows: usize,
        added: &mut Vec<AddedValues>,
    ) -> Result<(), ModelError> {
        let Explanation { reasons, contributions: with_contributions } = self.explanation;
        let mut texts = vec![vec![None; rows]; reasons];
        let mut contributions = vec![0.0; if with_contributions { rows * columns.len() } else { 0 }];
        let take = |row: usize, found: &[Reason]| {
            for (texts, reason) in texts.iter_mut().zip(found) {
                texts[row] = Some(self.model.reason_text(reason));
            }
        };
        match &self.rules {
            Some(rules) if with_contributions => {
                explainer.contributions_and_reasons(columns, rules, &mut contributions, take)?;
            }
            Some(rules) => explainer.reasons(columns, rules, take)?,
            None => explainer.contributions(columns, &mut contributions)?,
        }
        added.extend(texts.into_iter().map(AddedValues::Texts));
        if with_contributions {
            added.extend(contributions.chunks(rows).map(|of_feature| AddedValues::Numbers(of_feature.to_vec())));
            added.push(AddedValues::Numbers(vec![explainer.expected_margin(); rows]));
        }
        Ok(())
    }
}

/// The same error, about a row of the batch instead of a part.
fn at_row(error: ModelError, first_row: usize) -> ModelError {
    match error {
        ModelError::Infinite { feature, row } => ModelError::Infinite { feature, row: first_row + row },
        other => other,
    }
}
