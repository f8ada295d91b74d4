//! The steps of a tree over a block of rows.

use super::program::{Child, Choice, Earlier, Program, SLOTS, Split, Step, slot};
use super::quadrature::MOST_POINTS;
use super::vector::{ROWS, Rows, Vector};
use crate::binning::{Lanes, Test};
use crate::tree::MAX_DEPTH;

// `VECTORS` of the functions below is how many vectors of their kind hold [`ROWS`]. They go through a step together, so that finding
// out what to do costs little.

/// What the steps of a tree leave for each other. Truths are numbers with all bits set or none.
pub(super) struct Scratch {
    /// By slot and point: on the way down its weight, which is that of the point times the probability that a row comes by; from
    /// the way up on its worth, the value expected of a row that came by.
    slots: Vec<Rows<f32>>,
    /// By depth: whether the row goes left.
    goes_left: Vec<Rows<f32>>,
    /// By depth, of splits with earlier ones on the same feature: whether those let the row through.
    passed: Vec<Rows<f32>>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let zeros = |count| vec![[0.0; ROWS]; count];
        Self { slots: zeros(SLOTS * MOST_POINTS), goes_left: zeros(MAX_DEPTH), passed: zeros(MAX_DEPTH) }
    }
}

/// Adds what one tree gives to the contributions of the rows from `first_row` of the lanes on.
#[inline(always)]
pub(super) fn add_tree<V: Vector, const VECTORS: usize>(
    program: &Program,
    lanes: &Lanes,
    first_row: usize,
    scratch: &mut Scratch,
    phi: &mut [Rows<f32>],
) {
    for (root, weight) in scratch.slots.iter_mut().zip(&program.weights) {
        *root = [*weight; ROWS];
    }
    Pass { program, points: program.weights.len(), lanes, first_row, scratch, phi }.run::<V, VECTORS>();
}

/// Adds the contributions of some trees to those of all.
#[inline(always)]
pub(super) fn add_sums<V: Vector, const VECTORS: usize>(phi: &[Rows<f32>], sums: &mut [Rows<f64>]) {
    let features = phi.len().min(sums.len());
    for feature in 0..features {
        for vector in 0..VECTORS {
            V::load(&phi[feature], vector).add_to(&mut sums[feature], vector);
        }
    }
}

/// Rows on their way through a tree.
struct Pass<'a> {
    program: &'a Program,
    points: usize,
    lanes: &'a Lanes,
    first_row: usize,
    scratch: &'a mut Scratch,
    phi: &'a mut [Rows<f32>],
}

// What is known of a side before any row is looked at, so that no vector has to ask.
const LEAF: u8 = 0;
const TWIG: u8 = 1;
const SPLIT: u8 = 2;

/// What lies on one side of a split, for all points and rows. A side has only what its kind needs.
struct Side<'a, V, const VECTORS: usize> {
    /// The value of a leaf.
    value: f32,
    /// By point: the values expected of a row at a twig, and whether it goes left there.
    worths: &'a [Choice],
    goes_left: [V; VECTORS],
    /// By point: the values expected of a row at a split.
    stored: &'a [Rows<f32>],
    /// The probabilities of coming by, all points taken together.
    probability: [V; VECTORS],
}

