//! References to rows that do not exist, or that come later than the row that names them.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::datasource::MemTable;
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use jiff::Timestamp;
use mainstay_config::source::Reference;

use crate::contract;
use crate::error::FeatureError;
use crate::visible::relation::{Relation, filter};
use crate::visible::rows_in_memory;

/// The relation of the values that rows are held against, and its columns.
const UNMET: &str = "unmet references";
const VALUE: &str = "stated value";
const FROM: &str = "named row is seen from";

/// Columns of what is found out: the key of a row that may be named, when the naming row is seen, whether none is named.
const NAMED: &str = "named value";
const STATED_FROM: &str = "stating row is seen from";
const IS_BROKEN: &str = "names no row";

/// The values of one reference that cannot be followed on every day.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnmetReference {
    pub(crate) broken: Option<BrokenReference>,
    pub(crate) late: Option<LateReference>,
}

/// Rows that are refused for one reason.
#[derive(Debug, Clone)]
pub(crate) struct RefusedRows {
    pub(crate) reason: String,
    /// The declared columns.
    pub(crate) rows: Arc<MemTable>,
}

/// The rows of a table whose reference names no row, on no day.
#[derive(Debug, Clone)]
pub(crate) struct BrokenReference {
    column: String,
    /// The distinct values that name nothing, of all rows.
    values: Arc<MemTable>,
    pub(crate) refused: RefusedRows,
}

/// The values of a reference that some row states before the row that it names may be seen.
#[derive(Debug, Clone)]
pub(crate) struct LateReference {
    column: String,
    /// Each value with the instant from which a row that it names is seen.
    values: Arc<MemTable>,
}

impl UnmetReference {
    /// Holds a reference of `rows` of a table against the rows that it may name. Null names none and is met.
    ///
    /// One query over the references and keys, and few over the rows where one of them is unmet.
    pub(crate) async fn find(
        ctx: &SessionContext,
        relation: &Relation,
        rows: LogicalPlanBuilder,
        reference: &Reference,
        named: &Relation,
    ) -> Result<Self, FeatureError> {
        let column = contract::column(&reference.column);
        let stated = filter(relation.scan()?, [column.clone().is_not_null()])?
            .project([column.alias(VALUE), relation.seen_from()?.alias(STATED_FROM)])?;
        let keys = named
            .keeping_rules()?
            .project([contract::column(&reference.key).alias(NAMED), named.seen_from()?.alias(FROM)])?;
        let names_none = contract::column(NAMED).is_null();
        let is_late = contract::column(STATED_FROM).lt(contract::column(FROM));
        let unmet = join(keys.clone(), NAMED, stated, VALUE, JoinType::Right)?
            .filter(names_none.clone().or(is_late))?
            .project([contract::column(VALUE), names_none.alias(IS_BROKEN)])?
            .distinct()?;
        let Some(unmet) = rows_in_memory::collect(ctx, unmet.build()?).await? else {
            return Ok(Self::default());
        };
        let unmet = rows_in_memory::scan(UNMET, &unmet)?;
        let of_kind = |kind: Expr| unmet.clone().filter(kind)?.project([contract::column(VALUE)]);
        let broken = BrokenReference::of(ctx, of_kind(contract::column(IS_BROKEN))?, rows, reference, named).await?;
        let late = LateReference::of(ctx, of_kind(contract::column(IS_BROKEN).is_false())?, keys, reference).await?;
        Ok(Self { broken, late })
    }
}

impl BrokenReference {
    async fn of(
        ctx: &SessionContext,
        values: LogicalPlanBuilder,
        rows: LogicalPlanBuilder,
        reference: &Reference,
        named: &Relation,
    ) -> Result<Option<Self>, FeatureError> {
        let Some(values) = rows_in_memory::collect(ctx, values.build()?).await? else {
            return Ok(None);
        };
        let refused = join(rows_in_memory::scan(UNMET, &values)?, VALUE, rows, &reference.column, JoinType::RightSemi)?;
        let Some(rows) = rows_in_memory::collect(ctx, refused.build()?).await? else {
            return Ok(None);
        };
        let reason = format!("{} names no row of {}", reference.column, named.name());
        Ok(Some(Self { column: reference.column.clone(), values, refused: RefusedRows { reason, rows } }))
    }

    /// The rows whose reference names a row or is null.
    pub(crate) fn leave_out(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, FeatureError> {
        join(rows_in_memory::scan(UNMET, &self.values)?, VALUE, rows, &self.column, JoinType::RightAnti)
    }
}

impl LateReference {
    /// A key that stands more than once is named from the first of its rows on.
    async fn of(
        ctx: &SessionContext,
        values: LogicalPlanBuilder,
        keys: LogicalPlanBuilder,
        reference: &Reference,
    ) -> Result<Option<Self>, FeatureError> {
        let named_from = join(values, VALUE, keys, NAMED, JoinType::RightSemi)?
            .aggregate([contract::column(NAMED)], [min(contract::column(FROM)).alias(FROM)])?
            .project([contract::column(NAMED).alias(VALUE), contract::column(FROM)])?;
        let values = rows_in_memory::collect(ctx, named_from.build()?).await?;
        Ok(values.map(|values| Self { column: reference.column.clone(), values }))
    }

    /// The rows whose reference names a row that is seen before `bound`, or none that comes late.
    pub(crate) fn leave_out(
        &self,
        rows: LogicalPlanBuilder,
        bound: Timestamp,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let is_later = contract::column(FROM).gt_eq(contract::instant(bound));
        let later = rows_in_memory::scan(UNMET, &self.values)?.filter(is_later)?;
        join(later, VALUE, rows, &self.column, JoinType::RightAnti)
    }

    /// The rows with one more column: from when the row that they name is seen, null where it does not come late.
    pub(crate) fn beside(&self, rows: LogicalPlanBuilder, name: &str) -> Result<LogicalPlanBuilder, FeatureError> {
        let kept: Vec<Expr> = rows.schema().columns().into_iter().map(Expr::Column).collect();
        let joined = join(rows_in_memory::scan(UNMET, &self.values)?, VALUE, rows, &self.column, JoinType::Right)?;
        Ok(joined.project(kept.into_iter().chain([contract::column(FROM).alias(name)]))?)
    }
}

// The values come first, as the side that a hash join builds its table from.
fn join(
    values: LogicalPlanBuilder,
    value: &str,
    rows: LogicalPlanBuilder,
    column: &str,
    join_type: JoinType,
) -> Result<LogicalPlanBuilder, FeatureError> {
    let on = (vec![Column::from_name(value)], vec![Column::from_name(column)]);
    Ok(values.join(rows.build()?, join_type, on, None)?)
}
