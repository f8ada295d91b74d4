use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{Float64Array, Int64Array, RecordBatch, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::displayable;

use super::*;

fn models() -> ModelCache {
    ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }))
}

#[tokio::test]
async fn knows_our_functions_and_text_is_utf8() {
    let models = models();
    let context = build(&SessionSettings::default(), &models).unwrap();
    for function in mainstay_functions::scalar_functions(&models) {
        assert!(context.state().scalar_functions().contains_key(function.name()), "{}", function.name());
    }
    for function in mainstay_functions::aggregate_functions() {
        assert_eq!(context.state().aggregate_functions()[function.name()], function);
    }
    let text = context.sql("select cast('a' as varchar) as t").await.unwrap();
    assert_eq!(text.schema().field(0).data_type(), &DataType::Utf8);
}

const ROWS: u64 = 1000;

/// Numbers that look drawn, always the same.
fn draws(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

/// Floats of sizes from 1e-12 to 1e12 of both signs in twenty groups, and a few that are no numbers.
fn rows() -> RecordBatch {
    let wild = |seed| {
        let draw = draws(seed).zip(draws(seed + 1)).zip(draws(seed + 2));
        let value = draw.map(|((digits, size), sign)| {
            let size = 10_f64.powi((size % 24) as i32 - 12);
            (digits as f64 / 1e9) * size * if sign % 2 == 0 { 1.0 } else { -1.0 }
        });
        value.take(ROWS as usize).collect::<Vec<_>>()
    };
    let mut x = wild(1);
    x[3] = f64::NAN;
    x[24] = f64::INFINITY;
    let y: Float64Array = wild(7).into_iter().enumerate().map(|(row, y)| (row % 11 != 0).then_some(y)).collect();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64)) as _),
        ("customer_id", Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 20))) as _),
        ("x", Arc::new(Float64Array::from(x)) as _),
        ("y", Arc::new(y) as _),
    ])
    .unwrap()
}

