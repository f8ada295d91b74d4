//! Binning: every question of the ensemble as a comparison of two bytes.
//!
//! The thresholds of a feature, sorted, cut its values into bins, bin(x) = #{t <= x}, and `x < t_k` is the same as `bin(x) <= k`.
//! A *lane* is one byte for each row of a block; a split compares the bytes of one lane with a constant. A feature has a lane
//! - for each way in which the ensemble treats its missing values: they take the lowest bin where they go left and the highest
//!   where they go right, so that no split has to ask,
//! - for each 255 of its thresholds: in the lane that begins at threshold b stands bin(x) - b, held between 0 and 255, which
//!   answers for the thresholds b to b + 254.
//!
//! Bytes are stored with the top bit flipped, as signed numbers: AVX2 compares no others.
//!
//! Sets of categories are many, and most are asked for by one split. So the lanes of the features are followed by the lanes of the
//! tree that is next: one for each of its questions for categories, -1 for the rows that go left and 0 for the others,
//! written when the tree's turn comes ([`Lanes::answer`]) from what the rows of the block are (`categories.rs`).

use std::array;
use std::collections::{BTreeMap, BTreeSet};

use crate::column::{BLOCK_ROWS, Column, InfiniteRow};
use crate::condition::{Condition, Missing};
use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::kernel::bytes::{ByteSet, Bytes, LaneBytes};
use crate::tree::Tree;

mod categories;
mod ladder;

use categories::{Categories, Classes, Question, Union};
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
    /// The most questions for categories that one tree has.
    tree_lanes: usize,
}

/// A split in terms of lanes: a row goes left where its byte in `lane` is below `bound`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) lane: u16,
    pub(crate) bound: i8,
}

/// What has to stand in the lanes of a tree itself, in the order in which it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    answers: Vec<Answer>,
    /// One after the other, see [`categories::Union`].
    parts: Vec<u32>,
}

/// A question for categories, and the lane in which the answer is to stand.
#[derive(Debug, Clone, Copy)]
struct Answer {
    /// All bits where the rows are those that go right.
    inverted: u64,
    feature: u32,
    lane: u16,
    parts: u16,
    flagged: bool,
    set: ByteSet,
}

/// The splits of one tree in terms of lanes.
#[derive(Debug)]
pub(crate) struct TreeTests<'a> {
    binning: &'a Binning,
    tree: &'a Tree,
    answers: Answers,
    /// By feature and question.
    lanes: BTreeMap<(u32, u32), u16>,
}

/// The lanes of one block of rows. Rows beyond those that were binned last hold bytes of no meaning.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    bytes: Vec<Lane>,
    /// By feature.
    classes: Vec<Classes>,
}

/// One byte for each row of a block, from the start of a line of the cache on.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Lane(LaneBytes);

/// What distinguishes the lanes of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LaneKey {
    feature: u32,
    /// Which [`LANE_THRESHOLDS`] of the feature.
    part: u32,
    zero_is_missing: bool,
    missing_left: bool,
}

/// A feature of the model and what its splits ask.
#[derive(Debug, Clone)]
struct BinnedFeature {
    name: String,
    thresholds: Ladder,
    categories: Categories,
    /// In the order of their parts, with their numbers.
    lanes: Vec<(LaneKey, u16)>,
}

