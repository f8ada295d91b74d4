//! What the recent plans of the target say: whom they contacted.

use anyhow::{Context, Result, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use mainstay_run::Run;
use mainstay_schema::{DecisionReason, Ds, column, table};
use mainstay_table::published_day::{self, Check, FoundIn};
use mainstay_table::{PublishedTable, RunRecord, TableError, run_record};

use crate::details::{DailyDetails, PinnedInputs, PinnedPlan, PlanSource};

/// Treated customers whose rows may be erased of a plan, beside a twentieth of them.
const MOST_ERASED: u64 = 10;

/// Customers with an intervention within the cooldown, and the plans that say so.
pub(crate) struct RecentPlans {
    pub(crate) customers: DataFrame,
    pub(crate) plans: Vec<PinnedPlan>,
}

/// Customers whom a committed plan of the target less than `cooldown_days` away gave an intervention, once each.
///
/// Days after the run's count too, where an earlier day is run behind them: no customer has two interventions within the
/// cooldown, in whatever order the days were run. The files that a run record names are read, not what the table holds by now: a
/// plan without a record was never committed. Where other software has rewritten them, the table is read and what it lacks is said.
pub(crate) async fn recent_plans(run: &Run<'_>, session: &SessionContext, cooldown_days: u32) -> Result<RecentPlans> {
    let mut customers = nobody(session)?;
    let mut plans = Vec::new();
    for plan in plans_near(run, cooldown_days).await? {
        let (treated, read_from) = plan.treated(run, session, cooldown_days).await?;
        customers = customers.union(treated)?;
        plans.push(PinnedPlan { ds: plan.record.ds, version: plan.table.version, read_from });
    }
    Ok(RecentPlans { customers: customers.distinct()?, plans })
}

/// Fails where another day within the cooldown was published since this run looked: its contacts are not known to this plan.
pub(crate) async fn check_unchanged(run: &Run<'_>, inputs: &PinnedInputs) -> Result<()> {
    let found = plans_near(run, inputs.cooldown_days).await?;
    let is_known = |plan: &&NearPlan| {
        inputs.plans.iter().any(|known| known.ds == plan.record.ds && known.version == plan.table.version)
    };
    match found.iter().find(|plan| !is_known(plan)) {
        None => Ok(()),
        Some(plan) => bail!(
            "another run has published {} since {} was decided, within the cooldown of {} days: nothing is published; run {} \
             again",
            plan.record.ds,
            run.ds,
            inputs.cooldown_days,
            run.ds
        ),
    }
}

/// A committed plan of another day, from which the run's day is at most the cooldown away.
struct NearPlan {
    record: RunRecord,
    table: PublishedTable,
}

async fn plans_near(run: &Run<'_>, cooldown_days: u32) -> Result<Vec<NearPlan>> {
    let days = i32::try_from(cooldown_days).unwrap_or(i32::MAX);
    let is_near = |ds: Ds| ds != run.ds && ds.days_since(run.ds).abs() <= days;
    let records = run_record::published_days(&run.open.lake, &run.series, is_near).await?;
    let name = table::campaign_allocations().name;
    let plan = |record: RunRecord| Some(NearPlan { table: record.table(&name)?.clone(), record });
    Ok(records.into_iter().filter_map(plan).collect())
}

impl NearPlan {
    /// The customers whom the plan treated, and where that was read.
    async fn treated(
        &self,
        run: &Run<'_>,
        session: &SessionContext,
        cooldown_days: u32,
    ) -> Result<(DataFrame, PlanSource)> {
        let files = match published_day::find(&run.open.lake, self.record.ds, &self.table, Check::Digests).await {
            Ok(files) => files,
            Err(TableError::DayGone { version, .. }) if self.recorded_treated()? == 0 => {
                return self.emptied(run, session, version);
            }
            Err(gone @ TableError::DayGone { .. }) => {
                return Err(gone).with_context(|| self.unknown_treated(cooldown_days));
            }
            Err(other) => return Err(other.into()),
        };
        let rows = files.frame(session, &run.open.lake, &table::campaign_allocations()).await?;
        let is_chosen = col("decision_reason").eq(lit(DecisionReason::Chosen.as_str()));
        let treated = rows.clone().filter(is_chosen)?.select(vec![col(column::CUSTOMER_ID)])?;
        let read_from = match files.found_in {
            FoundIn::RecordedFiles => PlanSource::RecordedFiles,
            FoundIn::Table { version, gone } => {
                let of_record = rows.filter(col(column::RUN_ID).eq(lit(self.record.run_id.as_str())))?;
                let counted = (of_record.count().await? as u64, treated.clone().count().await? as u64);
                self.what_is_missing(run, version, gone.len(), counted, cooldown_days)?
            }
        };
        Ok((treated, read_from))
    }

    /// Says what the table lacks of the recorded plan. Rows of a few persons that were erased are gone for good, and the run goes on without
    /// them; where more of the treated are gone, nothing says any more whom the cooldown protects.
    fn what_is_missing(
        &self,
        run: &Run<'_>,
        version: u64,
        files_gone: usize,
        (rows, treated): (u64, u64),
        cooldown_days: u32,
    ) -> Result<PlanSource> {
        let recorded_treated = self.recorded_treated()?;
        let rows_missing = self.table.rows.saturating_sub(rows);
        let treated_missing = recorded_treated.saturating_sub(treated);
        if treated_missing > MOST_ERASED.max(recorded_treated / 20) || treated == 0 && treated_missing > 0 {
            bail!(
                "{}: campaign_allocations (version {version}) names {treated} of them",
                self.unknown_treated(cooldown_days)
            );
        }
        let what = match (rows_missing, treated_missing) {
            (0, _) => "no row is missing".to_owned(),
            (rows, treated) => format!(
                "{rows} of its {} rows are missing, {treated} of {recorded_treated} treated customers among them, whom its cooldown \
                 does not protect any more",
                self.table.rows
            ),
        };
        run.open.progress.warn(format!(
            "other software has rewritten campaign_allocations of {}: {files_gone} of {} recorded files are gone; the day was read from \
             the table (version {version}), where {what}",
            self.record.ds,
            self.table.files.len()
        ));
        Ok(PlanSource::Table { version, rows_missing, treated_missing })
    }

    /// A day that treated nobody and has left the table takes nothing from the cooldown.
    fn emptied(&self, run: &Run<'_>, session: &SessionContext, version: u64) -> Result<(DataFrame, PlanSource)> {
        run.open.progress.warn(format!(
            "other software has removed {} from campaign_allocations (version {version}); its run record says that it treated nobody",
            self.record.ds
        ));
        let read_from = PlanSource::Table { version, rows_missing: self.table.rows, treated_missing: 0 };
        Ok((nobody(session)?, read_from))
    }

    fn recorded_treated(&self) -> Result<u64> {
        Ok(DailyDetails::of(&self.record)?.allocation.treated)
    }

    /// Why the run stops, and what can be done.
    fn unknown_treated(&self, cooldown_days: u32) -> String {
        let ds = self.record.ds;
        let over = ds.plus_days(i32::try_from(cooldown_days).unwrap_or(i32::MAX).saturating_add(1));
        let treated = self.recorded_treated().unwrap_or_default();
        format!(
            "{ds} treated {treated} customers, nothing says any more who all of them are, and so the cooldown of {cooldown_days} days cannot be kept: \
             restore campaign_allocations to a version that holds {ds} (it was published as version {}), or, at the price of \
             contacting them again, lower `cooldown_days` of the policy until {over}",
            self.table.version
        )
    }
}

fn nobody(session: &SessionContext) -> Result<DataFrame> {
    let schema = Schema::new(vec![Field::new(column::CUSTOMER_ID, DataType::Utf8, false)]);
    Ok(session.read_batch(RecordBatch::new_empty(schema.into()))?)
}
