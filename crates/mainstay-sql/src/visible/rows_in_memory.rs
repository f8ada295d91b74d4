//! Rows of a plan in memory, and plans over them.

use std::sync::Arc;

use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{DataFrame, SessionContext};

use crate::error::FeatureError;

/// Runs a plan and keeps its rows; `None` where there are none.
pub(crate) async fn collect(ctx: &SessionContext, plan: LogicalPlan) -> Result<Option<Arc<MemTable>>, FeatureError> {
    let rows = DataFrame::new(ctx.state(), plan);
    let schema = Arc::clone(rows.schema().inner());
    let batches = rows.collect().await?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    Ok(Some(Arc::new(MemTable::try_new(schema, vec![batches])?)))
}

/// A table in memory as the start of a plan.
pub(crate) fn scan(name: &str, table: &Arc<MemTable>) -> Result<LogicalPlanBuilder, FeatureError> {
    Ok(LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(table) as _), None)?)
}
