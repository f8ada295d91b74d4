//! What our own plans of earlier days say: whom they contacted.

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use mainstay_schema::{DecisionReason, Ds, column, table};
use mainstay_table::{PublishedTable, StagedTable, read, run_record};

use crate::details::PinnedPlan;
use crate::run::Run;

/// Customers with an intervention within the cooldown, and the plans that say so.
pub(crate) struct RecentContacts {
    pub(crate) customers: DataFrame,
    pub(crate) plans: Vec<PinnedPlan>,
}

/// Customers whom a committed plan of the `cooldown_days` days before the run's gave an intervention, once each.
///
/// The files that a run record names are read, not what the table holds by now: a plan without a record was never committed.
pub(crate) async fn recent_contacts(
    run: &Run<'_>,
    session: &SessionContext,
    cooldown_days: u32,
) -> Result<RecentContacts> {
    let contract = table::campaign_allocations();
    let earliest = run.ds.plus_days(-i32::try_from(cooldown_days).unwrap_or(i32::MAX));
    let mut customers = nobody(session)?;
    let mut plans = Vec::new();
    for record in run_record::published_days(&run.open.lake, run.job).await? {
        let plan = record.tables.iter().find(|published| published.table == contract.name);
        let Some(plan) = plan.filter(|_| record.ds >= earliest && record.ds < run.ds) else {
            continue;
        };
        let frame = read::read_staged(session, &run.open.lake, &contract, &as_staged(record.ds, plan)).await?;
        let is_chosen = col("decision_reason").eq(lit(DecisionReason::Chosen.as_str()));
        customers = customers.union(frame.filter(is_chosen)?.select(vec![col(column::CUSTOMER_ID)])?)?;
        plans.push(PinnedPlan { ds: record.ds, version: plan.version });
    }
    Ok(RecentContacts { customers: customers.distinct()?, plans })
}

/// A published day as the files that hold it.
pub(crate) fn as_staged(ds: Ds, published: &PublishedTable) -> StagedTable {
    let PublishedTable { table, rows, digest, files, .. } = published;
    StagedTable { table: table.clone(), ds, rows: *rows, files: files.clone(), digest: *digest }
}

fn nobody(session: &SessionContext) -> Result<DataFrame> {
    let schema = Schema::new(vec![Field::new(column::CUSTOMER_ID, DataType::Utf8, false)]);
    Ok(session.read_batch(RecordBatch::new_empty(schema.into()))?)
}
