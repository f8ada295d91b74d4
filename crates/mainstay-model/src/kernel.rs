//! The kernel: programs over the lanes of a block of rows, with the vector instructions of the machine.
//!
//! There is one kernel, written over arrays of bytes and without `unsafe`; compiled for an instruction set, each step on an array is
//! one instruction on a vector. It compares and copies bytes and adds the leaves' values in the order of the trees, so that all
//! instruction sets give the same bits.

use std::array;

use crate::binning::{Binning, Lanes};
use crate::column::{BLOCK_ROWS, Column};
use crate::error::ModelError;
use crate::program::{CELLS, MAX_LEAVES, Merge, Pair, Programs, Quad, Steps, TreeProgram};

/// Vector instructions that this machine has. All of them give the same scores to the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(Set);

// Private: whoever holds an `InstructionSet` knows that the machine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl InstructionSet {
    /// What this machine has, the fastest first; never empty.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                sets.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") {
                sets.push(Self(Set::Avx2));
            }
        }
        sets.push(Self(Set::Portable));
        sets
    }

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self(Set::Portable))
    }

    /// `avx512`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            Set::Portable => "portable",
        }
    }
}

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
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `InstructionSet` is only made where the machine has the instructions.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx512 => unsafe { self.raw_scores_avx512(columns, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "instructions that not every machine has")]
            Set::Avx2 => unsafe { self.raw_scores_avx2(columns, out) },
            Set::Portable => self.raw_scores_with::<16>(columns, out),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn raw_scores_avx512(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        self.raw_scores_with::<64>(columns, out)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn raw_scores_avx2(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        self.raw_scores_with::<32>(columns, out)
    }

    /// `V` is the number of bytes of a vector. Inlined where it is called, to be compiled for the caller's instructions.
    #[inline(always)]
    fn raw_scores_with<const V: usize>(&self, columns: &[Column<'_>], out: &mut [f64]) -> Result<(), ModelError> {
        let mut lanes = self.binning.lanes();
        let mut cells = Cells::new();
        for (block, out) in out.chunks_mut(BLOCK_ROWS).enumerate() {
            self.binning.fill(columns, block * BLOCK_ROWS, out.len(), &mut lanes)?;
            let mut sums = [self.bias; BLOCK_ROWS];
            if out.len() == BLOCK_ROWS {
                self.programs.add::<V>(&lanes, BLOCK_ROWS, &mut cells, &mut sums);
            } else {
                self.programs.add::<V>(&lanes, out.len(), &mut cells, &mut sums);
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
        Ok(())
    }
}

/// The number of a leaf for each row of a block.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Cell([u8; BLOCK_ROWS]);

/// The cells of a program, see [`Programs`].
struct Cells(Box<[Cell; CELLS]>);

impl Cells {
    fn new() -> Self {
        let mut cells = Box::new([const { Cell([0; BLOCK_ROWS]) }; CELLS]);
        for (leaf, cell) in cells.iter_mut().take(MAX_LEAVES).enumerate() {
            cell.0.fill(leaf as u8);
        }
        Self(cells)
    }
}

impl Programs {
    /// Adds to the sums what each tree says of the first `rows` rows; what becomes of the other sums has no meaning.
    #[inline(always)]
    fn add<const V: usize>(&self, lanes: &Lanes, rows: usize, cells: &mut Cells, sums: &mut [f64; BLOCK_ROWS]) {
        let (mut quads, mut pairs, mut merges, mut leaves) =
            (&self.quads[..], &self.pairs[..], &self.merges[..], &self.leaves[..]);
        for tree in &self.trees {
            match tree {
                TreeProgram::Steps(steps) => {
                    let cell = run::<V>(
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
                TreeProgram::Walk(walk) => {
                    for (row, sum) in sums.iter_mut().enumerate().take(rows) {
                        *sum += walk.margin(|lane| lanes.lane(lane)[row]);
                    }
                }
            }
        }
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
fn run<'a, const V: usize>(
    steps: Steps,
    quads: &[Quad],
    pairs: &[Pair],
    merges: &[Merge],
    lanes: &Lanes,
    rows: usize,
    cells: &'a mut [Cell; CELLS],
) -> &'a [u8; BLOCK_ROWS] {
    let vectors = rows.min(BLOCK_ROWS).div_ceil(V);
    for (quad, out) in quads.iter().zip(MAX_LEAVES..) {
        let Quad { test, left, right } = *quad;
        let [bytes, left_bytes, right_bytes] =
            [test, left.test, right.test].map(|test| lanes.lane(test.lane).as_chunks::<V>().0);
        let out = cells[out % CELLS].0.as_chunks_mut::<V>().0;
        for v in 0..vectors {
            let left = leaf_of_two(left_bytes[v], left);
            let right = leaf_of_two(right_bytes[v], right);
            out[v] = select(bytes[v], test.bound, left, right);
        }
    }
    for (pair, back) in pairs.iter().zip(1..) {
        let pair = *pair;
        let bytes = lanes.lane(pair.test.lane).as_chunks::<V>().0;
        let out = cells[(CELLS - back) % CELLS].0.as_chunks_mut::<V>().0;
        for v in 0..vectors {
            out[v] = leaf_of_two(bytes[v], pair);
        }
    }
    for merge in merges {
        let Merge { test, left, right, out } = *merge;
        let bytes = lanes.lane(test.lane).as_chunks::<V>().0;
        let [left, right, out] = [left, right, out].map(|cell| usize::from(cell) % CELLS);
        for (v, bytes) in bytes.iter().enumerate().take(vectors) {
            let left = cells[left].0.as_chunks::<V>().0[v];
            let right = cells[right].0.as_chunks::<V>().0[v];
            cells[out].0.as_chunks_mut::<V>().0[v] = select(*bytes, test.bound, left, right);
        }
    }
    &cells[usize::from(steps.end) % CELLS].0
}

#[inline(always)]
fn leaf_of_two<const V: usize>(bytes: [i8; V], Pair { test, leaf }: Pair) -> [u8; V] {
    let right = leaf.wrapping_add(1);
    array::from_fn(|row| right.wrapping_sub(u8::from(bytes[row] < test.bound)))
}

#[inline(always)]
fn select<const V: usize>(bytes: [i8; V], bound: i8, left: [u8; V], right: [u8; V]) -> [u8; V] {
    array::from_fn(|row| if bytes[row] < bound { left[row] } else { right[row] })
}

#[inline(always)]
fn add_leaves(cell: &[u8; BLOCK_ROWS], values: &[f64; MAX_LEAVES], rows: usize, sums: &mut [f64; BLOCK_ROWS]) {
    for (sum, leaf) in sums.iter_mut().zip(cell).take(rows) {
        *sum += values[usize::from(*leaf)];
    }
}
