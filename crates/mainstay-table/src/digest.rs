//! The canonical digest: what a day of a table says, whatever files, partitions and batches it came in.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::util::display::array_value_to_string;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::TryStreamExt;
use mainstay_schema::table::{ColumnType, TableContract};
use mainstay_schema::{Digest, DigestHasher, Ds, column};

use crate::arrow_types::{arrow_type, stored_columns};
use crate::error::TableError;
use crate::lake::Lake;
use crate::read::frame_of_day;
use crate::stage::StagedFile;

/// The digest of a day's files: BLAKE3 over the day and all rows sorted by the contract's key, each row in schema order without
/// the volatile columns. Sorting may spill to disk.
///
/// A value is a tag (0 null, 1 present) and its content in little-endian: integers, days, instants (microseconds) and money
/// (cents as 128 bits) in their width, floats as bits with one zero and one NaN, text behind its length.
///
/// Errors: [`TableError::DuplicateKey`] where two rows have one key, but for equal rows where the contract allows
/// repeats.
pub async fn canonical_digest(
    ctx: &SessionContext,
    lake: &Lake,
    contract: &TableContract,
    ds: Ds,
    files: &[StagedFile],
) -> Result<Digest, TableError> {
    let mut day = DayDigest::new(contract, ds);
    if !files.is_empty() {
        let rows = frame_of_day(ctx, lake, contract, ds, files).await?;
        let key = key_columns(contract).map(|name| ident(name).sort(true, true)).collect();
        let sorted: DataFrame = rows.sort(key).map_err(TableError::engine(&contract.name))?;
        let mut batches = sorted.execute_stream().await.map_err(TableError::engine(&contract.name))?;
        while let Some(batch) = batches.try_next().await.map_err(TableError::engine(&contract.name))? {
            day.add(&batch)?;
        }
    }
    Ok(day.hasher.finish())
}

fn key_columns(contract: &TableContract) -> impl Iterator<Item = &str> {
    contract.key.iter().map(String::as_str).filter(|name| *name != column::DS)
}

/// The digest of the sorted rows seen so far, and the last of them.
struct DayDigest<'a> {
    contract: &'a TableContract,
    hasher: DigestHasher,
    last_key: Vec<u8>,
    last_row: Vec<u8>,
    first: bool,
}

impl<'a> DayDigest<'a> {
    fn new(contract: &'a TableContract, ds: Ds) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.frame(ds.to_string().as_bytes());
        Self { contract, hasher, last_key: Vec::new(), last_row: Vec::new(), first: true }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let hashed = stored_columns(self.contract).filter(|column| !column.volatile);
        let hashed = hashed.map(|column| values(batch, &column.name, column.column_type, &self.contract.name));
        let hashed = hashed.collect::<Result<Vec<Values>, _>>()?;
        let types = |name: &str| stored_columns(self.contract).find(|column| column.name == name);
        let key = key_columns(self.contract).filter_map(types);
        let key = key.map(|column| values(batch, &column.name, column.column_type, &self.contract.name));
        let key = key.collect::<Result<Vec<Values>, _>>()?;
        for row in 0..batch.num_rows() {
            let (key, content) = (encode(&key, row), encode(&hashed, row));
            let is_repeat = content == self.last_row && self.contract.allows_repeats;
            if !self.first && key == self.last_key && !is_repeat {
                return Err(self.duplicate(batch, row));
            }
            self.hasher.frame(&content);
            (self.last_key, self.last_row, self.first) = (key, content, false);
        }
        Ok(())
    }

    fn duplicate(&self, batch: &RecordBatch, row: usize) -> TableError {
        let shown = |name| batch.column_by_name(name).and_then(|column| array_value_to_string(column, row).ok());
        TableError::DuplicateKey {
            table: self.contract.name.clone(),
            key: key_columns(self.contract).collect::<Vec<_>>().join(", "),
            value: key_columns(self.contract).filter_map(shown).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A column under its type.
enum Values {
    Text(StringArray),
    Integer(Int32Array),
    BigInt(Int64Array),
    Double(Float64Array),
    Boolean(BooleanArray),
    Date(Date32Array),
    Timestamp(TimestampMicrosecondArray),
    Money(Decimal128Array),
}

fn values(batch: &RecordBatch, name: &str, column_type: ColumnType, table: &str) -> Result<Values, TableError> {
    let position = batch.schema().index_of(name).map_err(TableError::arrow(table))?;
    let array: ArrayRef = cast(batch.column(position), &arrow_type(column_type)).map_err(TableError::arrow(table))?;
    let data = array.to_data();
    Ok(match column_type {
        ColumnType::Text => Values::Text(data.into()),
        ColumnType::Integer => Values::Integer(data.into()),
        ColumnType::BigInt => Values::BigInt(data.into()),
        ColumnType::Double => Values::Double(data.into()),
        ColumnType::Boolean => Values::Boolean(data.into()),
        ColumnType::Date => Values::Date(data.into()),
        ColumnType::Timestamp => Values::Timestamp(data.into()),
        ColumnType::Money => Values::Money(data.into()),
    })
}

fn encode(columns: &[Values], row: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(columns.len() * 9);
    for column in columns {
        column.encode(row, &mut bytes);
    }
    bytes
}

impl Values {
    fn array(&self) -> &dyn Array {
        match self {
            Self::Text(array) => array,
            Self::Integer(array) => array,
            Self::BigInt(array) => array,
            Self::Double(array) => array,
            Self::Boolean(array) => array,
            Self::Date(array) => array,
            Self::Timestamp(array) => array,
            Self::Money(array) => array,
        }
    }

    fn encode(&self, row: usize, bytes: &mut Vec<u8>) {
        if self.array().is_null(row) {
            bytes.push(0);
            return;
        }
        bytes.push(1);
        match self {
            Self::Text(array) => {
                let text = array.value(row).as_bytes();
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text);
            }
            Self::Integer(array) => bytes.extend(array.value(row).to_le_bytes()),
            Self::BigInt(array) => bytes.extend(array.value(row).to_le_bytes()),
            Self::Double(array) => bytes.extend(one_zero_one_nan(array.value(row)).to_bits().to_le_bytes()),
            Self::Boolean(array) => bytes.push(u8::from(array.value(row))),
            Self::Date(array) => bytes.extend(array.value(row).to_le_bytes()),
            Self::Timestamp(array) => bytes.extend(array.value(row).to_le_bytes()),
            Self::Money(array) => bytes.extend(array.value(row).to_le_bytes()),
        }
    }
}

fn one_zero_one_nan(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}

#[cfg(test)]
mod tests;
