//! Refuses SQL whose result depends on when, how often, or in how many parts it runs.
//!
//! A day that is run again, on another machine, must give the same rows. So a model may not read the clock or draw by chance,
//! may not estimate, and may not depend on an order of rows that it leaves open:
//!
//! - no function of the clock or of chance, no `tablesample`;
//! - no `approx_*`, no `any_value`;
//! - a **total order** for what takes rows by their order: `row_number`, `ntile`, `lag`, `lead`, `first_value`, `last_value`,
//!   `nth_value`, every frame of `rows`, `limit` and `offset`, `distinct on`, `array_agg` and `string_agg`.
//!
//! An order is total where the columns of `partition by` (`group by`, `distinct on`) and `order by` together identify a row of
//! what is ordered, or where they are all that is taken of it; what is known to identify a row is worked out in [`keys`].
//! `rank`, `dense_rank`, `percent_rank`, `cume_dist` and frames of `range` and `groups` treat tied rows alike and need no total
//! order. Sums and means do not depend on the order of rows: the session's aggregates are exact.

mod keys;
mod order;
mod refusal;
mod tablesample;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::error::{FeatureError, ModelFault};
use crate::project::model::Model;

use refusal::Refusal;

pub(crate) use keys::{Columns, Grains, equal_columns, identifying};
pub(crate) use tablesample::refuse_tablesample;

/// Functions that read the clock. DataFusion counts them as stable within one query, but a day is run more than once.
const CLOCKS: [&str; 5] = ["now", "current_timestamp", "current_date", "current_time", "today"];

/// Refuses a model whose rows could differ between two runs of a day. Models that it refers to have been looked at before,
/// and sources are views of ours.
pub(crate) fn check<'a>(model: &Model, plan: &LogicalPlan, grains: &Grains<'a>) -> Result<(), FeatureError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        if is_table(node, grains) {
            return Ok(TreeNodeRecursion::Jump);
        }
        found = look_at(node, grains)?;
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    let Some(Refusal { message, span }) = found else { return Ok(()) };
    let fault = ModelFault::new(&model.file, message);
    match span {
        Some(span) => Err(fault.at(span.start.line as usize, span.start.column as usize).into()),
        None => Err(fault.into()),
    }
}

fn is_table(node: &LogicalPlan, grains: &Grains<'_>) -> bool {
    matches!(node, LogicalPlan::SubqueryAlias(alias) if grains(&alias.alias).is_some())
}

fn look_at(node: &LogicalPlan, grains: &Grains<'_>) -> datafusion::error::Result<Option<Refusal>> {
    let mut found = order::of_node(node, grains);
    node.apply_expressions(|expression| {
        expression.apply(|part| {
            found = found.take().or_else(|| of_expression(part)).or_else(|| order::of_expression(node, part, grains));
            Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

/// What no order can mend.
fn of_expression(expression: &Expr) -> Option<Refusal> {
    let (name, volatility) = match expression {
        Expr::ScalarFunction(function) => (function.func.name(), function.func.signature().volatility),
        Expr::AggregateFunction(function) => (function.func.name(), function.func.signature().volatility),
        Expr::WindowFunction(function) => (function.fun.name(), function.fun.signature().volatility),
        _ => return None,
    };
    let instead = match name {
        "approx_distinct" => Some("count(distinct ...)"),
        "approx_median" => Some("median()"),
        name if name.starts_with("approx_") => Some("percentile_cont()"),
        _ => None,
    };
    let message = match (name, instead) {
        (_, Some(instead)) => {
            format!("{name}() estimates, and gives another result with other partitions: use {instead}")
        }
        ("any_value", _) => "any_value() takes whichever row comes first: use min() or max()".to_owned(),
        _ if volatility == Volatility::Volatile || CLOCKS.contains(&name) => format!(
            "{name}() gives another result when the day is run again: use {{{{ as_of }}}} for the time, and \
             uniform_hash() for a draw that stays"
        ),
        _ => return None,
    };
    Some(Refusal::of(expression, message))
}
