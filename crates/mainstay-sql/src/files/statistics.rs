//! What the footers of Parquet files say of their rows.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use datafusion::arrow::compute::{cast, max};
use datafusion::arrow::datatypes::{DataType, Date32Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::prelude::SessionContext;
use jiff::Timestamp;
use mainstay_config::SourceTable;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::contract;
use crate::contract::days::Days;
use crate::contract::rules;
use crate::error::FeatureError;
use crate::files::columns::{FileColumns, Place};
use crate::files::reading::Readings;

/// The newest instant at which a row of a file happened or was known, as the declared types read it. `None` for a timeless table,
/// where a group of rows has values but no statistics of
/// them, and where they lie beyond the instants that there are.
pub(crate) fn newest(
    table: &SourceTable,
    columns: &FileColumns,
    readings: &Readings,
    file: &ParquetMetaData,
    schema: &Schema,
) -> Result<Option<Timestamp>, DataFusionError> {
    let mut newest = None;
    let times = table.event_time.iter().chain(&table.known_at).filter_map(|name| table.column(name));
    for declared in times {
        let greatest = match columns.place(declared) {
            Place::Absent => continue,
            Place::Constant(value) => value.to_array()?,
            Place::Column(name) if is_of_nulls(name, schema) => continue,
            Place::Column(name) => {
                let greatest = greatest_of_groups(name, file, schema)?;
                let latest = greatest
                    .map(|greatest| (greatest.null_count(), readings.column(name).and_then(|of| of.latest(&greatest))));
                match latest {
                    Some((nulls, Some(latest))) if latest.null_count() == nulls => latest,
                    _ => return Ok(None),
                }
            }
        };
        let instants = instants_of(readings.days(), Arc::clone(&greatest))?;
        if instants.null_count() != greatest.null_count() {
            return Ok(None);
        }
        newest = newest.max(max(instants.as_primitive::<TimestampMicrosecondType>()));
    }
    Ok(newest.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()))
}

fn is_of_nulls(name: &str, schema: &Schema) -> bool {
    schema.field_with_name(name).is_ok_and(|field| *field.data_type() == DataType::Null)
}

/// The greatest value of a column in each group of rows, null where it has none; `None` where a group has values but no statistics of
/// them.
fn greatest_of_groups(
    name: &str,
    file: &ParquetMetaData,
    schema: &Schema,
) -> Result<Option<ArrayRef>, DataFusionError> {
    let of_column = StatisticsConverter::try_new(name, schema, file.file_metadata().schema_descr())?;
    let greatest = of_column.row_group_maxes(file.row_groups())?;
    let nulls = of_column.row_group_null_counts(file.row_groups())?;
    let is_stated = |(group, nulls): (usize, Option<u64>)| {
        let rows = file.row_group(group).num_rows();
        greatest.is_valid(group) || nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(rows))
    };
    Ok(nulls.iter().enumerate().all(is_stated).then_some(greatest))
}

/// Dates as [`crate::contract::days::time_column`] reads them, which keeps their order; instants as they are.
fn instants_of(days: &Days, times: ArrayRef) -> Result<ArrayRef, DataFusionError> {
    let Some(dates) = times.as_primitive_opt::<Date32Type>() else { return Ok(times) };
    if days.are_of_utc() {
        return Ok(cast(&times, &contract::timestamp_type())?);
    }
    let instants = dates.iter().map(|day| day.map(|day| days.microseconds_seen_from(day)));
    Ok(Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
}

/// What breaks the rules for single rows of a table, asked of the statistics of its files.
pub(crate) struct BrokenRules {
    table: SourceTable,
    declared: SchemaRef,
    /// Absent for a table without rules.
    any_broken: Option<PruningPredicate>,
}

impl BrokenRules {
    /// The rules of a table's contract.
    pub(crate) fn of(ctx: &SessionContext, table: &SourceTable) -> Result<Self, FeatureError> {
        let declared = contract::declared_schema(table);
        let any_broken = match rules::any_broken(&rules::of_rows(table)?) {
            None => None,
            Some(broken) => {
                let broken = ctx.state().create_physical_expr(broken, &DFSchema::try_from(Arc::clone(&declared))?)?;
                Some(PruningPredicateBuilder::new().with_file_schema(Arc::clone(&declared)).try_build(broken)?)
            }
        };
        Ok(Self { table: table.clone(), declared, any_broken })
    }

    /// Whether the statistics show that no row of a file breaks a rule.
    pub(crate) fn hold_for_no_row(
        &self,
        columns: &FileColumns,
        readings: &Readings,
        file: &ParquetMetaData,
        schema: &Schema,
    ) -> Result<bool, DataFusionError> {
        let Some(any_broken) = &self.any_broken else { return Ok(true) };
        let groups = RowGroups { table: &self.table, columns, file, schema, declared: &self.declared, readings };
        let may_hold = any_broken.prune(&groups)?;
        Ok(!may_hold.contains(&true))
    }
}

/// The statistics of the groups of rows of a file, in the declared types.
struct RowGroups<'a> {
    table: &'a SourceTable,
    columns: &'a FileColumns,
    file: &'a ParquetMetaData,
    schema: &'a Schema,
    declared: &'a Schema,
    readings: &'a Readings,
}

