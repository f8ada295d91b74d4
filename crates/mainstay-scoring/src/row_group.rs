//! One row group: its features decoded, its rows scored, its added columns encoded.

use std::sync::Arc;
use std::time::Instant;

use mainstay_model::ModelError;
use parquet::basic::Compression;
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use crate::added::AddedValues;
use crate::batches::FeatureBatch;
use crate::error::ScoringError;
use crate::lanes::Lanes;
use crate::request::Seconds;
use crate::seen::Seen;
use crate::spool::{Overflow, Spool, SpooledChunk};

/// The added columns of a row group, encoded.
pub(crate) struct ScoredRowGroup {
    pub(crate) position: usize,
    pub(crate) chunks: Vec<(SpooledChunk, ColumnCloseResult)>,
    /// What its rows hold of each feature, in the model's order.
    pub(crate) seen: Vec<Seen>,
    pub(crate) seconds: Seconds,
}

/// Scores one row group, batch by batch.
///
/// Errors: what cannot be read, is infinite, or cannot be spooled; or somebody asked to stop.
pub(crate) fn score_row_group(lanes: &Lanes<'_>, position: usize) -> Result<ScoredRowGroup, ScoringError> {
    let (input, output) = (lanes.input(), lanes.request().output);
    let write_error = || ScoringError::write(output);
    let schema = lanes.added().schema().map_err(write_error())?;
    let properties = lanes.added().properties(compression(lanes, position));
    let overflow = Arc::new(Overflow::beside(output));
    let mut sinks: Vec<TrackedWrite<Spool>> =
        schema.columns().iter().map(|_| TrackedWrite::new(Spool::new(&overflow, schema.num_columns()))).collect();
    let mut writers: Vec<ColumnWriter<'_>> = sinks
        .iter_mut()
        .zip(schema.columns())
        .map(|(sink, column)| {
            get_column_writer(column.clone(), properties.clone(), Box::new(SerializedPageWriter::new(sink)))
        })
        .collect();

    let mut seconds = Seconds::default();
    let mut first_row = input.first_row(position);
    let mut batches = input.batches(position)?;
    while let Some(batch) = timed(&mut seconds.read, || batches.next(first_row))? {
        lanes.check_stopped()?;
        let scored = timed(&mut seconds.score, || score(lanes, &batch, first_row))?;
        timed(&mut seconds.encode, || encode(&scored, &mut writers)).map_err(write_error())?;
        first_row += batch.rows as u64;
        lanes.advance(batch.rows);
    }
    let closed: ParquetResult<Vec<_>> =
        timed(&mut seconds.encode, || writers.into_iter().map(ColumnWriter::close).collect());
    let closed = closed.map_err(write_error())?;
    let spools: ParquetResult<Vec<_>> = sinks.into_iter().map(|sink| Ok(sink.into_inner()?.finish())).collect();
    let spools = spools.map_err(write_error())?;
    let chunks = spools.into_iter().zip(closed).collect();
    Ok(ScoredRowGroup { position, chunks, seen: batches.into_seen(), seconds })
}

/// The added columns are compressed like the first one of the input.
fn compression(lanes: &Lanes<'_>, position: usize) -> Compression {
    let first = lanes.input().metadata().row_group(position).columns().first();
    first.map_or(Compression::UNCOMPRESSED, ColumnChunkMetaData::compression)
}

fn score(lanes: &Lanes<'_>, batch: &FeatureBatch, first_row: u64) -> Result<Vec<Vec<AddedValues>>, ScoringError> {
    let path = lanes.input().path();
    let scored = lanes.scorer().score(&batch.arrays, batch.rows, lanes.threads_per_lane());
    scored.map_err(|error| match error {
        ModelError::Infinite { feature, row } => {
            ScoringError::Infinite { path: path.to_owned(), column: feature, row: first_row + row as u64 }
        }
        other => other.into(),
    })
}

fn encode(parts: &[Vec<AddedValues>], writers: &mut [ColumnWriter<'_>]) -> ParquetResult<()> {
    for part in parts {
        for (values, writer) in part.iter().zip(writers.iter_mut()) {
            values.write(writer)?;
        }
    }
    Ok(())
}

fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *seconds += started.elapsed().as_secs_f64();
    done
}
