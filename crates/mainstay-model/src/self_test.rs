//! The self-test of a kernel: which of the machine's instruction sets it runs on.
//!
//! Wider vectors are not always faster, and a processor's name does not say. So each set that the machine has runs the kernel on a
//! small fixed ensemble, once in a process and for about a millisecond, with as much again to make it ready. A set whose bits are not
//! those of the portable one is out; of the others the fastest wins. The choice decides about time alone: every set that may win
//! gives the same bits.

use std::sync::OnceLock;
use std::time::Instant;

use crate::calibration::Calibration;
use crate::column::{BLOCK_ROWS, Column};
use crate::condition::{CategorySet, Condition, Missing};
use crate::ensemble::{Ensemble, EnsembleParts, Feature, Link};
use crate::error::{ModelError, TreeError};
use crate::instructions::InstructionSet;
use crate::scorer::Scorer;
use crate::shapley::Explainer;
use crate::tree::{Node, Tree};

/// What became of each instruction set of this machine, the portable one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    trials: Vec<Trial>,
}

/// One instruction set under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The set.
    pub instructions: InstructionSet,
    /// What became of it.
    pub outcome: Outcome,
}

/// What becomes of an instruction set under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It gives the right bits, in this time: the least of some runs, which other work on the machine did not hinder.
    Nanoseconds(u64),
    /// It gives other bits than the portable one, and is never chosen.
    OtherBits,
}

/// Timed runs of each set.
const ROUNDS: usize = 9;
/// Rows of the test of contributions, which take many times as long as scores.
const EXPLAINED_ROWS: usize = 32;

impl SelfTest {
    /// The test of the kernel that scores, run by the first who asks.
    pub fn scoring() -> &'static Self {
        static TEST: OnceLock<SelfTest> = OnceLock::new();
        TEST.get_or_init(Self::of_scoring)
    }

    /// The test of the kernel that explains, run by the first who asks.
    pub fn contributions() -> &'static Self {
        static TEST: OnceLock<SelfTest> = OnceLock::new();
        TEST.get_or_init(Self::of_contributions)
    }

    /// The instructions to use.
    pub fn chosen(&self) -> InstructionSet {
        choose(&self.trials)
    }

    /// Each instruction set of this machine, the portable one first.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Whether a set of this machine gives other bits than the portable one.
    pub fn refuses(&self, instructions: InstructionSet) -> bool {
        self.trials.iter().any(|trial| trial.instructions == instructions && trial.outcome == Outcome::OtherBits)
    }

    fn of_scoring() -> Self {
        let values = columns(BLOCK_ROWS);
        let columns = &views(&values);
        let scorer = model(SCORED_TREES).map(|model| Scorer::with_instructions(&model, InstructionSet::PORTABLE)).ok();
        Self::of(BLOCK_ROWS, |instructions| {
            let scorer = scorer.as_ref()?.on(instructions);
            Some(Box::new(move |out: &mut [f64]| scorer.raw_scores(columns, out)))
        })
    }

    fn of_contributions() -> Self {
        let values = columns(EXPLAINED_ROWS);
        let columns = &views(&values);
        let explainer = model(EXPLAINED_TREES)
            .and_then(|model| Explainer::with_instructions(&model, InstructionSet::PORTABLE))
            .ok();
        Self::of(EXPLAINED_ROWS * FEATURES, |instructions| {
            let explainer = explainer.as_ref()?.on(instructions);
            Some(Box::new(move |out: &mut [f64]| explainer.contributions(columns, out)))
        })
    }

    /// Runs what `kernel` makes for each instruction set, in turns, so that what else the machine does falls on all of them.
    fn of<'a>(places: usize, kernel: impl Fn(InstructionSet) -> Option<Run<'a>>) -> Self {
        let mut expected = None;
        let mut runners = Vec::new();
        for instructions in InstructionSet::available() {
            let mut out = vec![0.0; places];
            let run = kernel(instructions).and_then(|mut run| run(&mut out).ok().map(|()| run));
            let bits: Vec<u64> = out.iter().map(|value| value.to_bits()).collect();
            let is_right = *expected.get_or_insert_with(|| bits.clone()) == bits;
            runners.push((instructions, run.filter(|_| is_right), Vec::with_capacity(ROUNDS)));
        }
        let mut out = vec![0.0; places];
        for _ in 0..ROUNDS {
            for (_, run, nanoseconds) in &mut runners {
                let start = Instant::now();
                if run.as_mut().is_some_and(|run| run(&mut out).is_ok()) {
                    nanoseconds.push(start.elapsed().as_nanos() as u64);
                }
            }
        }
        let trials = runners.into_iter().map(|(instructions, _, nanoseconds)| {
            let least = nanoseconds.into_iter().min();
            Trial { instructions, outcome: least.map_or(Outcome::OtherBits, Outcome::Nanoseconds) }
        });
        Self { trials: trials.collect() }
    }
}

