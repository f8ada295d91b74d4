//! How much longer the exact aggregates take than the built-in ones, on one thread.
//!
//! `cargo bench -p mainstay-functions --bench aggregates -- [rows] [groups]`.

// What it is for is to print.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BATCH_ROWS: usize = 8192;
const REPEATS: usize = 3;
const CALLS: [&str; 6] =
    ["sum(value)", "avg(value)", "stddev(value)", "sum(amount)", "avg(amount)", "max(value) - min(value)"];

fn main() -> Result<()> {
    let given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let numbers = given.map(|argument| argument.parse());
    let numbers = numbers.collect::<std::result::Result<Vec<usize>, _>>()?;
    let (rows, groups) = (numbers.first().copied().unwrap_or(10_000_000), numbers.get(1).copied().unwrap_or(100_000));
    let table = Arc::new(table(rows, groups.max(1) as u64)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (builtin, exact) = (context(&table)?, context(&table)?);
    for function in mainstay_functions::aggregate_functions() {
        exact.register_udaf(Arc::unwrap_or_clone(function));
    }
    println!("{rows} rows in {groups} groups, best of {REPEATS}, in seconds");
    println!("{:<26} {:>9} {:>9} {:>7}", "", "built-in", "exact", "ratio");
    for call in CALLS {
        let sql = format!("select max(result) from (select {call} as result from measures group by id)");
        let of_builtin = runtime.block_on(best_seconds(&builtin, &sql))?;
        let of_exact = runtime.block_on(best_seconds(&exact, &sql))?;
        println!("{call:<26} {of_builtin:>9.2} {of_exact:>9.2} {:>7.2}", of_exact / of_builtin);
    }
    Ok(())
}

async fn best_seconds(context: &SessionContext, sql: &str) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        context.sql(sql).await?.collect().await?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn context(table: &Arc<MemTable>) -> Result<SessionContext> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    context.register_table("measures", Arc::clone(table) as _)?;
    Ok(context)
}

/// Rows of all groups mixed, as they come in from a shop: floats of many sizes, and amounts in cents.
fn table(rows: usize, groups: u64) -> Result<MemTable> {
    let mut state = 42_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut batches = Vec::new();
    for start in (0..rows).step_by(BATCH_ROWS) {
        let length = BATCH_ROWS.min(rows - start);
        let ids = Int64Array::from_iter_values((0..length).map(|_| (random() % groups) as i64));
        let values =
            Float64Array::from_iter_values((0..length).map(|_| random() as f64 / (1 + random() % 1000) as f64));
        let amounts = Decimal128Array::from_iter_values((0..length).map(|_| i128::from(random() % 100_000)));
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(ids)),
            ("value", Arc::new(values)),
            ("amount", Arc::new(amounts.with_precision_and_scale(18, 2)?)),
        ];
        batches.push(RecordBatch::try_from_iter(columns)?);
    }
    let schema = batches.first().map(RecordBatch::schema).ok_or("at least one row is needed")?;
    Ok(MemTable::try_new(schema, vec![batches])?)
}
