//! Exact Shapley values of many rows: the contributions of [`Ensemble::contributions`], in blocks of rows.
//!
//! Let every feature be known with probability t, independently of the others, and let M(t) be the margin that is then expected:
//! at a split, the row goes left with probability t · \[it goes left\] + (1 - t) · (the share of training rows that went left). If
//! the features get a t each, the Shapley value of one of them is the integral over t from 0 to 1 of the derivative of M by
//! its own t, taken where all are t (Owen 1972, Multilinear extensions of games, doi 10.1287/mnsc.18.5.64).
//!
//! M is made of products along paths, hence at each split on feature i, by the product rule,
//!
//! phi_i += integral of  P(t) · f'(t) · (L(t) - R(t)),
//!
//! with P the probability of coming by, f that of going left from there, and L and R the values expected on either side. Now
//!
//! - at a split whose feature the path has not met, f' = \[the row goes left\] - share, the same for all t;
//! - where splits above have tested the feature, f is the probability given that those let the row through. Be z the share
//!   of training rows that they let through, c = t + (1 - t) · z and s the share at the split itself: if they let this row through,
//!   f = (t · \[the row goes left\] + (1 - t) · z · s) / c and f' = (\[the row goes left\] - s) · z / c²; if not, f = s and f' = 0.
//!
//! Along a path with k distinct features, the integrand is a polynomial of degree k - 1: Gauss's rule of k/2 points, rounded up, is
//! exact. So the work for a row grows with leaves × depth / 2, where tables by bit pattern grow with 2^depth; and there is nothing
//! to build, no memory to bound and no depth from which another way is needed. Every P is a product and every L a mean:
//! nothing cancels, whatever the depth.
//!
//! **Precision.** The margins and probabilities within a tree are single precision (relative error 6e-8 a step, which is also how
//! XGBoost explains), as are the sums over some trees; those over all trees are double. Contributions, and their sum with the
//! expected margin against the raw score, are tested to 2e-6 of the sum of the trees' greatest leaf values.
//!
//! **Determinism.** A row's contributions are the same to the bit wherever it stands, however rows are split, and whatever the
//! processor: each row is a lane of its own, all operations are single IEEE roundings, and trees are added in their order.

mod kernel;
mod program;
mod quadrature;
mod vector;

#[cfg(test)]
mod tests;

use kernel::{Scratch, add_sums, add_tree};
use program::Program;
use quadrature::{MOST_POINTS, gauss_legendre};
use vector::{Portable, ROWS, Rows, Vector};

use crate::binning::Binning;
use crate::column::{BLOCK_ROWS, Column, InfiniteRow, check_columns};
use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::instructions::{InstructionSet, Set};
use crate::linear::{Term, each_contribution};
use crate::reason::{Reason, ReasonRules};
use crate::self_test::SelfTest;

/// An ensemble made ready to explain many rows.
#[derive(Debug, Clone)]
pub struct Explainer {
    features: Vec<String>,
    instructions: InstructionSet,
    expected_margin: f64,
    way: Way,
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
enum Way {
    Kernel(Binning, Vec<Program>),
    /// The plain algorithm, for ensembles with too many questions for the lanes of a block.
    Plain(Ensemble),
}

/// Trees whose contributions are added in single precision before they go into the sums of double precision.
const TREES_OF_A_SUM: usize = 16;

/// The contributions of a feature.
type Sums = Rows<f64>;

/// Takes the first row, the count of rows and their contributions by feature. Called once for many rows, and so of no type of its own:
/// the kernel is compiled once for each kind of vector.
type Sink<'a> = dyn FnMut(usize, usize, &[Sums]) + 'a;

impl Explainer {
    /// Prepares a model, for the instructions that explain fastest on this machine, see [`SelfTest::contributions`]: a few
    /// milliseconds for 500 trees.
    ///
    /// # Errors
    /// Where the model has no covers.
    pub fn new(model: &Ensemble) -> Result<Self, ModelError> {
        Self::with_instructions(model, SelfTest::contributions().chosen())
    }

