//! The plan as a file: one row a customer.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use mainstay_allocator::ValidInstance;
use mainstay_allocator::{Solution, marginal_prices};
use mainstay_schema::DecisionReason;
use mainstay_schema::plan::Offer;
use parquet::arrow::ArrowWriter;

use super::offers::LabelledInstance;

/// What the plan says of one customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) offer: Option<Offer>,
    pub(super) reason: &'static str,
}

/// Rows that are written together.
const BATCH_ROWS: usize = 1 << 16;
/// The reason for bits that are none of ours.
pub(super) const BLOCKED: &str = "blocked";

/// The decision on every customer.
pub(super) fn rows(labelled: &LabelledInstance, instance: &ValidInstance, solution: &Solution) -> Vec<Row> {
    let offers = &instance.as_instance().offers;
    let mut rows: Vec<Row> = marginal_prices(instance, &solution.certificate)
        .into_iter()
        .zip(&labelled.blocked_by)
        .map(|(marginal_price, blocked_by)| {
            let reason = match (blocked_by.0, blocked_by.reason()) {
                (0, _) => marginal_price.reason.as_str(),
                (_, Some(rule)) => rule.as_str(),
                (_, None) => BLOCKED,
            };
            Row { offer: None, reason }
        })
        .collect();
    for &position in &solution.plan.chosen {
        if let Some(row) = rows.get_mut(offers.customer_of(position as usize)) {
            *row = Row { offer: offers.get(position as usize), reason: DecisionReason::Chosen.as_str() };
        }
    }
    rows
}

/// How many customers got each reason, and what they cost and bring.
pub(super) fn counted(rows: &[Row]) -> BTreeMap<&'static str, (u64, i64, i64)> {
    let mut counted = BTreeMap::new();
    for row in rows {
        let count: &mut (u64, i64, i64) = counted.entry(row.reason).or_default();
        count.0 += 1;
        count.1 += row.offer.map_or(0, |offer| offer.cost.0);
        count.2 += row.offer.map_or(0, |offer| offer.value.0);
    }
    counted
}

/// Writes the rows as Parquet, sorted by customer.
pub(super) fn write(
    labelled: &LabelledInstance,
    rows: &[Row],
    writer: impl Write + Send,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let ids = labelled.ids.to_array()?;
    let schema = Arc::new(Schema::new(vec![
        Field::new("customer_id", ids.data_type().clone(), false),
        Field::new("offer", DataType::Utf8, true),
        Field::new("cost_cents", DataType::Int64, false),
        Field::new("value_cents", DataType::Int64, false),
        Field::new("decision_reason", DataType::Utf8, false),
    ]));
    let mut writer = ArrowWriter::try_new(writer, schema.clone(), None)?;
    for start in (0..rows.len()).step_by(BATCH_ROWS) {
        let own = &rows[start..rows.len().min(start + BATCH_ROWS)];
        let name = |row: &Row| labelled.kinds.get(usize::from(row.offer?.kind)).map(|kind| kind.offer.as_str());
        let cents = |of: fn(&Offer) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(own.iter().map(|row| row.offer.as_ref().map_or(0, of))))
        };
        let columns = vec![
            ids.slice(start, own.len()),
            Arc::new(own.iter().map(name).collect::<StringArray>()) as ArrayRef,
            cents(|offer| offer.cost.0),
            cents(|offer| offer.value.0),
            Arc::new(StringArray::from_iter_values(own.iter().map(|row| row.reason))),
        ];
        writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?;
    }
    writer.close()?;
    Ok(())
}
