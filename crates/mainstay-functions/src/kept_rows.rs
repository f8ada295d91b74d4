//! The rows of a batch that the filter of an aggregate keeps.

use arrow::array::{Array, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};

/// Calls a function with each of so many rows for which the filter is true; without a filter with all.
pub(crate) fn for_each_kept(filter: Option<&BooleanArray>, rows: usize, each: impl FnMut(usize)) {
    match filter {
        None => (0..rows).for_each(each),
        Some(filter) => is_true(filter).set_indices().for_each(each),
    }
}

/// Where a condition is true: neither false nor null.
pub(crate) fn is_true(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls().map(NullBuffer::inner) {
        Some(valid) => condition.values() & valid,
        None => condition.values().clone(),
    }
}
