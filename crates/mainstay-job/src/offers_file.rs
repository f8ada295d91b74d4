//! `offers.parquet`: the question of the day as a file, so that anyone can check the certificate against it.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt16Array, UInt32Array};
use arrow::datatypes::{Int64Type, UInt16Type, UInt32Type};
use bytes::Bytes;
use mainstay_config::Policy;
use mainstay_schema::Cents;
use mainstay_schema::plan::{Instance, Offer};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::candidates::Decided;

/// The offers of all customers as Parquet, in the order of the instance.
pub(crate) fn encode(decided: &Decided, policy: &Policy) -> Result<Vec<u8>> {
    let instance = decided.instance.as_instance();
    let offers = &instance.offers;
    let customer_ids = offers.iter().map(|offer| decided.candidates.get(offer.customer as usize));
    let interventions = offers.iter().map(|offer| policy.interventions.get(usize::from(offer.intervention)));
    let cents = |value: fn(&Offer) -> Cents| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(offers.iter().map(|offer| value(offer).0)))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer", Arc::new(UInt32Array::from_iter_values(offers.iter().map(|offer| offer.customer)))),
        ("intervention", Arc::new(UInt16Array::from_iter_values(offers.iter().map(|offer| offer.intervention)))),
        ("value_cents", cents(|offer| offer.value)),
        ("cost_cents", cents(|offer| offer.cost)),
        (
            "customer_id",
            Arc::new(customer_ids.map(|known| known.map(|c| c.customer_id.as_str())).collect::<StringArray>()),
        ),
        ("offer", Arc::new(interventions.map(|known| known.map(|i| i.name.as_str())).collect::<StringArray>())),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(bytes)
}

/// An instance read back, with the customer and intervention of every offer by name.
pub(crate) struct DecodedOffers {
    pub(crate) instance: Instance,
    pub(crate) customer_ids: Vec<String>,
    pub(crate) interventions: Vec<String>,
}

/// Reads what [`encode`] wrote; how many customers there are and what may be spent stands elsewhere.
pub(crate) fn decode(file: Bytes, customers: u32, budget: Cents) -> Result<DecodedOffers> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    let mut decoded = DecodedOffers {
        instance: Instance { customers, offers: Vec::new(), budget },
        customer_ids: Vec::new(),
        interventions: Vec::new(),
    };
    for batch in reader {
        append(&mut decoded, &batch?)?;
    }
    Ok(decoded)
}

fn append(decoded: &mut DecodedOffers, batch: &RecordBatch) -> Result<()> {
    let column =
        |name: &str| batch.column_by_name(name).with_context(|| format!("offers.parquet has no column {name}"));
    let (customer, intervention) = (column("customer")?, column("intervention")?);
    let (value, cost) = (column("value_cents")?, column("cost_cents")?);
    let (Some(customers), Some(interventions), Some(values), Some(costs), Some(ids), Some(names)) = (
        customer.as_primitive_opt::<UInt32Type>(),
        intervention.as_primitive_opt::<UInt16Type>(),
        value.as_primitive_opt::<Int64Type>(),
        cost.as_primitive_opt::<Int64Type>(),
        column("customer_id")?.as_string_opt::<i32>(),
        column("offer")?.as_string_opt::<i32>(),
    ) else {
        bail!("a column of offers.parquet has another type than it was written with");
    };
    for row in 0..batch.num_rows() {
        decoded.instance.offers.push(Offer {
            customer: customers.value(row),
            intervention: interventions.value(row),
            value: Cents(values.value(row)),
            cost: Cents(costs.value(row)),
        });
        decoded.customer_ids.push(ids.value(row).to_owned());
        decoded.interventions.push(names.value(row).to_owned());
    }
    Ok(())
}
