//! Statistics of the gaps between the days on which something happened.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, LargeListArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int32Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use crate::by_group::{self, ByGroup, KeptValues};
use crate::kept_rows::for_each_kept;

/// The gaps that count as recent.
const RECENT_GAPS: usize = 3;

/// `gap_stats(days_ago)`: a struct of bigints about the gaps between the distinct days of a group. A gap lies between one day and the
/// next one before it; nulls are passed over, and `distinct` changes nothing.
///
/// - `days`, `gaps`, `recent_gaps`: how many days there are, how many gaps, and how many of these are among the newest three;
/// - `gap_days`, `squared_gap_days`, `longest_gap_days`: the sum of all gaps, that of their squares, and the longest;
/// - `last_gap_days`, `recent_gap_days`: the newest gap, and the sum of the recent ones;
/// - `longer_gaps`: how many gaps are longer than it is since the newest day.
///
/// What is said of gaps, but for their number, is null where there is none. Days are integers of 32 bits. Windows over sorted days say the
/// same, but have to sort all rows of all groups.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GapStats {
    signature: Signature,
    /// Its name in SQL that was written before it had this one.
    aliases: [String; 1],
}

impl Default for GapStats {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), aliases: ["rhythm".to_owned()] }
    }
}

/// What a field says of the days of a group, the newest first; a day may stand several times.
type Statement = fn(&[i32]) -> Option<i128>;

const FIELDS: [(&str, Statement); 9] = [
    ("days", |days| Some(days.chunk_by(|newer, older| newer == older).count() as i128)),
    ("gaps", |days| Some(gaps(days).count() as i128)),
    ("recent_gaps", |days| Some(gaps(days).take(RECENT_GAPS).count() as i128)),
    ("gap_days", |days| total(gaps(days))),
    ("squared_gap_days", |days| total(gaps(days).map(|gap| gap * gap))),
    ("longest_gap_days", |days| gaps(days).max()),
    ("last_gap_days", |days| gaps(days).next()),
    ("recent_gap_days", |days| total(gaps(days).take(RECENT_GAPS))),
    ("longer_gaps", |days| {
        let &newest = days.first()?;
        gaps(days).next().map(|_| gaps(days).filter(|&gap| gap > newest.into()).count() as i128)
    }),
];

fn gaps(days: &[i32]) -> impl Iterator<Item = i128> {
    days.array_windows().map(|&[newer, older]| i128::from(older) - i128::from(newer)).filter(|&gap| gap > 0)
}

fn total(gaps: impl Iterator<Item = i128>) -> Option<i128> {
    gaps.reduce(|sum, gap| sum + gap)
}

fn fields() -> Fields {
    FIELDS.iter().map(|(name, _)| Field::new(*name, DataType::Int64, true)).collect()
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int32, false))
}

impl AggregateUDFImpl for GapStats {
    fn name(&self) -> &str {
        "gap_stats"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [days] if days.is_integer() || days.is_null() => Ok(vec![DataType::Int32]),
            [other] => Err(DataFusionError::Plan(format!(
                "gap_stats() takes whole days before a date, but its argument is {other}: cast it to integer"
            ))),
            _ => {
                Err(DataFusionError::Plan("gap_stats() takes one argument: how many days ago something was".to_owned()))
            }
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Accumulator::evaluate(&mut Days::of_one_group())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let lists = DataType::LargeList(item());
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "days"), lists, false))])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Days::of_one_group()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Days::default()))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

/// The days of all groups, eight bytes a row.
#[derive(Debug, Default)]
struct Days(KeptValues<i32>);

impl Days {
    fn of_one_group() -> Self {
        Self(KeptValues::of_groups(1))
    }

    fn include(&mut self, values: &[ArrayRef], filter: Option<&BooleanArray>, group: impl Fn(usize) -> usize) {
        let values = values[0].as_primitive::<Int32Type>();
        for_each_kept(filter, values.len(), |row| {
            if values.is_valid(row) {
                self.0.push(group(row), values.value(row));
            }
        });
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) {
        let states = states[0].as_list::<i64>();
        let days = by_group::values(states);
        self.0.extend(states.offsets(), days.as_primitive::<Int32Type>().values(), group);
    }
}

fn lists(days: ByGroup<i32>) -> Result<ArrayRef> {
    let (offsets, days) = days.into_lists();
    Ok(Arc::new(LargeListArray::try_new(item(), offsets, Arc::new(Int32Array::from(days)), None)?))
}

fn statements(mut days: ByGroup<i32>) -> Result<ArrayRef> {
    let mut columns = FIELDS.map(|_| Vec::new());
    for days in days.each() {
        days.sort_unstable();
        for (column, (name, statement)) in columns.iter_mut().zip(FIELDS) {
            column.push(statement(days).map(|stated| bigint(name, stated)).transpose()?);
        }
    }
    let columns = columns.map(|column| Arc::new(Int64Array::from(column)) as ArrayRef);
    Ok(Arc::new(StructArray::try_new(fields(), columns.into(), None)?))
}

fn bigint(name: &str, stated: i128) -> Result<i64> {
    i64::try_from(stated).map_err(|_| {
        DataFusionError::Execution(format!(
            "the {name} of gap_stats() are too large: its days lie too far from each other"
        ))
    })
}

impl GroupsAccumulator for Days {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.grow(total_num_groups);
        self.include(values, opt_filter, |row| group_indices[row]);
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.0.grow(total_num_groups);
        self.merge(values, |row| group_indices[row]);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        statements(self.0.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![lists(self.0.emit(emit_to))?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut rows = Self(KeptValues::of_groups(values[0].len()));
        rows.include(values, opt_filter, |row| row);
        Ok(vec![lists(rows.0.by_group())?])
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

impl Accumulator for Days {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.include(values, None, |_| 0);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&statements(self.0.by_group())?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + GroupsAccumulator::size(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&lists(self.0.by_group())?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