    /// Prepares a model for some of the instructions of this machine.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_instructions(model: &Ensemble, instructions: InstructionSet) -> Result<Self, ModelError> {
        let expected_margin = model.expected_margin()?;
        let binning = Binning::new(model);
        let rules: Vec<_> = (0..=MOST_POINTS).map(gauss_legendre).collect();
        let programs = model.trees().iter().map(|tree| Program::new(tree, &binning, &rules));
        let way = match programs.collect() {
            Some(programs) => Way::Kernel(binning, programs),
            None => Way::Plain(model.clone()),
        };
        Ok(Self {
            features: model.features().iter().map(|feature| feature.name.clone()).collect(),
            instructions,
            expected_margin,
            way,
            terms: model.terms().to_vec(),
        })
    }

    /// The same on other instructions.
    pub(crate) fn on(&self, instructions: InstructionSet) -> Self {
        Self { instructions, ..self.clone() }
    }

    /// What contributions are measured from: with them it sums to the raw score.
    pub fn expected_margin(&self) -> f64 {
        self.expected_margin
    }

    /// Writes how much each feature moves the raw score of each row, feature by feature: that of feature f and row r is
    /// `out[f * rows + r]`.
    ///
    /// `columns` are the features in the model's order, all with the same rows.
    ///
    /// # Errors
    /// Where columns are missing or differ in length, `out` has not a place for each contribution, or a value is infinite; what
    /// `out` holds then is of no meaning.
    pub fn contributions(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        let rows = self.check(columns, out)?;
        self.explain(columns, rows, &mut into_columns(rows, out))
    }

