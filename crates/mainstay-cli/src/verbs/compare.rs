//! `mainstay compare`: two versions of a model on the same rows.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::{Access, comparison, models};

use crate::flags::GlobalArguments;
use crate::project::open;
use crate::render;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The version that is there, by its number or an alias.
    #[arg(default_value = "champion")]
    current: String,
    /// The version that might take its place, by its number or an alias.
    #[arg(default_value = "challenger")]
    candidate: String,
    /// The registered model; the only one by default.
    #[arg(long)]
    model: Option<String>,
}

/// Compares the versions.
pub(crate) async fn execute(global: &GlobalArguments, arguments: &CompareArguments) -> Result<ExitCode> {
    let CompareArguments { current, candidate, model } = arguments;
    let open = open(global, Access::Read, None).await?;
    let model = models::resolve(&open, model.as_deref()).await?;
    let comparison = comparison::compare(&open, &model, current, candidate).await?;
    write(global, &comparison, || render::comparison::text(&comparison))?;
    Ok(ExitCode::SUCCESS)
}
