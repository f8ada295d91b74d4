//! What our own plans of earlier days say: whom they contacted.

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use mainstay_schema::{DecisionReason, Ds, column, table};
use mainstay_table::{PublishedTable, StagedTable, read, run_record, stage};

use crate::details::{PinnedInputs, PinnedPlan};
use crate::run::Run;

/// Customers with an intervention within the cooldown, and the plans that say so.
pub(crate) struct RecentPlans {
    pub(crate) customers: DataFrame,
    pub(crate) plans: Vec<PinnedPlan>,
}

/// Customers whom a committed plan less than `cooldown_days` away gave an intervention, once each.
///
/// Days after the run's count too, where an earlier day is run behind them: no customer has two interventions within the
/// cooldown, in whatever order the days were run. The files that a run record names are read, not what the table holds by now: a
/// plan without a record was never committed.
pub(crate) async fn recent_plans(run: &Run<'_>, session: &SessionContext, cooldown_days: u32) -> Result<RecentPlans> {
    let contract = table::campaign_allocations();
    let mut customers = nobody(session)?;
    let mut plans = Vec::new();
    for (ds, plan) in plans_near(run, cooldown_days).await? {
        stage::verify_files(&run.open.lake, &plan.files).await?;
        let frame = read::read_staged(session, &run.open.lake, &contract, &as_staged(ds, &plan)).await?;
        let is_chosen = col("decision_reason").eq(lit(DecisionReason::Chosen.as_str()));
        customers = customers.union(frame.filter(is_chosen)?.select(vec![col(column::CUSTOMER_ID)])?)?;
        plans.push(PinnedPlan { ds, version: plan.version });
    }
    Ok(RecentPlans { customers: customers.distinct()?, plans })
}

/// Fails where another day within the cooldown was published since this run looked: its contacts are not known to this plan.
pub(crate) async fn check_unchanged(run: &Run<'_>, inputs: &PinnedInputs) -> Result<()> {
    let found = plans_near(run, inputs.cooldown_days).await?;
    let changed =
        found.iter().find(|(ds, plan)| !inputs.plans.contains(&PinnedPlan { ds: *ds, version: plan.version }));
    match changed {
        None => Ok(()),
        Some((ds, _)) => bail!(
            "another run has published {ds} since {} was decided, within the cooldown of {} days: nothing is published; run {} \
             again",
            run.ds,
            inputs.cooldown_days,
            run.ds
        ),
    }
}

/// Committed plans of other days from which the run's day is at most the cooldown away.
async fn plans_near(run: &Run<'_>, cooldown_days: u32) -> Result<Vec<(Ds, PublishedTable)>> {
    let days = i32::try_from(cooldown_days).unwrap_or(i32::MAX);
    let is_near = |ds: Ds| ds != run.ds && ds.days_since(run.ds).abs() <= days;
    let records = run_record::published_days(&run.open.lake, run.job, is_near).await?;
    let name = table::campaign_allocations().name;
    Ok(records.into_iter().filter_map(|record| Some((record.ds, record.table(&name)?.clone()))).collect())
}

/// A published day as the files that hold it.
pub(crate) fn as_staged(ds: Ds, published: &PublishedTable) -> StagedTable {
    let PublishedTable { table, rows, files, .. } = published;
    StagedTable { table: table.clone(), ds, rows: *rows, files: files.clone() }
}

fn nobody(session: &SessionContext) -> Result<DataFrame> {
    let schema = Schema::new(vec![Field::new(column::CUSTOMER_ID, DataType::Utf8, false)]);
    Ok(session.read_batch(RecordBatch::new_empty(schema.into()))?)
}