/// The rows of the seed's order in as many partitions as the session has, in batches of its size.
async fn results(context: &SessionContext, settings: &SessionSettings, seed: u64, sql: &str) -> String {
    let mut order: Vec<(u64, u64)> = draws(seed).zip(0..ROWS).collect();
    order.sort_unstable();
    let order = UInt64Array::from_iter_values(order.into_iter().map(|(_, row)| row));
    let rows = take_record_batch(&rows(), &order).unwrap();
    let size = rows.num_rows().div_ceil(settings.partitions);
    let slice = |from: usize, length: usize| rows.slice(from, length.min(rows.num_rows() - from));
    let partition = |from: usize| {
        let end = (from + size).min(rows.num_rows());
        (from..end)
            .step_by(settings.batch_size)
            .map(|start| slice(start, settings.batch_size.min(end - start)))
            .collect()
    };
    let partitions = (0..rows.num_rows()).step_by(size).map(partition).collect();
    let table = MemTable::try_new(rows.schema(), partitions).unwrap();
    context.deregister_table("t").unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The results of a query over 1 to 64 partitions, batches of 1 to 8192 rows and rows in several orders: with our functions,
/// and with the built-in ones.
async fn all_results(sql: &str) -> [BTreeSet<String>; 2] {
    let mut all = [BTreeSet::new(), BTreeSet::new()];
    for (partitions, batch_size, seed) in
        [(1, 8192, 1), (1, 1, 2), (2, 7, 3), (2, 8192, 4), (8, 1, 5), (8, 8192, 6), (64, 7, 7), (64, 8192, 8)]
    {
        let settings = SessionSettings { partitions, batch_size, memory_limit_bytes: None };
        let exact = build(&settings, &models()).unwrap();
        let builtin = SessionContext::new_with_config(config(&settings));
        for (context, all) in [exact, builtin].iter().zip(&mut all) {
            all.insert(results(context, &settings, seed, sql).await);
        }
    }
    all
}

const GROUPED: &str =
    "select customer_id, sum(x), avg(x), var(x), var_pop(x), stddev(x), stddev_pop(x), covar_samp(y, x), covar_pop(y, x),
        corr(y, x), regr_slope(y, x), regr_intercept(y, x), regr_count(y, x), regr_r2(y, x), regr_avgx(y, x),
        regr_avgy(y, x), regr_sxx(y, x), regr_syy(y, x), regr_sxy(y, x), min(x), max(x), sum(id), avg(id),
        sum(distinct x), avg(x) filter (where y > 0)
    from t group by customer_id order by customer_id";
const IN_ALL: &str =
    "select sum(y), avg(y), var(y), stddev_pop(y), corr(y, id), regr_slope(y, id), sum(distinct y) from t";
const PARTITIONED: &str =
    "select id, avg(y) over (partition by customer_id) as mean, stddev(y) over (partition by customer_id) as deviation
    from t order by id";
const SLIDING: &str =
    "select id, sum(x) over (partition by customer_id order by id rows between 5 preceding and current row) as slid,
        corr(y, x) over (partition by customer_id order by id rows between 5 preceding and 5 following) as around,
        stddev(y) over (partition by customer_id order by id) as so_far
    from t order by id";

#[tokio::test]
async fn aggregates_of_floats_do_not_depend_on_partitions_batches_or_the_order_of_rows() {
    for sql in [GROUPED, IN_ALL, PARTITIONED] {
        let [exact, builtin] = all_results(sql).await;
        assert_eq!(exact.len(), 1, "{sql}");
        assert!(builtin.len() > 1, "the rows do not show what the built-in functions depend on: {sql}");
    }
    // An order of the rows is given here, but what has left a window must leave no trace: NaN and infinity do in a built-in sum.
    assert_eq!(all_results(SLIDING).await[0].len(), 1);
}

#[tokio::test]
async fn a_sum_beside_a_distinct_count_is_rounded_once() {
    let plain = "select customer_id, sum(y) as total from t group by customer_id order by customer_id";
    let beside = "select customer_id, total from (select customer_id, count(distinct id % 7) as ids, sum(y) as total from t group by customer_id)
        where ids > 0 order by customer_id";
    let settings = SessionSettings { partitions: 2, ..SessionSettings::default() };
    let ours = build(&settings, &models()).unwrap();
    let their_rules = SessionStateBuilder::new_from_existing(ours.state()).with_optimizer_rules(Optimizer::new().rules);
    let theirs = SessionContext::new_with_state(their_rules.build());
    let expected = results(&ours, &settings, 1, plain).await;
    assert_eq!(results(&ours, &settings, 1, beside).await, expected);
    assert_ne!(results(&theirs, &settings, 1, beside).await, expected, "the rule of DataFusion no longer rounds twice");
}

#[tokio::test]
async fn a_left_join_holds_its_right_side_in_memory_and_gives_its_columns_in_their_order() {
    let context = build(&SessionSettings { partitions: 2, ..SessionSettings::default() }, &models()).unwrap();
    let orders = "(values ('a', 1), ('b', 2), (null, 3), ('c', 4)) as orders (customer, number)";
    let customers = "(select * from (values ('a', 10), ('a', 11), ('b', 20), ('d', 40)) as t (customer, value)
        where value <> 20) as customers";
    let joined = |more: &str| {
        format!(
            "select * from {orders} left join {customers} on orders.customer = customers.customer {more} order by number, value"
        )
    };
    for (more, expected) in [
        ("", ["a | 1 | a | 10", "a | 1 | a | 11", "b | 2 |  | ", " | 3 |  | ", "c | 4 |  | "].as_slice()),
        ("and value > number + 9", &["a | 1 | a | 11", "b | 2 |  | ", " | 3 |  | ", "c | 4 |  | "]),
    ] {
        let frame = context.sql(&joined(more)).await.unwrap();
        let plan = displayable(frame.clone().create_physical_plan().await.unwrap().as_ref()).indent(false).to_string();
        assert!(plan.contains("join_type=Right"), "{plan}");
        assert!(!plan.contains("join_type=Left"), "{plan}");
        let rows = pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string();
        let rows: Vec<String> = rows.lines().skip(3).filter(|line| line.starts_with('|')).map(cells).collect();
        assert_eq!(rows, expected);
    }
}

const OF_CUSTOMERS: &str = "select customer_id, sum(n) as n, sum(total) as total, max(newest) as newest from (
        select customer_id, day, n, total, first_value(n) over (partition by customer_id order by day) as newest from (
            select customer_id, id % 3 as day, count(*) as n, sum(x) as total from t group by 1, 2
        )
    ) group by customer_id order by customer_id";

