//! How many rows a source brings a day, and of what size its amounts are.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int32Array, Int64Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::cast::{as_float64_array, as_timestamp_microsecond_array};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf, lit, when};
use datafusion::prelude::{DataFrame, SessionContext, cast};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::source::SourceColumn;
use mainstay_monitor::{Amount, DayRows, TableDays};
use mainstay_schema::Ds;
use mainstay_schema::table::ColumnType;

use crate::contract;
use crate::error::FeatureError;
use crate::files::pinned::{PinnedSources, PinnedTable};
use crate::visible::sources::Sources;
use crate::visible::table::VisibleTable;

/// Days that are looked at of a large table: eight weeks before each of the newest seven days.
const DAYS: i32 = 63;
/// Those of a table of fewer rows than `FEW_ROWS`: a year, so that what is rare has a rhythm too.
const DAYS_OF_FEW_ROWS: i32 = 371;
const FEW_ROWS: u64 = 2_000_000;
/// Logarithms are summed in millionths.
const LOG_UNIT: f64 = 1e6;
/// Columns of the plan.
const DAY: &str = "__day";
const ON_TIME: &str = "__on_time";

impl Sources {
    /// The newest days of every table with an event time, in rows that `ds` may see and that keep their contract. One aggregate query a
    /// table, over the files that may hold such days.
    pub async fn volumes(
        &self,
        ctx: &SessionContext,
        pinned: &PinnedSources,
        ds: Ds,
    ) -> Result<Vec<TableDays>, FeatureError> {
        let mut all = Vec::new();
        for table in self.tables.iter().filter(|table| table.relation.table.event_time.is_some()) {
            let pinned = pinned.table(&table.relation.source, &table.relation.table.name)?;
            all.push(Counting::new(table, pinned, ds, &self.time_zone)?.count(ctx).await?);
        }
        Ok(all)
    }
}

/// The days of one table.
struct Counting<'a> {
    table: &'a VisibleTable,
    pinned: &'a PinnedTable,
    since: Ds,
    /// Where each day begins, and the last one ends.
    bounds: Arc<[i64]>,
    time_zone: &'a TimeZone,
}

impl<'a> Counting<'a> {
    fn new(
        table: &'a VisibleTable,
        pinned: &'a PinnedTable,
        ds: Ds,
        time_zone: &'a TimeZone,
    ) -> Result<Self, FeatureError> {
        let rows: u64 = pinned.files.iter().map(|file| file.rows).sum();
        let days = if rows < FEW_ROWS { DAYS_OF_FEW_ROWS } else { DAYS };
        let since = ds.plus_days(-days);
        let begins = |day: i32| {
            let begins = since.plus_days(day).as_of(time_zone);
            begins.map(Timestamp::as_microsecond).map_err(|error| FeatureError::Contract {
                table: table.name(),
                message: format!("{} has no midnight: {error}", since.plus_days(day)),
            })
        };
        let bounds = (0..=days).map(begins).collect::<Result<Vec<_>, _>>()?.into();
        Ok(Self { table, pinned, since, bounds, time_zone })
    }

    async fn count(&self, ctx: &SessionContext) -> Result<TableDays, FeatureError> {
        let columns = self.columns();
        let days = self.days(ctx, &columns).await?;
        let newest = days.last().map(|day| day.ds).or_else(|| self.newest_before());
        Ok(TableDays { table: self.table.name(), since: self.since, newest, columns, days })
    }

    /// Of a table without a row in the days that were looked at: the newest day that its files know.
    fn newest_before(&self) -> Option<Ds> {
        let newest = self.pinned.files.iter().filter_map(|file| file.newest).max()?;
        Some(Ds::of(newest, self.time_zone)).filter(|newest| *newest < self.since)
    }

    /// Columns of amounts: numbers, but for those that name something. What comes later than its row is left out: of the newest days it is not
    /// there yet.
    fn columns(&self) -> Vec<String> {
        let table = &self.table.relation.table;
        let names_something = |column: &SourceColumn| {
            table.key.contains(&column.name)
                || table.references.iter().any(|reference| reference.column == column.name)
                || is_called_like_a_key(&column.name)
        };
        let is_amount = |column: &&SourceColumn| match column.column_type {
            ColumnType::Money | ColumnType::Double => true,
            ColumnType::Integer | ColumnType::BigInt => !names_something(column),
            _ => false,
        };
        let amounts = table.columns.iter().filter(|column| column.visible_from.is_none()).filter(is_amount);
        amounts.map(|column| column.name.clone()).collect()
    }

