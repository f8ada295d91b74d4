use arrow::array::{Int64Array, RecordBatch};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use super::*;

/// Customer, two conditions and whether a row is counted at all.
type Row = (i64, Option<bool>, Option<bool>, Option<bool>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let condition = || prop::option::weighted(0.8, any::<bool>());
    prop::collection::vec((0..7_i64, condition(), condition(), condition()), 1..300)
}

/// A query over the rows, in batches and partitions; `is_cautious` where the first halves of aggregates soon give up and pass rows on.
async fn answer(rows: &[Row], batch: usize, partitions: usize, is_cautious: bool, sql: &str) -> String {
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(16);
    if is_cautious {
        let options = config.options_mut();
        options.execution.skip_partial_aggregation_probe_rows_threshold = 0;
        options.execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    }
    let context = SessionContext::new_with_config(config);
    context.register_udaf(AggregateUDF::from(CountEach::default()));
    let of = |condition: fn(&Row) -> Option<bool>, rows: &[Row]| -> ArrayRef {
        Arc::new(rows.iter().map(condition).collect::<BooleanArray>())
    };
    let batches = rows.chunks(batch).map(|rows| {
        let customers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let columns = [("c", customers), ("a", of(|row| row.1, rows)), ("b", of(|row| row.2, rows))];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().chain([("f", of(|row| row.3, rows))]).map(|(name, values)| (name, values, true)),
        )
        .unwrap()
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let parts = batches.chunks(batches.len().div_ceil(partitions)).map(<[_]>::to_vec).collect();
    let table = MemTable::try_new(batches[0].schema(), parts).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let found = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&found).unwrap().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn counts_what_filters_count(rows in rows(), batch in 1..100_usize, partitions in 1..4_usize, is_cautious: bool) {
        let each = "select c, n['0'] as a, n['1'] as b, n['2'] as both from (
            select c, count_each(a, b, a and b) filter (where f) as n from t group by c) order by c";
        let filters = "select c, count(*) filter (where a and f) as a, count(*) filter (where b and f) as b,
            count(*) filter (where a and b and f) as both from t group by c order by c";
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = answer(&rows, batch, partitions, is_cautious, each).await;
            prop_assert_eq!(found, answer(&rows, batch, partitions, is_cautious, filters).await);
            let ungrouped = |sql: &str| sql.replace("select c, ", "select ").replace(" group by c", "").replace(" order by c", "");
            let found = answer(&rows, batch, partitions, is_cautious, &ungrouped(each)).await;
            prop_assert_eq!(found, answer(&rows, batch, partitions, is_cautious, &ungrouped(filters)).await);
            Ok(())
        })?;
    }

    #[test]
    fn groups_that_are_given_out_early_are_whole(rows in rows(), first in 0..4_usize) {
        let values = |condition: fn(&Row) -> Option<bool>| Arc::new(rows.iter().map(condition).collect::<BooleanArray>()) as ArrayRef;
        let columns = [values(|row| row.1), values(|row| row.2)];
        let groups: Vec<usize> = rows.iter().map(|row| row.0 as usize).collect();
        let mut at_once = Counts::new(2);
        GroupsAccumulator::update_batch(&mut at_once, &columns, &groups, None, 7).unwrap();
        let all = at_once.counts.clone();
        let mut given = at_once.emit(EmitTo::First(first));
        prop_assert_eq!(given.len(), 2 * first);
        given.extend(at_once.emit(EmitTo::All));
        prop_assert_eq!(given, all);
    }
}

#[tokio::test]
async fn refuses_what_is_no_condition() {
    let context = SessionContext::new();
    context.register_udaf(AggregateUDF::from(CountEach::default()));
    let refusal = async |call: &str| match context.sql(&format!("select {call} from (values (1)) as t (i)")).await {
        Ok(_) => String::new(),
        Err(error) => error.strip_backtrace(),
    };
    let number = refusal("count_each(i = 1, i)").await;
    assert!(number.contains("one of its arguments is Int64: compare it with something"), "{number}");
    let none = refusal("count_each()").await;
    assert!(none.contains("count_each() needs a condition"), "{none}");
    assert_eq!(refusal("count_each(i = 1, null)").await, "");
    let distinct = context.sql("select count_each(distinct i = 1, i = 2) from (values (1)) as t (i)").await.unwrap();
    let distinct = distinct.collect().await.unwrap_err().strip_backtrace();
    assert!(distinct.contains("leave out its `distinct`"), "{distinct}");
}