#[tokio::test]
async fn groups_of_a_customer_are_exchanged_once_and_by_customer_alone() {
    assert_eq!(all_results(OF_CUSTOMERS).await[0].len(), 1);
    let context = build(&SessionSettings { partitions: 2, ..SessionSettings::default() }, &models()).unwrap();
    let two = vec![vec![rows().slice(0, 500)], vec![rows().slice(500, 500)]];
    context.register_table("t", Arc::new(MemTable::try_new(rows().schema(), two).unwrap())).unwrap();
    let plan = async |sql: &str| {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        displayable(plan.as_ref()).indent(false).to_string()
    };
    let of_customers = plan(OF_CUSTOMERS).await;
    assert_eq!(of_customers.matches("RepartitionExec").count(), 1, "{of_customers}");
    assert!(of_customers.contains("Hash([customer_id@0], 2)"), "{of_customers}");
    assert!(of_customers.contains("mode=SinglePartitioned"), "{of_customers}");
    let of_others = plan(&OF_CUSTOMERS.replace("customer_id", "y")).await;
    assert!(of_others.matches("RepartitionExec").count() > 1, "{of_others}");
}

const COUNTED: &str = "select customer_id, count(*) as n, count(y), count(*) filter (where x > 0) as positive, sum(id) as ids,
        count(y) filter (where x > 0 and id % 2 = 0) as even, count(distinct id % 5) as others, count(1) filter (where null) as none
    from t group by customer_id order by customer_id";

#[tokio::test]
async fn counts_of_a_group_are_one_aggregate_and_say_what_they_said_apart() {
    let settings = SessionSettings { partitions: 2, batch_size: 7, ..SessionSettings::default() };
    let ours = build(&settings, &models()).unwrap();
    let their_rules = SessionStateBuilder::new_from_existing(ours.state()).with_optimizer_rules(Optimizer::new().rules);
    let theirs = SessionContext::new_with_state(their_rules.build());
    let fewer = format!("select customer_id, positive from ({COUNTED}) where none = 0 order by customer_id");
    let sets = "select customer_id, id % 3 as day, count(y) as n, count(*) filter (where x > 0) as positive
        from t group by rollup (customer_id, id % 3) order by 1, 2";
    let named =
        "select id % 3 as counts, customer_id as counts_, count(y) as n, count(*) filter (where x > 0) as positive
        from t group by id % 3, customer_id order by 1, 2";
    let of_column = "select counts, count(y) as n, count(*) as rows from (select id % 3 as counts, y from t) group by counts order by 1";
    let of_all = "select count(y) as n, count(*) filter (where x > 0) as positive from t";
    for sql in [COUNTED, &fewer, sets, named, of_column, of_all, &COUNTED.replace("from t", "from t where x > 1e300")] {
        assert_eq!(results(&ours, &settings, 1, sql).await, results(&theirs, &settings, 1, sql).await, "{sql}");
    }
    let plan = async |sql: &str| {
        let plan = ours.sql(sql).await.unwrap().into_optimized_plan().unwrap();
        plan.display_indent().to_string()
    };
    let counted = plan(&COUNTED.replace("count(distinct id % 5)", "max(id % 5)")).await;
    assert_eq!(counted.matches("count_each(").count(), 1, "{counted}");
    assert!(!counted.contains("count(t.y)) FILTER") && counted.contains("sum(t.id)"), "{counted}");
    let alike = "select customer_id, count(*) filter (where x > 0 and y > 0 and id % 2 = 0) as a, count(*) filter (where x > 0 and y > 0) as b
        from t group by customer_id";
    let alike = plan(alike).await;
    assert!(alike.contains("count_each(") && alike.matches("t.y > ").count() == 1, "{alike}");
    let fewer = plan(&fewer).await;
    assert!(!fewer.contains("t.y"), "what nobody reads is not counted: {fewer}");
    for sql in [sets, of_all, "select customer_id, count(*) as n from t group by customer_id"] {
        let plan = plan(sql).await;
        assert!(!plan.contains("count_each("), "{plan}");
    }
}

/// The cells of a line of a printed table.
fn cells(line: &str) -> String {
    line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" | ")
}

#[tokio::test]
async fn a_private_context_has_functions_and_options_but_tables_of_its_own() {
    let settings = SessionSettings { partitions: 3, ..SessionSettings::default() };
    let context = build(&settings, &models()).unwrap();
    context.register_batch("shared", rows()).unwrap();
    let [first, second] = [private(&context), private(&context)];
    for own in [&first, &second] {
        own.register_batch("t", rows()).unwrap();
        assert!(own.table("shared").await.is_err());
        assert_eq!(own.copied_config().target_partitions(), 3);
        assert!(own.state().scalar_functions().contains_key("predict"));
    }
    assert!(context.table("t").await.is_err());
}
