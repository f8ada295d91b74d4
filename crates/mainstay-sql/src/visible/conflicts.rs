//! Rows that contradict other rows: references to rows that do not exist, and keys that stand twice.
//!
//! Conflicts are found once, among all pinned rows that keep the rules for single rows. A table without any is read as if
//! nothing had been looked for; the view of another leaves out few rows by their values. What a view shows follows from
//! what was known before its bound: copies of a row that come later never change what was seen before them, and a row is
//! seen once the row that it names is.

use std::sync::Arc;

use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use mainstay_config::source::Keep;

use crate::contract;
use crate::error::FeatureError;
use crate::held::HeldModels;
use crate::references::{BrokenReference, LateReference, UnmetReference};
use crate::repeats::RepeatedKeys;
use crate::source::{OpenTable, Sources};

/// Tables that are searched for conflicts at the same time: while files of one are waited for, there is work on another.
const TABLES_AT_ONCE: usize = 2;

/// The conflicts of one table, in the order in which a row is judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conflicts {
    broken: Vec<BrokenReference>,
    late: Vec<LateReference>,
    repeats: Option<RepeatedKeys>,
    /// Whether they were looked for.
    are_known: bool,
}

/// Rows that are refused for one reason.
#[derive(Debug, Clone)]
pub(crate) struct RefusedRows {
    pub(crate) reason: String,
    /// The declared columns.
    pub(crate) rows: Arc<MemTable>,
}

impl Sources {
    /// The same tables without the rows that contradict others.
    ///
    /// Refused are rows whose reference names no row of its table, and of rows with the same key all but the one that could
    /// be seen first, where the table does not keep the latest. A row counts as named if it keeps the rules for single rows;
    /// one that comes later than the row that names it is waited for. Of tables where no row breaks such a rule this is found
    /// out too, among the files whose statistics do not show it, so that no view asks again. `on_table` is told how many tables are done,
    /// and of how many.
    pub async fn refuse_conflicts(
        mut self,
        ctx: &SessionContext,
        on_table: impl Fn(u64, u64),
    ) -> Result<Self, FeatureError> {
        self.held = HeldModels::default();
        for open in &mut self.tables {
            let Some(unsettled) = open.not_known_to_keep_rules()? else {
                open.keeps_rules = true;
                continue;
            };
            let broken = unsettled.project([lit(true)])?.limit(0, Some(1))?;
            open.keeps_rules = hold(ctx, broken.build()?).await?.is_none();
        }
        let tables: Vec<_> = self.tables.iter().map(|open| self.conflicts(ctx, open)).collect();
        let total = tables.len() as u64;
        let mut searches = futures::stream::iter(tables).buffered(TABLES_AT_ONCE);
        let mut found = Vec::new();
        on_table(0, total);
        while let Some(conflicts) = searches.try_next().await? {
            found.push(conflicts);
            on_table(found.len() as u64, total);
        }
        drop(searches);
        for (open, conflicts) in self.tables.iter_mut().zip(found) {
            open.conflicts = conflicts;
        }
        Ok(self)
    }

    async fn conflicts(&self, ctx: &SessionContext, open: &OpenTable) -> Result<Conflicts, FeatureError> {
        let mut conflicts = Conflicts { are_known: true, ..Conflicts::default() };
        let mut rows = open.keeping_rules()?;
        for reference in &open.table.references {
            let named = self.table(&open.source, &reference.table)?;
            let unmet = UnmetReference::find(ctx, open, rows.clone(), reference, named).await?;
            if let Some(broken) = unmet.broken {
                rows = broken.leave_out(rows)?;
                conflicts.broken.push(broken);
            }
            conflicts.late.extend(unmet.late);
        }
        if open.table.unique_key && open.table.keep == Keep::FirstKnown {
            conflicts.repeats = RepeatedKeys::find(ctx, open, rows, &conflicts.late).await?;
        }
        Ok(conflicts)
    }
}

impl Conflicts {
    /// The rows of a table that were known before `bound` and keep the rules for single rows, without those in conflict.
    pub(crate) fn leave_out(
        &self,
        open: &OpenTable,
        rows: LogicalPlanBuilder,
        bound: Timestamp,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let rows = self.broken.iter().try_fold(rows, |rows, broken| broken.leave_out(rows))?;
        let rows = self.late.iter().try_fold(rows, |rows, late| late.leave_out(rows, bound))?;
        self.repeats.iter().try_fold(rows, |rows, repeated| repeated.keep_first(open, rows, bound))
    }

    /// The rows whose references are broken, each once.
    pub(crate) fn broken(&self) -> impl Iterator<Item = &RefusedRows> {
        self.broken.iter().map(|broken| &broken.refused)
    }

    /// Whether they were looked for: until then none are known, and none are left out.
    pub(crate) fn are_known(&self) -> bool {
        self.are_known
    }

    /// The keys that repeat, where any do.
    pub(crate) fn repeats(&self) -> Option<&RepeatedKeys> {
        self.repeats.as_ref()
    }
}

/// A table in memory as the start of a plan.
pub(crate) fn scan(name: &str, table: &Arc<MemTable>) -> Result<LogicalPlanBuilder, FeatureError> {
    Ok(LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(table) as _), None)?)
}

/// Runs a plan and holds its rows; `None` where there are none.
pub(crate) async fn hold(ctx: &SessionContext, plan: LogicalPlan) -> Result<Option<Arc<MemTable>>, FeatureError> {
    let rows = DataFrame::new(ctx.state(), plan);
    let schema = Arc::clone(rows.schema().inner());
    let batches = rows.collect().await?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    Ok(Some(Arc::new(MemTable::try_new(schema, vec![batches])?)))
}

/// The declared columns of a table.
pub(crate) fn declared(open: &OpenTable) -> impl Iterator<Item = Expr> {
    open.table.columns.iter().map(|declared| contract::column(&declared.name))
}