    /// Hands the reasons of each row to `take`, row by row, the strongest reason first; see [`ReasonRules`].
    ///
    /// # Errors
    /// As [`Self::contributions`].
    pub fn reasons(
        &self,
        columns: &[Column<'_>],
        rules: &ReasonRules,
        take: impl FnMut(usize, &[Reason]),
    ) -> Result<(), ModelError> {
        let rows = self.check_columns(columns)?;
        self.explain(columns, rows, &mut into_reasons(columns, rules, take))
    }

    /// [`Self::contributions`] and [`Self::reasons`] for little more than the time of one of them.
    ///
    /// # Errors
    /// As [`Self::contributions`].
    pub fn contributions_and_reasons(
        &self,
        columns: &[Column<'_>],
        rules: &ReasonRules,
        out: &mut [f64],
        take: impl FnMut(usize, &[Reason]),
    ) -> Result<(), ModelError> {
        let rows = self.check(columns, out)?;
        let (mut keep, mut pick) = (into_columns(rows, out), into_reasons(columns, rules, take));
        self.explain(columns, rows, &mut |first_row, count, sums| {
            keep(first_row, count, sums);
            pick(first_row, count, sums);
        })
    }

    /// Refuses columns that do not fit the model, or an output that does not fit the columns, and says how many rows there are.
    fn check(&self, columns: &[Column<'_>], out: &[f64]) -> Result<usize, ModelError> {
        let rows = self.check_columns(columns)?;
        if out.len() != rows * columns.len() {
            return Err(ModelError::ContributionCount { expected: rows * columns.len(), found: out.len() });
        }
        Ok(rows)
    }

    /// Refuses columns that do not fit the model, and says how many rows they have.
    fn check_columns(&self, columns: &[Column<'_>]) -> Result<usize, ModelError> {
        let rows = columns.first().map_or(0, Column::len);
        check_columns(&self.features, columns, rows)?;
        Ok(rows)
    }

    /// Gives the first row, the count of rows and their contributions by feature to `sink`, from the first row to the last.
    fn explain(&self, columns: &[Column<'_>], rows: usize, sink: &mut Sink<'_>) -> Result<(), ModelError> {
        let (binning, programs) = match &self.way {
            Way::Kernel(binning, programs) => (binning, &programs[..]),
            Way::Plain(model) => return self.explain_plainly(model, columns, rows, sink),
        };
        match self.instructions.0 {
            Set::Portable => self.explain_with::<Portable, { ROWS / 8 }>(binning, programs, columns, rows, sink),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `InstructionSet` is only made where the machine has the instructions.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx2 => unsafe { self.explain_avx2(binning, programs, columns, rows, sink) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx512 => unsafe { self.explain_avx512(binning, programs, columns, rows, sink) },
        }
    }

    fn explain_plainly(
        &self,
        model: &Ensemble,
        columns: &[Column<'_>],
        rows: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), ModelError> {
        let mut buffer = [0.0; BLOCK_ROWS];
        let mut values = vec![0.0; columns.len()];
        let mut contributions = vec![0.0; columns.len()];
        let mut sums: Vec<Sums> = vec![[0.0; ROWS]; columns.len()];
        for row in 0..rows {
            for ((value, column), feature) in values.iter_mut().zip(columns).zip(&self.features) {
                let infinite = |InfiniteRow(row)| ModelError::Infinite { feature: feature.clone(), row };
                *value = column.read(row..row + 1, &mut buffer).map_err(infinite)?[0];
            }
            model.contributions(&values, &mut contributions)?;
            for (sums, contribution) in sums.iter_mut().zip(&contributions) {
                sums[0] = *contribution;
            }
            sink(row, 1, &sums);
        }
        Ok(())
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn explain_avx2(
        &self,
        binning: &Binning,
        programs: &[Program],
        columns: &[Column<'_>],
        rows: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), ModelError> {
        self.explain_with::<vector::Avx2, { ROWS / 8 }>(binning, programs, columns, rows, sink)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn explain_avx512(
        &self,
        binning: &Binning,
        programs: &[Program],
        columns: &[Column<'_>],
        rows: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), ModelError> {
        self.explain_with::<vector::Avx512, { ROWS / 16 }>(binning, programs, columns, rows, sink)
    }

    /// `VECTORS` is how many vectors hold [`ROWS`]. Inlined where it is called, to be compiled for the caller's instructions.
    #[inline(always)]
    fn explain_with<V: Vector, const VECTORS: usize>(
        &self,
        binning: &Binning,
        programs: &[Program],
        columns: &[Column<'_>],
        rows: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), ModelError> {
        let mut lanes = binning.lanes();
        let mut scratch = Scratch::new();
        let features = columns.len();
        let groups = BLOCK_ROWS.div_ceil(ROWS);
        let mut sums: Vec<Sums> = vec![[0.0; ROWS]; features * groups];
        let mut phi: Vec<Rows<f32>> = vec![[0.0; ROWS]; features * groups];
        for first_row in (0..rows).step_by(BLOCK_ROWS) {
            let block_rows = BLOCK_ROWS.min(rows - first_row);
            binning.fill::<V::Bytes>(columns, first_row, block_rows, &mut lanes)?;
            sums.fill([0.0; ROWS]);
            for programs in programs.chunks(TREES_OF_A_SUM) {
                phi.fill([0.0; ROWS]);
                // A tree goes over the whole block, so that its steps stay in the cache and its branches are foreseen.
                for program in programs {
                    lanes.answer::<V::Bytes>(&program.answers);
                    for (offset, phi) in (0..block_rows).step_by(ROWS).zip(phi.chunks_exact_mut(features)) {
                        add_tree::<V, VECTORS>(program, &lanes, offset, &mut scratch, phi);
                    }
                }
                add_sums::<V, VECTORS>(&phi, &mut sums);
            }
            let block = first_row..first_row + block_rows;
            each_contribution(&self.terms, &self.features, columns, block, |feature, row, contribution| {
                sums[row / ROWS * features + feature][row % ROWS] += contribution;
            })?;
            for (offset, sums) in (0..block_rows).step_by(ROWS).zip(sums.chunks_exact(features)) {
                sink(first_row + offset, ROWS.min(block_rows - offset), sums);
            }
        }
        Ok(())
    }
}

/// Takes the contributions of some rows into one column a feature.
fn into_columns(rows: usize, out: &mut [f64]) -> impl FnMut(usize, usize, &[Sums]) {
    move |first_row, count, sums| {
        for (column, sums) in out.chunks_exact_mut(rows).zip(sums) {
            column[first_row..first_row + count].copy_from_slice(&sums[..count]);
        }
    }
}

/// Picks the reasons of some rows from their contributions.
fn into_reasons(
    columns: &[Column<'_>],
    rules: &ReasonRules,
    mut take: impl FnMut(usize, &[Reason]),
) -> impl FnMut(usize, usize, &[Sums]) {
    let mut contributions = vec![0.0; columns.len()];
    let mut picker = rules.picker();
    let mut buffer = [0.0; BLOCK_ROWS];
    move |first_row, count, sums| {
        for offset in 0..count {
            for (contribution, sums) in contributions.iter_mut().zip(sums) {
                *contribution = sums[offset];
            }
            let row = first_row + offset;
            let value = |feature: usize| match columns[feature].read(row..row + 1, &mut buffer) {
                Ok([value]) => *value,
                _ => f64::NAN,
            };
            take(row, picker.pick(&contributions, value));
        }
    }
}
