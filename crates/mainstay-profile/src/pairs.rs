//! Columns that say the same: compared row by row, given up once they differ too often.

use arrow::array::ArrayRef;
use arrow::compute::kernels::cmp::distinct;
use arrow::error::ArrowError;

use crate::value_kind::ValueKind;

/// Two columns that differ in fewer rows than one of so many say the same.
const ONE_OF: u64 = 100;

/// How often two columns differ.
#[derive(Debug, Clone)]
struct Pair {
    columns: [usize; 2],
    differing: u64,
}

/// The pairs of columns of one kind that have not differed too often yet.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    pairs: Vec<Pair>,
    may_differ: u64,
}

impl Pairs {
    /// All pairs of columns of one kind, of a table with so many rows.
    pub(crate) fn new(kinds: &[ValueKind], rows: u64) -> Self {
        let comparable = |kind: &ValueKind| !matches!(kind, ValueKind::Other | ValueKind::Boolean);
        let mut pairs = Vec::new();
        for (first, kind) in kinds.iter().enumerate().filter(|(_, kind)| comparable(kind)) {
            let like = kinds.iter().enumerate().skip(first + 1).filter(|(_, other)| *other == kind);
            pairs.extend(like.map(|(second, _)| Pair { columns: [first, second], differing: 0 }));
        }
        Self { pairs, may_differ: rows / ONE_OF }
    }

    /// Compares the columns of a batch, which are of the type of their kind.
    pub(crate) fn add(&mut self, columns: &[ArrayRef]) -> Result<(), ArrowError> {
        for pair in &mut self.pairs {
            let [Some(first), Some(second)] = pair.columns.map(|column| columns.get(column)) else { continue };
            pair.differing += distinct(first, second)?.true_count() as u64;
        }
        self.give_up();
        Ok(())
    }

    /// Whatever parts the rows came in, the pairs that are left are the same: their counts only grow.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.pairs.retain_mut(|pair| match other.pairs.iter().find(|of| of.columns == pair.columns) {
            Some(same) => {
                pair.differing += same.differing;
                true
            }
            None => false,
        });
        self.give_up();
    }

    fn give_up(&mut self) {
        let may_differ = self.may_differ;
        self.pairs.retain(|pair| pair.differing <= may_differ);
    }

    /// The pairs that say the same, each with how many rows differ.
    pub(crate) fn alike(&self) -> impl Iterator<Item = ([usize; 2], u64)> {
        self.pairs.iter().map(|pair| (pair.columns, pair.differing))
    }
}
