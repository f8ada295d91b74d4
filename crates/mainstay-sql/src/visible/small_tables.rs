//! Small source tables, kept in memory.
//!
//! A retailer lands a file a day. A plan opens each of them anew, which costs more than what is in them, and a training
//! reads the sources once a cut: what is small as a whole is decoded once.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::error::FeatureError;
use crate::files::pinned::PinnedSources;
use crate::side_by_side::side_by_side;
use crate::visible::sources::Sources;
use crate::visible::table::VisibleTable;

/// Tables whose files are smaller than this in total are kept in memory; decoded they take about ten times as much.
const LARGEST_BYTES: u64 = 32 * 1024 * 1024;

impl Sources {
    /// The same tables, the small ones decoded once and kept in memory.
    pub async fn keep_small_tables(
        mut self,
        ctx: &SessionContext,
        pinned: &PinnedSources,
    ) -> Result<Self, FeatureError> {
        for VisibleTable { relation, .. } in &mut self.tables {
            let files = &pinned.table(&relation.source, &relation.table.name)?.files;
            let bytes: u64 = files.iter().map(|file| file.bytes).sum();
            if bytes <= LARGEST_BYTES {
                let rows = relation.read(ctx)?;
                let schema = Arc::clone(rows.schema().inner());
                let batch_size = ctx.copied_config().batch_size();
                let partitions = rows.execute_stream_partitioned().await?.into_iter();
                let decoded = side_by_side(partitions.map(|partition| coalesced(partition, batch_size))).await?;
                let decoded = decoded.into_iter().collect::<Result<_, _>>()?;
                relation.provider = Arc::new(MemTable::try_new(schema, decoded)?);
                relation.files.clear();
            }
        }
        Ok(self)
    }
}

/// The rows in full batches: those of a small file take as much room as full ones, whatever is in them.
async fn coalesced(
    mut rows: SendableRecordBatchStream,
    batch_size: usize,
) -> Result<Vec<RecordBatch>, DataFusionError> {
    let mut coalescer = BatchCoalescer::new(rows.schema(), batch_size);
    let mut batches = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        coalescer.push_batch(batch)?;
        batches.extend(coalescer.next_completed_batch());
    }
    coalescer.finish_buffered_batch()?;
    batches.extend(std::iter::from_fn(|| coalescer.next_completed_batch()));
    Ok(batches)
}
