//! `offers.parquet`: the instance of the day as a file, so that anyone can check the certificate against it.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt16Array, UInt32Array};
use arrow::datatypes::{Int64Type, UInt16Type, UInt32Type};
use bytes::Bytes;
use mainstay_config::Policy;
use mainstay_schema::Cents;
use mainstay_schema::plan::{Offer, Offers};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::daily::candidates::Decided;
use crate::daily::instance;

/// The offers of all customers as Parquet, in the order of the instance.
pub(crate) fn encode(decided: &Decided, policy: &Policy) -> Result<Vec<u8>> {
    let offers = &decided.instance.as_instance().offers;
    let customers: Vec<u32> =
        (0u32..).zip(0..offers.customers()).flat_map(|(customer, at)| offers.of(at).map(move |_| customer)).collect();
    let customer_ids = customers.iter().map(|&customer| decided.candidates.get(customer as usize));
    let interventions = offers.kinds().iter().map(|&kind| policy.interventions.get(usize::from(kind)));
    let cents = |value: fn(&Offer) -> Cents| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(offers.iter().map(|offer| value(&offer).0)))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "customer_id",
            Arc::new(customer_ids.map(|known| known.map(|c| c.customer_id.as_str())).collect::<StringArray>()),
        ),
        ("offer", Arc::new(interventions.map(|known| known.map(|i| i.name.as_str())).collect::<StringArray>())),
        ("value_cents", cents(|offer| offer.value)),
        ("cost_cents", cents(|offer| offer.cost)),
        ("customer", Arc::new(UInt32Array::from(customers.clone()))),
        ("intervention", Arc::new(UInt16Array::from(offers.kinds().to_vec()))),
        (
            "segment",
            Arc::new(
                customers
                    .iter()
                    .map(|&customer| offers.segments().get(customer as usize))
                    .map(Option::<&u16>::copied)
                    .collect::<UInt16Array>(),
            ),
        ),
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
    pub(crate) offers: Arc<Offers>,
    pub(crate) customer_ids: Vec<String>,
    pub(crate) interventions: Vec<String>,
}

/// One row of the file.
struct Row {
    customer: u32,
    segment: u16,
    offer: Offer,
}

/// Reads what [`encode`] wrote; how many customers there are is known elsewhere.
pub(crate) fn decode(file: Bytes, customers: u32) -> Result<DecodedOffers> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    let (mut rows, mut customer_ids, mut interventions) = (Vec::new(), Vec::new(), Vec::new());
    for batch in reader {
        append(&batch?, &mut rows, &mut customer_ids, &mut interventions)?;
    }
    ensure!(rows.is_sorted_by_key(|row| row.customer), "the offers are not sorted by customer");
    ensure!(
        rows.last().is_none_or(|last| last.customer < customers),
        "there are offers for more customers than are known"
    );
    let labels =
        instance::labels(customer_ids.iter().map(String::as_str).zip(interventions.iter().map(String::as_str)));
    let mut offers = Offers::new(labels).with_capacity(customers as usize, rows.len());
    let mut rest = rows.as_slice();
    for customer in 0..customers {
        let (own, others) = rest.split_at(rest.partition_point(|row| row.customer == customer));
        let segment = own.first().map_or(0, |row| row.segment);
        ensure!(own.iter().all(|row| row.segment == segment), "customer {customer} of offers.parquet has two segments");
        offers.push_customer(segment, own.iter().map(|row| row.offer));
        rest = others;
    }
    Ok(DecodedOffers { offers: Arc::new(offers), customer_ids, interventions })
}

fn append(
    batch: &RecordBatch,
    rows: &mut Vec<Row>,
    customer_ids: &mut Vec<String>,
    interventions: &mut Vec<String>,
) -> Result<()> {
    let column =
        |name: &str| batch.column_by_name(name).with_context(|| format!("offers.parquet has no column {name}"));
    let (customer, intervention) = (column("customer")?, column("intervention")?);
    let (value, cost) = (column("value_cents")?, column("cost_cents")?);
    let (Some(customers), Some(segments), Some(kinds), Some(values), Some(costs), Some(ids), Some(names)) = (
        customer.as_primitive_opt::<UInt32Type>(),
        column("segment")?.as_primitive_opt::<UInt16Type>(),
        intervention.as_primitive_opt::<UInt16Type>(),
        value.as_primitive_opt::<Int64Type>(),
        cost.as_primitive_opt::<Int64Type>(),
        column("customer_id")?.as_string_opt::<i32>(),
        column("offer")?.as_string_opt::<i32>(),
    ) else {
        bail!("a column of offers.parquet has another type than it was written with");
    };
    for row in 0..batch.num_rows() {
        let offer = Offer { kind: kinds.value(row), value: Cents(values.value(row)), cost: Cents(costs.value(row)) };
        rows.push(Row { customer: customers.value(row), segment: segments.value(row), offer });
        customer_ids.push(ids.value(row).to_owned());
        interventions.push(names.value(row).to_owned());
    }
    Ok(())
}