    async fn days(&self, ctx: &SessionContext, columns: &[String]) -> Result<Vec<DayRows>, FeatureError> {
        let (Some(first), Some(end)) = (self.bounds.first(), self.bounds.last()) else { return Ok(Vec::new()) };
        let instant = |microseconds: i64| Timestamp::from_microsecond(microseconds).unwrap_or_default();
        let Some(rows) = self.table.rows_between(instant(*first), instant(*end))? else { return Ok(Vec::new()) };
        let Some(event_time) = self.table.relation.event_time()? else { return Ok(Vec::new()) };
        let day_of = day_of(Arc::clone(&self.bounds));
        let day = day_of.call(vec![event_time]);
        let on_time = match self.table.relation.known()? {
            Some(known) => {
                let known = coalesce(vec![day_of.call(vec![known]), lit(i32::MIN)]);
                when(known.lt_eq(day.clone()), lit(1i64)).otherwise(lit(0i64))?
            }
            None => lit(1i64),
        };
        let mut read = vec![day.alias(DAY), on_time.alias(ON_TIME)];
        let log_of_amount = log_of_amount();
        for (position, name) in columns.iter().enumerate() {
            let amount = cast(contract::column(name), DataType::Float64);
            read.push(log_of_amount.call(vec![amount]).alias(log_name(position)));
        }
        let mut sums = vec![count(lit(1i64)).alias("rows"), sum(contract::column(ON_TIME)).alias("on_time_rows")];
        for position in 0..columns.len() {
            let log = contract::column(&log_name(position));
            sums.push(count(log.clone()).alias(format!("values_{position}")));
            sums.push(sum(log).alias(format!("logs_{position}")));
        }
        let plan = rows.project(read)?.aggregate(vec![contract::column(DAY)], sums)?.build()?;
        let batches = DataFrame::new(ctx.state(), plan).collect().await?;
        let mut days = Vec::new();
        for batch in &batches {
            let number = |column: usize, row: usize| {
                let column = batch.column(column).as_primitive_opt::<Int64Type>()?;
                column.is_valid(row).then(|| column.value(row))
            };
            let count = |column, row| number(column, row).and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default();
            let days_of = batch.column(0).as_primitive::<Int32Type>();
            for row in (0..batch.num_rows()).filter(|row| days_of.is_valid(*row)) {
                let amounts = (0..columns.len()).map(|position| Amount {
                    values: count(3 + 2 * position, row),
                    log_sum: number(4 + 2 * position, row).unwrap_or_default(),
                });
                days.push(DayRows {
                    ds: self.since.plus_days(days_of.value(row)),
                    rows: count(1, row),
                    on_time: count(2, row),
                    amounts: amounts.collect(),
                });
            }
        }
        days.sort_by_key(|day| day.ds);
        Ok(days)
    }
}

/// Whether a column is called as one that names something, by the habits of most shops: `store_id`, `StoreId`, `product_code`.
fn is_called_like_a_key(name: &str) -> bool {
    let is_word =
        |ending: &str| name.eq_ignore_ascii_case(ending) || name.to_lowercase().ends_with(&format!("_{ending}"));
    // Behind a small letter: `AMOUNT_PAID` is none.
    let is_ending = |ending: &str| name.strip_suffix(ending).is_some_and(|stem| stem.ends_with(char::is_lowercase));
    ["id", "key", "code"].into_iter().any(is_word) || ["Id", "ID", "Key", "Code"].into_iter().any(is_ending)
}

fn log_name(position: usize) -> String {
    format!("__log_{position}")
}

/// A function from an amount to ln(1 + |amount|) in millionths; null of 0, which is none, and of what is no finite number.
fn log_of_amount() -> ScalarUDF {
    let logs = |arguments: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let amounts =
            arrays.first().ok_or_else(|| DataFusionError::Internal("log_of_amount has one argument".into()))?;
        let logs: Int64Array = as_float64_array(amounts)?.iter().map(|amount| amount.and_then(log_of)).collect();
        Ok(ColumnarValue::Array(Arc::new(logs)))
    };
    create_udf("log_of_amount", vec![DataType::Float64], DataType::Int64, Volatility::Immutable, Arc::new(logs))
}

