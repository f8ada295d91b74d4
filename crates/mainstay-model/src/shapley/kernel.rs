//! The steps of a tree over a block of rows.

use super::program::{Child, Earlier, Program, SLOTS, Split, Step, slot};
use super::quadrature::Point;
use super::vector::{Vector, WIDTH};
use crate::binning::Lanes;
use crate::tree::MAX_DEPTH;

/// Vectors that go through a step together, so that finding out what to do costs little.
const VECTORS: usize = 4;
/// Rows that go through a tree together.
pub(super) const ROWS: usize = VECTORS * WIDTH;
/// The most points that go through a tree together; more go through it in turns.
const POINTS: usize = 4;

/// How many points to take where so many are needed: one that is made of turns of three and four.
pub(super) fn round_up(points: usize) -> usize {
    match points {
        0 => 0,
        1..=3 => 3,
        5 => 6,
        points => points,
    }
}

/// A number of each row.
type Rows<T> = [[T; WIDTH]; VECTORS];
/// The contributions of a feature.
pub(super) type Sums = Rows<f64>;

/// What the steps of a tree leave for each other. Truths are numbers with all bits set or none.
pub(super) struct Scratch {
    /// By slot and point: the weight of the point times the probability that a row comes by.
    weight: Vec<Rows<f32>>,
    /// By slot and point: the value expected of a row that came by.
    worth: Vec<Rows<f32>>,
    /// By depth: whether the row goes left.
    goes_left: Vec<Rows<f32>>,
    /// By depth, of splits with earlier ones on the same feature: whether those let the row through.
    passed: Vec<Rows<f32>>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let zeros = |count| vec![[[0.0; WIDTH]; VECTORS]; count];
        Self {
            weight: zeros(SLOTS * POINTS),
            worth: zeros(SLOTS * POINTS),
            goes_left: zeros(MAX_DEPTH),
            passed: zeros(MAX_DEPTH),
        }
    }
}

/// Adds what one tree gives to the contributions of the rows from `first_row` of the lanes on.
#[inline(always)]
pub(super) fn add_tree<V: Vector>(
    program: &Program,
    rule: &[Point],
    lanes: &Lanes,
    first_row: usize,
    scratch: &mut Scratch,
    phi: &mut [Sums],
) {
    let mut tree = Pass { program, lanes, first_row, scratch, phi };
    // Of 3 a + 4 b points, b is the remainder by 3.
    let (fours, threes) = rule.split_at(rule.len() % 3 * POINTS);
    for points in fours.as_chunks().0 {
        tree.run::<V, 4>(points);
    }
    for points in threes.as_chunks().0 {
        tree.run::<V, 3>(points);
    }
}

/// Rows on their way through a tree.
struct Pass<'a> {
    program: &'a Program,
    lanes: &'a Lanes,
    first_row: usize,
    scratch: &'a mut Scratch,
    phi: &'a mut [Sums],
}

/// How a row goes at a split, for each point: the probability of going left is `right` where the row itself goes right,
/// `right + more` where it goes left, and `past` where earlier splits on the feature have kept it away.
struct Chances<const Q: usize> {
    right: [f32; Q],
    more: [f32; Q],
    past: f32,
    /// By which a contribution counts, from the product rule.
    factor: [f32; Q],
}

impl<const Q: usize> Chances<Q> {
    #[inline(always)]
    fn new(split: &Split, points: &[Point; Q]) -> Self {
        let share = split.left_share;
        let mut chances = Self { right: [0.0; Q], more: [0.0; Q], past: share as f32, factor: [1.0; Q] };
        for (q, Point { at, .. }) in points.iter().enumerate() {
            let rest = 1.0 - at;
            match split.earlier {
                None => {
                    chances.right[q] = (rest * share) as f32;
                    chances.more[q] = *at as f32;
                }
                Some(Earlier { share: before, .. }) => {
                    let per_passed = 1.0 / (at + rest * before);
                    chances.right[q] = (rest * before * share * per_passed) as f32;
                    chances.more[q] = (at * per_passed) as f32;
                    chances.factor[q] = (before * per_passed * per_passed) as f32;
                }
            }
        }
        chances
    }
}

