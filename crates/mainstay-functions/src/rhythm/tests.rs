use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use super::*;

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
    select c, count(*) as days, sum(gap) as gap_days, sum(gap * gap) as squared_gap_days, max(gap) as longest_gap_days,
        max(gap) filter (where newest = 1) as last_gap_days, sum(gap) filter (where newest <= 3) as recent_gap_days,
        case when count(*) > 1 then count(*) filter (where gap > pause) end as longer_gaps
    from spaced group by c order by c";

const RHYTHM: &str = "
    with r as (select c, rhythm(d) filter (where f) as r, rhythm(distinct d) filter (where f) as of_distinct from t group by c)
    select c, r['days'] as days, r['gap_days'] as gap_days, r['squared_gap_days'] as squared_gap_days,
        r['longest_gap_days'] as longest_gap_days, r['last_gap_days'] as last_gap_days,
        r['recent_gap_days'] as recent_gap_days, r['longer_gaps'] as longer_gaps
    from r where r['days'] > 0 and r = of_distinct order by c";

/// A query over the rows, in batches and partitions; `is_cautious` where the first halves of aggregates soon give up and pass rows on.
async fn answer(rows: &[Row], batch: usize, partitions: usize, is_cautious: bool, sql: &str) -> String {
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(16);
    if is_cautious {
        let options = config.options_mut();
        options.execution.skip_partial_aggregation_probe_rows_threshold = 0;
        options.execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    }
    let context = SessionContext::new_with_config(config);
    context.register_udaf(AggregateUDF::from(Rhythm::default()));
    let batches = rows.chunks(batch).map(|rows| {
        let customers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let days: ArrayRef = Arc::new(rows.iter().map(|row| row.1.map(i64::from)).collect::<Int64Array>());
        let kept: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>());
        RecordBatch::try_from_iter_with_nullable([("c", customers, true), ("d", days, true), ("f", kept, true)])
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
    fn says_what_windows_say(rows in rows(), batch in 1..100_usize, partitions in 1..4_usize, is_cautious: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let found = answer(&rows, batch, partitions, is_cautious, RHYTHM).await;
            prop_assert_eq!(found, answer(&rows, batch, partitions, is_cautious, WINDOWS).await);
            let ungrouped = |sql: &str| sql.replace("select c, ", "select ").replace(" group by c", "").replace(" order by c", "");
            let (rhythm, windows) = (ungrouped(RHYTHM), WINDOWS.replace("t where", "(select 0 as c, d, f from t) where"));
            let windows = windows.replace("select c, count(*) as days", "select count(*) as days");
            let found = answer(&rows, batch, partitions, is_cautious, &rhythm).await;
            prop_assert_eq!(found, answer(&rows, batch, partitions, is_cautious, &windows).await);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn says_what_of_the_days_cannot_be() {
    let context = SessionContext::new();
    context.register_udaf(AggregateUDF::from(Rhythm::default()));
    let refusal = async |call: &str| {
        let planned = context.sql(&format!("select {call} from (values (-2147483648), (2147483647)) as t (i)")).await;
        match planned {
            Ok(planned) => planned.collect().await.err().map(|error| error.strip_backtrace()),
            Err(error) => Some(error.strip_backtrace()),
        }
    };
    for (call, message) in [
        ("rhythm('x')", "but its argument is Utf8: cast it to bigint"),
        ("rhythm(i, i)", "rhythm() takes one argument"),
        ("rhythm(i)", "the squared_gap_days of rhythm() are too large"),
        ("rhythm(i * 2)", "Int32"),
    ] {
        let found = refusal(call).await.unwrap_or_default();
        assert!(found.contains(message), "{call}: {found}");
    }
    assert_eq!(refusal("rhythm(null)").await, None);
}