fn log_of(amount: f64) -> Option<i64> {
    let size = amount.abs();
    (size > 0.0 && size < f64::INFINITY).then(|| ((size + 1.0).ln() * LOG_UNIT).round() as i64)
}

/// A function from an instant to the number of its day, from 0, between bounds in order: -1 before the first.
fn day_of(bounds: Arc<[i64]>) -> ScalarUDF {
    let days = move |arguments: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let instants = arrays.first().ok_or_else(|| DataFusionError::Internal("day_of has one argument".into()))?;
        let days = days_of(&bounds, as_timestamp_microsecond_array(instants)?);
        Ok(ColumnarValue::Array(Arc::new(days)))
    };
    create_udf("day_of", vec![contract::timestamp_type()], DataType::Int32, Volatility::Immutable, Arc::new(days))
}

/// Rows of one day mostly lie together, so that a day is looked up where another begins.
fn days_of(bounds: &[i64], instants: &TimestampMicrosecondArray) -> Int32Array {
    let (mut day, mut begins, mut ends) = (-1, i64::MAX, i64::MIN);
    let days = instants.values().iter().map(|&instant| {
        if instant < begins || instant >= ends {
            let begun = bounds.partition_point(|begins| *begins <= instant);
            day = begun as i32 - 1;
            begins = begun.checked_sub(1).and_then(|last| bounds.get(last)).copied().unwrap_or(i64::MIN);
            ends = bounds.get(begun).copied().unwrap_or(i64::MAX);
        }
        day
    });
    Int32Array::new(days.collect(), instants.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Float64Array, RecordBatch};
    use datafusion::functions::math::expr_fn::{abs, ln, round};
    use proptest::prelude::*;

    use super::*;

    /// In the functions of the engine, column by column.
    async fn obvious_logs(amounts: &Float64Array) -> Vec<Option<i64>> {
        let ctx = SessionContext::new();
        let batch = RecordBatch::try_from_iter([("amount", Arc::new(amounts.clone()) as _)]).unwrap();
        let size = abs(contract::column("amount"));
        let log = cast(round(vec![ln(size.clone() + lit(1.0)) * lit(LOG_UNIT)]), DataType::Int64);
        let is_amount = size.clone().gt(lit(0.0)).and(size.lt(lit(f64::INFINITY)));
        let read = when(is_amount, log).end().unwrap();
        let batches = ctx.read_batch(batch).unwrap().select(vec![read]).unwrap().collect().await.unwrap();
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter()).collect()
    }

    #[tokio::test]
    async fn logarithms_are_those_of_the_engine() {
        let mut amounts = vec![Some(0.0), Some(-0.0), None, Some(f64::NAN), Some(-f64::NAN), Some(f64::INFINITY)];
        amounts.extend([f64::NEG_INFINITY, -99.0, 99.0, 0.01, 1e-20, f64::MIN_POSITIVE, f64::MAX].map(Some));
        amounts.extend((1..20_000).map(|cents| Some(f64::from(cents) * 7.0 / 100.0)));
        let amounts = Float64Array::from(amounts);
        let logs: Vec<Option<i64>> = amounts.iter().map(|amount| amount.and_then(log_of)).collect();
        let obvious = obvious_logs(&amounts).await;
        assert_eq!(logs.len(), obvious.len());
        for ((amount, log), obvious) in amounts.iter().zip(&logs).zip(obvious) {
            assert_eq!(*log, obvious, "{amount:?}");
        }
        assert_eq!(logs[..8], [None, None, None, None, None, None, None, Some(4_605_170)]);
    }

    proptest! {
        /// Bounds of one instant are days that a zone has skipped.
        #[test]
        fn days_are_those_of_the_obvious_lookup(
            bounds in prop::collection::vec(-50..50_i64, 0..12),
            instants in prop::collection::vec(
                prop::option::weighted(0.9, prop_oneof![8 => -60..60_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]),
                0..80,
            ),
        ) {
            let mut bounds = bounds;
            bounds.sort_unstable();
            let day = |instant: i64| bounds.iter().filter(|begins| **begins <= instant).count() as i32 - 1;
            let expected: Vec<Option<i32>> = instants.iter().map(|instant| instant.map(day)).collect();
            let found = days_of(&bounds, &TimestampMicrosecondArray::from(instants));
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        }
    }
}
