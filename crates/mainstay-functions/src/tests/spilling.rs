//! Aggregates whose groups do not fit into the memory that a plan may take.

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::aggregate_functions;

/// Twenty thousand groups of ten rows each, and one row that changes with whatever is said of one of them.
const SQL: &str = "
    with t as (
        select value % 20000 as c, value / 20000 * 7 % 31 as d, concat('the text of ', value % 37) as x
        from generate_series(0, 199999)
    ),
    stats as (
        select c, gap_stats(d) as r, distinct_stats(x) as v, count_each(d > 9, d > 19) as n, sum(d) as s from t group by c
    )
    select count(*), sum(c * r['days']), sum(c * r['squared_gap_days']), sum(c * r['recent_gap_days']),
        sum(c * v['values']), sum(c * v['repeated_values']), sum(c * n['0']), sum(c * n['1']), sum(c * s)
    from stats";

/// The answer within so many bytes, and how often rows were written to a disk for it.
async fn answer(bytes: usize) -> (String, usize) {
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(bytes, 1.0).build_arc().unwrap();
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(1024);
    let context = SessionContext::new_with_config_rt(config, runtime);
    aggregate_functions().into_iter().for_each(|function| context.register_udaf(function.as_ref().clone()));
    let plan = context.sql(SQL).await.unwrap().create_physical_plan().await.unwrap();
    let found = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    (pretty_format_batches(&found).unwrap().to_string(), spills(&plan))
}

fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or_default();
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

#[tokio::test]
async fn groups_that_are_spilled_say_the_same() {
    let (expected, none) = answer(1 << 30).await;
    assert_eq!(none, 0);
    let (found, some) = answer(4 << 20).await;
    assert!(some > 1, "{some} spills");
    assert_eq!(found, expected);
}
