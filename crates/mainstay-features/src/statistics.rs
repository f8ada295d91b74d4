//! What the footers of Parquet files tell of their rows.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::{cast, max};
use datafusion::arrow::datatypes::{Schema, TimestampMicrosecondType};
use datafusion::error::DataFusionError;
use jiff::Timestamp;
use mainstay_config::SourceTable;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;

use crate::contract;

/// The newest instant at which a row of a file happened or was known, as the declared types read it. `None` for a timeless table,
/// where a group of rows has values but no statistics of
/// them, and where they lie beyond the instants that there are.
pub(crate) fn newest(
    table: &SourceTable,
    file: &ParquetMetaData,
    schema: &Schema,
) -> Result<Option<Timestamp>, DataFusionError> {
    let mut newest = None;
    for name in table.event_time.iter().chain(&table.known_at) {
        let of_column = StatisticsConverter::try_new(name, schema, file.file_metadata().schema_descr())?;
        let greatest = of_column.row_group_maxes(file.row_groups())?;
        let nulls = of_column.row_group_null_counts(file.row_groups())?;
        let is_told = |(group, nulls): (usize, Option<u64>)| {
            let rows = file.row_group(group).num_rows();
            greatest.is_valid(group) || nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(rows))
        };
        if !nulls.iter().enumerate().all(is_told) {
            return Ok(None);
        }
        let instants = cast(&greatest, &contract::timestamp_type())?;
        if instants.null_count() != greatest.null_count() {
            return Ok(None);
        }
        newest = newest.max(max(instants.as_primitive::<TimestampMicrosecondType>()));
    }
    Ok(newest.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
    use mainstay_config::Project;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ArrowReaderMetadata;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::*;
    use crate::tests::fixture::Fixture;

    fn orders(project: &Project) -> &SourceTable {
        &project.config().sources[0].tables[0]
    }

    /// The newest instant of a file with one group of rows for each pair of times.
    fn newest_of(ordered: &[Option<i64>], loaded: &[Option<i64>], statistics: EnabledStatistics) -> Option<i64> {
        let column = |values: &[Option<i64>]| Arc::new(TimestampMicrosecondArray::from(values.to_vec())) as ArrayRef;
        let batch =
            RecordBatch::try_from_iter([("ordered_at", column(ordered)), ("loaded_at", column(loaded))]).unwrap();
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(1)).set_statistics_enabled(statistics).build();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let read = ArrowReaderMetadata::load(file.as_file(), Default::default()).unwrap();
        let newest = newest(orders(&Fixture::new().project()), read.metadata(), read.schema()).unwrap();
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

    #[test]
    fn nothing_is_told_of_a_file_without_statistics() {
        assert_eq!(newest_of(&[Some(3)], &[Some(4)], EnabledStatistics::None), None);
    }
}
