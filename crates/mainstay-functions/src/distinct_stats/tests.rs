use arrow::array::{RecordBatch, StringArray, StringViewArray};
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::*;
use crate::sql_answers::{Layout, answer};

/// Customer, text and whether a row is counted at all.
type Row = (i64, Option<String>, Option<bool>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop_oneof!["[a-c]{0,2}", "[ab]{11,14}"];
    let row = (0..7_i64, prop::option::weighted(0.9, text), prop::option::weighted(0.9, prop::bool::weighted(0.8)));
    prop::collection::vec(row, 1..200)
}

/// The same said by two groupings.
const GROUPINGS: &str = "
    with texts as (select c, x, count(*) as n from t where f and x is not null group by c, x)
    select c, count(*) as vs, count(*) filter (where n > 1) as repeated, cast(sum(n) as bigint) as rs, max(n) as most,
        cast(count(*) as varchar) || ' 0 ' || cast(count(*) as varchar) || ' 1' as of_distinct
    from texts group by c order by c";

const DISTINCT_STATS: &str = "
    with v as (select c, distinct_stats(x) filter (where f) as v, distinct_stats(distinct x) filter (where f) as d from t group by c)
    select c, v['values'] as vs, v['repeated_values'] as repeated, v['rows'] as rs, v['most_rows'] as most,
        concat_ws(' ', d['values'], d['repeated_values'], d['rows'], d['most_rows']) as of_distinct
    from v where v['rows'] > 0 order by c";

fn distinct_stats() -> AggregateUDF {
    AggregateUDF::from(DistinctStats::default())
}

fn table(rows: &[Row]) -> RecordBatch {
    let customers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringArray>());
    let kept: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>());
    let columns = [("c", customers), ("x", texts), ("f", kept)];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn says_what_groupings_say(rows in rows(), batch in 1..100_usize, partitions in 1..4_usize, is_cautious: bool) {
        let (rows, layout) = (table(&rows), Layout { batch, partitions, is_cautious });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = answer(distinct_stats(), &rows, layout, DISTINCT_STATS).await;
            prop_assert_eq!(found, answer(distinct_stats(), &rows, layout, GROUPINGS).await);
            let ungrouped = DISTINCT_STATS.replace("select c, ", "select ").replace(" group by c", "").replace(" order by c", "");
            let groupings = GROUPINGS.replace("t where", "(select 0 as c, x, f from t) where");
            let groupings = groupings.replace("select c, count(*) as vs", "select count(*) as vs");
            let found = answer(distinct_stats(), &rows, layout, &ungrouped).await;
            prop_assert_eq!(found, answer(distinct_stats(), &rows, layout, &groupings).await);
            Ok(())
        })?;
    }

    /// As where groups come sorted, and those that are complete are given out while others grow.
    #[test]
    fn texts_keep_their_numbers_when_groups_are_given_out_early(rows in rows(), first in 0..7_usize) {
        let texts: ArrayRef = Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringViewArray>());
        let groups: Vec<usize> = rows.iter().map(|row| row.0 as usize).collect();
        let filled = || {
            let mut filled = Values::of_groups(0, false);
            GroupsAccumulator::update_batch(&mut filled, &[Arc::clone(&texts)], &groups, None, 7).unwrap();
            filled
        };
        let mut at_once = filled();
        let all = GroupsAccumulator::state(&mut at_once, EmitTo::All).unwrap().remove(0);
        let mut in_two = filled();
        let early = GroupsAccumulator::state(&mut in_two, EmitTo::First(first)).unwrap().remove(0);
        let late = GroupsAccumulator::state(&mut in_two, EmitTo::All).unwrap().remove(0);
        prop_assert_eq!(&early, &all.slice(0, first));
        prop_assert_eq!(&late, &all.slice(first, 7 - first));
    }
}

#[tokio::test]
async fn says_what_cannot_be_counted() {
    let context = SessionContext::new();
    context.register_udaf(distinct_stats());
    let refusal = async |call: &str| {
        let sql = format!("select g, {call}, count(*) from (values (1, 'a')) as t (g, x) group by g");
        match context.sql(&sql).await {
            Ok(planned) => planned.collect().await.err().map(|error| error.strip_backtrace()),
            Err(error) => Some(error.strip_backtrace()),
        }
    };
    for (call, message) in [
        ("distinct_stats(g)", "but its argument is Int64: cast it to text"),
        ("distinct_stats(x, x)", "distinct_stats() takes one argument"),
    ] {
        let found = refusal(call).await.unwrap_or_default();
        assert!(found.contains(message), "{call}: {found}");
    }
    for accepted in ["distinct_stats(null)", "variety(null)"] {
        assert_eq!(refusal(accepted).await, None);
    }
}
