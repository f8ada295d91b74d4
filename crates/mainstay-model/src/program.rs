//! Trees as straight-line programs over the lanes of a block.
//!
//! All splits of a tree are asked for many rows at once, and each row's leaf is found from the bottom up: the leaf below a split is
//! the leaf below the child that the row goes to. There is no branch on data, so that a vector of rows takes the same steps.
//! Trees of more than [`MAX_LEAVES`] leaves are walked row by row instead.

use crate::binning::{Answers, Binning, Test, TreeTests};
use crate::ensemble::Ensemble;
use crate::tree::Tree;

/// The greatest number of leaves of a tree that becomes a program: a leaf's number fits a byte.
pub(crate) const MAX_LEAVES: usize = 256;
/// How many cells there can be, a power of two: one for each leaf, and more than one for each subtree of two or three leaves.
pub(crate) const CELLS: usize = 2 * MAX_LEAVES;

/// The trees of an ensemble in its order.
///
/// A program computes *cells*, each the number of a leaf for each row of a block. Cell i below [`MAX_LEAVES`] is i for all rows.
/// The quads write the cells from there on, the pairs the cells from the last one downwards, and a merge one of the two that it
/// reads. The parts of all programs stand one after the other, in the order in which they are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    pub(crate) trees: Vec<TreeProgram>,
    /// Subtrees of two levels.
    pub(crate) quads: Vec<Quad>,
    /// The other splits above two leaves.
    pub(crate) pairs: Vec<Pair>,
    /// The other splits, each after those below it.
    pub(crate) merges: Vec<Merge>,
    /// What each leaf adds to the margin, by its number; filled up so that [`MAX_LEAVES`] can be read from each tree's first on.
    pub(crate) leaves: Vec<f64>,
}

/// How one tree is scored.
#[derive(Debug, Clone)]
pub(crate) struct TreeProgram {
    /// What has to stand in the lanes of the tree itself before its steps.
    pub(crate) answers: Answers,
    pub(crate) steps: TreeSteps,
}

#[derive(Debug, Clone)]
pub(crate) enum TreeSteps {
    Steps(Steps),
    Walk(Walk),
}

/// How many parts of each kind are one tree's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) quads: u16,
    pub(crate) pairs: u16,
    pub(crate) merges: u16,
    pub(crate) leaves: u16,
    /// The cell of the root.
    pub(crate) end: u16,
}

/// A split above two leaves: a row ends in `leaf` where it goes left, in the one after it where it goes right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) test: Test,
    pub(crate) leaf: u8,
}

/// A split above two pairs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quad {
    pub(crate) test: Test,
    pub(crate) left: Pair,
    pub(crate) right: Pair,
}

/// A split above two cells: the cell `out` becomes what its side says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merge {
    pub(crate) test: Test,
    pub(crate) left: u16,
    pub(crate) right: u16,
    pub(crate) out: u16,
}

/// A tree of many leaves, root first. A child below the number of splits is a split, another minus that number a leaf.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    splits: Vec<(Test, [u32; 2])>,
    leaves: Vec<f64>,
}

impl Programs {
    /// The programs of an ensemble, unless its questions do not fit the lanes of a block.
    pub(crate) fn new(model: &Ensemble, binning: &Binning) -> Option<Self> {
        let mut programs = Self::default();
        for tree in model.trees() {
            let mut tests = binning.tests(tree);
            let steps = if tree.leaf_count() > MAX_LEAVES {
                TreeSteps::Walk(Walk::new(tree, &mut tests)?)
            } else {
                TreeSteps::Steps(programs.write(tree, &mut tests)?)
            };
            programs.trees.push(TreeProgram { answers: tests.into_answers(), steps });
        }
        programs.leaves.resize(programs.leaves.len() + MAX_LEAVES, 0.0);
        Some(programs)
    }

    fn write(&mut self, tree: &Tree, tests: &mut TreeTests<'_>) -> Option<Steps> {
        let leaves = tree.leaf_count();
        let (quads, pairs, merges) = (self.quads.len(), self.pairs.len(), self.merges.len());
        let first_leaf = self.leaves.len();
        self.leaves.resize(first_leaf + leaves, 0.0);
        let mut writer = Writer { tree, tests, programs: self, quads, pairs, first_leaf, singles: 0, paired: leaves };
        let root = writer.read(0)?;
        let end = writer.cell(root);
        let count = |all: usize, before: usize| (all - before) as u16;
        Some(Steps {
            quads: count(self.quads.len(), quads),
            pairs: count(self.pairs.len(), pairs),
            merges: count(self.merges.len(), merges),
            leaves: leaves as u16,
            end,
        })
    }
}

/// A subtree that has been read.
#[derive(Debug, Clone, Copy)]
enum Subtree {
    Small(Small),
    /// Where rows end stands in this cell.
    Cell(u16),
}

