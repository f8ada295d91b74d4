//! Rows that contradict other rows: references to rows that do not exist, and keys that stand twice.
//!
//! Conflicts are found once, among all pinned rows that keep the rules for single rows. A table without any is read as if
//! nothing had been looked for; the view of another leaves out few rows by their values. What a view shows follows from
//! what was known before its bound: copies of a row that come later never change what was seen before them, and a row is
//! seen once the row that it names is.

use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::SessionContext;
use jiff::Timestamp;
use mainstay_config::source::{Keep, Reference};

use crate::error::FeatureError;
use crate::visible::duplicate_keys::DuplicateKeys;
use crate::visible::references::{BrokenReference, LateReference, RefusedRows, UnmetReference};
use crate::visible::relation::Relation;

/// The conflicts of one table, in the order in which a row is judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conflicts {
    broken: Vec<BrokenReference>,
    late: Vec<LateReference>,
    duplicate_keys: Option<DuplicateKeys>,
    /// Whether they were looked for.
    are_known: bool,
}

impl Conflicts {
    /// Looks for the rows of a table that contradict others; `named` are its references, each with the table that it names rows of.
    pub(crate) async fn find(
        ctx: &SessionContext,
        relation: &Relation,
        named: Vec<(&Reference, &Relation)>,
    ) -> Result<Self, FeatureError> {
        let mut conflicts = Self { are_known: true, ..Self::default() };
        let mut rows = relation.keeping_rules()?;
        for (reference, named) in named {
            let unmet = UnmetReference::find(ctx, relation, rows.clone(), reference, named).await?;
            if let Some(broken) = unmet.broken {
                rows = broken.leave_out(rows)?;
                conflicts.broken.push(broken);
            }
            conflicts.late.extend(unmet.late);
        }
        if relation.table.unique_key && relation.table.keep == Keep::FirstKnown {
            conflicts.duplicate_keys = DuplicateKeys::find(ctx, relation, rows, &conflicts.late).await?;
        }
        Ok(conflicts)
    }

    /// The rows of a table that were known before `bound` and keep the rules for single rows, without those in conflict.
    pub(crate) fn leave_out(
        &self,
        relation: &Relation,
        rows: LogicalPlanBuilder,
        bound: Timestamp,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let rows = self.broken.iter().try_fold(rows, |rows, broken| broken.leave_out(rows))?;
        let rows = self.late.iter().try_fold(rows, |rows, late| late.leave_out(rows, bound))?;
        self.duplicate_keys.iter().try_fold(rows, |rows, duplicates| duplicates.keep_first(relation, rows, bound))
    }

    /// The rows whose references are broken, each once.
    pub(crate) fn broken(&self) -> impl Iterator<Item = &RefusedRows> {
        self.broken.iter().map(|broken| &broken.refused)
    }

    /// Whether they were looked for: until then none are known, and none are left out.
    pub(crate) fn are_known(&self) -> bool {
        self.are_known
    }

    /// The keys that stand for more than one row, where any do.
    pub(crate) fn duplicate_keys(&self) -> Option<&DuplicateKeys> {
        self.duplicate_keys.as_ref()
    }
}
