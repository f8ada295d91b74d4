//! A source table as models see it: its rows before an instant, without those that contradict others.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::logical_expr::LogicalPlanBuilder;
use jiff::Timestamp;
use mainstay_config::source::Keep;

use crate::contract;
use crate::contract::rules::ValueBefore;
use crate::error::FeatureError;
use crate::visible::conflicts::Conflicts;
use crate::visible::moment::Bounds;
use crate::visible::relation::{Relation, filter};
use crate::visible::rows_in_memory;
use crate::visible::versions;

/// A source table and what is known of its rows.
#[derive(Debug, Clone)]
pub(crate) struct VisibleTable {
    pub(crate) relation: Relation,
    /// What is known of rows that contradict others: none until they were looked for.
    pub(crate) conflicts: Conflicts,
}

impl VisibleTable {
    /// `source.table`.
    pub(crate) fn name(&self) -> String {
        self.relation.name()
    }

    /// The key, where of the rows that a view shows no two share it: duplicates were looked for and are left out, and no null can
    /// stand in it.
    pub(crate) fn kept_key(&self) -> Option<&[String]> {
        let key = &self.relation.table.key;
        let is_kept = self.relation.table.unique_key && self.conflicts.are_known();
        (is_kept && !key.is_empty() && key.iter().all(|name| self.relation.keeps_values_in(name)))
            .then_some(key.as_slice())
    }

    /// The rows that a model may see: those that happened and were known within the bounds, and keep the contract; of a timeless table all
    /// that keep it. A value that comes later than its row reads as null until it has happened, and where it breaks a rule.
    pub(crate) fn view(&self, bounds: Bounds) -> Result<Arc<dyn TableProvider>, FeatureError> {
        let rows = self.rows_within(bounds)?;
        let rows = self.relation.values_as(rows, bounds.happened_before, ValueBefore::as_seen)?;
        Ok(Arc::new(ViewTable::new(rows.build()?, None)))
    }

    /// The rows within the bounds that break the contract, in the declared columns: by a rule for single rows, or by a reference. Copies of a
    /// row that stays are not among them: they say nothing that is not seen. A value that comes later than its row reads as null until
    /// then.
    ///
    /// Where later rows are refused, the same of all times, and beside them each row that says of itself or of a value to be of later, with
    /// its values as they stand.
    pub(crate) fn refused_view(&self, bounds: Bounds) -> Result<Arc<dyn TableProvider>, FeatureError> {
        let relation = &self.relation;
        let mut rows = relation.breaking_rules()?;
        for refused in self.conflicts.broken() {
            rows = rows.union(rows_in_memory::scan("refused", &refused.rows)?.build()?)?;
        }
        let rows = match bounds.later_are_refused {
            true => rows.union(relation.later_rows(bounds.happened_before)?.build()?)?,
            false => {
                let rows = filter(rows, relation.not_later(bounds)?)?;
                relation.values_as(rows, bounds.happened_before, ValueBefore::as_stated)?
            }
        };
        Ok(Arc::new(ViewTable::new(rows.build()?, None)))
    }

    /// The rows that may be seen before `bound` and keep the contract, with all their values: those too that come later or
    /// break a rule.
    pub(crate) fn rows_before(&self, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        self.rows_within(Bounds::at(bound))
    }

    /// The same within bounds: of rows with one key those of all that were known decide which one stands, whenever they happened.
    fn rows_within(&self, bounds: Bounds) -> Result<LogicalPlanBuilder, FeatureError> {
        let Self { relation, conflicts } = self;
        let Bounds { happened_before, known_before: known, .. } = bounds;
        let has_happened = relation.event_time()?.map(|time| time.lt(contract::instant(happened_before)));
        let is_known = relation.known_before(known)?.into_iter();
        match relation.table.keep {
            Keep::FirstKnown if known == happened_before => {
                let seen = relation.split(known, is_known.chain(has_happened))?;
                conflicts.leave_out(relation, seen, known)
            }
            Keep::FirstKnown => {
                let seen = relation.split(happened_before, is_known.chain(has_happened.clone()))?;
                filter(conflicts.leave_out(relation, seen, known)?, has_happened)
            }
            Keep::LatestKnown => {
                let known_rows = conflicts.leave_out(relation, relation.split(known, is_known)?, known)?;
                filter(versions::latest_known(relation, known_rows, known)?, has_happened)
            }
        }
    }

    /// The rows that may be seen before `bound`, keep the contract and happened from `since` on; `None` where no file may hold any.
    pub(crate) fn rows_between(
        &self,
        since: Timestamp,
        bound: Timestamp,
    ) -> Result<Option<LogicalPlanBuilder>, FeatureError> {
        let Self { relation, conflicts } = self;
        let Some(event_time) = relation.event_time()? else { return Ok(None) };
        let has_happened =
            event_time.clone().gt_eq(contract::instant(since)).and(event_time.lt(contract::instant(bound)));
        if relation.table.keep == Keep::LatestKnown {
            return Ok(Some(filter(self.rows_before(bound)?, [has_happened])?));
        }
        let Some(rows) = relation.keeping_rules_since(since)? else { return Ok(None) };
        let seen = filter(rows, relation.known_before(bound)?.into_iter().chain([has_happened]))?;
        conflicts.leave_out(relation, seen, bound).map(Some)
    }
}
