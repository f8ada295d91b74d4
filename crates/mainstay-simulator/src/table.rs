//! The rows of a day as Arrow, in the shape that the reference project's `mainstay.yml` declares.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use mainstay_schema::Cents;

use crate::order::{Line, Order};
use crate::retailer::CustomerVersion;

/// Precision and scale of money.
const MONEY: (u8, i8) = (18, 2);

/// Customer versions as `customers`.
pub(crate) fn customers(versions: &[CustomerVersion]) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<(Field, ArrayRef)> = vec![
        (text("customer_id"), texts(versions.iter().map(|version| customer_id(version.customer)))),
        (timestamp("valid_from"), timestamps(versions.iter().map(|version| version.valid_from))),
        (timestamp("signed_up_at"), timestamps(versions.iter().map(|version| version.signed_up_at))),
        (text("country"), texts(versions.iter().map(|version| version.country))),
        (text("region"), texts(versions.iter().map(|version| version.region))),
        (text("email"), texts(versions.iter().map(email))),
        (
            integer("birth_year").with_nullable(true),
            Arc::new(versions.iter().map(|version| version.birth_year).collect::<Int32Array>()),
        ),
        (
            text("gender").with_nullable(true),
            Arc::new(versions.iter().map(|version| version.gender).collect::<StringArray>()),
        ),
    ];
    batch(columns)
}

/// Orders and returns as `orders`.
pub(crate) fn orders(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<(Field, ArrayRef)> = vec![
        (text("order_id"), texts(orders.iter().map(order_id))),
        (text("customer_id"), texts(orders.iter().map(|order| customer_id(order.customer)))),
        (timestamp("ordered_at"), timestamps(orders.iter().map(|order| order.ordered_at))),
        (timestamp("loaded_at"), timestamps(orders.iter().map(|order| order.loaded_at))),
        (money("gross_amount"), amounts(orders.iter().map(|order| Some(order.gross)))?),
        (money("discount_amount"), amounts(orders.iter().map(|order| Some(order.discount)))?),
        (money("net_amount"), amounts(orders.iter().map(|order| Some(order.net)))?),
        (money("cost_amount").with_nullable(true), amounts(orders.iter().map(|order| order.cost))?),
        (text("channel"), texts(orders.iter().map(|order| order.channel.as_str()))),
        (
            Field::new("is_return", DataType::Boolean, false),
            Arc::new(orders.iter().map(|order| Some(order.is_return)).collect::<BooleanArray>()),
        ),
    ];
    batch(columns)
}

/// The lines of the orders as `order_lines`.
pub(crate) fn order_lines(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let lines: Vec<(&Order, i32, &Line)> = orders
        .iter()
        .flat_map(|order| (1..).zip(&order.lines).map(move |(number, line)| (order, number, line)))
        .collect();
    let columns: Vec<(Field, ArrayRef)> = vec![
        (text("order_id"), texts(lines.iter().map(|(order, ..)| order_id(order)))),
        (integer("line_number"), integers(lines.iter().map(|&(_, number, _)| number))),
        (text("customer_id"), texts(lines.iter().map(|(order, ..)| customer_id(order.customer)))),
        (timestamp("ordered_at"), timestamps(lines.iter().map(|(order, ..)| order.ordered_at))),
        (timestamp("loaded_at"), timestamps(lines.iter().map(|(order, ..)| order.loaded_at))),
        (text("product_id"), texts(lines.iter().map(|(.., line)| format!("P{:05}", line.product)))),
        (text("category"), texts(lines.iter().map(|(.., line)| line.category))),
        (integer("quantity"), integers(lines.iter().map(|(.., line)| line.quantity))),
        (money("unit_price"), amounts(lines.iter().map(|(.., line)| Some(line.unit_price)))?),
        (money("net_amount"), amounts(lines.iter().map(|(.., line)| Some(line.net)))?),
    ];
    batch(columns)
}

fn batch(columns: Vec<(Field, ArrayRef)>) -> Result<RecordBatch, ArrowError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    RecordBatch::try_new(schema, arrays)
}

fn customer_id(number: u32) -> String {
    format!("C{number:07}")
}

fn order_id(order: &Order) -> String {
    format!("O{:09}", order.number)
}

/// An address in the domain that nobody can own (RFC 2606).
fn email(version: &CustomerVersion) -> String {
    match version.email_changes {
        0 => format!("c{:07}@example.com", version.customer),
        changes => format!("c{:07}.{}@example.com", version.customer, changes + 1),
    }
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn integer(name: &str) -> Field {
    Field::new(name, DataType::Int32, false)
}

fn timestamp(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)
}

fn money(name: &str) -> Field {
    Field::new(name, DataType::Decimal128(MONEY.0, MONEY.1), false)
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn integers(values: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

fn timestamps(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn amounts(values: impl Iterator<Item = Option<Cents>>) -> Result<ArrayRef, ArrowError> {
    let array: Decimal128Array = values.map(|cents| cents.map(|cents| i128::from(cents.0))).collect();
    Ok(Arc::new(array.with_precision_and_scale(MONEY.0, MONEY.1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(email_changes: u32) -> CustomerVersion {
        CustomerVersion {
            customer: 123,
            valid_from: 2,
            signed_up_at: 1,
            country: "US",
            region: "north",
            email_changes,
            birth_year: None,
            gender: Some("female"),
        }
    }

    #[test]
    fn ids_and_addresses_are_obviously_made_up() {
        let batch = customers(&[version(0), version(2)]).unwrap();
        let column = |name| batch.column_by_name(name).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!(column("customer_id").value(0), "C0000123");
        assert_eq!(column("email").value(0), "c0000123@example.com");
        assert_eq!(column("email").value(1), "c0000123.3@example.com");
    }
}
