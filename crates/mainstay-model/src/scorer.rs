//! Scoring many rows fast.

use crate::binning::Binning;
use crate::column::{BLOCK_ROWS, Column, InfiniteRow, check_columns};
use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::instructions::InstructionSet;
use crate::kernel::Kernel;
use crate::linear::{Term, add_terms};
use crate::program::Programs;
use crate::self_test::SelfTest;

/// An ensemble made ready to score many rows: the same scores as [`Ensemble::raw_scores`] to the bit, many times faster.
///
/// Making one costs about as much as scoring ten thousand rows. It can be shared by threads, each with its own rows.
#[derive(Debug, Clone)]
pub struct Scorer {
    features: Vec<String>,
    instructions: InstructionSet,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    /// And the terms, which are added after the trees.
    Kernel(Kernel, Vec<Term>),
    /// For ensembles with too many questions for the lanes of a block.
    Walk(Ensemble),
}

impl Scorer {
    /// Makes an ensemble ready, for the instructions that score fastest on this machine, see [`SelfTest::scoring`].
    pub fn new(model: &Ensemble) -> Self {
        Self::with_instructions(model, SelfTest::scoring().chosen())
    }

    /// Makes an ensemble ready for some of the instructions of this machine.
    pub fn with_instructions(model: &Ensemble, instructions: InstructionSet) -> Self {
        let binning = Binning::new(model);
        let way = match Programs::new(model, &binning) {
            Some(programs) => Way::Kernel(Kernel { binning, programs, bias: model.bias() }, model.terms().to_vec()),
            None => Way::Walk(model.clone()),
        };
        let features = model.features().iter().map(|feature| feature.name.clone()).collect();
        Self { features, instructions, way }
    }

    /// The same on other instructions.
    pub(crate) fn on(&self, instructions: InstructionSet) -> Self {
        Self { instructions, ..self.clone() }
    }

    /// Writes the raw score (bias + leaf values, before calibration) of every row into `out`.
    ///
    /// `columns` are the features in the model's order, each as long as `out`. The score of a row is the same to the bit whatever
    /// rows it is scored with, and on every machine.
    ///
    /// # Errors
    /// Where columns are missing or differ in length; `out` is untouched then. Where a value is infinite; what `out` holds then
    /// has no meaning.
    pub fn raw_scores(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        check_columns(&self.features, columns, out.len())?;
        match &self.way {
            Way::Kernel(kernel, terms) => {
                kernel.raw_scores(self.instructions, columns, out)?;
                add_terms(terms, &self.features, columns, out)
            }
            Way::Walk(model) => self.walk(model, columns, out),
        }
    }

    fn walk(&self, model: &Ensemble, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        let mut buffer = [0.0; BLOCK_ROWS];
        for (block, out) in out.chunks_mut(BLOCK_ROWS).enumerate() {
            let rows = block * BLOCK_ROWS..block * BLOCK_ROWS + out.len();
            let read = |(column, feature): (&Column<'_>, &String)| {
                let values = column.read(rows.clone(), &mut buffer);
                let infinite = |InfiniteRow(row)| ModelError::Infinite { feature: feature.clone(), row };
                values.map(<[f64]>::to_vec).map_err(infinite)
            };
            let values: Vec<Vec<f64>> = columns.iter().zip(&self.features).map(read).collect::<Result<_, _>>()?;
            let slices: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            model.raw_scores(&slices, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
