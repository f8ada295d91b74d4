//! What the tables hold, whatever their files look like: those of the day, and what whoever reads the tables sees of it.

use anyhow::{Result, bail, ensure};
use mainstay_schema::table::TableContract;
use mainstay_table::PublishedTable;
use mainstay_table::published_day::{self, Check, DayFiles, FoundIn};

use super::day::Day;
use super::finding::Finding;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let (open, ds) = (day.open, day.record.ds);
    let tables = day.tables()?;
    for (contract, table) in &tables {
        let files = published_day::find(&open.lake, ds, table, Check::Presence).await?;
        let found = files.digest(&open.session, &open.lake, contract).await?;
        if found == table.digest {
            check_as_it_stands(day, contract, table, &files).await?;
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

/// The published files may be whole, and the table may show others.
async fn check_as_it_stands(
    day: &Day<'_>,
    contract: &TableContract,
    published: &PublishedTable,
    files: &DayFiles,
) -> Result<()> {
    let (open, ds, name) = (day.open, day.record.ds, &published.table);
    let now = day.shared.table_now(open, name).await?;
    let standing = now.day(ds);
    if standing.paths().eq(files.paths()) {
        return Ok(());
    }
    // Rows that stand twice have no digest.
    if standing.digest(&open.session, &open.lake, contract).await.is_ok_and(|digest| digest == published.digest) {
        return Ok(());
    }
    let rows = standing.frame(&open.session, &open.lake, contract).await?.count().await?;
    bail!(
        "whoever reads {name} sees {rows} rows of {ds} that are not the {} that were published: other software has changed it at or before \
         version {}, or a run was killed before it was recorded; restore the table, or run the day again with --force",
        published.rows,
        now.version()
    )
}
