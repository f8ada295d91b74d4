//! The customers of a day as the decision sees them.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::prelude::{DataFrame, ident};
use mainstay_allocator::{Solution, ValidInstance};
use mainstay_schema::{BlockedBy, Cents, CustomerStatus, column};

/// What the risk table says of one customer that the decision needs.
pub(crate) struct Candidate {
    pub(crate) customer_id: String,
    pub(crate) is_scored: bool,
    pub(crate) churn_probability: f64,
    pub(crate) clv: Cents,
    pub(crate) blocked_by: BlockedBy,
}

/// The question of the day and the answer to it.
pub(crate) struct Decided {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) instance: ValidInstance,
    pub(crate) solution: Solution,
}

/// All customers of the risk table, sorted by id.
pub(crate) async fn of(risk: DataFrame) -> Result<Vec<Candidate>> {
    let columns = [column::CUSTOMER_ID, column::STATUS, column::CHURN_PROBABILITY, "clv_amount", column::BLOCKED_BY];
    let frame = risk.select(columns.map(ident).to_vec())?.sort(vec![ident(column::CUSTOMER_ID).sort(true, false)])?;
    let mut candidates = Vec::new();
    for batch in frame.collect().await? {
        candidates.extend(candidates_of(&batch)?);
    }
    Ok(candidates)
}

fn candidates_of(batch: &RecordBatch) -> Result<Vec<Candidate>> {
    let [ids, statuses, probabilities, clvs, blocks] = batch.columns() else {
        bail!("customer_risk was read with {} columns instead of 5", batch.num_columns());
    };
    let ids = ids.as_string::<i32>();
    let statuses = statuses.as_string::<i32>();
    let probabilities = probabilities.as_primitive::<Float64Type>();
    let clvs = clvs.as_primitive::<Decimal128Type>();
    let blocks = blocks.as_primitive::<Int32Type>();
    (0..batch.num_rows())
        .map(|row| {
            Ok(Candidate {
                customer_id: ids.value(row).to_owned(),
                is_scored: statuses.value(row) == CustomerStatus::Scored.as_str(),
                churn_probability: if probabilities.is_null(row) { 0.0 } else { probabilities.value(row) },
                clv: Cents(i64::try_from(clvs.value(row)).context("a lifetime value is too large")?),
                blocked_by: BlockedBy(blocks.value(row)),
            })
        })
        .collect()
}
