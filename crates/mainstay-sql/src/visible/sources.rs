//! The source tables of a project as models see them.

use std::collections::BTreeMap;

use datafusion::logical_expr::lit;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::Project;

use crate::contract;
use crate::error::FeatureError;
use crate::files::pinned::PinnedSources;
use crate::visible::conflicts::Conflicts;
use crate::visible::relation::Relation;
use crate::visible::rows_in_memory;
use crate::visible::table::VisibleTable;

/// Tables that are searched for conflicts at the same time: while files of one are waited for, there is work on another.
const TABLES_AT_ONCE: usize = 2;

/// The pinned files of a project, open for reading.
#[derive(Debug, Clone)]
pub struct Sources {
    pub(crate) tables: Vec<VisibleTable>,
    pub(crate) time_zone: TimeZone,
}

impl Sources {
    /// Opens the pinned files of all sources of a project. A table that is not pinned is an error.
    pub fn open(project: &Project, pinned: &PinnedSources) -> Result<Self, FeatureError> {
        let mut tables = Vec::new();
        for source in &project.config().sources {
            for table in &source.tables {
                let relation = Relation::open(&source.name, table, pinned)?;
                tables.push(VisibleTable { relation, conflicts: Conflicts::default() });
            }
        }
        Ok(Self { tables, time_zone: project.time_zone() })
    }

    /// The same tables without the rows that contradict others.
    ///
    /// Refused are rows whose reference names no row of its table, and of rows with the same key all but the one that could
    /// be seen first, where the table does not keep the latest. A row counts as named if it keeps the rules for single rows;
    /// one that comes later than the row that names it is waited for. Of tables where no row breaks such a rule this is found
    /// out too, among the files whose statistics do not show it, so that no view asks again. `on_table` is given how many tables are done,
    /// and of how many.
    pub async fn refuse_conflicts(
        mut self,
        ctx: &SessionContext,
        on_table: impl Fn(u64, u64),
    ) -> Result<Self, FeatureError> {
        for VisibleTable { relation, .. } in &mut self.tables {
            let Some(unsettled) = relation.not_known_to_keep_rules()? else {
                relation.keeps_rules = true;
                continue;
            };
            let broken = unsettled.project([lit(true)])?.limit(0, Some(1))?;
            relation.keeps_rules = rows_in_memory::collect(ctx, broken.build()?).await?.is_none();
        }
        let tables: Vec<_> = self.tables.iter().map(|table| self.conflicts(ctx, &table.relation)).collect();
        let total = tables.len() as u64;
        let mut searches = futures::stream::iter(tables).buffered(TABLES_AT_ONCE);
        let mut found = Vec::new();
        on_table(0, total);
        while let Some(conflicts) = searches.try_next().await? {
            found.push(conflicts);
            on_table(found.len() as u64, total);
        }
        drop(searches);
        for (table, conflicts) in self.tables.iter_mut().zip(found) {
            table.conflicts = conflicts;
        }
        Ok(self)
    }

    async fn conflicts(&self, ctx: &SessionContext, relation: &Relation) -> Result<Conflicts, FeatureError> {
        let references = relation.table.references.iter();
        let named =
            references.map(|reference| Ok((reference, &self.table(&relation.source, &reference.table)?.relation)));
        Conflicts::find(ctx, relation, named.collect::<Result<_, FeatureError>>()?).await
    }

    /// All rows of a source table, those that break the contract included, with the declared columns in the declared types.
    ///
    /// # Errors
    /// A table that is not pinned.
    pub fn all_rows(&self, ctx: &SessionContext, source: &str, table: &str) -> Result<DataFrame, FeatureError> {
        self.table(source, table)?.relation.read(ctx)
    }

    /// The rows that may be seen before an instant, by `source.table`: one count a table, from the metadata of the files that hold no
    /// later time.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn rows_known(
        &self,
        ctx: &SessionContext,
        bound: Timestamp,
    ) -> Result<BTreeMap<String, u64>, FeatureError> {
        let mut known = BTreeMap::new();
        for table in &self.tables {
            let rows = DataFrame::new(ctx.state(), table.rows_before(bound)?.build()?).count().await?;
            known.insert(table.name(), rows as u64);
        }
        Ok(known)
    }

    pub(crate) fn table(&self, source: &str, table: &str) -> Result<&VisibleTable, FeatureError> {
        let mut tables = self.tables.iter();
        let found = tables.find(|found| found.relation.source == source && found.relation.table.name == table);
        found.ok_or_else(|| FeatureError::NotPinned { table: contract::table_name(source, table) })
    }
}
