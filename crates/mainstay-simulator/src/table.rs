//! The rows of a day as Arrow, in the shape that the reference project's `mainstay.yml` declares.

mod contact;
mod order;
mod truth;
mod world;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use mainstay_schema::{Cents, Ds};

use crate::calendar::EPOCH;

pub(crate) use self::contact::{assignments, consents, contacts, support_tickets};
pub(crate) use self::order::{order_lines, orders};
pub(crate) use self::truth::{customer_truths, hazards};
pub(crate) use self::world::{customers, indicators, web_events};

/// Precision and scale of money.
const MONEY: (u8, i8) = (18, 2);

/// Columns in order; each is nullable exactly where its function takes options.
#[derive(Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// A batch of all columns.
    pub(crate) fn batch(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
    }

    fn column(mut self, name: &str, is_nullable: bool, array: ArrayRef) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), is_nullable));
        self.arrays.push(array);
        self
    }

    pub(crate) fn text<T: AsRef<str>>(self, name: &str, values: impl Iterator<Item = T>) -> Self {
        self.column(name, false, Arc::new(StringArray::from_iter_values(values)))
    }

    pub(crate) fn perhaps_text<T: AsRef<str>>(self, name: &str, values: impl Iterator<Item = Option<T>>) -> Self {
        self.column(name, true, Arc::new(values.collect::<StringArray>()))
    }

    pub(crate) fn integer(self, name: &str, values: impl Iterator<Item = i32>) -> Self {
        self.column(name, false, Arc::new(Int32Array::from_iter_values(values)))
    }

    pub(crate) fn perhaps_integer(self, name: &str, values: impl Iterator<Item = Option<i32>>) -> Self {
        self.column(name, true, Arc::new(values.collect::<Int32Array>()))
    }

    pub(crate) fn double(self, name: &str, values: impl Iterator<Item = f64>) -> Self {
        self.column(name, false, Arc::new(Float64Array::from_iter_values(values)))
    }

    pub(crate) fn boolean(self, name: &str, values: impl Iterator<Item = bool>) -> Self {
        self.column(name, false, Arc::new(values.map(Some).collect::<BooleanArray>()))
    }

    pub(crate) fn perhaps_boolean(self, name: &str, values: impl Iterator<Item = Option<bool>>) -> Self {
        self.column(name, true, Arc::new(values.collect::<BooleanArray>()))
    }

    pub(crate) fn date(self, name: &str, values: impl Iterator<Item = Ds>) -> Self {
        self.column(name, false, Arc::new(Date32Array::from_iter_values(values.map(|ds| ds.days_since(EPOCH)))))
    }

    /// Microseconds since 1970 UTC.
    pub(crate) fn instant(self, name: &str, values: impl Iterator<Item = i64>) -> Self {
        let array = TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC");
        self.column(name, false, Arc::new(array))
    }

    pub(crate) fn perhaps_instant(self, name: &str, values: impl Iterator<Item = Option<i64>>) -> Self {
        let array = values.collect::<TimestampMicrosecondArray>().with_timezone("UTC");
        self.column(name, true, Arc::new(array))
    }

    pub(crate) fn money(self, name: &str, values: impl Iterator<Item = Cents>) -> Result<Self, ArrowError> {
        let array = Decimal128Array::from_iter_values(values.map(|cents| i128::from(cents.0)));
        Ok(self.column(name, false, Arc::new(array.with_precision_and_scale(MONEY.0, MONEY.1)?)))
    }

    pub(crate) fn perhaps_money(
        self,
        name: &str,
        values: impl Iterator<Item = Option<Cents>>,
    ) -> Result<Self, ArrowError> {
        let array: Decimal128Array = values.map(|cents| cents.map(|cents| i128::from(cents.0))).collect();
        Ok(self.column(name, true, Arc::new(array.with_precision_and_scale(MONEY.0, MONEY.1)?)))
    }
}

/// The customer's id in all tables.
pub(crate) fn customer_id(number: u32) -> String {
    format!("C{number:07}")
}