/// A subtree whose parent decides what becomes of it.
#[derive(Debug, Clone, Copy)]
enum Small {
    /// A leaf, not yet numbered.
    Leaf(f64),
    /// Two leaves, not yet part of the program.
    Pair(Pair),
}

/// Numbers the leaves from both ends: those that merges read from 0 on, because each has a cell of its own and few cells stay in
/// the cache, those of pairs and quads from the last one downwards.
struct Writer<'a, 'b> {
    tree: &'a Tree,
    tests: &'a mut TreeTests<'b>,
    programs: &'a mut Programs,
    /// Where the parts of this tree begin.
    quads: usize,
    pairs: usize,
    first_leaf: usize,
    /// Numbers below are taken.
    singles: usize,
    /// Numbers from here on are taken.
    paired: usize,
}

impl Writer<'_, '_> {
    /// Children before parents; the greatest depth of a tree bounds the recursion.
    fn read(&mut self, node: usize) -> Option<Subtree> {
        if self.tree.is_leaf(node) {
            return Some(Subtree::Small(Small::Leaf(self.tree.value(node))));
        }
        let [left, right] = self.tree.children(node);
        let (left, right) = (self.read(left)?, self.read(right)?);
        let test = self.tests.test(node)?;
        Some(match (left, right) {
            (Subtree::Small(Small::Leaf(left)), Subtree::Small(Small::Leaf(right))) => {
                Subtree::Small(Small::Pair(Pair { test, leaf: self.number_paired(&[left, right]) }))
            }
            (Subtree::Small(left), Subtree::Small(right)) => self.quad(test, left, right),
            (left, right) => self.merge(test, left, right),
        })
    }

    fn quad(&mut self, test: Test, left: Small, right: Small) -> Subtree {
        let mut pair = |side| match side {
            Small::Pair(pair) => pair,
            Small::Leaf(value) => {
                // No byte is below the least: every row goes right, to the leaf.
                let nowhere = Test { bound: i8::MIN, ..test };
                Pair { test: nowhere, leaf: self.number_paired(&[value]).wrapping_sub(1) }
            }
        };
        let quad = Quad { test, left: pair(left), right: pair(right) };
        self.programs.quads.push(quad);
        Subtree::Cell((MAX_LEAVES + self.programs.quads.len() - self.quads - 1) as u16)
    }

    fn merge(&mut self, test: Test, left: Subtree, right: Subtree) -> Subtree {
        let (left, right) = (self.cell(left), self.cell(right));
        // One of them at least is no leaf's.
        let out = left.max(right);
        self.programs.merges.push(Merge { test, left, right, out });
        Subtree::Cell(out)
    }

    fn cell(&mut self, subtree: Subtree) -> u16 {
        match subtree {
            Subtree::Small(Small::Leaf(value)) => {
                self.programs.leaves[self.first_leaf + self.singles] = value;
                self.singles += 1;
                (self.singles - 1) as u16
            }
            Subtree::Small(Small::Pair(pair)) => {
                self.programs.pairs.push(pair);
                (CELLS - (self.programs.pairs.len() - self.pairs)) as u16
            }
            Subtree::Cell(cell) => cell,
        }
    }

    /// The number of the first of these leaves.
    fn number_paired(&mut self, values: &[f64]) -> u8 {
        self.paired -= values.len();
        self.programs.leaves[self.first_leaf + self.paired..][..values.len()].copy_from_slice(values);
        self.paired as u8
    }
}

impl Walk {
    fn new(tree: &Tree, tests: &mut TreeTests<'_>) -> Option<Self> {
        let splits = tree.node_count() - tree.leaf_count();
        let mut places = vec![0; tree.node_count()];
        let (mut next_split, mut next_leaf) = (0, splits as u32);
        let mut leaves = Vec::with_capacity(tree.leaf_count());
        for (node, place) in places.iter_mut().enumerate() {
            let next = if tree.is_leaf(node) { &mut next_leaf } else { &mut next_split };
            *place = *next;
            *next += 1;
            if tree.is_leaf(node) {
                leaves.push(tree.value(node));
            }
        }
        let split = |node| Some((tests.test(node)?, tree.children(node).map(|child| places[child])));
        Some(Self { splits: tree.splits().map(split).collect::<Option<_>>()?, leaves })
    }

    /// What the tree adds to the margin of a row, given by a function from lane to byte.
    #[inline(always)]
    pub(crate) fn margin(&self, byte_of: impl Fn(u16) -> i8) -> f64 {
        let mut at = 0;
        while let Some((test, [left, right])) = self.splits.get(at) {
            at = if byte_of(test.lane) < test.bound { *left } else { *right } as usize;
        }
        self.leaves[at - self.splits.len()]
    }
}
