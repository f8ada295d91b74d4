//! A tree as a list of steps over rows, with every number that the rows share worked out.

use super::quadrature::Point;
use crate::binning::{Answers, Binning, Test, TreeTests};
use crate::tree::{MAX_DEPTH, Tree};

/// What a tree does to the contributions of a block of rows, in the order in which the kernel does it.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// What has to stand in the lanes of the tree itself before its steps.
    pub(super) answers: Answers,
    pub(super) steps: Vec<Step>,
    pub(super) splits: Vec<Split>,
    pub(super) twigs: Vec<Twig>,
    /// Of the quadrature that is exact for this tree: how much each point counts.
    pub(super) weights: Vec<f32>,
    /// What splits and twigs need by point; each knows where its own begin.
    pub(super) choices: Vec<Choice>,
    /// By point, of splits with earlier ones on the same feature: by how much a contribution counts, from the product rule.
    pub(super) factors: Vec<f32>,
}

/// One step at a split, a position in [`Program::splits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// From a split to those of its children that are [`Child::Split`].
    Down(u32),
    /// From its children back to the split.
    Up(u32),
}

/// A number that depends on where the row goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    /// The number where it goes right.
    pub(super) right: f32,
    /// What is added where it goes left.
    pub(super) more: f32,
}

/// What lies on one side of a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Child {
    /// A leaf and its value.
    Leaf(f32),
    /// A position in [`Program::twigs`].
    Twig(u32),
    /// Any other split.
    Split,
}

/// A split on its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) test: Test,
    pub(super) feature: u32,
    pub(super) children: [Child; 2],
    /// The share of its training rows that went left.
    pub(super) left_share: f32,
    /// How many splits lie above.
    pub(super) depth: usize,
    /// Where the split finds its own weight and leaves its worth, see [`slot`].
    pub(super) slot: usize,
    /// Where the probabilities of going left begin in [`Program::choices`].
    pub(super) chances: usize,
    /// Where its factors begin in [`Program::factors`].
    pub(super) factors: usize,
    /// The nearest split above on the same feature.
    pub(super) earlier: Option<Earlier>,
}

/// What the splits above say about the feature of a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier {
    /// The depth of the nearest of them.
    pub(super) depth: usize,
    /// Whether the path leaves that one to the right.
    pub(super) right: bool,
    /// Whether there is yet another above it.
    pub(super) repeated: bool,
}

/// A split on a feature that the path has not met, both of whose children are leaves: it has no steps of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twig {
    pub(super) test: Test,
    pub(super) feature: u32,
    /// Where the values expected of a row begin in [`Program::choices`].
    pub(super) worths: usize,
    /// What a row that goes left is worth more than one that goes right.
    pub(super) difference: f32,
    /// The mean of that over the training rows, those that go right counted as 0.
    pub(super) mean: f32,
}

/// Where a child of a split keeps what belongs to it: slot 0 is the root's. A slot is used again once its subtree is done.
pub(super) fn slot(parent_depth: usize, right: bool) -> usize {
    1 + 2 * parent_depth + usize::from(right)
}

/// The number of slots of the deepest tree.
pub(super) const SLOTS: usize = 1 + 2 * MAX_DEPTH;

impl Program {
    /// The program of a tree of the ensemble that `binning` is of, with the exact one of the `rules`, which are sorted by their
    /// number of points; none for a tree of another ensemble.
    pub(super) fn new(tree: &Tree, binning: &Binning, rules: &[Vec<Point>]) -> Option<Self> {
        let points = rules.get(most_features_on_a_path(tree, 0, &mut Vec::new()).div_ceil(2))?;
        let program = Self {
            answers: Answers::default(),
            steps: Vec::new(),
            splits: Vec::with_capacity(tree.leaf_count() - 1),
            twigs: Vec::new(),
            weights: points.iter().map(|point| point.weight as f32).collect(),
            choices: Vec::new(),
            factors: Vec::new(),
        };
        let mut compiler = Compiler { tree, tests: binning.tests(tree), points, path: Vec::new(), program };
        if !tree.is_leaf(0) {
            compiler.visit(0, 0)?;
        }
        Some(Self { answers: compiler.tests.into_answers(), ..compiler.program })
    }
}

