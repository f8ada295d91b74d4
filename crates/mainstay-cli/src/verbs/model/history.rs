//! `mainstay model history`: who pointed which alias to which version, when and why.

use anyhow::Result;
use clap::Args;
use mainstay_job::models::{AliasEntry, AliasHistory, HistoryView};
use mainstay_job::{Access, models};

use crate::flags::GlobalArguments;
use crate::project::open;
use crate::render::table;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The registered model; the only one by default.
    model: Option<String>,
    /// Only this alias.
    #[arg(long)]
    alias: Option<String>,
}

/// Shows the history.
pub(crate) async fn execute(global: &GlobalArguments, arguments: &HistoryArguments) -> Result<()> {
    let open = open(global, Access::Read, None).await?;
    let model = models::resolve(&open, arguments.model.as_deref()).await?;
    let history = models::history(&open, &model, arguments.alias.as_deref()).await?;
    write(global, &history, || text(&history))
}

/// The changes of the aliases of a model.
fn text(view: &HistoryView) -> String {
    let rows = view.aliases.iter().flat_map(|AliasHistory { alias, entries }| {
        entries.iter().map(move |entry| {
            let from = entry.from.clone().unwrap_or_default();
            let at = entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string();
            vec![alias.clone(), entry.number.to_string(), at, entry.by.clone(), from, entry.version.clone(), why(entry)]
        })
    });
    let header = ["alias", "no", "at (UTC)", "by", "from", "to", "why"];
    format!("{}\n{}", view.model, table(&header, &[1, 4, 5], rows))
}

/// The reason, and what it put aside.
fn why(entry: &AliasEntry) -> String {
    match entry.overridden.as_slice() {
        [] => entry.why.clone(),
        gates => format!("{} (OVERRIDDEN: {})", entry.why, gates.join(", ")),
    }
}
