//! The kernel: programs over the lanes of a block of rows, with the vector instructions of the machine.
//!
//! There is one kernel, written over vectors of bytes (`bytes.rs`). It compares and copies bytes and adds the leaves' values in the
//! order of the trees, so that all instruction sets give the same bits.

pub(crate) mod bytes;

use bytes::{Bytes, LaneBytes};

use crate::binning::{Binning, Lanes};
use crate::column::{BLOCK_ROWS, Column};
use crate::error::ModelError;
use crate::instructions::{InstructionSet, Set};
use crate::program::{CELLS, MAX_LEAVES, Merge, Pair, Programs, Quad, Steps, TreeSteps};

/// What the kernel needs of an ensemble.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    pub(crate) binning: Binning,
    pub(crate) programs: Programs,
    pub(crate) bias: f64,
}

impl Kernel {
    /// Scores all rows. There must be a column for each feature of the ensemble, each as long as `out`.
    pub(crate) fn raw_scores(
        &self,
        instructions: InstructionSet,
        columns: &[Column<'_>],
        out: &mut [f64],
    ) -> Result<(), ModelError> {
        match instructions.0 {
            Set::Portable => self.raw_scores_with::<bytes::Portable>(columns, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `InstructionSet` is only made where the machine has the instructions.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx2 => unsafe { self.raw_scores_avx2(columns, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx512 => unsafe { self.raw_scores_avx512(columns, out) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn raw_scores_avx2(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        self.raw_scores_with::<bytes::Avx2>(columns, out)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn raw_scores_avx512(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        self.raw_scores_with::<bytes::Avx512>(columns, out)
    }

    /// Inlined where it is called, to be compiled for the caller's instructions.
    #[inline(always)]
    fn raw_scores_with<B: Bytes>(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        let mut lanes = self.binning.lanes();
        let mut cells = Cells::new();
        for (block, out) in out.chunks_mut(BLOCK_ROWS).enumerate() {
            self.binning.fill::<B>(columns, block * BLOCK_ROWS, out.len(), &mut lanes)?;
            let mut sums = [self.bias; BLOCK_ROWS];
            if out.len() == BLOCK_ROWS {
                self.add::<B>(&mut lanes, BLOCK_ROWS, &mut cells, &mut sums);
            } else {
                self.add::<B>(&mut lanes, out.len(), &mut cells, &mut sums);
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
        Ok(())
    }

    /// Adds to the sums what each tree says of the first `rows` rows; what becomes of the other sums has no meaning.
    #[inline(always)]
    fn add<B: Bytes>(&self, lanes: &mut Lanes, rows: usize, cells: &mut Cells, sums: &mut [f64; BLOCK_ROWS]) {
        let programs = &self.programs;
        let (mut quads, mut pairs, mut merges, mut leaves) =
            (&programs.quads[..], &programs.pairs[..], &programs.merges[..], &programs.leaves[..]);
        for tree in &programs.trees {
            lanes.answer::<B>(&tree.answers);
            match &tree.steps {
                TreeSteps::Steps(steps) => {
                    let cell = run::<B>(
                        *steps,
                        take(&mut quads, steps.quads),
                        take(&mut pairs, steps.pairs),
                        take(&mut merges, steps.merges),
                        lanes,
                        rows,
                        &mut cells.0,
                    );
                    if let Some(values) = leaves.first_chunk() {
                        add_leaves(cell, values, rows, sums);
                    }
                    take(&mut leaves, steps.leaves);
                }
                TreeSteps::Walk(walk) => {
                    for (row, sum) in sums.iter_mut().enumerate().take(rows) {
                        *sum += walk.margin(|lane| lanes.lane(lane)[row]);
                    }
                }
            }
        }
    }
}

/// The number of a leaf for each row of a block.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Cell(LaneBytes);

/// The cells of a program, see [`Programs`].
struct Cells(Box<[Cell; CELLS]>);

impl Cells {
    fn new() -> Self {
        let mut cells = Box::new([const { Cell([0; BLOCK_ROWS]) }; CELLS]);
        for (leaf, cell) in cells.iter_mut().take(MAX_LEAVES).enumerate() {
            cell.0.fill((leaf as u8).cast_signed());
        }
        Self(cells)
    }
}

/// Cuts off the first `count`.
#[inline(always)]
fn take<'a, T>(from: &mut &'a [T], count: u16) -> &'a [T] {
    let (taken, rest) = from.split_at(usize::from(count));
    *from = rest;
    taken
}

/// The cell of the root after all steps of a program. Places of cells are taken modulo their number, which changes nothing but spares
/// the check.
#[inline(always)]
fn run<'a, B: Bytes>(
    steps: Steps,
    quads: &[Quad],
    pairs: &[Pair],
    merges: &[Merge],
    lanes: &Lanes,
    rows: usize,
    cells: &'a mut [Cell; CELLS],
) -> &'a LaneBytes {
    let vectors = rows.min(BLOCK_ROWS).div_ceil(B::WIDTH);
    for (quad, out) in quads.iter().zip(MAX_LEAVES..) {
        let Quad { test, left, right } = *quad;
        let [bytes, left_bytes, right_bytes] = [test, left.test, right.test].map(|test| lanes.lane(test.lane));
        let [bound, left_bound, right_bound] = [test, left.test, right.test].map(|test| B::splat(test.bound));
        let [left_leaf, right_leaf] = [left, right].map(second_leaf::<B>);
        let out = &mut cells[out % CELLS].0;
        for v in 0..vectors {
            let left = left_leaf.one_less_below(B::load(left_bytes, v), left_bound);
            let right = right_leaf.one_less_below(B::load(right_bytes, v), right_bound);
            B::select_below(B::load(bytes, v), bound, left, right).store(out, v);
        }
    }
    for (pair, back) in pairs.iter().zip(1..) {
        let bytes = lanes.lane(pair.test.lane);
        let (bound, leaf) = (B::splat(pair.test.bound), second_leaf::<B>(*pair));
        let out = &mut cells[(CELLS - back) % CELLS].0;
        for v in 0..vectors {
            leaf.one_less_below(B::load(bytes, v), bound).store(out, v);
        }
    }
    for merge in merges {
        let Merge { test, left, right, out } = *merge;
        let bytes = lanes.lane(test.lane);
        let bound = B::splat(test.bound);
        let [left, right, out] = [left, right, out].map(|cell| usize::from(cell) % CELLS);
        for v in 0..vectors {
            let (left, right) = (B::load(&cells[left].0, v), B::load(&cells[right].0, v));
            B::select_below(B::load(bytes, v), bound, left, right).store(&mut cells[out].0, v);
        }
    }
    &cells[usize::from(steps.end) % CELLS].0
}

/// Where the rows of a pair end that go right.
#[inline(always)]
fn second_leaf<B: Bytes>(pair: Pair) -> B {
    B::splat(pair.leaf.wrapping_add(1).cast_signed())
}

#[inline(always)]
fn add_leaves(cell: &LaneBytes, values: &[f64; MAX_LEAVES], rows: usize, sums: &mut [f64; BLOCK_ROWS]) {
    for (sum, leaf) in sums.iter_mut().zip(cell).take(rows) {
        *sum += values[usize::from(leaf.cast_unsigned())];
    }
}

#[cfg(test)]
mod tests;