impl<'a> RowGroups<'a> {
    fn place(&self, column: &Column) -> Option<Place<'a>> {
        Some(self.columns.place(self.table.column(&column.name)?))
    }

    /// Whether statistics of a column in the file are those of the declared one: a cast keeps them, and another reading need not.
    fn are_kept(&self, name: &str) -> bool {
        let found = self.schema.field_with_name(name).ok();
        let reading =
            found.zip(self.readings.column(name)).map(|(field, declared)| declared.reading(field.data_type()));
        reading.is_some_and(|reading| reading.is_ok_and(|reading| reading.is_cast))
    }

    fn of_column(&self, name: &str) -> Option<StatisticsConverter<'a>> {
        let descriptor = self.file.file_metadata().schema_descr();
        StatisticsConverter::try_new(name, self.schema, descriptor).ok().filter(|_| self.are_kept(name))
    }

    /// The values of a column that `stated` takes from its statistics. What they do not say, or not in the declared type, is null.
    fn declared(
        &self,
        column: &Column,
        stated: impl Fn(&StatisticsConverter<'a>) -> Result<ArrayRef, ParquetError>,
    ) -> Option<ArrayRef> {
        let declared = self.declared.field_with_name(&column.name).ok()?;
        match self.place(column)? {
            Place::Column(name) => cast(&stated(&self.of_column(name)?).ok()?, declared.data_type()).ok(),
            Place::Constant(value) => value.to_array_of_size(self.num_containers()).ok(),
            Place::Absent => Some(new_null_array(declared.data_type(), self.num_containers())),
        }
    }
}

