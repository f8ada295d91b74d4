//! DataFusion's rules of optimisation, but for the one that would round a sum twice; and one that counts many conditions at once.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, ExprSchemable, LogicalPlan, Projection, and, ident, lit,
};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::single_distinct_to_groupby::SingleDistinctToGroupBy;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use mainstay_functions::CountEach;

/// The rules of every session, in DataFusion's order. Counts are put together at the end of a pass, when those that nobody reads are gone;
/// the next pass finds what their conditions have in common.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let adapted = |rule: Arc<dyn OptimizerRule + Send + Sync>| -> Arc<dyn OptimizerRule + Send + Sync> {
        let original = SingleDistinctToGroupBy::new();
        if rule.name() == original.name() { Arc::new(SingleDistinctWithoutSums(original)) } else { rule }
    };
    let counts = Arc::new(CountsTogether::default());
    Optimizer::new().rules.into_iter().map(adapted).chain([counts as _]).collect()
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

/// Several `count(...) filter (where ...)` of a group are one `count_each(...)`: an aggregate of its own for each has an array of its own
/// in memory, and every row looks into all of them.
#[derive(Debug)]
struct CountsTogether(Arc<AggregateUDF>);

impl Default for CountsTogether {
    fn default() -> Self {
        Self(Arc::new(AggregateUDF::from(CountEach::default())))
    }
}

impl OptimizerRule for CountsTogether {
    fn name(&self) -> &str {
        "counts_together"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        let has_sets = aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_)));
        if aggregate.group_expr.is_empty() || has_sets {
            return Ok(Transformed::no(plan));
        }
        let input = aggregate.input.schema();
        let counted: Vec<Option<Expr>> =
            aggregate.aggr_expr.iter().map(|expression| counted(expression, input)).collect();
        if counted.iter().flatten().count() < 2 {
            return Ok(Transformed::no(plan));
        }
        self.together(aggregate, &counted).map(Transformed::yes)
    }
}

impl CountsTogether {
    /// The same columns, with those counts from one aggregate whose conditions are given.
    fn together(&self, aggregate: &Aggregate, counted: &[Option<Expr>]) -> Result<LogicalPlan> {
        let conditions = counted.iter().flatten().cloned().collect();
        let name = free_name(&aggregate.schema);
        let counts = self.0.call(conditions).alias(name.as_str());
        let others = aggregate.aggr_expr.iter().zip(counted).filter(|(_, counted)| counted.is_none());
        let aggregates = [counts].into_iter().chain(others.map(|(other, _)| other.clone())).collect();
        let group = aggregate.group_expr.clone();
        let groups = group.len();
        let grouped = LogicalPlan::Aggregate(Aggregate::try_new(Arc::clone(&aggregate.input), group, aggregates)?);
        let mut place = 0;
        let mut columns: Vec<Expr> = aggregate.schema.iter().take(groups).map(Expr::from).collect();
        for (result, counted) in aggregate.schema.iter().skip(groups).zip(counted) {
            columns.push(match counted {
                None => Expr::from(result),
                Some(_) => {
                    place += 1;
                    get_field(ident(name.as_str()), CountEach::field(place - 1))
                        .alias_qualified(result.0.cloned(), result.1.name())
                }
            });
        }
        Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(grouped))?))
    }
}

/// A name for the counts that no column beside them has.
fn free_name(beside: &DFSchema) -> String {
    let mut name = "counts".to_owned();
    while beside.fields().iter().any(|field| *field.name() == name) {
        name.push('_');
    }
    name
}

/// The condition whose rows an expression counts, whatever it is called; `None` where it is no such count.
fn counted(expression: &Expr, input: &DFSchema) -> Option<Expr> {
    let function = match expression {
        Expr::Alias(named) => named.expr.as_ref(),
        other => other,
    };
    let Expr::AggregateFunction(AggregateFunction { func, params }) = function else { return None };
    if func.name() != "count" || params.distinct || !params.order_by.is_empty() || params.null_treatment.is_some() {
        return None;
    }
    let [value] = params.args.as_slice() else { return None };
    let filter = params.filter.as_deref().cloned();
    match (filter, value.nullable(input).ok()?) {
        (Some(filter), true) => Some(and(value.clone().is_not_null(), filter)),
        (None, true) => Some(value.clone().is_not_null()),
        (Some(filter), false) => Some(filter),
        (None, false) => Some(lit(true)),
    }
}
