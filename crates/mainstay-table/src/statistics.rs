//! The statistics that Delta keeps of a file, taken from its Parquet footer.

use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Map, json};

/// The JSON of `stats` in an add action: rows, nulls by column, and the range of integers.
///
/// Other columns stay without a range: Parquet may truncate text and ignores NaN, and a missing range only means that readers
/// skip fewer files.
pub(crate) fn of(metadata: &ParquetMetaData) -> String {
    let (mut nulls, mut minima, mut maxima) = (Map::new(), Map::new(), Map::new());
    for (position, column) in metadata.file_metadata().schema_descr().columns().iter().enumerate() {
        if let Some(count) = null_count(metadata, position) {
            nulls.insert(column.name().to_owned(), json!(count));
        }
        // Days, instants and decimals are stored as integers too, and have a logical type.
        if column.logical_type_ref().is_none()
            && let Some((least, greatest)) = integer_range(metadata, position)
        {
            minima.insert(column.name().to_owned(), json!(least));
            maxima.insert(column.name().to_owned(), json!(greatest));
        }
    }
    let rows = metadata.file_metadata().num_rows();
    json!({"numRecords": rows, "minValues": minima, "maxValues": maxima, "nullCount": nulls}).to_string()
}

fn null_count(metadata: &ParquetMetaData, position: usize) -> Option<u64> {
    metadata.row_groups().iter().map(|group| group.column(position).statistics()?.null_count_opt()).sum()
}

fn integer_range(metadata: &ParquetMetaData, position: usize) -> Option<(i64, i64)> {
    let ranges: Option<Vec<(i64, i64)>> = metadata
        .row_groups()
        .iter()
        .map(|group| match group.column(position).statistics()? {
            Statistics::Int32(found) => Some((i64::from(*found.min_opt()?), i64::from(*found.max_opt()?))),
            Statistics::Int64(found) => Some((*found.min_opt()?, *found.max_opt()?)),
            _ => None,
        })
        .collect();
    ranges?.into_iter().reduce(|(least, greatest), (low, high)| (least.min(low), greatest.max(high)))
}
