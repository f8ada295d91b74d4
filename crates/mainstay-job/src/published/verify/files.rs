//! The files of the tables, and what else the record names by digest: the list of source files, the offers, the policy and the model.

use anyhow::Result;
use mainstay_table::published_day::{self, Check, FoundIn};

use super::day::Day;
use super::finding::Finding;

/// A day that other software has rewritten is read from the table as it stands; whether it still says the same is for the canonical
/// digests to find.
pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let mut count = 0;
    let mut rewritten = String::new();
    for table in &day.record.tables {
        let found = published_day::find(&day.open.lake, day.record.ds, table, Check::Digests).await?;
        if let FoundIn::Table { version, gone } = &found.found_in {
            rewritten += &format!(
                ", {} of which other software has rewritten {} of {} files since (read at version {version})",
                table.table,
                gone.len(),
                table.files.len()
            );
        }
        count += table.files.len();
    }
    let (inputs, allocation) = (&day.details.inputs, &day.details.allocation);
    day.artefact(&inputs.sources.file, inputs.sources.digest).await?;
    day.artefact(&allocation.offers_file, allocation.offers_digest).await?;
    if let Some(kept) = &inputs.policy_file {
        day.artefact(&kept.file, kept.digest).await?;
    }
    day.open.registry.load_by_digest(&day.details.model.digest).await?;
    let policy = if inputs.policy_file.is_some() { ", the policy" } else { "" };
    Finding::holds(format!("{count} files, the list of source files, the offers{policy}, the model{rewritten}"))
}
