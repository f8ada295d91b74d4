//! Which of several rows with the same key stands, by what may be seen of them.

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit};
use jiff::Timestamp;

use crate::contract;
use crate::contract::rules;
use crate::error::FeatureError;
use crate::visible::relation::Relation;

const POSITION: &str = "position of the row";

/// The newest version of each key among rows that were known before `bound`. A key with a null in it is none: its rows stay.
pub(crate) fn latest_known(
    relation: &Relation,
    rows: LogicalPlanBuilder,
    bound: Timestamp,
) -> Result<LogicalPlanBuilder, FeatureError> {
    let newest_first = relation.known()?.into_iter().chain(relation.event_time()?).map(|time| time.sort(false, false));
    let is_no_key = relation.table.key.iter().map(|name| contract::column(name).is_null()).reduce(Expr::or);
    let ranked = ranked(relation, rows, newest_first, bound)?;
    let stands = is_no_key.into_iter().fold(is_first(), Expr::or);
    Ok(ranked.filter(stands)?.project(relation.columns())?)
}

/// The rows with their position among those with the same key, in an order that is total among all that can differ
/// before `bound`: a value that has not come decides nothing.
pub(crate) fn ranked(
    relation: &Relation,
    rows: LogicalPlanBuilder,
    first_by: impl IntoIterator<Item = Sort>,
    bound: Timestamp,
) -> Result<LogicalPlanBuilder, FeatureError> {
    let values = rules::values_before(&relation.table, bound)?;
    let (late, early): (Vec<_>, Vec<_>) = values.iter().partition(|value| value.is_late());
    let mut order: Vec<Sort> = first_by.into_iter().collect();
    for value in early.into_iter().chain(late) {
        order.push(value.as_seen()?.sort(true, !value.is_late()));
    }
    let key = relation.table.key.iter().map(|name| contract::column(name)).collect();
    let position = row_number().partition_by(key).order_by(order).build()?.alias(POSITION);
    Ok(rows.window([position])?)
}

/// What holds for the first row of a key.
pub(crate) fn is_first() -> Expr {
    contract::column(POSITION).eq(lit(1_u64))
}

/// What holds for the other rows of a key.
pub(crate) fn is_copy() -> Expr {
    contract::column(POSITION).gt(lit(1_u64))
}
