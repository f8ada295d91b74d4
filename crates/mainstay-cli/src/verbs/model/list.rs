//! `mainstay model list`: the registered models and their versions.

use anyhow::Result;
use clap::Args;
use mainstay_job::models::{ModelView, VersionView};
use mainstay_job::{Access, models};

use crate::flags::GlobalArguments;
use crate::project::open;
use crate::render::table;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct ListModelsArguments {
    /// Only this registered model.
    model: Option<String>,
}

/// Lists them.
pub(crate) async fn execute(global: &GlobalArguments, arguments: &ListModelsArguments) -> Result<()> {
    let open = open(global, Access::Read, None).await?;
    let listed = models::list(&open, arguments.model.as_deref()).await?;
    write(global, &serde_json::json!({"models": listed}), || text(&listed))
}

/// The versions of some models.
fn text(models: &[ModelView]) -> String {
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
