//! The registered models of a project: their versions, who promoted which, and their cards.

pub(crate) mod card;
pub(crate) mod chosen;
pub mod comparison;
pub mod promotion;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use mainstay_registry::ModelVersion;
use mainstay_report::ModelCard;
use mainstay_run::OpenProject;
use mainstay_schema::Digest;
use serde::Serialize;

pub use mainstay_registry::AliasEntry;

use crate::details::VersionFacts;

/// The alias of the model in use, and of the one that might replace it.
pub const CHAMPION: &str = "champion";
pub(crate) const CHALLENGER: &str = "challenger";

/// A registered model with all its versions.
#[derive(Debug, Clone, Serialize)]
pub struct ModelView {
    /// Its name.
    pub model: String,
    /// Its versions, the oldest first.
    pub versions: Vec<VersionView>,
}

/// A version in short.
#[derive(Debug, Clone, Serialize)]
pub struct VersionView {
    /// The version.
    pub version: String,
    /// The aliases that point to it now.
    pub aliases: Vec<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The later cut that it was judged on, where its record says.
    pub test_cut: Option<String>,
    /// Its area under the ROC curve there, where its record says.
    pub auc: Option<f64>,
    /// The gates that it failed.
    pub failed_gates: Vec<String>,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// The changes of the aliases of a model.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryView {
    /// The model.
    pub model: String,
    /// Its aliases in the order of their names.
    pub aliases: Vec<AliasHistory>,
}

/// The changes of an alias, the oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct AliasHistory {
    /// The alias.
    pub alias: String,
    /// Its changes.
    pub entries: Vec<AliasEntry>,
}

/// All registered models, or the one asked for, with their versions.
pub async fn list(open: &OpenProject, model: Option<&str>) -> Result<Vec<ModelView>> {
    let names = match model {
        Some(model) => vec![model.to_owned()],
        None => open.registry.models().await?,
    };
    let mut views = Vec::new();
    for model in names {
        let versions = versions(open, &model).await?;
        views.push(ModelView { model, versions });
    }
    if views.is_empty() {
        bail!("no model is registered yet: train one with `mainstay run` and a training job");
    }
    Ok(views)
}

async fn versions(open: &OpenProject, model: &str) -> Result<Vec<VersionView>> {
    let registry = &open.registry;
    let mut pointed = Vec::new();
    for alias in registry.aliases(model).await? {
        let current = registry.history(model, &alias).await?.pop();
        pointed.extend(current.map(|entry| (alias, entry.version)));
    }
    let versions = registry.versions(model).await?;
    if versions.is_empty() {
        // The error names the ways out.
        registry.version(model, "1").await?;
    }
    let view = |facts: VersionFacts, version: ModelVersion| VersionView {
        aliases: pointed.iter().filter(|(_, of)| *of == version.version).map(|(alias, _)| alias.clone()).collect(),
        created_at: version.created_at,
        test_cut: facts.trained_on.test_cut.map(|cut| cut.to_string()),
        auc: facts.judged.auc(),
        failed_gates: version.failed_gates(),
        digest: version.digest,
        version: version.version,
    };
    let view = |version: ModelVersion| view(VersionFacts::of(&version), version);
    Ok(versions.into_iter().map(view).collect())
}

/// Who changed the aliases of a model, when, why, from what to what; of one alias where it is given.
pub async fn history(open: &OpenProject, model: &str, alias: Option<&str>) -> Result<HistoryView> {
    let registry = &open.registry;
    let names = match alias {
        Some(alias) => {
            registry.resolve_required(model, alias).await?;
            vec![alias.to_owned()]
        }
        None => registry.aliases(model).await?,
    };
    if names.is_empty() {
        registry.resolve_required(model, CHAMPION).await?;
    }
    let mut aliases = Vec::new();
    for alias in names {
        let entries = registry.history(model, &alias).await?;
        aliases.push(AliasHistory { alias, entries });
    }
    Ok(HistoryView { model: model.to_owned(), aliases })
}

/// The card of a version, which is given by its number or an alias.
pub async fn card(open: &OpenProject, model: &str, version: &str) -> Result<ModelCard> {
    let version = find(open, model, version).await?;
    open.registry.card(&version).await?.with_context(|| {
        let trained_on = VersionFacts::of(&version).trained_on;
        let job = trained_on.job_name().unwrap_or("JOB");
        let ds = trained_on.ds.map_or("DATE".to_owned(), |ds| ds.to_string());
        format!(
            "{model} version {} has no card: its training ended before it was written, or was one of an earlier release; \
             `mainstay run {job} --date {ds} --force` trains the same model again and writes it",
            version.version
        )
    })
}

/// A version by its number, or by the alias that points to it.
pub(crate) async fn find(open: &OpenProject, model: &str, named: &str) -> Result<ModelVersion> {
    let is_number = !named.is_empty() && named.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match is_number {
        true => open.registry.version(model, named).await?,
        false => open.registry.resolve_required(model, named).await?,
    })
}

/// The model that a command is about: the one named, or the only one there is.
pub async fn resolve(open: &OpenProject, model: Option<&str>) -> Result<String> {
    if let Some(model) = model {
        return Ok(model.to_owned());
    }
    match open.registry.models().await?.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!("no model is registered yet: train one with `mainstay run` and a training job"),
        several => bail!("several models are registered ({}): name one with --model", several.join(", ")),
    }
}
