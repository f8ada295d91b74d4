//! Binning: every question of the ensemble as a comparison of two bytes.
//!
//! The thresholds of a feature, sorted, cut its values into bins, bin(x) = #{t <= x}, and `x < t_k` is the same as `bin(x) <= k`.
//! A *lane* is one byte for each row of a block; a split compares the bytes of one lane with a constant. A feature has a lane
//! - for each way in which the ensemble treats its missing values: they take the lowest bin where they go left and the highest
//!   where they go right, so that no split has to ask,
//! - for each 255 of its thresholds: in the lane that begins at threshold b stands bin(x) - b, held between 0 and 255, which
//!   answers for the thresholds b to b + 254,
//! - for each set of categories: 0 for its members, 255 for the others.
//!
//! Bytes are stored with the top bit flipped, as signed numbers: AVX2 compares no others.

use std::array;
use std::collections::BTreeMap;

use crate::column::{BLOCK_ROWS, Column, InfiniteRow};
use crate::condition::{Condition, Missing};
use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::tree::Tree;

mod categories;
mod ladder;

use categories::Categories;
use ladder::Ladder;

/// Thresholds that one lane answers for.
const LANE_THRESHOLDS: usize = 255;
/// The greatest number of lanes: 4 MiB a block.
const MAX_LANES: usize = 1 << 14;
/// Flips the top bit.
const SIGN: u8 = 0x80;

/// How the features of one ensemble become lanes.
#[derive(Debug, Clone)]
pub(crate) struct Binning {
    features: Vec<BinnedFeature>,
    lanes: BTreeMap<LaneKey, u16>,
}

/// A split in terms of lanes: a row goes left where its byte in `lane` is below `bound`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) lane: u16,
    pub(crate) bound: i8,
}

/// The lanes of one block of rows. Rows beyond those that were binned last hold bytes of no meaning.
#[derive(Debug, Clone)]
pub(crate) struct Lanes(Vec<Lane>);

/// One byte for each row of a block, from the start of a line of the cache on.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Lane([i8; BLOCK_ROWS]);

/// What distinguishes the lanes of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LaneKey {
    feature: u32,
    question: Question,
    zero_is_missing: bool,
    missing_left: bool,
}

/// What the bytes of a lane tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// The bin among the thresholds of one part, [`LANE_THRESHOLDS`] of them.
    Bin { part: u32 },
    /// Whether the value is in this one of the feature's category sets.
    Member { set: u32 },
}

/// A feature of the model and what its splits ask.
#[derive(Debug, Clone)]
struct BinnedFeature {
    name: String,
    thresholds: Ladder,
    categories: Categories,
    /// In the order of their questions, with their numbers.
    lanes: Vec<(LaneKey, u16)>,
}

impl Binning {
    /// The bins and lanes that the splits of this ensemble need; none at all where these would be more than [`MAX_LANES`].
    pub(crate) fn new(model: &Ensemble) -> Self {
        let mut binning = Self { features: asked_features(model), lanes: BTreeMap::new() };
        for tree in model.trees() {
            for split in tree.splits() {
                if let Some((key, _)) = binning.place(tree, split) {
                    binning.lanes.insert(key, 0);
                }
                if binning.lanes.len() > MAX_LANES {
                    return Self { features: Vec::new(), lanes: BTreeMap::new() };
                }
            }
        }
        for ((key, lane), number) in binning.lanes.iter_mut().zip(0..) {
            *lane = number;
            binning.features[key.feature as usize].lanes.push((*key, number));
        }
        for binned in &mut binning.features {
            binned.thresholds.build();
            binned.categories.build();
        }
        binning
    }

    /// How many lanes a block has.
    pub(crate) fn lane_count(&self) -> usize {
        self.lanes.len()
    }

    /// Room for the lanes of a block.
    pub(crate) fn lanes(&self) -> Lanes {
        Lanes(vec![Lane([0; BLOCK_ROWS]); self.lane_count()])
    }

    /// How a split of one of the ensemble's trees asks; none where the ensemble has too many lanes.
    pub(crate) fn test(&self, tree: &Tree, split: usize) -> Option<Test> {
        let (key, bin) = self.place(tree, split)?;
        Some(Test { lane: *self.lanes.get(&key)?, bound: signed(bin + 1) })
    }

