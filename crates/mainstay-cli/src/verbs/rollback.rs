//! `mainstay rollback`: the newest change of an alias is taken back.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::{Access, promotion};

use crate::flags::{AuthorArguments, GlobalArguments, author_of};
use crate::project::open;
use crate::render;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The registered model.
    model: String,
    /// The alias that shall point again to the version before.
    #[arg(long, default_value = "champion")]
    alias: String,
    #[command(flatten)]
    author: AuthorArguments,
}

/// Takes the change back.
pub(crate) async fn execute(global: &GlobalArguments, arguments: RollbackArguments) -> Result<ExitCode> {
    let author = author_of(arguments.author)?;
    let open = open(global, Access::Write, None).await?;
    let promotion = promotion::rollback(&open, &arguments.model, &arguments.alias, &author).await?;
    write(global, &promotion, || render::promotion::text(&promotion))?;
    Ok(ExitCode::SUCCESS)
}
