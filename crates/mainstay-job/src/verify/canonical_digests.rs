//! What the tables hold, whatever their files look like.

use anyhow::{Result, ensure};
use mainstay_table::digest;

use super::day::Day;
use super::finding::Finding;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let (open, ds) = (day.open, day.record.ds);
    let tables = day.tables()?;
    for (contract, table) in &tables {
        let found = digest::canonical_digest(&open.session, &open.lake, contract, ds, &table.files).await?;
        ensure!(
            found == table.digest,
            "{} of {ds} has digest {found}, its run record says {}",
            table.table,
            table.digest
        );
    }
    Finding::holds(format!("{} tables", tables.len()))
}
