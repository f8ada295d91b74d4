//! DataFusion's rules of optimisation, but for the one that would round a sum twice.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::single_distinct_to_groupby::SingleDistinctToGroupBy;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The rules of every session, in DataFusion's order.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let adapted = |rule: Arc<dyn OptimizerRule + Send + Sync>| -> Arc<dyn OptimizerRule + Send + Sync> {
        let original = SingleDistinctToGroupBy::new();
        if rule.name() == original.name() { Arc::new(SingleDistinctWithoutSums(original)) } else { rule }
    };
    Optimizer::new().rules.into_iter().map(adapted).collect()
}

/// DataFusion's rule makes a sum beside `count(distinct ...)` a sum of sums: it takes any function named `sum` for one that does
/// not round (<https://github.com/apache/datafusion/issues/18643>). Here such an aggregate stays as it is.
#[derive(Debug)]
struct SingleDistinctWithoutSums(SingleDistinctToGroupBy);

impl OptimizerRule for SingleDistinctWithoutSums {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match &plan {
            LogicalPlan::Aggregate(aggregate) if has_sum(aggregate) => Ok(Transformed::no(plan)),
            _ => self.0.rewrite(plan, config),
        }
    }
}

fn has_sum(aggregate: &Aggregate) -> bool {
    aggregate.aggr_expr.iter().any(|expression| match expression {
        Expr::AggregateFunction(function) => function.func.name() == "sum" && !function.params.distinct,
        _ => false,
    })
}
