//! Refuses SQL whose result depends on when or how often it runs.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::error::{FeatureError, ModelFault};
use crate::model::Model;

/// Functions that read the clock. DataFusion counts them as stable within one query, but a day is run more than once.
const CLOCKS: [&str; 5] = ["now", "current_timestamp", "current_date", "current_time", "today"];

/// Refuses functions of the clock and of chance in a model: the same day must give the same rows when it is run again.
pub(crate) fn refuse(model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found = found.take().or_else(|| volatile(part));
                Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    match found {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "{name}() gives another result when the day is run again: use {{{{ as_of }}}} for the time, and \
                 uniform_hash() for a draw that stays"
            );
            Err(ModelFault::new(&model.file, message).into())
        }
    }
}

fn volatile(expression: &Expr) -> Option<String> {
    let Expr::ScalarFunction(ScalarFunction { func, .. }) = expression else { return None };
    let is_volatile = func.signature().volatility == Volatility::Volatile || CLOCKS.contains(&func.name());
    is_volatile.then(|| func.name().to_owned())
}
