use arrow::array::RecordBatch;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::*;
use crate::sql_answers::{Layout, answer};

/// Customer, days ago and whether a row is counted at all.
type Row = (i64, Option<i32>, Option<bool>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let day = prop_oneof![0..12_i32, 0..400_i32];
    let row = (0..7_i64, prop::option::weighted(0.9, day), prop::option::weighted(0.9, prop::bool::weighted(0.8)));
    prop::collection::vec(row, 1..200)
}

/// The same said by windows.
const WINDOWS: &str = "
    with days as (select c, d from t where f and d is not null group by c, d),
    spaced as (
        select c, d, lead(d) over newest_first - d as gap, row_number() over newest_first as newest,
            first_value(d) over newest_first as pause
        from days
        window newest_first as (partition by c order by d rows between unbounded preceding and unbounded following)
    )
    select c, count(*) as days, count(gap) as gaps, count(gap) filter (where newest <= 3) as recent_gaps,
        sum(gap) as gap_days, sum(gap * gap) as squared_gap_days, max(gap) as longest_gap_days,
        max(gap) filter (where newest = 1) as last_gap_days, sum(gap) filter (where newest <= 3) as recent_gap_days,
        case when count(*) > 1 then count(*) filter (where gap > pause) end as longer_gaps
    from spaced group by c order by c";

const GAP_STATS: &str = "
    with r as (select c, gap_stats(d) filter (where f) as r, gap_stats(distinct d) filter (where f) as of_distinct from t group by c)
    select c, r['days'] as days, r['gaps'] as gaps, r['recent_gaps'] as recent_gaps,
        r['gap_days'] as gap_days, r['squared_gap_days'] as squared_gap_days,
        r['longest_gap_days'] as longest_gap_days, r['last_gap_days'] as last_gap_days,
        r['recent_gap_days'] as recent_gap_days, r['longer_gaps'] as longer_gaps
    from r where r['days'] > 0 and r = of_distinct order by c";

fn gap_stats() -> AggregateUDF {
    AggregateUDF::from(GapStats::default())
}

fn table(rows: &[Row]) -> RecordBatch {
    let customers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let days: ArrayRef = Arc::new(rows.iter().map(|row| row.1.map(i64::from)).collect::<Int64Array>());
    let kept: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>());
    let columns = [("c", customers), ("d", days), ("f", kept)];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn says_what_windows_say(rows in rows(), batch in 1..100_usize, partitions in 1..4_usize, is_cautious: bool) {
        let (rows, layout) = (table(&rows), Layout { batch, partitions, is_cautious });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = answer(gap_stats(), &rows, layout, GAP_STATS).await;
            prop_assert_eq!(found, answer(gap_stats(), &rows, layout, WINDOWS).await);
            let ungrouped = |sql: &str| sql.replace("select c, ", "select ").replace(" group by c", "").replace(" order by c", "");
            let windows = WINDOWS.replace("t where", "(select 0 as c, d, f from t) where");
            let windows = windows.replace("select c, count(*) as days", "select count(*) as days");
            let found = answer(gap_stats(), &rows, layout, &ungrouped(GAP_STATS)).await;
            prop_assert_eq!(found, answer(gap_stats(), &rows, layout, &windows).await);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn says_what_of_the_days_cannot_be() {
    let context = SessionContext::new();
    context.register_udaf(gap_stats());
    let refusal = async |call: &str| {
        let planned = context.sql(&format!("select {call} from (values (-2147483648), (2147483647)) as t (i)")).await;
        match planned {
            Ok(planned) => planned.collect().await.err().map(|error| error.strip_backtrace()),
            Err(error) => Some(error.strip_backtrace()),
        }
    };
    for (call, message) in [
        ("gap_stats('x')", "but its argument is Utf8: cast it to integer"),
        ("gap_stats(i, i)", "gap_stats() takes one argument"),
        ("gap_stats(i)", "the squared_gap_days of gap_stats() are too large"),
        ("gap_stats(i * 2)", "Int32"),
    ] {
        let found = refusal(call).await.unwrap_or_default();
        assert!(found.contains(message), "{call}: {found}");
    }
    for accepted in ["gap_stats(null)", "rhythm(null)"] {
        assert_eq!(refusal(accepted).await, None);
    }
}
