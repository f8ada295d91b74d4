//! `mainstay promote`: an alias points to another version of a model.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::Access;
use mainstay_job::promotion::{self, PromoteRequest};

use crate::flags::{AuthorArguments, GlobalArguments, author_of};
use crate::project::open;
use crate::render;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The registered model.
    model: String,
    /// The version, by its number or an alias such as challenger.
    version: String,
    /// The alias that shall point to it.
    #[arg(long, default_value = "champion")]
    alias: String,
    /// Promote although this gate failed; may be given again for another. Needs --why.
    #[arg(long = "override", value_name = "GATE")]
    overrides: Vec<String>,
    #[command(flatten)]
    author: AuthorArguments,
}

/// Promotes the version.
pub(crate) async fn execute(global: &GlobalArguments, arguments: PromoteArguments) -> Result<ExitCode> {
    let PromoteArguments { model, version, alias, overrides, author } = arguments;
    let author = author_of(author)?;
    let open = open(global, Access::Write, None).await?;
    let request = PromoteRequest { model, version, alias, overrides, author };
    let promotion = promotion::promote(&open, &request).await?;
    write(global, &promotion, || render::promotion::text(&promotion))?;
    Ok(ExitCode::SUCCESS)
}
