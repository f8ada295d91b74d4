//! `mainstay model card`: what people should know of a version before they use it.

use anyhow::Result;
use clap::Args;
use mainstay_job::{Access, models};

use crate::flags::GlobalArguments;
use crate::project::open;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct CardArguments {
    /// The registered model; the only one by default.
    model: Option<String>,
    /// The version, by its number or an alias.
    #[arg(default_value = "champion")]
    version: String,
}

/// Shows the card.
pub(crate) async fn execute(global: &GlobalArguments, arguments: &CardArguments) -> Result<()> {
    let open = open(global, Access::Read, None).await?;
    let model = models::resolve(&open, arguments.model.as_deref()).await?;
    let card = models::card(&open, &model, &arguments.version).await?;
    write(global, &card, || card.markdown())
}
