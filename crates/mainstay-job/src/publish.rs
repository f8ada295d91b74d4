//! The last step: every table of the day committed, the run record written, the ledger settled.

use anyhow::{Result, bail};
use mainstay_schema::table::{self, TableContract};
use mainstay_table::{Published, PublishedTable, RunRecord, StagedTable, publish};

use crate::allocate::AllocatedDay;
use crate::details::DailyDetails;
use crate::fault;
use crate::features::StagedFeatures;
use crate::money;
use crate::own_plans;
use crate::progress::Step;
use crate::run::Run;
use crate::score::ScoredDay;
use crate::sources::PinnedDay;

/// The staged tables of a day, in the order in which they are committed.
pub(crate) struct StagedDay<'a> {
    pub(crate) sources: &'a PinnedDay,
    pub(crate) features: &'a StagedFeatures,
    pub(crate) risk: &'a ScoredDay,
    pub(crate) allocation: &'a AllocatedDay,
}

impl StagedDay<'_> {
    fn tables(&self) -> [(TableContract, &StagedTable); 4] {
        [
            (table::quarantine(), &self.sources.quarantine),
            (self.features.contract.clone(), &self.features.staged),
            (self.risk.contract.clone(), &self.risk.staged),
            (self.allocation.contract.clone(), &self.allocation.staged),
        ]
    }
}

/// Commits the day. A run that another one has overtaken commits nothing more, and writes no record.
pub(crate) async fn publish(run: &Run<'_>, day: &StagedDay<'_>, details: &DailyDetails) -> Result<RunRecord> {
    let step = run.start(Step::Publish);
    check_reconciled(day)?;
    own_plans::check_unchanged(run, &details.inputs).await?;
    let mut published = Vec::new();
    for (contract, staged) in day.tables() {
        run.check_still_ours().await?;
        published.push(publish_table(run, &contract, staged).await?);
        fault::boundary(&format!("published_{}", contract.name));
    }
    run.check_still_ours().await?;
    own_plans::check_unchanged(run, &details.inputs).await?;
    let reservation = &day.allocation.summary.reservation;
    let details = serde_json::to_value(details)?;
    let record = run.record(published, details);
    run.write_record(&record).await?;
    fault::boundary("recorded");
    if let Err(unsettled) = money::settle(&run.open.lake, reservation).await {
        // The day is published: its record stands. The next run of any day settles it.
        run.open.progress.warn(format!("{} is published, and its money stays reserved for now: {unsettled:#}", run.ds));
    }
    fault::boundary("settled");
    run.finish(Step::Publish, step, format!("{} tables of {}", record.tables.len(), run.ds));
    Ok(record)
}

/// Every customer with features has one risk row and one decision.
fn check_reconciled(day: &StagedDay<'_>) -> Result<()> {
    let (features, risk, decisions) = (day.features.staged.rows, day.risk.staged.rows, day.allocation.staged.rows);
    if day.risk.population.is_reconciled() && features == risk && risk == decisions {
        return Ok(());
    }
    bail!(
        "the day does not reconcile and is not published: {features} customers with features, {risk} with a risk row, \
         {decisions} with a decision, {:?}",
        day.risk.population
    )
}

async fn publish_table(run: &Run<'_>, contract: &TableContract, staged: &StagedTable) -> Result<PublishedTable> {
    match publish::publish(&run.open.lake, contract, staged, &run.attempt).await? {
        Published::Committed { version } | Published::AlreadyDone { version } => Ok(PublishedTable {
            table: staged.table.clone(),
            version,
            rows: staged.rows,
            digest: staged.digest,
            files: staged.files.clone(),
        }),
        Published::Conflicted { by } => bail!(
            "another run ({by}) has taken over {} of {} and published {}: this one ({}) ends here",
            run.job,
            run.ds,
            staged.table,
            run.run_id
        ),
    }
}
