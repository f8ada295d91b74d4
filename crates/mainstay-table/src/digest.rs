//! The canonical digest: what a day of a table says, whatever files, partitions and batches it came in.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::util::display::array_value_to_string;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::{StreamExt, TryStreamExt};
use mainstay_schema::table::{ColumnType, TableContract};
use mainstay_schema::{Digest, DigestHasher, Ds, column};

use crate::arrow_types::{arrow_type, stored_columns};
use crate::error::TableError;
use crate::lake::Lake;
use crate::read::frame_of_day;
use crate::staged::{StagedFile, StagedTable};

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
    let rows = match files.is_empty() {
        true => None,
        false => Some(frame_of_day(ctx, lake, contract, ds, files).await?),
    };
    digest_of_rows(contract, ds, rows).await
}

impl StagedTable {
    /// The canonical digest of the day, see [`canonical_digest`].
    pub async fn digest(
        &self,
        ctx: &SessionContext,
        lake: &Lake,
        contract: &TableContract,
    ) -> Result<Digest, TableError> {
        canonical_digest(ctx, lake, contract, self.ds, &self.files).await
    }
}

/// As [`canonical_digest`], over rows wherever they lie; `None` is a day without rows.
pub(crate) async fn digest_of_rows(
    contract: &TableContract,
    ds: Ds,
    rows: Option<DataFrame>,
) -> Result<Digest, TableError> {
    let mut day = DayDigest::new(contract, ds);
    if let Some(rows) = rows {
        let key = key_columns(contract).map(|name| ident(name).sort(true, true)).collect();
        let sorted: DataFrame = rows.sort(key).map_err(TableError::engine(&contract.name))?;
        let batches = sorted.execute_stream().await.map_err(TableError::engine(&contract.name))?;
        let contract = Arc::new(contract.clone());
        let encoded = batches.map(|batch| encode_aside(&contract, batch));
        let mut encoded = std::pin::pin!(encoded.buffered(ENCODED_AHEAD));
        while let Some(rows) = encoded.try_next().await? {
            day.add(rows)?;
        }
    }
    Ok(day.hasher.finish())
}

/// Batches that are encoded while one is hashed and the next are sorted.
const ENCODED_AHEAD: usize = 2;

/// Encodes a batch on a thread of the runtime.
fn encode_aside(
    contract: &Arc<TableContract>,
    batch: Result<RecordBatch, DataFusionError>,
) -> impl Future<Output = Result<EncodedRows, TableError>> + use<> {
    let contract = Arc::clone(contract);
    async move {
        let table = contract.name.clone();
        let batch = batch.map_err(TableError::engine(&table))?;
        let encoded = SpawnedTask::spawn(async move { EncodedRows::of(&contract, batch) }).join().await;
        encoded.map_err(|error| TableError::task_failed(&table, error))?
    }
}

fn key_columns(contract: &TableContract) -> impl Iterator<Item = &str> {
    contract.key.iter().map(String::as_str).filter(|name| *name != column::DS)
}

/// The digest of the sorted rows seen so far, and the last of them.
struct DayDigest<'a> {
    contract: &'a TableContract,
    hasher: DigestHasher,
    last: Option<EncodedRows>,
}

impl<'a> DayDigest<'a> {
    fn new(contract: &'a TableContract, ds: Ds) -> Self {
        let mut hasher = DigestHasher::new();
        hasher.frame(ds.to_string().as_bytes());
        Self { contract, hasher, last: None }
    }

    fn add(&mut self, rows: EncodedRows) -> Result<(), TableError> {
        if rows.batch.num_rows() == 0 {
            return Ok(());
        }
        let follows_itself = |last: &EncodedRows| {
            let is_repeat = last.contents.last() == rows.contents.row(0) && self.contract.allows_repeats;
            last.keys.last() == rows.keys.row(0) && !is_repeat
        };
        let first = self.last.as_ref().is_some_and(follows_itself).then_some(0);
        if let Some(row) = first.or(rows.repeated) {
            return Err(duplicate(self.contract, &rows.batch, row));
        }
        self.hasher.update(&rows.contents.bytes);
        self.last = Some(rows);
        Ok(())
    }
}

/// The rows of a batch as they are hashed.
struct EncodedRows {
    batch: RecordBatch,
    /// The first that has the key of the one before it, but for repeats that the contract allows.
    repeated: Option<usize>,
    keys: Frames,
    contents: Frames,
}

impl EncodedRows {
    fn of(contract: &TableContract, batch: RecordBatch) -> Result<Self, TableError> {
        let hashed = stored_columns(contract).filter(|column| !column.volatile);
        let hashed = hashed.map(|column| values(&batch, &column.name, column.column_type, &contract.name));
        let contents = Frames::of(&hashed.collect::<Result<Vec<Values>, _>>()?, batch.num_rows());
        let types = |name: &str| stored_columns(contract).find(|column| column.name == name);
        let key = key_columns(contract).filter_map(types);
        let key = key.map(|column| values(&batch, &column.name, column.column_type, &contract.name));
        let keys = Frames::of(&key.collect::<Result<Vec<Values>, _>>()?, batch.num_rows());
        let is_repeat = |row: usize| contract.allows_repeats && contents.row(row) == contents.row(row - 1);
        let repeated = (1..batch.num_rows()).find(|&row| keys.row(row) == keys.row(row - 1) && !is_repeat(row));
        Ok(Self { batch, repeated, keys, contents })
    }
}

/// Encoded rows, each behind its length as [`DigestHasher::frame`] writes it, so that many are hashed at once.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Frames {
    fn of(columns: &[Values], rows: usize) -> Self {
        let mut frames = Self::default();
        for row in 0..rows {
            let start = frames.bytes.len();
            frames.bytes.extend([0; size_of::<u64>()]);
            for column in columns {
                column.encode(row, &mut frames.bytes);
            }
            let length = (frames.bytes.len() - start - size_of::<u64>()) as u64;
            frames.bytes[start..start + size_of::<u64>()].copy_from_slice(&length.to_le_bytes());
            frames.ends.push(frames.bytes.len());
        }
        frames
    }

    fn row(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    fn last(&self) -> &[u8] {
        self.row(self.ends.len() - 1)
    }
}

fn duplicate(contract: &TableContract, batch: &RecordBatch, row: usize) -> TableError {
    let shown = |name| batch.column_by_name(name).and_then(|column| array_value_to_string(column, row).ok());
    TableError::DuplicateKey {
        table: contract.name.clone(),
        key: key_columns(contract).collect::<Vec<_>>().join(", "),
        value: key_columns(contract).filter_map(shown).collect::<Vec<_>>().join(", "),
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
