//! The source files of a run, where they are still as it has read them.

use anyhow::{Context, Result};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use mainstay_run::{OpenProject, SuppressionInstant};
use mainstay_sql::{Moment, PinnedSources, Sources, SqlProject, changed_since};

use super::project;
use crate::details::PinnedInputs;

/// The pinned files, open for reading, and the SQL over them.
pub(super) struct SourcesAtHand {
    pub(super) sources: Sources,
    sql: SqlProject,
    as_of: Timestamp,
    suppression: SuppressionInstant,
}

impl SourcesAtHand {
    /// A model that sees what came before the day, as the run has planned it.
    pub(super) async fn model(&self, session: &SessionContext, name: &str) -> Result<DataFrame> {
        self.at(session, name, Moment::before(self.as_of)).await
    }

    /// A model that decides who may be contacted, as of the instant that the run has recorded.
    pub(super) async fn suppression_model(&self, session: &SessionContext, name: &str) -> Result<DataFrame> {
        self.at(session, name, self.suppression.moment(self.as_of)).await
    }

    async fn at(&self, session: &SessionContext, name: &str, moment: Moment) -> Result<DataFrame> {
        Ok(self.sql.model(session, &self.sources, name, &moment).await?)
    }

    /// Whether the project has a model of that name.
    pub(super) fn has_model(&self, name: &str) -> bool {
        self.sql.find(name).is_ok()
    }
}

/// The pinned sources of a day as of a midnight, or why they are not at hand: a check that cannot be made has not failed. `sql` is that of
/// the project as it is now, or why it cannot be used.
pub(super) async fn find(
    open: &OpenProject,
    as_of: Timestamp,
    inputs: &PinnedInputs,
    sql: Result<&SqlProject, String>,
) -> Result<Result<SourcesAtHand, String>> {
    let pin = &inputs.sources;
    let list = project::artefact(open, &pin.file, pin.digest).await?;
    let pinned: PinnedSources =
        serde_json::from_slice(&list).with_context(|| format!("{} is no list of source files", pin.file))?;
    let sql = match sql {
        Ok(sql) if sql.digest() == inputs.sql => sql.clone(),
        Ok(_) => {
            let other = "the SQL of the project, its variables or contracts are no longer those of the run";
            return Ok(Err(other.to_owned()));
        }
        Err(why) => return Ok(Err(why)),
    };
    // Runs of an earlier release judged as of midnight.
    let suppression = match inputs.suppression_as_of {
        Some(instant) => SuppressionInstant { as_of: instant, is_stated: !inputs.later_rows_are_refused },
        None => SuppressionInstant { as_of, is_stated: true },
    };
    let sources = open_unchanged(open, &pinned).await;
    let at_hand = sources.map(|sources| sources.map(|sources| SourcesAtHand { sources, sql, as_of, suppression }));
    Ok(at_hand.unwrap_or_else(|error| Err(format!("the sources cannot be read: {error:#}"))))
}

/// The pinned files, or which of them have changed.
async fn open_unchanged(open: &OpenProject, pinned: &PinnedSources) -> Result<Result<Sources, String>> {
    let changed = changed_since(&open.session, &open.project.config().sources, pinned).await?;
    if let Some(first) = changed.first() {
        let files: usize = pinned.tables.iter().map(|table| table.files.len()).sum();
        return Ok(Err(told(first, changed.len(), files)));
    }
    let sources = Sources::open(&open.project, pinned)?.keep_small_tables(&open.session, pinned).await?;
    Ok(Ok(sources.refuse_conflicts(&open.session, |_, _| {}).await?))
}

fn told(first: &str, changed: usize, files: usize) -> String {
    format!("{changed} of {files} source files are no longer as they were read: {first}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_changed_are_counted_and_the_first_is_named() {
        assert_eq!(
            told("data/a.parquet was removed", 2, 9),
            "2 of 9 source files are no longer as they were read: data/a.parquet was removed"
        );
    }
}
