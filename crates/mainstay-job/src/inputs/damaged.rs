//! A failure that a damaged source file made, by the name of the file.

use anyhow::Result;
use mainstay_sql::{damaged_file, is_damage};

use crate::open_project::OpenProject;

/// Says which source file is damaged, where reading the rows of one failed.
pub(crate) async fn named<T>(open: &OpenProject, done: Result<T>) -> Result<T> {
    let Err(error) = done else { return done };
    if !error.chain().any(is_damage) {
        return Err(error);
    }
    match damaged_file(&open.session, &open.project.config().sources).await {
        Some(named) => Err(named.into()),
        None => Err(error),
    }
}