/// Writes scores or contributions of the test's rows.
type Run<'a> = Box<dyn FnMut(&mut [f64]) -> Result<(), ModelError> + 'a>;

/// The fastest set with the right bits. A later one of the trials, which is wider and less well known, has to be faster by a tenth.
fn choose(trials: &[Trial]) -> InstructionSet {
    let mut chosen = (InstructionSet::PORTABLE, None);
    for trial in trials {
        if let Outcome::Nanoseconds(time) = trial.outcome
            && chosen.1.is_none_or(|best| u128::from(time) * 10 < u128::from(best) * 9)
        {
            chosen = (trial.instructions, Some(time));
        }
    }
    chosen.0
}

// Few features and many trees, so that binning the rows is a small part of the time.
const SCORED_TREES: u64 = 48;
const EXPLAINED_TREES: u64 = 16;
const FEATURES: usize = 3;
const SPLITS: u64 = 31;

/// Trees of 32 leaves with thresholds and categories.
fn model(trees: u64) -> Result<Ensemble, ModelError> {
    let trees =
        (0..trees).map(|number| tree(number).map_err(|source| ModelError::Tree { tree: number as usize, source }));
    Ensemble::new(EnsembleParts {
        features: (0..FEATURES).map(|feature| Feature::new(feature.to_string())).collect(),
        trees: trees.collect::<Result<_, _>>()?,
        bias: 0.1,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
}

fn tree(number: u64) -> Result<Tree, TreeError> {
    let node = |at: u64| {
        let cover = 1.0 / f64::from(1u32 << (at + 1).ilog2());
        let [kind, feature, value, direction] = [0, 1, 2, 3].map(|what| scattered(number << 16 | at << 4 | what));
        if at >= SPLITS {
            return Node::Leaf { value: (value % 2001) as f64 / 1000.0 - 1.0, cover };
        }
        let condition = match kind % 8 {
            0 => Condition::OneOf(CategorySet::of_small((0..10).filter(|code| value >> code & 1 == 1))),
            _ => Condition::Below((value % 1000) as f64 / 100.0),
        };
        let (left, right) = (2 * at as u32 + 1, 2 * at as u32 + 2);
        let (feature, default_left) = ((feature % FEATURES as u64) as u32, direction % 2 == 0);
        Node::Split { feature, condition, missing: Missing::Nan, default_left, left, right, cover }
    };
    Tree::new(&(0..2 * SPLITS + 1).map(node).collect::<Vec<_>>())
}

/// Between 0 and 10, one in eight missing.
fn columns(rows: usize) -> Vec<Vec<f64>> {
    let value = |at: u64| match scattered(at) {
        number if number % 8 == 0 => f64::NAN,
        number => (number % 1000) as f64 / 100.0,
    };
    (0..FEATURES as u64).map(|feature| (0..rows as u64).map(|row| value(feature << 32 | row)).collect()).collect()
}

fn views(columns: &[Vec<f64>]) -> Vec<Column<'_>> {
    columns.iter().map(|column| Column::new(&column[..])).collect()
}

/// The finalizer of MurmurHash3, without its lowest bits.
fn scattered(number: u64) -> u64 {
    let number = (number ^ number >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ number >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (number ^ number >> 33) >> 8
}

#[cfg(test)]
mod tests;
