//! Statistics of the distinct values of a group: how many there are, and how many rows they have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, LargeListArray, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};
use datafusion::physical_expr_common::binary_map::OutputType;
use datafusion::physical_expr_common::binary_view_map::ArrowBytesViewMap;

use crate::by_group::{self, ByGroup, KeptValues};
use crate::kept_rows::for_each_kept;

/// `distinct_stats(text)`: a struct of bigints about the distinct values of a group. Nulls are passed over; with `distinct`
/// a value counts as one row of its group.
///
/// - `values`: how many distinct ones there are;
/// - `repeated_values`: how many of them more than one row has;
/// - `rows`: how many rows have a value;
/// - `most_rows`: how many have the one that most have.
///
/// What two groupings, by the value and without it, say too; these have an entry in memory for every value of every group.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DistinctStats {
    signature: Signature,
    /// Its name in SQL that was written before it had this one.
    aliases: [String; 1],
}

impl Default for DistinctStats {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), aliases: ["variety".to_owned()] }
    }
}

const FIELDS: [&str; 4] = ["values", "repeated_values", "rows", "most_rows"];

fn fields() -> Fields {
    FIELDS.iter().map(|name| Field::new(*name, DataType::Int64, false)).collect()
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Utf8View, false))
}

impl AggregateUDFImpl for DistinctStats {
    fn name(&self) -> &str {
        "distinct_stats"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [text] if text.is_string() || text.is_null() => Ok(vec![DataType::Utf8View]),
            [other] => Err(DataFusionError::Plan(format!(
                "distinct_stats() takes text, but its argument is {other}: cast it to text"
            ))),
            _ => Err(DataFusionError::Plan(
                "distinct_stats() takes one argument: the values that are counted".to_owned(),
            )),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Accumulator::evaluate(&mut Values::of_groups(1, false))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let lists = DataType::LargeList(item());
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "values"), lists, false))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values::of_groups(1, args.is_distinct)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Values::of_groups(0, args.is_distinct)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

/// The values of all groups, each text once, and from then on by its number.
#[derive(Debug)]
struct Values {
    numbers: ArrowBytesViewMap<u32>,
    rows: KeptValues<u32>,
    /// Whether a value that several rows of a group have counts as one row.
    is_distinct: bool,
}

impl Values {
    fn of_groups(groups: usize, is_distinct: bool) -> Self {
        let numbers = ArrowBytesViewMap::new(OutputType::Utf8View);
        Self { numbers, rows: KeptValues::of_groups(groups), is_distinct }
    }

    /// The number of each value of a column, in the order in which texts were first seen. A null has one too.
    fn numbered(&mut self, values: &ArrayRef) -> Vec<u32> {
        let mut found = Vec::with_capacity(values.len());
        let mut next = self.numbers.len() as u32;
        let new = |_: Option<&[u8]>| {
            next += 1;
            next - 1
        };
        self.numbers.insert_if_new(values, new, |number| found.push(number));
        found
    }

    fn include(&mut self, values: &[ArrayRef], filter: Option<&BooleanArray>, group: impl Fn(usize) -> usize) {
        let numbers = self.numbered(&values[0]);
        for_each_kept(filter, numbers.len(), |row| {
            if values[0].is_valid(row) {
                self.rows.push(group(row), numbers[row]);
            }
        });
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) {
        let states = states[0].as_list::<i64>();
        let numbers = self.numbered(&by_group::values(states));
        self.rows.extend(states.offsets(), &numbers, group);
    }

    /// All texts by their numbers, which they keep where there are rows of them.
    fn texts(&mut self) -> ArrayRef {
        let texts = self.numbers.take().into_state();
        if !self.rows.is_empty() {
            self.numbered(&texts);
        }
        texts
    }

    /// Lists of the texts of each group.
    fn lists(&mut self, rows: ByGroup<u32>) -> Result<ArrayRef> {
        let texts = self.texts();
        let (offsets, numbers) = rows.into_lists();
        let values = take(&texts, &UInt32Array::from(numbers), None)?;
        Ok(Arc::new(LargeListArray::try_new(item(), offsets, values, None)?))
    }
}

fn statements(mut rows: ByGroup<u32>, is_distinct: bool) -> Result<ArrayRef> {
    let mut columns = FIELDS.map(|_| Vec::new());
    for numbers in rows.each() {
        numbers.sort_unstable();
        let runs = || {
            let runs = numbers.chunk_by(|left, right| left == right);
            runs.map(|run| if is_distinct { 1 } else { run.len() })
        };
        let repeated = runs().filter(|&rows| rows > 1).count();
        let stated = [runs().count(), repeated, runs().sum(), runs().max().unwrap_or_default()];
        columns.iter_mut().zip(stated).for_each(|(column, stated)| column.push(stated as i64));
    }
    let columns = columns.map(|column| Arc::new(Int64Array::from(column)) as ArrayRef);
    Ok(Arc::new(StructArray::try_new(fields(), columns.into(), None)?))
}

impl GroupsAccumulator for Values {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.rows.grow(total_num_groups);
        self.include(values, opt_filter, |row| group_indices[row]);
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.rows.grow(total_num_groups);
        self.merge(values, |row| group_indices[row]);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let given = statements(self.rows.emit(emit_to), self.is_distinct);
        if self.rows.is_empty() {
            self.texts();
        }
        given
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let given = self.rows.emit(emit_to);
        Ok(vec![self.lists(given)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut rows = Self::of_groups(values[0].len(), self.is_distinct);
        rows.include(values, opt_filter, |row| row);
        GroupsAccumulator::state(&mut rows, EmitTo::All)
    }

    fn size(&self) -> usize {
        self.numbers.size() + self.rows.size()
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.include(values, None, |_| 0);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&statements(self.rows.by_group(), self.is_distinct)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + GroupsAccumulator::size(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows = self.rows.by_group();
        Ok(vec![ScalarValue::try_from_array(&self.lists(rows)?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
