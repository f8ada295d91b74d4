//! The last step: every table of the day committed, the run record written, the ledger settled.

use anyhow::{Result, bail};
use mainstay_table::{Published, PublishedTable, RunRecord, publish};

use crate::daily::money;
use crate::details::{DailyDetails, Population};
use crate::fault;
use crate::inputs::recent_plans;
use crate::progress::Step;
use crate::run::Run;
use crate::staged::{DigestedTable, Staged};

/// The tables of a day, in the order in which they are committed.
pub(crate) struct StagedDay {
    pub(crate) quarantine: DigestedTable,
    pub(crate) features: DigestedTable,
    pub(crate) risk: Staged,
    pub(crate) allocation: Staged,
}

/// Commits the day. A run that another one has overtaken commits nothing more, and writes no record.
pub(crate) async fn publish(run: &Run<'_>, day: StagedDay, details: &DailyDetails) -> Result<RunRecord> {
    let step = run.start(Step::Publish);
    check_reconciled(&day, &details.population)?;
    recent_plans::check_unchanged(run, &details.inputs).await?;
    let mut published = Vec::new();
    let StagedDay { quarantine, features, risk, allocation } = day;
    let tables = [quarantine, features, risk.digested().await?, allocation.digested().await?];
    for table in tables {
        run.check_still_ours().await?;
        let name = table.contract.name.clone();
        published.push(publish_table(run, table).await?);
        fault::boundary(&format!("published_{name}"));
    }
    run.check_still_ours().await?;
    recent_plans::check_unchanged(run, &details.inputs).await?;
    let reservation = &details.allocation.reservation;
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
fn check_reconciled(day: &StagedDay, population: &Population) -> Result<()> {
    let (features, risk, decisions) = (day.features.table.rows, day.risk.table.rows, day.allocation.table.rows);
    if population.is_reconciled() && features == risk && risk == decisions {
        return Ok(());
    }
    bail!(
        "the day does not reconcile and is not published: {features} customers with features, {risk} with a risk row, \
         {decisions} with a decision, {population:?}"
    )
}

async fn publish_table(run: &Run<'_>, table: DigestedTable) -> Result<PublishedTable> {
    let DigestedTable { contract, table: staged, digest } = table;
    match publish::publish(&run.open.lake, &contract, &staged, &run.attempt).await? {
        Published::Committed { version } | Published::AlreadyDone { version } => {
            Ok(PublishedTable { table: staged.table, version, rows: staged.rows, digest, files: staged.files })
        }
        Published::Conflicted { by } => bail!(
            "another run ({by}) has taken over {} of {} and published {}: this one ({}) ends here",
            run.job,
            run.ds,
            staged.table,
            run.run_id
        ),
    }
}
