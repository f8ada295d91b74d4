//! The last step: every table of the day committed, and the run record written, at which the ledger is settled.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use mainstay_run::{Run, Staged, Step};
use mainstay_schema::table::{PublishedTable as DeclaredTable, Written};
use mainstay_table::RunRecord;

use crate::details::{DailyDetails, Population, RunDetails};
use crate::inputs::recent_plans;

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
    let published = run.commit(tables).await?;
    run.check_still_ours().await?;
    recent_plans::check_unchanged(run, &details.inputs).await?;
    let record = run.record(published, &RunDetails::Daily(Box::new(details)))?;
    run.write_record(&record).await?;
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