impl PruningStatistics for RowGroups<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.declared(column, |of_column| of_column.row_group_mins(self.file.row_groups()))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.declared(column, |of_column| of_column.row_group_maxes(self.file.row_groups()))
    }

    fn num_containers(&self) -> usize {
        self.file.num_row_groups()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let name = match self.place(column)? {
            Place::Column(name) => name,
            Place::Constant(value) if !value.is_null() => {
                return Some(Arc::new(UInt64Array::from(vec![0; self.num_containers()])));
            }
            Place::Constant(_) | Place::Absent => return self.row_counts(),
        };
        let of_column = self.of_column(name)?;
        // A required column has no nulls to count.
        if !of_column.arrow_field().is_nullable() {
            return Some(Arc::new(UInt64Array::from(vec![0; self.num_containers()])));
        }
        let of_column = of_column.with_missing_null_counts_as_zero(false);
        Some(Arc::new(of_column.row_group_null_counts(self.file.row_groups()).ok()?))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.file.row_groups().iter().map(|group| u64::try_from(group.num_rows()).ok());
        Some(Arc::new(rows.collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Decimal128Array, RecordBatch, StringArray};
    use mainstay_config::Project;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ArrowReaderMetadata;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::*;
    use crate::tests::fixture::Fixture;

    fn orders(project: &Project) -> &SourceTable {
        &project.config().sources[0].tables[0]
    }

    /// The footer of a file with a group of rows for each row.
    fn footer(batch: &RecordBatch, statistics: EnabledStatistics) -> ArrowReaderMetadata {
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(1)).set_statistics_enabled(statistics).build();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        ArrowReaderMetadata::load(file.as_file(), Default::default()).unwrap()
    }

    /// The newest instant of a file with one group of rows for each pair of times.
    fn newest_of(ordered: &[Option<i64>], loaded: &[Option<i64>], statistics: EnabledStatistics) -> Option<i64> {
        let column = |values: &[Option<i64>]| Arc::new(TimestampMicrosecondArray::from(values.to_vec())) as ArrayRef;
        let batch =
            RecordBatch::try_from_iter([("ordered_at", column(ordered)), ("loaded_at", column(loaded))]).unwrap();
        let read = footer(&batch, statistics);
        let project = Fixture::new().project();
        let (table, columns) = (orders(&project), FileColumns::default());
        let newest = newest(table, &columns, &Readings::of(table), read.metadata(), read.schema()).unwrap();
        newest.map(Timestamp::as_microsecond)
    }

    #[test]
    fn the_newest_of_all_times_of_all_groups_counts() {
        let all = EnabledStatistics::Chunk;
        assert_eq!(newest_of(&[Some(3), Some(9), Some(1)], &[Some(4), Some(2), None], all), Some(9));
        assert_eq!(newest_of(&[Some(3), None], &[Some(4), Some(12)], all), Some(12));
        assert_eq!(newest_of(&[None], &[None], all), None);
        assert_eq!(newest_of(&[], &[], all), None);
    }

    /// Whether statistics show that orders with these keys and amounts keep the rules; the amounts are in cents.
    fn are_kept(
        ids: &[Option<&str>],
        cents: &[Option<i128>],
        is_nullable: bool,
        statistics: EnabledStatistics,
    ) -> bool {
        let fixture = Fixture::new();
        let mut table = orders(&fixture.project()).clone();
        // That a number is finite no statistics say.
        table.columns.retain(|column| column.name != "Weight kg");
        let times = || Arc::new(TimestampMicrosecondArray::from(vec![1; ids.len()])) as ArrayRef;
        let amounts = Decimal128Array::from(cents.to_vec()).with_precision_and_scale(12, 2).unwrap();
        let columns: [(&str, ArrayRef); 6] = [
            ("order_id", Arc::new(StringArray::from(ids.to_vec()))),
            ("email", Arc::new(StringArray::new_null(ids.len()))),
            ("gender", Arc::new(StringArray::new_null(ids.len()))),
            ("ordered_at", times()),
            ("loaded_at", times()),
            ("net_amount", Arc::new(amounts)),
        ];
        let columns = columns.map(|(name, values)| (name, values, is_nullable || name == "email" || name == "gender"));
        let read = footer(&RecordBatch::try_from_iter_with_nullable(columns).unwrap(), statistics);
        BrokenRules::of(&fixture.ctx, &table)
            .unwrap()
            .hold_for_no_row(&FileColumns::default(), &Readings::of(&table), read.metadata(), read.schema())
            .unwrap()
    }

    #[test]
    fn statistics_show_that_rules_are_kept_and_never_that_a_broken_one_is() {
        let (all, none) = (EnabledStatistics::Chunk, EnabledStatistics::None);
        let (ids, cents) = ([Some("a"), Some("b")], [Some(0), Some(250)]);
        for is_nullable in [false, true] {
            assert!(are_kept(&ids, &cents, is_nullable, all));
            assert!(!are_kept(&ids, &[Some(250), Some(-1)], is_nullable, all), "an amount below its minimum");
            assert!(!are_kept(&ids, &cents, is_nullable, none), "amounts without statistics");
        }
        assert!(!are_kept(&[Some("a"), None], &cents, true, all), "a key that is null");
        assert!(!are_kept(&ids, &[None, Some(250)], true, all), "an amount that is null");
    }

    #[test]
    fn nothing_is_said_of_a_file_without_statistics() {
        assert_eq!(newest_of(&[Some(3)], &[Some(4)], EnabledStatistics::None), None);
    }
}
