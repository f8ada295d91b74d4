//! A failure that a damaged source file made, by the name of the file.

use anyhow::Result;
use mainstay_run::OpenProject;
use mainstay_sql::{PinnedSources, damaged_file, is_damage};

/// Says which of the pinned files is damaged, where reading the rows of one failed.
pub(crate) async fn named<T>(open: &OpenProject, pinned: &PinnedSources, done: Result<T>) -> Result<T> {
    let Err(error) = done else { return done };
    if !is_damage(error.as_ref()) {
        return Err(error);
    }
    match damaged_file(&open.session, &open.project.config().sources, pinned).await {
        Some(named) => Err(named.into()),
        None => Err(error),
    }
}