/// How many distinct features the path to a leaf has, at most: along it, the integrand is a polynomial whose degree is one less. The
/// recursion is bounded by the depth of a sound tree.
fn most_features_on_a_path(tree: &Tree, node: usize, path: &mut Vec<usize>) -> usize {
    if tree.is_leaf(node) {
        return path.len();
    }
    let is_new = !path.contains(&tree.feature(node));
    if is_new {
        path.push(tree.feature(node));
    }
    let [left, right] = tree.children(node).map(|child| most_features_on_a_path(tree, child, path));
    if is_new {
        path.pop();
    }
    left.max(right)
}

/// A split above, and how the path goes on from it.
struct OnPath {
    feature: u32,
    right: bool,
    repeated: bool,
    /// The share of training rows that this split and those above on the same feature let through.
    share: f64,
}

/// A program under way.
struct Compiler<'a> {
    tree: &'a Tree,
    tests: TreeTests<'a>,
    points: &'a [Point],
    path: Vec<OnPath>,
    program: Program,
}

impl Compiler<'_> {
    /// Appends a split, its steps and all below; the recursion is bounded by the depth of a sound tree.
    fn visit(&mut self, node: usize, own_slot: usize) -> Option<()> {
        let feature = self.tree.feature(node) as u32;
        let depth = self.path.len();
        let earlier = self.path.iter().enumerate().rev().find(|(_, above)| above.feature == feature);
        let before = earlier.map(|(_, above)| above.share);
        let earlier = earlier.map(|(depth, above)| Earlier { depth, right: above.right, repeated: above.repeated });
        let [left_share, right_share] = self.tree.child_shares(node);
        let split = self.program.splits.len();
        self.program.splits.push(Split {
            test: self.tests.test(node)?,
            feature,
            children: [Child::Split; 2],
            left_share: left_share as f32,
            depth,
            slot: own_slot,
            chances: self.program.choices.len(),
            factors: self.program.factors.len(),
            earlier,
        });
        self.push_chances(left_share, before);
        let down = self.program.steps.len();
        self.program.steps.push(Step::Down(split as u32));
        let sides = self.tree.children(node).into_iter().zip([left_share, right_share]).zip([false, true]);
        for ((child, share), right) in sides {
            let share = before.unwrap_or(1.0) * share;
            self.path.push(OnPath { feature, right, repeated: earlier.is_some(), share });
            self.program.splits[split].children[usize::from(right)] = self.child(child, slot(depth, right))?;
            self.path.pop();
        }
        if !self.program.splits[split].children.contains(&Child::Split) {
            self.program.steps.truncate(down);
        }
        self.program.steps.push(Step::Up(split as u32));
        Some(())
    }

    fn child(&mut self, node: usize, slot: usize) -> Option<Child> {
        if self.tree.is_leaf(node) {
            return Some(Child::Leaf(self.tree.value(node) as f32));
        }
        let feature = self.tree.feature(node) as u32;
        let has_only_leaves = self.tree.children(node).iter().all(|child| self.tree.is_leaf(*child));
        if has_only_leaves && self.path.iter().all(|above| above.feature != feature) {
            return self.twig(node);
        }
        self.visit(node, slot)?;
        Some(Child::Split)
    }

    fn twig(&mut self, node: usize) -> Option<Child> {
        let [left, right] = self.tree.children(node).map(|leaf| self.tree.value(leaf));
        let [left_share, _] = self.tree.child_shares(node);
        let difference = left - right;
        self.program.twigs.push(Twig {
            test: self.tests.test(node)?,
            feature: self.tree.feature(node) as u32,
            worths: self.program.choices.len(),
            difference: difference as f32,
            mean: (difference * left_share) as f32,
        });
        self.program.choices.extend(self.points.iter().map(|point| Choice {
            right: (right + difference * (1.0 - point.at) * left_share) as f32,
            more: (difference * point.at) as f32,
        }));
        Some(Child::Twig((self.program.twigs.len() - 1) as u32))
    }

    /// The probabilities of going left, for rows that the earlier splits on the feature let through; of training rows these were
    /// a share of `before`.
    fn push_chances(&mut self, left_share: f64, before: Option<f64>) {
        for Point { at, .. } in self.points {
            let rest = 1.0 - at;
            let choice = match before {
                None => Choice { right: (rest * left_share) as f32, more: *at as f32 },
                Some(before) => {
                    let per_passed = 1.0 / (at + rest * before);
                    self.program.factors.push((before * per_passed * per_passed) as f32);
                    Choice { right: (rest * before * left_share * per_passed) as f32, more: (at * per_passed) as f32 }
                }
            };
            self.program.choices.push(choice);
        }
    }
}