impl Pass<'_> {
    #[inline(always)]
    fn run<V: Vector, const Q: usize>(&mut self, points: &[Point; Q]) {
        for (weight, point) in self.scratch.weight.iter_mut().zip(points) {
            *weight = [[point.weight as f32; WIDTH]; VECTORS];
        }
        for step in &self.program.steps {
            let (Step::Down(split) | Step::Up(split)) = *step;
            let split = &self.program.splits[split as usize];
            match (step, split.earlier) {
                (Step::Down(_), None) => self.down::<V, Q, false>(split, points),
                (Step::Down(_), Some(_)) => self.down::<V, Q, true>(split, points),
                (Step::Up(_), Some(_)) => self.up::<V, Q, true, ANY, ANY>(split, points),
                (Step::Up(_), None) => match split.children {
                    [Child::Leaf(_), Child::Leaf(_)] => self.up::<V, Q, false, LEAF, LEAF>(split, points),
                    [Child::Leaf(_), Child::Twig(_)] => self.up::<V, Q, false, LEAF, TWIG>(split, points),
                    [Child::Leaf(_), Child::Split] => self.up::<V, Q, false, LEAF, SPLIT>(split, points),
                    [Child::Twig(_), Child::Leaf(_)] => self.up::<V, Q, false, TWIG, LEAF>(split, points),
                    [Child::Twig(_), Child::Twig(_)] => self.up::<V, Q, false, TWIG, TWIG>(split, points),
                    [Child::Twig(_), Child::Split] => self.up::<V, Q, false, TWIG, SPLIT>(split, points),
                    [Child::Split, Child::Leaf(_)] => self.up::<V, Q, false, SPLIT, LEAF>(split, points),
                    [Child::Split, Child::Twig(_)] => self.up::<V, Q, false, SPLIT, TWIG>(split, points),
                    [Child::Split, Child::Split] => self.up::<V, Q, false, SPLIT, SPLIT>(split, points),
                },
            }
        }
    }

    #[inline(always)]
    fn goes_left<V: Vector>(&self, split: &Split, vector: usize) -> V {
        let bytes = self.lanes.lane(split.test.lane);
        let (bytes, _) = bytes[self.first_row..].as_chunks::<WIDTH>();
        V::is_below(&bytes[vector], split.test.bound)
    }

    #[inline(always)]
    fn passed<V: Vector>(&self, earlier: Earlier, vector: usize) -> V {
        let all = V::splat(f32::from_bits(u32::MAX));
        let went_left = V::load(&self.scratch.goes_left[earlier.depth][vector]);
        let passed = if earlier.right { all.and_not(went_left) } else { went_left };
        if earlier.repeated { passed.and(V::load(&self.scratch.passed[earlier.depth][vector])) } else { passed }
    }

    #[inline(always)]
    fn down<V: Vector, const Q: usize, const REPEATED: bool>(&mut self, split: &Split, points: &[Point; Q]) {
        let chances = Chances::new(split, points);
        let [to_left, to_right] = split.children.map(|child| child == Child::Split);
        for vector in 0..VECTORS {
            let goes_left: V = self.goes_left(split, vector);
            goes_left.store(&mut self.scratch.goes_left[split.depth][vector]);
            let mut passed = goes_left;
            if let (true, Some(earlier)) = (REPEATED, split.earlier) {
                passed = self.passed(earlier, vector);
                passed.store(&mut self.scratch.passed[split.depth][vector]);
            }
            let (above, below) = self.scratch.weight.split_at_mut(slot(split.depth, false) * Q);
            let own = &above[split.slot * Q..][..Q];
            let (left, right) = below.split_at_mut(Q);
            let (left, right) = (&mut left[..Q], &mut right[..Q]);
            for q in 0..Q {
                let chance = chance::<V, Q, REPEATED>(&chances, q, goes_left, passed);
                let own = V::load(&own[q][vector]);
                let leftwards = own * chance;
                if to_left {
                    leftwards.store(&mut left[q][vector]);
                }
                if to_right {
                    (own - leftwards).store(&mut right[q][vector]);
                }
            }
        }
    }

    #[inline(always)]
    fn up<V: Vector, const Q: usize, const REPEATED: bool, const LEFT: u8, const RIGHT: u8>(
        &mut self,
        split: &Split,
        points: &[Point; Q],
    ) {
        let chances = Chances::new(split, points);
        let left = Side::new::<LEFT>(split.children[0], self.program, points);
        let right = Side::new::<RIGHT>(split.children[1], self.program, points);
        let went_down = matches!(left, Side::Split) || matches!(right, Side::Split);
        let (share, one, zero) = (V::splat(split.left_share as f32), V::splat(1.0), V::splat(0.0));
        for vector in 0..VECTORS {
            let goes_left: V = if went_down {
                V::load(&self.scratch.goes_left[split.depth][vector])
            } else {
                self.goes_left(split, vector)
            };
            let passed = match split.earlier {
                Some(_) if REPEATED && went_down => V::load(&self.scratch.passed[split.depth][vector]),
                Some(earlier) if REPEATED => self.passed(earlier, vector),
                _ => goes_left,
            };
            let twigs: [V; 2] = [self.twig_goes_left(&left, vector), self.twig_goes_left(&right, vector)];
            let worth_left = self.worth::<V, Q>(&left, twigs[0], slot(split.depth, false), vector);
            let worth_right = self.worth::<V, Q>(&right, twigs[1], slot(split.depth, true), vector);
            let (mut sum, mut leftwards, mut rightwards) = (zero, zero, zero);
            let weight = &self.scratch.weight[split.slot * Q..][..Q];
            let worth = &mut self.scratch.worth[split.slot * Q..][..Q];
            for q in 0..Q {
                let chance = chance::<V, Q, REPEATED>(&chances, q, goes_left, passed);
                let weight = V::load(&weight[q][vector]);
                let difference = worth_left[q] - worth_right[q];
                (worth_right[q] + chance * difference).store(&mut worth[q][vector]);
                let gain = weight * difference;
                sum = sum + if REPEATED { gain * V::splat(chances.factor[q]) } else { gain };
                let to_left = weight * chance;
                leftwards = leftwards + to_left;
                rightwards = rightwards + (weight - to_left);
            }
            let change = one.and(goes_left) - share;
            let change = if REPEATED { change.and(passed) } else { change };
            (sum * change).add_to(&mut self.phi[split.feature as usize][vector]);
            self.add_twig(&left, twigs[0], leftwards, vector);
            self.add_twig(&right, twigs[1], rightwards, vector);
        }
    }

    #[inline(always)]
    fn twig_goes_left<V: Vector, const Q: usize>(&self, side: &Side<'_, Q>, vector: usize) -> V {
        if let Side::Twig { split, .. } = side { self.goes_left(split, vector) } else { V::splat(0.0) }
    }

    /// By point: the value expected of a row that goes to this side of a split.
    #[inline(always)]
    fn worth<V: Vector, const Q: usize>(
        &self,
        side: &Side<'_, Q>,
        twig_goes_left: V,
        slot: usize,
        vector: usize,
    ) -> [V; Q] {
        let mut worth = [V::splat(0.0); Q];
        // Loops, as a closure that is not inlined would not be compiled for the vectors.
        match side {
            Side::Leaf(value) => worth = [V::splat(*value); Q],
            Side::Twig { right, more, .. } => {
                for q in 0..Q {
                    worth[q] = V::splat(right[q]) + V::splat(more[q]).and(twig_goes_left);
                }
            }
            Side::Split => {
                for (worth, stored) in worth.iter_mut().zip(&self.scratch.worth[slot * Q..]) {
                    *worth = V::load(&stored[vector]);
                }
            }
        }
        worth
    }

    /// Adds the contribution of a twig that a row comes by with this probability, the points taken together.
    #[inline(always)]
    fn add_twig<V: Vector, const Q: usize>(&mut self, side: &Side<'_, Q>, goes_left: V, probability: V, vector: usize) {
        if let Side::Twig { split, difference, mean, .. } = side {
            let change = V::splat(*difference).and(goes_left) - V::splat(*mean);
            (probability * change).add_to(&mut self.phi[split.feature as usize][vector]);
        }
    }
}

