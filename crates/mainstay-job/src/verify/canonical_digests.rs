//! What the tables hold, whatever their files look like.

use anyhow::{Result, ensure};
use mainstay_table::published_day::{self, Check, FoundIn};

use super::day::Day;
use super::finding::Finding;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let (open, ds) = (day.open, day.record.ds);
    let tables = day.tables()?;
    for (contract, table) in &tables {
        let files = published_day::find(&open.lake, ds, table, Check::Presence).await?;
        let found = files.digest(&open.session, &open.lake, contract).await?;
        if found == table.digest {
            continue;
        }
        let rows = files.frame(&open.session, &open.lake, contract).await?.count().await? as u64;
        let why = match &files.found_in {
            FoundIn::RecordedFiles => String::new(),
            FoundIn::Table { version, .. } => format!(
                "; other software has rewritten it, and at version {version} it holds {rows} of the {} rows that were published",
                table.rows
            ),
        };
        ensure!(
            found == table.digest,
            "{} of {ds} has digest {found}, its run record says {}{why}",
            table.table,
            table.digest
        );
    }
    Finding::holds(format!("{} tables", tables.len()))
}
