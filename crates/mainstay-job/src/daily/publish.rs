//! The last step: every table of the day committed, the run record written, the ledger settled.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use mainstay_schema::table::{PublishedTable as DeclaredTable, Written};
use mainstay_table::{Published, PublishedTable, RunRecord, publish};

use crate::daily::money;
use crate::details::{DailyDetails, Population, RunDetails};
use crate::fault;
use crate::inputs::recent_plans;
use crate::progress::Step;
use crate::run::Run;
use crate::staged::{DigestedTable, Staged};

/// The tables of a day, in the order in which they are committed.
pub(crate) struct StagedDay {
    tables: Vec<(Written, Staged)>,
}

impl StagedDay {
    /// The staged tables in the order of the list of published ones, of which none may be missing.
    pub(crate) fn of(staged: impl IntoIterator<Item = Staged>) -> Result<Self> {
        let staged = staged.into_iter().map(|table| (table.contract.name.clone(), table)).collect();
        Ok(Self { tables: in_order(staged)? })
    }
}

fn in_order<T>(mut staged: BTreeMap<String, T>) -> Result<Vec<(Written, T)>> {
    let take = |table: &DeclaredTable| {
        let name = table.name();
        let found = staged.remove(&name).with_context(|| format!("no step of the day has made {name}"))?;
        Ok((table.written, found))
    };
    let tables = DeclaredTable::of_day().map(take).collect::<Result<Vec<_>>>()?;
    match staged.keys().next() {
        Some(name) => bail!("{name} is not among the tables that a day publishes"),
        None => Ok(tables),
    }
}

/// Commits the day. A run that another one has overtaken commits nothing more, and writes no record.
pub(crate) async fn publish(run: &Run<'_>, day: StagedDay, details: DailyDetails) -> Result<RunRecord> {
    let step = run.start(Step::Publish);
    let rows = day.tables.iter().map(|(written, staged)| (*written, staged.contract.name.as_str(), staged.table.rows));
    check_reconciled(rows, &details.population)?;
    recent_plans::check_unchanged(run, &details.inputs).await?;
    let mut tables = Vec::new();
    for (_, table) in day.tables {
        tables.push(table.digested().await?);
    }
    let mut published = Vec::new();
    for table in tables {
        run.check_still_ours().await?;
        let name = table.contract.name.clone();
        published.push(publish_table(run, table).await?);
        fault::boundary(&format!("published_{name}"));
    }
    run.check_still_ours().await?;
    recent_plans::check_unchanged(run, &details.inputs).await?;
    let reservation = details.allocation.reservation.clone();
    let record = run.record(published, &RunDetails::Daily(Box::new(details)))?;
    run.write_record(&record).await?;
    fault::boundary("recorded");
    if let Err(unsettled) = money::settle(&run.open.lake, &reservation).await {
        // The day is published: its record stands. The next run of any day settles it.
        run.open.progress.warn(format!("{} is published, and its money stays reserved for now: {unsettled:#}", run.ds));
    }
    fault::boundary("settled");
    run.finish(Step::Publish, step, format!("{} tables of {}", record.tables.len(), run.ds));
    Ok(record)
}

/// Every known customer has one row in each table that has a row for each.
fn check_reconciled<'a>(rows: impl Iterator<Item = (Written, &'a str, u64)>, population: &Population) -> Result<()> {
    let of_customers: Vec<(&str, u64)> =
        rows.filter(|(written, ..)| *written == Written::ByCustomer).map(|(_, name, rows)| (name, rows)).collect();
    if population.is_reconciled() && of_customers.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return Ok(());
    }
    let told: Vec<String> = of_customers.iter().map(|(name, rows)| format!("{rows} rows in {name}")).collect();
    bail!("the day does not reconcile and is not published: {}, {population:?}", told.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(names: &[&'static str]) -> BTreeMap<String, &'static str> {
        names.iter().map(|name| ((*name).to_owned(), *name)).collect()
    }

    #[test]
    fn tables_are_committed_in_the_order_of_the_list() {
        let names = ["campaign_allocations", "customer_risk", "quarantine", "customer_features"];
        let ordered: Vec<&str> = in_order(staged(&names)).unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(ordered, ["quarantine", "customer_features", "customer_risk", "campaign_allocations"]);
        let refused = |names: &[&'static str]| in_order(staged(names)).unwrap_err().to_string();
        assert_eq!(refused(&names[1..]), "no step of the day has made campaign_allocations");
        let more: Vec<&'static str> = names.into_iter().chain(["offers"]).collect();
        assert_eq!(refused(&more), "offers is not among the tables that a day publishes");
    }

    #[test]
    fn a_day_with_a_customer_less_in_one_table_is_not_published() {
        let population = Population { known: 3, scored: 2, ineligible: 1, refused: 0, quarantined_rows: 7 };
        let check = |decisions: u64, population: &Population| {
            let rows = [
                (Written::ByDay, "quarantine", 7),
                (Written::ByCustomer, "customer_risk", 3),
                (Written::ByCustomer, "campaign_allocations", decisions),
            ];
            check_reconciled(rows.into_iter(), population).map_err(|error| error.to_string())
        };
        check(3, &population).unwrap();
        let lost = check(2, &population).unwrap_err();
        let told = "the day does not reconcile and is not published: 3 rows in customer_risk, 2 rows in campaign_allocations, \
                    Population { known: 3";
        assert!(lost.starts_with(told), "{lost}");
        assert!(check(3, &Population { refused: 1, ..population }).is_err());
    }
}