impl Binning {
    /// The bins and lanes that the splits of this ensemble need; none at all where these would be more than [`MAX_LANES`].
    pub(crate) fn new(model: &Ensemble) -> Self {
        let mut binning = Self { features: asked_features(model), lanes: BTreeMap::new(), tree_lanes: 0 };
        for tree in model.trees() {
            let mut questions = BTreeSet::new();
            for split in tree.splits() {
                match binning.place(tree, split) {
                    Some(Place::Bin(key, _)) => _ = binning.lanes.insert(key, 0),
                    Some(Place::Question(question)) => _ = questions.insert((tree.feature(split), question)),
                    None => {}
                }
                if binning.lanes.len() + questions.len().max(binning.tree_lanes) > MAX_LANES {
                    return Self { features: Vec::new(), lanes: BTreeMap::new(), tree_lanes: 0 };
                }
            }
            binning.tree_lanes = binning.tree_lanes.max(questions.len());
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

    /// How many lanes a block has, those of a tree included.
    pub(crate) fn lane_count(&self) -> usize {
        self.lanes.len() + self.tree_lanes
    }

    /// Room for the lanes of a block.
    pub(crate) fn lanes(&self) -> Lanes {
        Lanes {
            bytes: vec![Lane([0; BLOCK_ROWS]); self.lane_count()],
            classes: self.features.iter().map(|binned| binned.categories.room()).collect(),
        }
    }

    /// How the splits of one of the ensemble's trees ask.
    pub(crate) fn tests<'a>(&'a self, tree: &'a Tree) -> TreeTests<'a> {
        TreeTests { binning: self, tree, answers: Answers::default(), lanes: BTreeMap::new() }
    }

    /// Bins the rows from `first_row` on, at most [`BLOCK_ROWS`] of them. There must be a column for each feature of the ensemble,
    /// all with these rows.
    #[inline(always)]
    pub(crate) fn fill<B: Bytes>(
        &self,
        columns: &[Column<'_>],
        first_row: usize,
        rows: usize,
        lanes: &mut Lanes,
    ) -> Result<(), ModelError> {
        let mut buffer = [0.0; BLOCK_ROWS];
        for ((binned, column), classes) in self.features.iter().zip(columns).zip(&mut lanes.classes) {
            let values = column
                .read(first_row..first_row + rows, &mut buffer)
                .map_err(|InfiniteRow(row)| ModelError::Infinite { feature: binned.name.clone(), row })?;
            binned.fill::<B>(values, &mut lanes.bytes, classes);
        }
        Ok(())
    }

    fn place(&self, tree: &Tree, split: usize) -> Option<Place> {
        let feature = tree.feature(split) as u32;
        let binned = self.features.get(tree.feature(split))?;
        match asked(tree, split) {
            Asked::Threshold(threshold) => {
                let position = binned.thresholds.position(threshold);
                let part = (position / LANE_THRESHOLDS) as u32;
                let zero_is_missing = tree.missing(split) == Missing::NanOrZero;
                let key = LaneKey { feature, part, zero_is_missing, missing_left: tree.default_left(split) };
                Some(Place::Bin(key, (position % LANE_THRESHOLDS) as u8))
            }
            Asked::Categories(question) => Some(Place::Question(binned.categories.position(&question)? as u32)),
        }
    }
}

/// Where the answer of a split stands.
enum Place {
    /// In this lane, and rows go left up to this bin.
    Bin(LaneKey, u8),
    /// A lane of the tree that holds the answer to this question.
    Question(u32),
}

enum Asked {
    Threshold(f64),
    Categories(Question),
}

fn asked(tree: &Tree, split: usize) -> Asked {
    match tree.condition(split) {
        Condition::Below(threshold) => Asked::Threshold(*threshold),
        Condition::OneOf(set) => Asked::Categories(Question {
            set: set.clone(),
            zero_is_missing: tree.missing(split) == Missing::NanOrZero,
            missing_left: tree.default_left(split),
        }),
    }
}

impl TreeTests<'_> {
    /// How a split asks; none where the ensemble has too many lanes.
    pub(crate) fn test(&mut self, split: usize) -> Option<Test> {
        let binning = self.binning;
        match binning.place(self.tree, split)? {
            Place::Bin(key, bin) => Some(Test { lane: *binning.lanes.get(&key)?, bound: signed(bin + 1) }),
            Place::Question(question) => {
                let feature = self.tree.feature(split) as u32;
                let next = (binning.lanes.len() + self.lanes.len()) as u16;
                let lane = *self.lanes.entry((feature, question)).or_insert_with(|| {
                    self.answers.push(
                        next,
                        feature,
                        binning.features[feature as usize].categories.union(question as usize),
                    );
                    next
                });
                Some(Test { lane, bound: 0 })
            }
        }
    }

    /// What has to be answered for the tests of the tree.
    pub(crate) fn into_answers(self) -> Answers {
        self.answers
    }
}

impl Answers {
    fn push(&mut self, lane: u16, feature: u32, union: Union) {
        let inverted = if union.inverted { !0 } else { 0 };
        let parts = union.parts.len() as u16;
        self.answers.push(Answer { inverted, feature, lane, parts, flagged: union.flagged, set: union.set });
        self.parts.extend(union.parts);
    }
}

/// The features of the model and what splits ask of them, without lanes.
fn asked_features(model: &Ensemble) -> Vec<BinnedFeature> {
    let mut thresholds = vec![Vec::new(); model.features().len()];
    let mut questions = vec![Vec::new(); model.features().len()];
    for tree in model.trees() {
        for split in tree.splits() {
            match asked(tree, split) {
                Asked::Threshold(threshold) => thresholds[tree.feature(split)].push(threshold),
                Asked::Categories(question) => questions[tree.feature(split)].push(question),
            }
        }
    }
    let asked = model.features().iter().zip(thresholds).zip(questions);
    let asked = asked.map(|((feature, thresholds), questions)| BinnedFeature {
        name: feature.name.clone(),
        thresholds: Ladder::new(thresholds),
        categories: Categories::new(questions),
        lanes: Vec::new(),
    });
    asked.collect()
}

fn signed(bin: u8) -> i8 {
    (bin ^ SIGN).cast_signed()
}

impl Lanes {
    #[inline(always)]
    pub(crate) fn lane(&self, lane: u16) -> &LaneBytes {
        &self.bytes[usize::from(lane)].0
    }

    /// Writes the lanes of a tree for the block that was binned last.
    #[inline(always)]
    pub(crate) fn answer<B: Bytes>(&mut self, answers: &Answers) {
        let mut parts = &answers.parts[..];
        for answer in &answers.answers {
            let (own, rest) = parts.split_at(usize::from(answer.parts));
            parts = rest;
            let lane = &mut self.bytes[usize::from(answer.lane)].0;
            self.classes[answer.feature as usize].answer::<B>(answer, own, lane);
        }
    }
}

impl BinnedFeature {
    #[inline(always)]
    fn fill<B: Bytes>(&self, values: &[f64], lanes: &mut [Lane], classes: &mut Classes) {
        if !self.categories.is_empty() {
            self.categories.fill::<B>(values, classes);
        }
        if self.lanes.is_empty() {
            return;
        }
        let mut missing = [[0; BLOCK_ROWS]; 2];
        mask(values, &mut missing[0], f64::is_nan);
        if self.lanes.iter().any(|(key, _)| key.zero_is_missing) {
            mask(values, &mut missing[1], |value| Missing::NanOrZero.includes(value));
        }
        let mut bins = [0; BLOCK_ROWS];
        let mut binned = None;
        for (key, lane) in &self.lanes {
            if binned != Some(key.part) {
                self.thresholds.bins(key.part, values, &mut bins);
                binned = Some(key.part);
            }
            let missing = &missing[usize::from(key.zero_is_missing)];
            lanes[usize::from(*lane)].0 = place_missing(&bins, missing, key.missing_left);
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
