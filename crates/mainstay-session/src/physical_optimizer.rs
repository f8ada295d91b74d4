//! DataFusion's rules for physical plans, and two that know what they cannot: which side of a join is small, and that rows belong to
//! customers.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr};
use mainstay_schema::column;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;
type Keys = [Arc<dyn PhysicalExpr>];

/// The rules of every session, in DataFusion's order.
pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = PhysicalOptimizer::new().rules;
    insert_before(&mut rules, EnsureRequirements::new().name(), Arc::new(LeftJoinHoldsRight));
    insert_before(&mut rules, CombinePartialFinalAggregate::new().name(), Arc::new(CustomersStayTogether));
    rules
}

fn insert_before(rules: &mut Vec<Rule>, name: &str, rule: Rule) {
    let place = rules.iter().position(|rule| rule.name() == name).unwrap_or(rules.len());
    rules.insert(place, rule);
}

/// A left join holds its right side in memory and lets the left one pass by: what adds columns to rows is mostly smaller than they
/// are, and where one such join follows another no wide row is held. Without statistics DataFusion holds the left side, whatever
/// it is; a left side that it knows to be small is held still.
#[derive(Debug)]
struct LeftJoinHoldsRight;

impl PhysicalOptimizerRule for LeftJoinHoldsRight {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<HashJoinExec>() {
            Some(join)
                if *join.join_type() == JoinType::Left && *join.partition_mode() == PartitionMode::Partitioned =>
            {
                Ok(Transformed::yes(join.swap_inputs(PartitionMode::Partitioned)?))
            }
            _ => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "left_join_holds_right"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Groups of a customer and something else are partitioned by the customer alone: the aggregates, windows and joins by customer that
/// are mostly made of them then need no further exchange of rows, and no second half of an aggregate.
#[derive(Debug)]
struct CustomersStayTogether;

impl PhysicalOptimizerRule for CustomersStayTogether {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let by_customer = plan.transform_up(|plan| match partitioned_by_customer(&plan)? {
            Some(aggregate) => Ok(Transformed::yes(aggregate)),
            None => Ok(unneeded_exchange(&plan).map_or(Transformed::no(plan), Transformed::yes)),
        });
        by_customer.data()
    }

    fn name(&self) -> &str {
        "customers_stay_together"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// An aggregate by customer and more over rows that are exchanged by customer alone, if they do not lie that way already.
fn partitioned_by_customer(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let is_final = |aggregate: &&AggregateExec| *aggregate.mode() == AggregateMode::FinalPartitioned;
    let Some(aggregate) = plan.downcast_ref::<AggregateExec>().filter(is_final) else { return Ok(None) };
    let Some((exchange, keys, partitions)) = exchange(aggregate.input()) else { return Ok(None) };
    let Some(customer) = keys.iter().find(|key| is_customer(key)).filter(|_| keys.len() > 1) else { return Ok(None) };
    let partitioning = Partitioning::Hash(vec![Arc::clone(customer)], partitions);
    let exchange: Arc<dyn ExecutionPlan> =
        Arc::new(RepartitionExec::try_new(Arc::clone(exchange.input()), partitioning)?);
    let input = unneeded_exchange(&exchange).unwrap_or(exchange);
    replace_children_if_necessary(Arc::clone(plan), vec![input]).map(Some)
}

/// The input of an exchange by customer whose rows lie that way already.
fn unneeded_exchange(plan: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    let (exchange, keys, partitions) = exchange(plan)?;
    let Partitioning::Hash(present, of_input) = exchange.input().output_partitioning() else { return None };
    let [wanted] = keys else { return None };
    let [present] = present.as_slice() else { return None };
    let is_same = is_customer(wanted) && wanted.eq(present) && *of_input == partitions;
    is_same.then(|| Arc::clone(exchange.input()))
}

/// An exchange of rows by a hash: what by, and into how many partitions.
fn exchange(plan: &Arc<dyn ExecutionPlan>) -> Option<(&RepartitionExec, &Keys, usize)> {
    let exchange = plan.downcast_ref::<RepartitionExec>().filter(|exchange| !exchange.preserve_order())?;
    match exchange.partitioning() {
        Partitioning::Hash(keys, partitions) => Some((exchange, keys, *partitions)),
        _ => None,
    }
}

fn is_customer(key: &Arc<dyn PhysicalExpr>) -> bool {
    key.downcast_ref::<Column>().is_some_and(|key| key.name() == column::CUSTOMER_ID)
}
