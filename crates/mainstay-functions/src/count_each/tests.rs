use arrow::array::{Int64Array, RecordBatch};
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::*;
use crate::sql_answers::{Layout, answer};

/// Customer, two conditions and whether a row is counted at all.
type Row = (i64, Option<bool>, Option<bool>, Option<bool>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let condition = || prop::option::weighted(0.8, any::<bool>());
    prop::collection::vec((0..7_i64, condition(), condition(), condition()), 1..300)
}

fn counts() -> AggregateUDF {
    AggregateUDF::from(CountEach::default())
}

fn table(rows: &[Row]) -> RecordBatch {
    let customers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let of = |condition: fn(&Row) -> Option<bool>| -> ArrayRef {
        Arc::new(rows.iter().map(condition).collect::<BooleanArray>())
    };
    let columns = [("c", customers), ("a", of(|row| row.1)), ("b", of(|row| row.2)), ("f", of(|row| row.3))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn counts_what_filters_count(rows in rows(), batch in 1..100_usize, partitions in 1..4_usize, is_cautious: bool) {
        let each = "select c, n['0'] as a, n['1'] as b, n['2'] as both from (
            select c, count_each(a, b, a and b) filter (where f) as n from t group by c) order by c";
        let filters = "select c, count(*) filter (where a and f) as a, count(*) filter (where b and f) as b,
            count(*) filter (where a and b and f) as both from t group by c order by c";
        let (rows, layout) = (table(&rows), Layout { batch, partitions, is_cautious });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = answer(counts(), &rows, layout, each).await;
            prop_assert_eq!(found, answer(counts(), &rows, layout, filters).await);
            let ungrouped = |sql: &str| sql.replace("select c, ", "select ").replace(" group by c", "").replace(" order by c", "");
            let found = answer(counts(), &rows, layout, &ungrouped(each)).await;
            prop_assert_eq!(found, answer(counts(), &rows, layout, &ungrouped(filters)).await);
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
    context.register_udaf(counts());
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
