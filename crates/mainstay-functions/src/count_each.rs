//! Counts of many conditions in one aggregate.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, StructArray};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::util::bit_chunk_iterator::BitChunks;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use crate::kept_rows::is_true;

/// `count_each(c0, c1, ...)`: a struct of the fields `0`, `1` and so on, bigints that say for how many rows each condition is true.
///
/// What `count(*) filter (where c)` says of one condition. The counts of a group lie side by side in memory, so that a row touches
/// one or two lines of the cache where as many aggregates of their own would touch one each.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CountEach {
    signature: Signature,
}

impl Default for CountEach {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl CountEach {
    /// The field that counts the condition of this position.
    pub fn field(position: usize) -> String {
        position.to_string()
    }
}

fn refuse_distinct(is_distinct: bool) -> Result<()> {
    match is_distinct {
        false => Ok(()),
        true => Err(DataFusionError::Plan("count_each() counts rows: leave out its `distinct`".to_owned())),
    }
}

fn fields(conditions: usize) -> Fields {
    (0..conditions).map(|position| Field::new(CountEach::field(position), DataType::Int64, false)).collect()
}

impl AggregateUDFImpl for CountEach {
    fn name(&self) -> &str {
        "count_each"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let is_condition = |given: &DataType| matches!(given, DataType::Boolean | DataType::Null);
        match arg_types.iter().find(|given| !is_condition(given)) {
            None if !arg_types.is_empty() => Ok(vec![DataType::Boolean; arg_types.len()]),
            None => Err(DataFusionError::Plan("count_each() needs a condition: name at least one".to_owned())),
            Some(other) => Err(DataFusionError::Plan(format!(
                "count_each() counts conditions, but one of its arguments is {other}: compare it with something"
            ))),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(arg_types.len())))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        match data_type {
            DataType::Struct(fields) => Accumulator::evaluate(&mut Counts::new(fields.len()).grown(1)),
            _ => ScalarValue::try_from(data_type),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        refuse_distinct(args.is_distinct)?;
        let width = (args.input_fields.len() * size_of::<i64>()) as i32;
        let name = format_state_name(args.name, "counts");
        Ok(vec![Arc::new(Field::new(name, DataType::FixedSizeBinary(width), false))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        refuse_distinct(args.is_distinct)?;
        Ok(Box::new(Counts::new(args.exprs.len()).grown(1)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        refuse_distinct(args.is_distinct)?;
        Ok(Box::new(Counts::new(args.exprs.len())))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

/// The counts of all groups, those of one behind those of another.
#[derive(Debug)]
struct Counts {
    conditions: usize,
    counts: Vec<i64>,
}

/// Rows that are counted together: their groups stay in the cache for all conditions.
const BLOCK: usize = u64::BITS as usize;

impl Counts {
    fn new(conditions: usize) -> Self {
        Self { conditions, counts: Vec::new() }
    }

    fn grown(mut self, groups: usize) -> Self {
        self.grow(groups);
        self
    }

    fn grow(&mut self, groups: usize) {
        self.counts.resize(self.counts.len().max(groups * self.conditions), 0);
    }

    fn count(&mut self, conditions: &[BooleanBuffer], group: impl Fn(usize) -> usize) {
        let rows = conditions.first().map_or(0, BooleanBuffer::len);
        let chunks: Vec<BitChunks> = conditions.iter().map(BooleanBuffer::bit_chunks).collect();
        let mut words: Vec<_> = chunks.iter().map(BitChunks::iter_padded).collect();
        for first in (0..rows).step_by(BLOCK) {
            for (position, words) in words.iter_mut().enumerate() {
                let mut word = words.next().unwrap_or_default();
                while word != 0 {
                    let row = first + word.trailing_zeros() as usize;
                    self.counts[group(row) * self.conditions + position] += 1;
                    word &= word - 1;
                }
            }
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let states = states[0].as_fixed_size_binary();
        let width = self.conditions * size_of::<i64>();
        if states.value_length() as usize != width {
            return Err(DataFusionError::Internal("the state of count_each() has another width".to_owned()));
        }
        for (row, state) in states.values().chunks_exact(width).enumerate() {
            let first = group(row) * self.conditions;
            let counts = self.counts[first..first + self.conditions].iter_mut();
            for (count, added) in counts.zip(state.as_chunks().0) {
                *count += i64::from_le_bytes(*added);
            }
        }
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Vec<i64> {
        let emit_to = match emit_to {
            EmitTo::All => EmitTo::All,
            EmitTo::First(groups) => EmitTo::First(groups * self.conditions),
        };
        emit_to.take_needed(&mut self.counts)
    }

    fn structs(&self, counts: &[i64]) -> Result<ArrayRef> {
        let of_condition =
            |position| counts.iter().skip(position).step_by(self.conditions).copied().collect::<Int64Array>();
        let columns = (0..self.conditions).map(|position| Arc::new(of_condition(position)) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new(fields(self.conditions), columns, None)?))
    }
}

/// Where each condition is true, and the row is kept.
fn conditions(values: &[ArrayRef], filter: Option<&BooleanArray>) -> Vec<BooleanBuffer> {
    let kept = filter.map(is_true);
    let values = values.iter().map(|values| is_true(values.as_boolean()));
    values.map(|values| kept.as_ref().map_or_else(|| values.clone(), |kept| &values & kept)).collect()
}

fn states(counts: Vec<i64>, conditions: usize) -> Result<ArrayRef> {
    let width = (conditions * size_of::<i64>()) as i32;
    let little_endian: Vec<i64> = counts.into_iter().map(i64::to_le).collect();
    Ok(Arc::new(FixedSizeBinaryArray::try_new(width, Buffer::from_vec(little_endian), None)?))
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        self.count(&conditions(values, opt_filter), |row| group_indices[row]);
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        self.merge(values, |row| group_indices[row])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = self.emit(emit_to);
        self.structs(&counts)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![states(self.emit(emit_to), self.conditions)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut rows = Self::new(self.conditions).grown(values.first().map_or(0, Array::len));
        rows.count(&conditions(values, opt_filter), |row| row);
        Ok(vec![states(rows.counts, self.conditions)?])
    }

    fn size(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }
}

impl Accumulator for Counts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(&conditions(values, None), |_| 0);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.structs(&self.counts)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + GroupsAccumulator::size(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&states(self.counts.clone(), self.conditions)?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0)
    }
}

#[cfg(test)]
mod tests;
