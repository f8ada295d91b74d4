//! The functions as SQL sees them: by name, with the types of the built-in ones.

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

use super::super::aggregate_functions;

fn context() -> SessionContext {
    let context = SessionContext::new();
    for function in aggregate_functions() {
        context.register_udaf((*function).clone());
    }
    context
}

async fn table(context: &SessionContext, sql: &str) -> String {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The one row of a query.
async fn row(sql: &str) -> String {
    let table = table(&context(), sql).await;
    table.lines().nth(3).unwrap().trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" | ")
}

async fn failure(sql: &str) -> String {
    context().sql(sql).await.unwrap().collect().await.unwrap_err().strip_backtrace()
}

#[tokio::test]
async fn every_name_of_a_built_in_function_is_taken_and_keeps_its_type() {
    let ours = context();
    let builtin = SessionContext::new();
    let values = "(values (1, 1.5, 2.5), (2, 2.5, 2.0), (3, 4.0, 8.5)) as t (i, y, x)";
    let one = ["var", "var_samp", "var_sample", "var_pop", "var_population", "stddev", "stddev_samp", "stddev_pop"];
    let two = ["covar", "covar_samp", "covar_pop", "corr", "regr_slope", "regr_intercept", "regr_count", "regr_r2"];
    let more = ["regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy"];
    let types = ["tinyint", "bigint", "int unsigned", "float", "double", "decimal(10, 2)", "decimal(38, 2)"];
    let of_types = |name: &'static str| types.map(|of| format!("{name}(cast(i as {of}))"));
    let exact = ["sum", "avg", "mean", "min", "max"].into_iter().flat_map(of_types);
    let exact = exact
        .chain(["sum(cast(null as double))", "avg(cast(null as double))", "min(x) + max(i)"].map(str::to_owned))
        .map(|call| (call.clone(), call));
    let rounded = |call: String| (format!("round({call}, 9)"), call);
    let statistics = one.map(|name| format!("{name}(y)")).into_iter();
    let statistics = statistics.chain(two.iter().chain(&more).map(|name| format!("{name}(y, x)"))).map(rounded);
    for (result, call) in exact.chain(statistics) {
        let sql = format!("select {result} as result, arrow_typeof({call}) as type from {values}");
        assert_eq!(table(&ours, &sql).await, table(&builtin, &sql).await, "{call}");
    }
    for function in aggregate_functions() {
        let registered = ours.state().aggregate_functions()[function.name()].clone();
        assert_eq!(registered, function);
    }
}

#[tokio::test]
async fn integers_and_decimals_are_exact() {
    let largest = "(values (9223372036854775807), (9223372036854775807), (-9223372036854775807)) as t (i)";
    assert_eq!(row(&format!("select sum(i) from {largest}")).await, "9223372036854775807");
    assert_eq!(row(&format!("select avg(i - 1) from {largest}")).await, "3.0744573456182584e18");
    assert_eq!(
        row("select avg(i) from (values (9007199254740993), (9007199254740993)) as t (i)").await,
        "9007199254740992.0"
    );
    assert_eq!(
        row("select avg(i) from (values (9007199254740993), (9007199254740995)) as t (i)").await,
        "9007199254740994.0"
    );
    assert_eq!(
        row("select sum(a), avg(a) from (values (cast(1.10 as decimal(10, 2))), (cast(2.20 as decimal(10, 2)))) as t (a)").await,
        "3.30 | 1.650000"
    );
    assert_eq!(row("select sum(distinct i), avg(distinct i) from (values (1), (2), (2)) as t (i)").await, "3 | 1.5");
}

#[tokio::test]
async fn a_sum_that_its_type_cannot_hold_is_an_error() {
    let sum = failure("select sum(i) from (values (9223372036854775807), (1)) as t (i)").await;
    assert!(sum.contains("sum() is too large for Int64: cast what is summed to decimal(28, 0)"), "{sum}");
    let nines = "cast('999999999999999999999999999999999999.99' as decimal(38, 2))";
    let sum = failure(&format!("select sum(a) from (values ({nines}), ({nines})) as t (a)")).await;
    let expected = "sum() is too large for Decimal128(38, 2): cast what is summed to a decimal of a smaller scale";
    assert!(sum.contains(expected), "{sum}");
}

#[tokio::test]
async fn filter_distinct_and_nulls() {
    let values = "(values (1, 0.1e0), (1, 0.2e0), (1, 0.2e0), (1, null), (2, null)) as t (k, x)";
    assert_eq!(
        row(&format!("select sum(x), sum(distinct x), avg(x) filter (where x > 0.15) from {values}")).await,
        "0.5 | 0.30000000000000004 | 0.2"
    );
    assert_eq!(
        row(&format!("select sum(x), avg(x), stddev(x), corr(x, x), min(x) from {values} where k = 2")).await,
        " |  |  |  | "
    );
    assert_eq!(row(&format!("select regr_count(x, x), regr_count(distinct x, x) from {values}")).await, "3 | 2");
    assert_eq!(row(&format!("select regr_count(x, x) from {values} where k = 3")).await, "0");
}

#[tokio::test]
async fn windows_slide_without_a_trace() {
    let sql = "select sum(x) over (order by i rows between 1 preceding and current row) as s,
                   stddev_pop(x) over (order by i rows between 1 preceding and current row) as d
               from (values (1, 1e300), (2, 1e-300), (3, 1.0), (4, 2.0)) as t (i, x) order by i";
    let table = table(&context(), sql).await;
    let rows: Vec<&str> = table.lines().skip(3).take(4).collect();
    assert_eq!(rows, ["| 1e300 | 0.0   |", "| 1e300 | 5e299 |", "| 1.0   | 0.5   |", "| 3.0   | 0.5   |"]);
}

#[tokio::test]
async fn groups_of_floats_have_the_extremes_that_they_have() {
    let sql = "select k, min(cast(v as double)), max(cast(v as double))
               from (values (1, 'NaN'), (1, '1'), (2, '-Infinity'), (3, '1'), (3, 'NaN')) as t (k, v)
               group by k order by k";
    let table = table(&context(), sql).await;
    let rows: Vec<String> = table.lines().skip(3).take(3).map(|line| line.replace(' ', "")).collect();
    assert_eq!(rows, ["|1|1.0|NaN|", "|2|-inf|-inf|", "|3|1.0|NaN|"]);
}
