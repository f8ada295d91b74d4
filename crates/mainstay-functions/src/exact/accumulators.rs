//! Tallies as DataFusion's accumulators: of all rows, of a sliding window, of many groups.

use std::fmt;
use std::slice;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryBuilder};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::exact_sum::Sign;
use super::tally::{Distinct, Tally, merge_state};
use crate::kept_rows::for_each_kept;

/// Results from tallies, one a group.
pub(crate) type Finish<T> = Arc<dyn Fn(&[T]) -> Result<ArrayRef> + Send + Sync>;

/// An aggregate of one type of rows, ready to be accumulated in every way that a plan may ask for.
pub(crate) trait Aggregation {
    /// The type of what partitions pass to each other.
    fn state_type(&self) -> DataType;

    /// Over all rows, or over a window that slides.
    fn accumulator(self: Box<Self>) -> Box<dyn Accumulator>;

    /// Over many groups at once.
    fn groups(self: Box<Self>) -> Box<dyn GroupsAccumulator>;
}

/// The aggregate that `finish` makes of a tally, of all rows or of the distinct ones.
pub(crate) fn aggregation<T: Tally>(finish: Finish<T>, is_distinct: bool) -> Box<dyn Aggregation> {
    if is_distinct {
        let of_distinct = move |groups: &[Distinct<T>]| finish(&groups.iter().map(Distinct::tally).collect::<Vec<_>>());
        return Box::new(ByTally { finish: Arc::new(of_distinct) });
    }
    Box::new(ByTally { finish })
}

struct ByTally<T> {
    finish: Finish<T>,
}

impl<T: Tally> Aggregation for ByTally<T> {
    fn state_type(&self) -> DataType {
        T::ENCODED_BYTES.map_or(DataType::LargeBinary, DataType::FixedSizeBinary)
    }

    fn accumulator(self: Box<Self>) -> Box<dyn Accumulator> {
        Box::new(OneTally { tally: T::default(), finish: self.finish })
    }

    fn groups(self: Box<Self>) -> Box<dyn GroupsAccumulator> {
        Box::new(TallyByGroup { tallies: Vec::new(), finish: self.finish, heap_bytes: 0, rows_since_measured: 0 })
    }
}

struct OneTally<T> {
    tally: T,
    finish: Finish<T>,
}

impl<T: Tally> fmt::Debug for OneTally<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tally.fmt(f)
    }
}

impl<T: Tally> OneTally<T> {
    fn count(&mut self, values: &[ArrayRef], sign: Sign) -> Result<()> {
        let row = T::read(values)?;
        (0..values[0].len()).filter_map(row).for_each(|row| self.tally.count(row, sign));
        Ok(())
    }
}

impl<T: Tally> Accumulator for OneTally<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(values, Sign::Plus)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(values, Sign::Minus)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&encode(slice::from_ref(&self.tally))?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        merge(&states[0], slice::from_mut(&mut self.tally), |_| 0)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&(self.finish)(slice::from_ref(&self.tally))?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.tally.heap_size()
    }
}

struct TallyByGroup<T> {
    tallies: Vec<T>,
    finish: Finish<T>,
    heap_bytes: usize,
    rows_since_measured: usize,
}

impl<T: Tally> TallyByGroup<T> {
    fn grow(&mut self, groups: usize) {
        self.tallies.resize_with(groups.max(self.tallies.len()), T::default);
    }

    /// Measures the tallies again once there have been as many rows as groups: a row pays for the look at one group.
    fn measure(&mut self, rows: usize) {
        self.rows_since_measured += rows;
        if self.rows_since_measured >= self.tallies.len() {
            self.rows_since_measured = 0;
            self.heap_bytes = heap_size(&self.tallies);
        }
    }

    fn emit(&mut self, emit_to: EmitTo) -> Vec<T> {
        let emitted = emit_to.take_needed(&mut self.tallies);
        self.heap_bytes = self.heap_bytes.saturating_sub(heap_size(&emitted));
        emitted
    }
}

impl<T: Tally> GroupsAccumulator for TallyByGroup<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let row = T::read(values)?;
        for_each_kept(opt_filter, group_indices.len(), |index| {
            if let Some(row) = row(index) {
                self.tallies[group_indices[index]].count(row, Sign::Plus);
            }
        });
        self.measure(group_indices.len());
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        merge(&values[0], &mut self.tallies, |index| group_indices[index])?;
        self.measure(group_indices.len());
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let tallies = self.emit(emit_to);
        (self.finish)(&tallies)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![encode(&self.emit(emit_to))?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let row = T::read(values)?;
        let mut tallies: Vec<T> = Vec::new();
        tallies.resize_with(values[0].len(), T::default);
        for_each_kept(opt_filter, values[0].len(), |index| {
            if let Some(row) = row(index) {
                tallies[index].count(row, Sign::Plus);
            }
        });
        Ok(vec![encode(&tallies)?])
    }

    fn size(&self) -> usize {
        self.tallies.capacity() * size_of::<T>() + self.heap_bytes
    }
}

fn heap_size(tallies: &[impl Tally]) -> usize {
    tallies.iter().map(Tally::heap_size).sum()
}

fn encode<T: Tally>(tallies: &[T]) -> Result<ArrayRef> {
    if let Some(width) = T::ENCODED_BYTES {
        let mut bytes = Vec::with_capacity(tallies.len() * width.unsigned_abs() as usize);
        tallies.iter().for_each(|tally| tally.encode(&mut bytes));
        return Ok(Arc::new(FixedSizeBinaryArray::try_new(width, Buffer::from_vec(bytes), None)?));
    }
    let mut states = LargeBinaryBuilder::with_capacity(tallies.len(), size_of_val(tallies));
    let mut bytes = Vec::new();
    for tally in tallies {
        bytes.clear();
        tally.encode(&mut bytes);
        states.append_value(&bytes);
    }
    Ok(Arc::new(states.finish()))
}

/// Adds encoded tallies to those of `tallies` that they belong to.
fn merge<T: Tally>(states: &ArrayRef, tallies: &mut [T], group: impl Fn(usize) -> usize) -> Result<()> {
    let merge = |(index, state): (usize, Option<&[u8]>)| match state {
        Some(state) => merge_state(&mut tallies[group(index)], state),
        None => Ok(()),
    };
    match T::ENCODED_BYTES {
        Some(_) => states.as_fixed_size_binary().iter().enumerate().try_for_each(merge),
        None => states.as_binary::<i64>().iter().enumerate().try_for_each(merge),
    }
}
