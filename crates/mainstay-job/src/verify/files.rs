//! The files of the tables, and what else the record names by digest: the list of source files, the offers, the policy and the model.

use anyhow::Result;
use mainstay_table::stage;

use super::day::Day;
use super::finding::Finding;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let mut count = 0;
    for table in &day.record.tables {
        stage::verify_files(&day.open.lake, &table.files).await?;
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
    Finding::holds(format!("{count} files, the list of source files, the offers{policy}, the model"))
}