    /// Bins the rows from `first_row` on, at most [`BLOCK_ROWS`] of them. There must be a column for each feature of the ensemble,
    /// all with these rows.
    #[inline(always)]
    pub(crate) fn fill(
        &self,
        columns: &[Column<'_>],
        first_row: usize,
        rows: usize,
        lanes: &mut Lanes,
    ) -> Result<(), ModelError> {
        let mut buffer = [0.0; BLOCK_ROWS];
        for (binned, column) in self.features.iter().zip(columns) {
            let values = column
                .read(first_row..first_row + rows, &mut buffer)
                .map_err(|InfiniteRow(row)| ModelError::Infinite { feature: binned.name.clone(), row })?;
            binned.fill(values, lanes);
        }
        Ok(())
    }

    /// The lane of a split and the bin there up to which rows go left.
    fn place(&self, tree: &Tree, split: usize) -> Option<(LaneKey, u8)> {
        let feature = tree.feature(split) as u32;
        let binned = self.features.get(tree.feature(split))?;
        let (question, bin) = match tree.condition(split) {
            Condition::Below(threshold) => {
                let position = binned.thresholds.position(*threshold);
                (Question::Bin { part: (position / LANE_THRESHOLDS) as u32 }, (position % LANE_THRESHOLDS) as u8)
            }
            Condition::OneOf(categories) => {
                (Question::Member { set: binned.categories.position(categories)? as u32 }, 0)
            }
        };
        let zero_is_missing = tree.missing(split) == Missing::NanOrZero;
        Some((LaneKey { feature, question, zero_is_missing, missing_left: tree.default_left(split) }, bin))
    }
}

/// The features of the model and what splits ask of them, without lanes.
fn asked_features(model: &Ensemble) -> Vec<BinnedFeature> {
    let mut thresholds = vec![Vec::new(); model.features().len()];
    let mut sets = vec![Vec::new(); model.features().len()];
    for tree in model.trees() {
        for split in tree.splits() {
            match tree.condition(split) {
                Condition::Below(threshold) => thresholds[tree.feature(split)].push(*threshold),
                Condition::OneOf(categories) => sets[tree.feature(split)].push(categories.clone()),
            }
        }
    }
    let asked = model.features().iter().zip(thresholds).zip(sets).map(|((feature, thresholds), sets)| BinnedFeature {
        name: feature.name.clone(),
        thresholds: Ladder::new(thresholds),
        categories: Categories::new(sets),
        lanes: Vec::new(),
    });
    asked.collect()
}

fn signed(bin: u8) -> i8 {
    (bin ^ SIGN).cast_signed()
}

impl Lanes {
    #[inline(always)]
    pub(crate) fn lane(&self, lane: u16) -> &[i8; BLOCK_ROWS] {
        &self.0[usize::from(lane)].0
    }
}

impl BinnedFeature {
    #[inline(always)]
    fn fill(&self, values: &[f64], lanes: &mut Lanes) {
        let mut missing = [[0; BLOCK_ROWS]; 2];
        mask(values, &mut missing[0], f64::is_nan);
        if self.lanes.iter().any(|(key, _)| key.zero_is_missing) {
            mask(values, &mut missing[1], |value| Missing::NanOrZero.includes(value));
        }
        let mut codes = [0; BLOCK_ROWS];
        if !self.categories.is_empty() {
            Categories::codes(values, &mut codes);
        }
        let mut bins = [0; BLOCK_ROWS];
        let mut asked = None;
        for (key, lane) in &self.lanes {
            if asked != Some(key.question) {
                match key.question {
                    Question::Bin { part } => self.thresholds.bins(part, values, &mut bins),
                    Question::Member { set } => self.categories.outside(set, &codes, &mut bins),
                }
                asked = Some(key.question);
            }
            let missing = &missing[usize::from(key.zero_is_missing)];
            lanes.0[usize::from(*lane)].0 = place_missing(&bins, missing, key.missing_left);
        }
    }
}

/// 255 for the values that are asked for, 0 for the others.
#[inline(always)]
fn mask(values: &[f64], mask: &mut [u8; BLOCK_ROWS], is_set: impl Fn(f64) -> bool) {
    for (mask, value) in mask.iter_mut().zip(values) {
        *mask = u8::from(is_set(*value)).wrapping_neg();
    }
}

/// The bins with the missing values at the end where they belong.
#[inline(always)]
fn place_missing(bins: &[u8; BLOCK_ROWS], missing: &[u8; BLOCK_ROWS], missing_left: bool) -> [i8; BLOCK_ROWS] {
    if missing_left {
        array::from_fn(|row| signed(bins[row] & !missing[row]))
    } else {
        array::from_fn(|row| signed(bins[row] | missing[row]))
    }
}

#[cfg(test)]
mod tests;