impl Pass<'_> {
    #[inline(always)]
    fn run<V: Vector, const VECTORS: usize>(&mut self) {
        for step in &self.program.steps {
            let (Step::Down(split) | Step::Up(split)) = *step;
            let split = &self.program.splits[split as usize];
            match (step, split.earlier) {
                (Step::Down(_), None) => self.down::<V, VECTORS, false>(split),
                (Step::Down(_), Some(_)) => self.down::<V, VECTORS, true>(split),
                (Step::Up(_), None) => self.up_from::<V, VECTORS, false>(split),
                (Step::Up(_), Some(_)) => self.up_from::<V, VECTORS, true>(split),
            }
        }
    }

    #[inline(always)]
    fn down<V: Vector, const VECTORS: usize, const REPEATED: bool>(&mut self, split: &Split) {
        match split.children {
            [Child::Split, Child::Split] => self.down_to::<V, VECTORS, REPEATED, true, true>(split),
            [Child::Split, _] => self.down_to::<V, VECTORS, REPEATED, true, false>(split),
            _ => self.down_to::<V, VECTORS, REPEATED, false, true>(split),
        }
    }

    #[inline(always)]
    fn up_from<V: Vector, const VECTORS: usize, const REPEATED: bool>(&mut self, split: &Split) {
        match split.children {
            [Child::Leaf(_), Child::Leaf(_)] => self.up::<V, VECTORS, REPEATED, LEAF, LEAF>(split),
            [Child::Leaf(_), Child::Twig(_)] => self.up::<V, VECTORS, REPEATED, LEAF, TWIG>(split),
            [Child::Leaf(_), Child::Split] => self.up::<V, VECTORS, REPEATED, LEAF, SPLIT>(split),
            [Child::Twig(_), Child::Leaf(_)] => self.up::<V, VECTORS, REPEATED, TWIG, LEAF>(split),
            [Child::Twig(_), Child::Twig(_)] => self.up::<V, VECTORS, REPEATED, TWIG, TWIG>(split),
            [Child::Twig(_), Child::Split] => self.up::<V, VECTORS, REPEATED, TWIG, SPLIT>(split),
            [Child::Split, Child::Leaf(_)] => self.up::<V, VECTORS, REPEATED, SPLIT, LEAF>(split),
            [Child::Split, Child::Twig(_)] => self.up::<V, VECTORS, REPEATED, SPLIT, TWIG>(split),
            [Child::Split, Child::Split] => self.up::<V, VECTORS, REPEATED, SPLIT, SPLIT>(split),
        }
    }

    #[inline(always)]
    fn down_to<V: Vector, const VECTORS: usize, const REPEATED: bool, const TO_LEFT: bool, const TO_RIGHT: bool>(
        &mut self,
        split: &Split,
    ) {
        let goes_left: [V; VECTORS] = self.goes_left(split.test);
        store(goes_left, &mut self.scratch.goes_left[split.depth]);
        let mut passed = goes_left;
        if let (true, Some(earlier)) = (REPEATED, split.earlier) {
            passed = self.passed(earlier);
            store(passed, &mut self.scratch.passed[split.depth]);
        }
        let past = V::splat(split.left_share);
        let chances = &self.program.choices[split.chances..][..self.points];
        let (above, below) = self.scratch.slots.split_at_mut(slot(split.depth, false) * self.points);
        let own = &above[split.slot * self.points..][..self.points];
        let (left, right) = below.split_at_mut(self.points);
        let right = &mut right[..self.points];
        for point in 0..self.points {
            for vector in 0..VECTORS {
                let chance = chance::<V, REPEATED>(&chances[point], goes_left[vector], passed[vector], past);
                let own = V::load(&own[point], vector);
                let leftwards = own * chance;
                if TO_LEFT {
                    leftwards.store(&mut left[point], vector);
                }
                if TO_RIGHT {
                    (own - leftwards).store(&mut right[point], vector);
                }
            }
        }
    }

    #[inline(always)]
    fn up<V: Vector, const VECTORS: usize, const REPEATED: bool, const LEFT: u8, const RIGHT: u8>(
        &mut self,
        split: &Split,
    ) {
        let went_down = LEFT == SPLIT || RIGHT == SPLIT;
        let goes_left: [V; VECTORS] =
            if went_down { load(&self.scratch.goes_left[split.depth]) } else { self.goes_left(split.test) };
        let passed = match split.earlier {
            Some(_) if REPEATED && went_down => load(&self.scratch.passed[split.depth]),
            Some(earlier) if REPEATED => self.passed(earlier),
            _ => goes_left,
        };
        let left_goes_left = if LEFT == TWIG { self.twig_goes_left(split.children[0]) } else { goes_left };
        let right_goes_left = if RIGHT == TWIG { self.twig_goes_left(split.children[1]) } else { goes_left };
        let past = V::splat(split.left_share);
        let chances = &self.program.choices[split.chances..][..self.points];
        let factors = if REPEATED { &self.program.factors[split.factors..][..self.points] } else { &[] };
        let (above, below) = self.scratch.slots.split_at_mut(slot(split.depth, false) * self.points);
        let own = &mut above[split.slot * self.points..][..self.points];
        let (below_left, below_right) = below.split_at(self.points);
        let mut left = side::<V, VECTORS, LEFT>(self.program, split.children[0], left_goes_left, below_left);
        let mut right = side::<V, VECTORS, RIGHT>(self.program, split.children[1], right_goes_left, below_right);
        let mut sum = [V::splat(0.0); VECTORS];
        for point in 0..self.points {
            for vector in 0..VECTORS {
                let chance = chance::<V, REPEATED>(&chances[point], goes_left[vector], passed[vector], past);
                let weight = V::load(&own[point], vector);
                let worth_right = worth_of::<V, VECTORS, RIGHT>(&right, point, vector);
                let difference = worth_of::<V, VECTORS, LEFT>(&left, point, vector) - worth_right;
                (worth_right + chance * difference).store(&mut own[point], vector);
                let gain = weight * difference;
                sum[vector] = sum[vector] + if REPEATED { gain * V::splat(factors[point]) } else { gain };
                if LEFT == TWIG || RIGHT == TWIG {
                    let leftwards = weight * chance;
                    left.probability[vector] = left.probability[vector] + leftwards;
                    right.probability[vector] = right.probability[vector] + (weight - leftwards);
                }
            }
        }
        let (left, right) = (left.probability, right.probability);
        let share = V::splat(split.left_share);
        let phi = &mut self.phi[split.feature as usize];
        for vector in 0..VECTORS {
            let change = V::splat(1.0).and(goes_left[vector]) - share;
            let change = if REPEATED { change.and(passed[vector]) } else { change };
            (V::load(phi, vector) + sum[vector] * change).store(phi, vector);
        }
        if LEFT == TWIG {
            self.add_twig(split.children[0], left_goes_left, left);
        }
        if RIGHT == TWIG {
            self.add_twig(split.children[1], right_goes_left, right);
        }
    }

    /// Adds the contribution of a twig that rows come by with these probabilities.
    #[inline(always)]
    fn add_twig<V: Vector, const VECTORS: usize>(
        &mut self,
        child: Child,
        goes_left: [V; VECTORS],
        probability: [V; VECTORS],
    ) {
        if let Child::Twig(twig) = child {
            let twig = &self.program.twigs[twig as usize];
            let (difference, mean) = (V::splat(twig.difference), V::splat(twig.mean));
            let phi = &mut self.phi[twig.feature as usize];
            for vector in 0..VECTORS {
                let change = difference.and(goes_left[vector]) - mean;
                (V::load(phi, vector) + probability[vector] * change).store(phi, vector);
            }
        }
    }

    /// Whether the rows go left at a twig.
    #[inline(always)]
    fn twig_goes_left<V: Vector, const VECTORS: usize>(&self, child: Child) -> [V; VECTORS] {
        match child {
            Child::Twig(twig) => self.goes_left(self.program.twigs[twig as usize].test),
            _ => [V::splat(0.0); VECTORS],
        }
    }

    #[expect(clippy::needless_range_loop, reason = "an adapter that is not inlined would be a call")]
    #[inline(always)]
    fn goes_left<V: Vector, const VECTORS: usize>(&self, test: Test) -> [V; VECTORS] {
        let mut goes_left = [V::splat(0.0); VECTORS];
        if let Some(bytes) = self.lanes.lane(test.lane)[self.first_row..].first_chunk() {
            for vector in 0..VECTORS {
                goes_left[vector] = V::is_below(bytes, test.bound, vector);
            }
        }
        goes_left
    }

    /// Whether the splits above on the same feature let the rows through.
    #[inline(always)]
    fn passed<V: Vector, const VECTORS: usize>(&self, earlier: Earlier) -> [V; VECTORS] {
        let mut passed = load(&self.scratch.goes_left[earlier.depth]);
        if earlier.right {
            let all = V::splat(f32::from_bits(u32::MAX));
            for passed in &mut passed {
                *passed = all.and_not(*passed);
            }
        }
        if earlier.repeated {
            let before: [V; VECTORS] = load(&self.scratch.passed[earlier.depth]);
            for vector in 0..VECTORS {
                passed[vector] = passed[vector].and(before[vector]);
            }
        }
        passed
    }
}

