//! Small Parquet files of a run, written in memory.

use anyhow::Result;
use arrow::array::RecordBatch;
use mainstay_schema::Ds;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// A small table as a Parquet file.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = None;
    write(&mut writer, batch)?;
    closed(writer)
}

/// Adds rows to a file, which begins with the first of them.
pub(crate) fn write(file: &mut Option<ArrowWriter<Vec<u8>>>, batch: &RecordBatch) -> Result<()> {
    if let Some(writer) = file {
        return Ok(writer.write(batch)?);
    }
    // Statistics of floats are left out, as in every table (see docs/design/determinism.md).
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(batch)?;
    *file = Some(writer);
    Ok(())
}

/// The file with all its rows; empty where none was written.
pub(crate) fn closed(file: Option<ArrowWriter<Vec<u8>>>) -> Result<Vec<u8>> {
    file.map_or_else(|| Ok(Vec::new()), |writer| Ok(writer.into_inner()?))
}

/// Days of the epoch, as Arrow and Parquet count them.
pub(crate) fn days_since_1970(day: Ds) -> i32 {
    day.days_since(Ds(jiff::civil::date(1970, 1, 1)))
}
