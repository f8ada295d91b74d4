//! A project with everything that its jobs need at hand.

use std::path::Path;

use anyhow::{Context, Result};
use datafusion::prelude::SessionContext;
use mainstay_config::{Project, VarOverrides};
use mainstay_functions::ModelCache;
use mainstay_registry::Registry;
use mainstay_session::SessionSettings;
use mainstay_table::Lake;

use crate::progress::Progress;

/// Where the registry lies below the target.
const REGISTRY: &str = "registry";

/// A loaded project, its target, models and session.
pub struct OpenProject {
    /// The settings.
    pub project: Project,
    /// Where it writes.
    pub lake: Lake,
    /// The registered models, below the target.
    pub registry: Registry,
    /// Models that were loaded, for the functions that score with them.
    pub models: ModelCache,
    /// What SQL runs in.
    pub session: SessionContext,
    /// What is said while it works.
    pub progress: Progress,
}

/// What is done with the target of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read: it must exist, and may be read-only.
    Read,
    /// It is written: it is created where absent, and must be writable.
    Write,
}

/// How to open a project.
pub struct OpenOptions<'a> {
    /// Folder of `mainstay.yml`.
    pub folder: &'a Path,
    /// Target to use instead of the default one.
    pub target: Option<&'a str>,
    /// Variables that win, as YAML.
    pub vars: &'a str,
    /// What a user may choose of the execution.
    pub session: SessionSettings,
    /// What is done with the target.
    pub access: Access,
}

impl OpenProject {
    /// Loads the settings and opens the target.
    pub async fn open(options: &OpenOptions<'_>, progress: Progress) -> Result<Self> {
        let overrides = VarOverrides::parse(options.vars)?;
        let project = Project::load(options.folder, &overrides, options.target)?;
        let path = &project.target().path;
        let lake = match options.access {
            Access::Read => Lake::open_existing(path)?,
            Access::Write => Lake::open(path).await?,
        };
        let registry = Registry::new(lake.store().clone(), REGISTRY);
        let models = model_cache(&registry);
        let session = mainstay_session::build(&options.session, &models).context("cannot build a session")?;
        Ok(Self { project, lake, registry, models, session, progress })
    }

    /// The settings.
    pub fn project(&self) -> &Project {
        &self.project
    }
}

fn model_cache(registry: &Registry) -> ModelCache {
    let registry = registry.clone();
    ModelCache::new(move |digest| {
        let registry = registry.clone();
        Box::pin(async move { Ok(registry.load_by_digest(&digest).await?) })
    })
}
