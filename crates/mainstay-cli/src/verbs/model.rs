//! `mainstay model`: registered models, and files of models, ours and other people's. A verb of it is a file of `model/`.

mod card;
mod export;
mod history;
mod import;
mod list;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::flags::GlobalArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelVerb {
    /// The registered models and their versions.
    List(list::ListModelsArguments),
    /// Who pointed which alias to which version, when and why.
    History(history::HistoryArguments),
    /// What people should know of a version before they use it, as Markdown.
    Card(card::CardArguments),
    /// Turn a model file of XGBoost, LightGBM or ONNX into one of ours; needs no project.
    Import(import::ImportArguments),
    /// What a model file is made of and which features it splits on most; needs no project.
    Show(show::ShowModelArguments),
    /// Write a model of ours as a file that other programs read; needs no project.
    Export(export::ExportArguments),
}

/// Executes `mainstay model ...`.
pub(crate) async fn execute(global: &GlobalArguments, verb: ModelVerb) -> Result<ExitCode> {
    match verb {
        ModelVerb::List(arguments) => list::execute(global, &arguments).await?,
        ModelVerb::History(arguments) => history::execute(global, &arguments).await?,
        ModelVerb::Card(arguments) => card::execute(global, &arguments).await?,
        ModelVerb::Import(arguments) => import::execute(global, &arguments)?,
        ModelVerb::Show(arguments) => show::execute(global, &arguments)?,
        ModelVerb::Export(arguments) => export::execute(global, &arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