#[inline(always)]
fn side<'a, V: Vector, const VECTORS: usize, const KIND: u8>(
    program: &'a Program,
    child: Child,
    goes_left: [V; VECTORS],
    stored: &'a [Rows<f32>],
) -> Side<'a, V, VECTORS> {
    let points = program.weights.len();
    let mut side = Side { value: 0.0, worths: &[], goes_left, stored: &[], probability: [V::splat(0.0); VECTORS] };
    match (KIND, child) {
        (LEAF, Child::Leaf(value)) => side.value = value,
        (TWIG, Child::Twig(twig)) => {
            side.worths = &program.choices[program.twigs[twig as usize].worths..][..points];
        }
        _ => side.stored = &stored[..points],
    }
    side
}

/// The values expected of rows that go to this side of a split.
#[inline(always)]
fn worth_of<V: Vector, const VECTORS: usize, const KIND: u8>(
    side: &Side<'_, V, VECTORS>,
    point: usize,
    vector: usize,
) -> V {
    match KIND {
        LEAF => V::splat(side.value),
        TWIG => {
            let Choice { right, more } = side.worths[point];
            V::splat(right) + V::splat(more).and(side.goes_left[vector])
        }
        _ => V::load(&side.stored[point], vector),
    }
}

/// The probabilities of going left: from `chances` for rows that came by, else `past`.
#[inline(always)]
fn chance<V: Vector, const REPEATED: bool>(chances: &Choice, goes_left: V, passed: V, past: V) -> V {
    let chance = V::splat(chances.right) + V::splat(chances.more).and(goes_left);
    if REPEATED { chance.where_else(passed, past) } else { chance }
}

// Loops over indexes, here and above: closures and adapters of iterators that are not inlined would be calls from within the innermost
// loops, and not be compiled for the vectors.

#[expect(clippy::needless_range_loop, reason = "an adapter that is not inlined would be a call")]
#[inline(always)]
fn load<V: Vector, const VECTORS: usize>(rows: &Rows<f32>) -> [V; VECTORS] {
    let mut vectors = [V::splat(0.0); VECTORS];
    for vector in 0..VECTORS {
        vectors[vector] = V::load(rows, vector);
    }
    vectors
}

#[expect(clippy::needless_range_loop, reason = "an adapter that is not inlined would be a call")]
#[inline(always)]
fn store<V: Vector, const VECTORS: usize>(vectors: [V; VECTORS], rows: &mut Rows<f32>) {
    for vector in 0..VECTORS {
        vectors[vector].store(rows, vector);
    }
}
