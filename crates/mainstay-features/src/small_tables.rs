//! Small source tables held in memory.
//!
//! A retailer lands a file a day. A plan opens each of them anew, which costs more than what is in them, and a training
//! reads the sources once a cut: what is small as a whole is decoded once.

use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::error::FeatureError;
use crate::pin::PinnedSources;
use crate::source::Sources;

/// Tables whose files are smaller than this in total are held in memory; decoded they take about ten times as much.
const LARGEST_BYTES: u64 = 32 * 1024 * 1024;

impl Sources {
    /// The same tables, the small ones decoded once and held in memory.
    pub async fn hold_small_tables(
        mut self,
        ctx: &SessionContext,
        pinned: &PinnedSources,
    ) -> Result<Self, FeatureError> {
        for open in &mut self.tables {
            let files =
                pinned.tables.iter().find(|found| found.source == open.source && found.table == open.table.name);
            let bytes: u64 = files.map_or(u64::MAX, |found| found.files.iter().map(|file| file.bytes).sum());
            if bytes <= LARGEST_BYTES {
                let rows = open.read(ctx)?;
                let schema = Arc::clone(rows.schema().inner());
                let partitions = rows.collect_partitioned().await?;
                open.provider = Arc::new(MemTable::try_new(schema, partitions)?);
                open.files.clear();
            }
        }
        Ok(self)
    }
}
