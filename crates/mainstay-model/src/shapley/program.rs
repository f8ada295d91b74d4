//! A tree as a list of steps over rows.

use crate::binning::{Binning, Test};
use crate::tree::{MAX_DEPTH, Tree};

/// What a tree does to the contributions of a block of rows, in the order in which the kernel does it.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) splits: Vec<Split>,
    /// How many points make the quadrature exact.
    pub(super) points: usize,
}

/// One step at a split, a position in [`Program::splits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// From a split to those of its children that are [`Child::Split`].
    Down(u32),
    /// From its children back to the split.
    Up(u32),
}

/// What lies on one side of a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Child {
    /// A leaf and its value.
    Leaf(f32),
    /// A split on a feature that the path has not met, both of whose children are leaves: it has no steps of its own.
    Twig(u32),
    /// Any other split.
    Split,
}

impl Child {
    /// The value of a leaf, of others 0.
    #[inline(always)]
    pub(super) fn value(self) -> f32 {
        if let Self::Leaf(value) = self { value } else { 0.0 }
    }

    /// The split of a twig, of others the root.
    #[inline(always)]
    pub(super) fn split(self, program: &Program) -> &Split {
        &program.splits[if let Self::Twig(split) = self { split as usize } else { 0 }]
    }
}

/// A split on its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) test: Test,
    pub(super) feature: u32,
    pub(super) children: [Child; 2],
    /// The share of its training rows that went left.
    pub(super) left_share: f64,
    /// How many splits lie above.
    pub(super) depth: usize,
    /// Where the split finds its own weight and leaves its worth, see [`slot`].
    pub(super) slot: usize,
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
    /// The share of training rows that all of them let through.
    pub(super) share: f64,
}

/// Where a child of a split keeps what belongs to it: slot 0 is the root's. A slot is used again once its subtree is done.
pub(super) fn slot(parent_depth: usize, right: bool) -> usize {
    1 + 2 * parent_depth + usize::from(right)
}

/// The number of slots of the deepest tree.
pub(super) const SLOTS: usize = 1 + 2 * MAX_DEPTH;

impl Program {
    /// The program of a tree of the ensemble that `binning` is of; none for a tree of another.
    pub(super) fn new(tree: &Tree, binning: &Binning) -> Option<Self> {
        let program = Self { steps: Vec::new(), splits: Vec::with_capacity(tree.leaf_count() - 1), points: 0 };
        let mut compiler = Compiler { tree, binning, path: Vec::new(), program };
        if !tree.is_leaf(0) {
            let root = compiler.push_split(0, 0)?;
            compiler.visit(0, root)?;
        }
        Some(compiler.program)
    }
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
    binning: &'a Binning,
    path: Vec<OnPath>,
    program: Program,
}

impl Compiler<'_> {
    /// Registers a split at the end of the path; those of its children that are splits are told by [`Self::visit`].
    fn push_split(&mut self, node: usize, slot: usize) -> Option<usize> {
        let feature = self.tree.feature(node) as u32;
        let earlier = self.path.iter().enumerate().rev().find(|(_, above)| above.feature == feature);
        self.program.splits.push(Split {
            test: self.binning.test(self.tree, node)?,
            feature,
            children: self.tree.children(node).map(|child| Child::Leaf(self.tree.value(child) as f32)),
            left_share: self.tree.child_shares(node)[0],
            depth: self.path.len(),
            slot,
            earlier: earlier.map(|(depth, above)| Earlier {
                depth,
                right: above.right,
                repeated: above.repeated,
                share: above.share,
            }),
        });
        Some(self.program.splits.len() - 1)
    }

    /// Appends the steps of a split and of all below; the recursion is bounded by the depth of a sound tree.
    fn visit(&mut self, node: usize, split: usize) -> Option<()> {
        let Split { feature, depth, earlier, .. } = self.program.splits[split];
        let before = earlier.map_or(1.0, |earlier| earlier.share);
        let down = self.program.steps.len();
        self.program.steps.push(Step::Down(split as u32));
        let sides = self.tree.children(node).into_iter().zip(self.tree.child_shares(node)).zip([false, true]);
        for ((child, share), right) in sides {
            self.path.push(OnPath { feature, right, repeated: earlier.is_some(), share: before * share });
            if self.tree.is_leaf(child) {
                self.reach_leaf();
            } else {
                self.program.splits[split].children[usize::from(right)] = self.child(child, slot(depth, right))?;
            }
            self.path.pop();
        }
        if !self.program.splits[split].children.contains(&Child::Split) {
            self.program.steps.truncate(down);
        }
        self.program.steps.push(Step::Up(split as u32));
        Some(())
    }

    fn child(&mut self, node: usize, slot: usize) -> Option<Child> {
        let split = self.push_split(node, slot)?;
        let Split { feature, earlier, .. } = self.program.splits[split];
        let has_only_leaves = self.tree.children(node).iter().all(|child| self.tree.is_leaf(*child));
        if has_only_leaves && earlier.is_none() {
            self.path.push(OnPath { feature, right: false, repeated: false, share: 1.0 });
            self.reach_leaf();
            self.path.pop();
            return Some(Child::Twig(split as u32));
        }
        self.visit(node, split)?;
        Some(Child::Split)
    }

    /// Sees to it that there are points enough for a leaf at the end of the path: along it, the integrand is a polynomial whose
    /// degree is one less than the number of distinct features.
    fn reach_leaf(&mut self) {
        let distinct = self.path.iter().filter(|above| !above.repeated).count();
        self.program.points = self.program.points.max(distinct.div_ceil(2));
    }
}
