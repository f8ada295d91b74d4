//! The thresholds of one feature, and how the bin of a value is found among them.

use super::LANE_THRESHOLDS;
use crate::column::BLOCK_ROWS;

/// Cells of a grid.
const GRID_CELLS: usize = 1024;

/// The distinct thresholds of a feature in order.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    thresholds: Vec<f64>,
    /// For each [`LANE_THRESHOLDS`] of them, once built.
    parts: Vec<Part>,
}

impl Ladder {
    pub(super) fn new(mut thresholds: Vec<f64>) -> Self {
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        Self { thresholds, parts: Vec::new() }
    }

    /// Makes the ladder ready to search.
    pub(super) fn build(&mut self) {
        self.parts = self.thresholds.chunks(LANE_THRESHOLDS).map(Part::new).collect();
    }

    /// How many thresholds are below this one.
    pub(super) fn position(&self, threshold: f64) -> usize {
        self.thresholds.partition_point(|rung| *rung < threshold)
    }

    /// The bins among the thresholds of one part. What NaN gives has no meaning.
    #[inline(always)]
    pub(super) fn bins(&self, part: u32, values: &[f64], bins: &mut [u8; BLOCK_ROWS]) {
        if let Some(part) = self.parts.get(part as usize) {
            part.bins(values, bins);
        }
    }
}

/// At most [`LANE_THRESHOLDS`] thresholds under a grid of equal cells.
///
/// The cell of a value never falls while the value rises, so that all thresholds in cells before a value's are below the value,
/// and all in cells after it are above: only those in its own cell have to be searched.
#[derive(Debug, Clone)]
struct Part {
    /// Filled up with infinity.
    thresholds: Box<[f64; 2 * (LANE_THRESHOLDS + 1)]>,
    low: f64,
    cells_per_unit: f64,
    /// How many thresholds lie in the cells before each.
    before: Box<[u8; GRID_CELLS]>,
    /// Steps of a binary search among the thresholds of the fullest cell.
    steps: u32,
}

impl Part {
    fn new(thresholds: &[f64]) -> Self {
        let mut filled = Box::new([f64::INFINITY; 2 * (LANE_THRESHOLDS + 1)]);
        for (filled, threshold) in filled.iter_mut().zip(thresholds) {
            *filled = *threshold;
        }
        let (low, high) = match thresholds {
            [low, .., high] => (*low, *high),
            _ => (0.0, 0.0),
        };
        let cells_per_unit = GRID_CELLS as f64 / (high - low);
        let has_grid = cells_per_unit.is_finite() && cells_per_unit > 0.0;
        let (low, cells_per_unit) = if has_grid { (low, cells_per_unit) } else { (0.0, 0.0) };
        let mut part = Self { thresholds: filled, low, cells_per_unit, before: Box::new([0; GRID_CELLS]), steps: 0 };
        let cells: Vec<u16> = thresholds.iter().map(|threshold| part.cell(*threshold)).collect();
        for (cell, before) in (0..).zip(part.before.iter_mut()) {
            *before = cells.partition_point(|of| *of < cell) as u8;
        }
        let fullest = cells.chunk_by(|a, b| a == b).map(<[u16]>::len).max().unwrap_or_default();
        part.steps = usize::BITS - fullest.leading_zeros();
        part
    }

    #[inline(always)]
    fn cell(&self, value: f64) -> u16 {
        const LAST: f64 = (GRID_CELLS - 1) as f64;
        /// Added to a small number, it leaves the nearest integer in the lowest bits.
        const TO_INTEGER: f64 = (1u64 << 52) as f64;
        let place = (value - self.low) * self.cells_per_unit;
        let place = if place > 0.0 { place } else { 0.0 };
        let place = if place < LAST { place } else { LAST };
        (place + TO_INTEGER).to_bits() as u16
    }

    #[inline(always)]
    fn bins(&self, values: &[f64], bins: &mut [u8; BLOCK_ROWS]) {
        let mut cells = [0; BLOCK_ROWS];
        for (cell, value) in cells.iter_mut().zip(values) {
            *cell = self.cell(*value);
        }
        match self.steps {
            0 | 1 => self.search::<1>(&cells, values, bins),
            2 => self.search::<2>(&cells, values, bins),
            3 => self.search::<3>(&cells, values, bins),
            4 => self.search::<4>(&cells, values, bins),
            5 => self.search::<5>(&cells, values, bins),
            6 => self.search::<6>(&cells, values, bins),
            7 => self.search::<7>(&cells, values, bins),
            _ => self.search::<8>(&cells, values, bins),
        }
    }

    /// Binary search without branches; the number of steps is known so that it unrolls.
    #[inline(always)]
    fn search<const STEPS: u32>(&self, cells: &[u16; BLOCK_ROWS], values: &[f64], bins: &mut [u8; BLOCK_ROWS]) {
        for ((bin, cell), value) in bins.iter_mut().zip(cells).zip(values) {
            let begin = usize::from(self.before[usize::from(*cell) % GRID_CELLS]);
            let mut at = begin;
            let mut step = 1 << STEPS >> 1;
            while step > 0 {
                at += usize::from(self.thresholds[(at + step - 1) % self.thresholds.len()] <= *value) * step;
                step /= 2;
            }
            *bin = at as u8;
        }
    }
}