/// The probability of going left.
#[inline(always)]
fn chance<V: Vector, const Q: usize, const REPEATED: bool>(
    chances: &Chances<Q>,
    q: usize,
    goes_left: V,
    passed: V,
) -> V {
    let chance = V::splat(chances.right[q]) + V::splat(chances.more[q]).and(goes_left);
    if REPEATED { chance.where_else(passed, V::splat(chances.past)) } else { chance }
}

/// What lies on one side of a split, with the numbers that all rows share.
enum Side<'a, const Q: usize> {
    Leaf(f32),
    Twig {
        split: &'a Split,
        /// By point: the value expected of a row that goes right.
        right: [f32; Q],
        /// What is added to it where the row goes left.
        more: [f32; Q],
        /// Left leaf less right leaf, and that times the share of training rows that went left.
        difference: f32,
        mean: f32,
    },
    Split,
}

/// What is known of a side before any row is looked at, so that no vector has to ask.
const ANY: u8 = 0;
const LEAF: u8 = 1;
const TWIG: u8 = 2;
const SPLIT: u8 = 3;

impl<'a, const Q: usize> Side<'a, Q> {
    #[inline(always)]
    fn new<const KIND: u8>(child: Child, program: &'a Program, points: &[Point; Q]) -> Self {
        match KIND {
            LEAF => Self::Leaf(child.value()),
            TWIG => Self::twig(child.split(program), points),
            SPLIT => Self::Split,
            _ => match child {
                Child::Leaf(value) => Self::Leaf(value),
                Child::Twig(_) => Self::twig(child.split(program), points),
                Child::Split => Self::Split,
            },
        }
    }

    #[inline(always)]
    fn twig(split: &'a Split, points: &[Point; Q]) -> Self {
        let [left_leaf, right_leaf] = split.children.map(Child::value);
        let (difference, chances) = (left_leaf - right_leaf, Chances::new(split, points));
        Self::Twig {
            split,
            right: chances.right.map(|chance| right_leaf + difference * chance),
            more: chances.more.map(|more| difference * more),
            difference,
            mean: difference * split.left_share as f32,
        }
    }
}
