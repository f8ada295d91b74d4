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

use kernel::{ROWS, Rows, Scratch, add_sums, add_tree};
use program::Program;
use quadrature::{MOST_POINTS, gauss_legendre};
use vector::{Portable, Vector};

use crate::binning::Binning;
use crate::column::{BLOCK_ROWS, Column, check_columns};
use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::linear::{Term, each_contribution};
use crate::reason::{Reason, ReasonRules};

/// An ensemble made ready to explain many rows.
#[derive(Debug, Clone)]
pub struct Explainer {
    features: Vec<String>,
    expected_margin: f64,
    binning: Binning,
    programs: Vec<Program>,
    terms: Vec<Term>,
}

/// Trees whose contributions are added in single precision before they go into the sums of double precision.
const TREES_OF_A_SUM: usize = 16;

/// The contributions of a feature.
type Sums = Rows<f64>;

/// Takes the first row, the count of rows and their contributions by feature. Called once for many rows, and so of no type of its own:
/// the kernel is compiled once for each kind of vector.
type Sink<'a> = dyn FnMut(usize, usize, &[Sums]) + 'a;

impl Explainer {
    /// Prepares a model: a few milliseconds for 500 trees.
    ///
    /// # Errors
    /// Where the model has no covers.
    pub fn new(model: &Ensemble) -> Result<Self, ModelError> {
        let expected_margin = model.expected_margin()?;
        let binning = Binning::new(model);
        let rules: Vec<_> = (0..=MOST_POINTS).map(gauss_legendre).collect();
        Ok(Self {
            features: model.features().iter().map(|feature| feature.name.clone()).collect(),
            expected_margin,
            programs: model.trees().iter().filter_map(|tree| Program::new(tree, &binning, &rules)).collect(),
            binning,
            terms: model.terms().to_vec(),
        })
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
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            #[allow(unsafe_code)]
            return unsafe { self.explain_avx2(columns, rows, sink) };
        }
        self.explain_portable(columns, rows, sink)
    }

    fn explain_portable(&self, columns: &[Column<'_>], rows: usize, sink: &mut Sink<'_>) -> Result<(), ModelError> {
        self.explain_with::<Portable>(columns, rows, sink)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn explain_avx2(&self, columns: &[Column<'_>], rows: usize, sink: &mut Sink<'_>) -> Result<(), ModelError> {
        self.explain_with::<vector::Avx2>(columns, rows, sink)
    }

    #[inline(always)]
    fn explain_with<V: Vector>(
        &self,
        columns: &[Column<'_>],
        rows: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), ModelError> {
        let mut lanes = self.binning.lanes();
        let mut scratch = Scratch::new();
        let features = columns.len();
        let groups = BLOCK_ROWS.div_ceil(ROWS);
        let mut sums: Vec<Sums> = vec![Sums::default(); features * groups];
        let mut phi: Vec<Rows<f32>> = vec![Rows::default(); features * groups];
        for first_row in (0..rows).step_by(BLOCK_ROWS) {
            let block_rows = BLOCK_ROWS.min(rows - first_row);
            self.binning.fill(columns, first_row, block_rows, &mut lanes)?;
            sums.fill(Sums::default());
            for programs in self.programs.chunks(TREES_OF_A_SUM) {
                phi.fill(Rows::default());
                // A tree goes over the whole block, so that its steps stay in the cache and its branches are foreseen.
                for program in programs {
                    for (offset, phi) in (0..block_rows).step_by(ROWS).zip(phi.chunks_exact_mut(features)) {
                        add_tree::<V>(program, &lanes, offset, &mut scratch, phi);
                    }
                }
                add_sums::<V>(&phi, &mut sums);
            }
            let block = first_row..first_row + block_rows;
            each_contribution(&self.terms, &self.features, columns, block, |feature, row, contribution| {
                sums[row / ROWS * features + feature].as_flattened_mut()[row % ROWS] += contribution;
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
            column[first_row..first_row + count].copy_from_slice(&sums.as_flattened()[..count]);
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
                *contribution = sums.as_flattened()[offset];
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
