//! Registered models: their versions and the history of their aliases.

use mainstay_job::models::{AliasHistory, HistoryView, ModelView, VersionView};
use mainstay_registry::AliasEntry;

use super::table;

/// The versions of some models.
pub(crate) fn list(models: &[ModelView]) -> String {
    let rows = models.iter().flat_map(|model| model.versions.iter().map(|version| row(&model.model, version)));
    table(&["model", "version", "alias", "judged on", "AUC", "gates", "registered", "digest"], &[1, 4], rows)
}

fn row(model: &str, version: &VersionView) -> Vec<String> {
    let gates = match version.failed_gates.as_slice() {
        [] => "passed".to_owned(),
        failed => format!("FAILED {}", failed.join(", ")),
    };
    vec![
        model.to_owned(),
        version.version.clone(),
        version.aliases.join(", "),
        version.test_cut.clone().unwrap_or_default(),
        version.auc.map(|auc| format!("{auc:.4}")).unwrap_or_default(),
        gates,
        version.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
        format!("blake3:{}", version.digest.short()),
    ]
}

/// The changes of the aliases of a model.
pub(crate) fn history(view: &HistoryView) -> String {
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
