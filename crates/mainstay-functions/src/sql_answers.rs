//! What an aggregate answers to a query, however its rows lie.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};

/// How the rows of a table lie, and whether the first halves of aggregates soon give up and pass rows on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) batch: usize,
    pub(crate) partitions: usize,
    pub(crate) is_cautious: bool,
}

/// The answer to a query over a table `t`, as text.
pub(crate) async fn answer(function: AggregateUDF, rows: &RecordBatch, layout: Layout, sql: &str) -> String {
    let mut config = SessionConfig::new().with_target_partitions(layout.partitions).with_batch_size(16);
    if layout.is_cautious {
        let options = config.options_mut();
        options.execution.skip_partial_aggregation_probe_rows_threshold = 0;
        options.execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    }
    let context = SessionContext::new_with_config(config);
    context.register_udaf(function);
    let starts = (0..rows.num_rows()).step_by(layout.batch);
    let batches: Vec<_> = starts.map(|start| rows.slice(start, layout.batch.min(rows.num_rows() - start))).collect();
    let parts = batches.chunks(batches.len().div_ceil(layout.partitions)).map(<[_]>::to_vec).collect();
    let table = MemTable::try_new(rows.schema(), parts).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let found = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&found).unwrap().to_string()
}
