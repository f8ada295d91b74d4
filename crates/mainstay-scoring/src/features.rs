//! The model's features among the columns of a file, and their values as numbers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use mainstay_model::{Bits, Column, Ensemble, Feature, ModelError};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::error::ScoringError;

/// Which columns are decoded, and which of them is which feature.
pub(crate) struct Features {
    projection: ProjectionMask,
    /// Of each feature, its position among the decoded columns.
    positions: Vec<usize>,
    /// Of each feature of texts, the code of each category that training knew.
    codes: Vec<Option<HashMap<String, f64>>>,
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
        let codes: Vec<_> = model.features().iter().map(codes).collect();
        for (root, codes) in roots.iter().zip(&codes) {
            check_type(path, footer.schema().field(*root), codes.is_some())?;
        }

        let mut in_file_order = roots.clone();
        in_file_order.sort_unstable();
        let positions = roots.iter().map(|root| in_file_order.partition_point(|other| other < root)).collect();
        Ok(Self { projection: ProjectionMask::roots(footer.parquet_schema(), roots), positions, codes })
    }

    pub(crate) fn projection(&self) -> &ProjectionMask {
        &self.projection
    }

    /// The features of a decoded batch, in the model's order.
    pub(crate) fn arrays(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let features = self.positions.iter().zip(&self.codes);
        let array = |(position, codes): (&usize, &Option<HashMap<String, f64>>)| match codes {
            Some(codes) => as_codes(batch.column(*position), codes),
            None => as_number(batch.column(*position)),
        };
        features.map(array).collect()
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

/// The codes of categories; none of a feature of numbers.
fn codes(feature: &Feature) -> Option<HashMap<String, f64>> {
    let categories = feature.categories.as_ref()?;
    Some(categories.iter().enumerate().map(|(code, category)| (category.clone(), code as f64)).collect())
}

/// The code of each text; null where training did not know it.
fn as_codes(array: &ArrayRef, codes: &HashMap<String, f64>) -> Result<ArrayRef, ArrowError> {
    // Numbers are written as training wrote them.
    let texts: Vec<Option<String>> = match value_type(array.data_type()) {
        kind if kind.is_numeric() || *kind == DataType::Boolean => {
            let numbers = cast(array, &DataType::Float64)?;
            numbers
                .as_primitive::<Float64Type>()
                .iter()
                .map(|number| number.map(|number| format!("{number}")))
                .collect()
        }
        _ => {
            let texts = cast(array, &DataType::Utf8)?;
            texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
        }
    };
    let code = |text: Option<String>| text.and_then(|text| codes.get(&text).copied());
    Ok(Arc::new(texts.into_iter().map(code).collect::<Float64Array>()))
}

fn check_type(path: &Path, field: &Field, has_categories: bool) -> Result<(), ScoringError> {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if has_categories && is_text(value_type(field.data_type())) {
        return Ok(());
    }
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
