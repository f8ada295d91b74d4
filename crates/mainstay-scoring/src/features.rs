//! The model's features among the columns of a file, and their values as numbers.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use mainstay_model::{Bits, Column, Ensemble, ModelError};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::error::ScoringError;

/// Which columns are decoded, and which of them is which feature.
pub(crate) struct Features {
    projection: ProjectionMask,
    /// Of each feature, its position among the decoded columns.
    positions: Vec<usize>,
}

impl Features {
    /// Finds every feature by its name.
    ///
    /// Errors: a feature that is missing, repeated, or no number.
    pub(crate) fn find(path: &Path, model: &Ensemble, footer: &ArrowReaderMetadata) -> Result<Self, ScoringError> {
        let mut by_name = BTreeMap::<&str, Vec<usize>>::new();
        for (root, field) in footer.schema().fields().iter().enumerate() {
            by_name.entry(field.name()).or_default().push(root);
        }
        let (mut roots, mut missing) = (Vec::new(), Vec::new());
        for name in model.features().iter().map(|feature| feature.name.as_str()) {
            match by_name.get(name).map(Vec::as_slice) {
                None => missing.push(name.to_owned()),
                Some([root]) => roots.push(*root),
                Some(_) => {
                    return Err(ScoringError::RepeatedColumn { path: path.to_owned(), column: name.to_owned() });
                }
            }
        }
        if !missing.is_empty() {
            return Err(ScoringError::MissingFeatures { path: path.to_owned(), missing });
        }
        roots.iter().try_for_each(|root| check_type(path, footer.schema().field(*root)))?;

        let mut in_file_order = roots.clone();
        in_file_order.sort_unstable();
        let positions = roots.iter().map(|root| in_file_order.partition_point(|other| other < root)).collect();
        Ok(Self { projection: ProjectionMask::roots(footer.parquet_schema(), roots), positions })
    }

    pub(crate) fn projection(&self) -> &ProjectionMask {
        &self.projection
    }

    /// The features of a decoded batch, in the model's order.
    pub(crate) fn arrays(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        self.positions.iter().map(|&position| as_number(batch.column(position))).collect()
    }
}

/// The values of a feature as the kernels read them, without a copy.
///
/// Errors: never for an array of [`Features::arrays`].
pub(crate) fn column(array: &ArrayRef) -> Result<Column<'_>, ModelError> {
    macro_rules! values {
        ($($kind:ident => $type:ty),*) => {
            match array.data_type() {
                $(DataType::$kind => Column::new(array.as_primitive::<$type>().values().as_ref()),)*
                _ => {
                    let bits = array.as_boolean().values();
                    Column::new(Bits::new(bits.values(), bits.offset(), bits.len())?)
                }
            }
        };
    }
    let column = values!(
        Float64 => Float64Type, Float32 => Float32Type, Int64 => Int64Type, Int32 => Int32Type, Int16 => Int16Type,
        Int8 => Int8Type, UInt64 => UInt64Type, UInt32 => UInt32Type, UInt16 => UInt16Type, UInt8 => UInt8Type
    );
    match array.nulls() {
        Some(nulls) => column.with_validity(Bits::new(nulls.validity(), nulls.offset(), nulls.len())?),
        None => Ok(column),
    }
}

/// The array itself where the kernels read its type, otherwise the nearest double-precision numbers.
fn as_number(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let kind = array.data_type();
    let is_read =
        *kind == DataType::Boolean || kind.is_integer() || matches!(kind, DataType::Float32 | DataType::Float64);
    if is_read { Ok(array.clone()) } else { cast(array, &DataType::Float64) }
}

fn check_type(path: &Path, field: &Field) -> Result<(), ScoringError> {
    let advice = match value_type(field.data_type()) {
        kind if kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null) => return Ok(()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            "cast it to a number, as in `cast(column as double)`, or write the number that stood for each text in training"
        }
        kind if kind.is_temporal() => "write it as a number, such as the days until the day of scoring",
        _ => "write one number for each row",
    };
    Err(ScoringError::FeatureType {
        path: path.to_owned(),
        column: field.name().clone(),
        found: field.data_type().to_string(),
        advice,
    })
}

/// The type behind a dictionary.
fn value_type(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}
