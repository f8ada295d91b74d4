//! The model's features among the columns of a file, and their values as numbers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use mainstay_files::{ColumnKind, read};
use mainstay_model::{Bits, Column, Ensemble, Feature, ModelError};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::error::ScoringError;

/// Which columns are decoded, and which of them is which feature.
pub(crate) struct Features {
    projection: ProjectionMask,
    /// In the model's order.
    features: Vec<FileFeature>,
}

/// One feature and where its values come from.
pub(crate) struct FileFeature {
    /// Its column.
    pub(crate) name: String,
    /// The position of its column among all leaves of the file.
    pub(crate) leaf: usize,
    pub(crate) source: Source,
}

/// How the values of a feature are read.
pub(crate) enum Source {
    /// A decoded column of numbers, by its position among them.
    Numbers(usize),
    /// The same, where each number is a category.
    Categories(usize, Codes),
    /// A column of texts, which is never decoded as a whole.
    Texts(Codes),
}

/// The code of each category that training knew.
pub(crate) struct Codes {
    by_text: HashMap<String, f64>,
    longest: usize,
}

impl Codes {
    fn of(feature: &Feature) -> Option<Self> {
        let categories = feature.categories.as_ref()?;
        let by_text = categories.iter().enumerate().map(|(code, category)| (category.clone(), code as f64)).collect();
        Some(Self { by_text, longest: categories.iter().map(String::len).max().unwrap_or(0) })
    }

    /// The code of a text; `None` where training did not know it.
    pub(crate) fn of_text(&self, text: &str) -> Option<f64> {
        // A text of a megabyte is no category, and is not hashed to find that out.
        if text.len() > self.longest { None } else { self.by_text.get(text).copied() }
    }
}

impl Features {
    /// Finds every feature by its name.
    ///
    /// Errors: a feature that is missing, repeated, or no number.
    pub(crate) fn find(path: &Path, model: &Ensemble, footer: &ArrowReaderMetadata) -> Result<Self, ScoringError> {
        let roots = roots(path, model, footer)?;
        let fields = roots.iter().map(|root| footer.schema().field(*root));
        let kinds: Vec<ColumnKind> = fields.clone().map(|field| ColumnKind::of(field.data_type())).collect();
        for ((feature, field), kind) in model.features().iter().zip(fields).zip(&kinds) {
            check_type(path, field, kind, feature.categories.is_some())?;
        }

        let is_text = |kind: &ColumnKind| *kind == ColumnKind::Text;
        let decoded = roots.iter().zip(&kinds).filter(|(_, kind)| !is_text(kind)).map(|(root, _)| *root);
        let mut decoded: Vec<usize> = decoded.collect();
        decoded.sort_unstable();
        let schema = footer.parquet_schema();
        let first_leaves: BTreeMap<usize, usize> =
            (0..schema.num_columns()).rev().map(|leaf| (schema.get_column_root_idx(leaf), leaf)).collect();
        let feature = |(feature, (root, kind)): (&Feature, (&usize, &ColumnKind))| {
            let position = decoded.partition_point(|other| other < root);
            let source = match Codes::of(feature) {
                Some(codes) if is_text(kind) => Source::Texts(codes),
                Some(codes) => Source::Categories(position, codes),
                None => Source::Numbers(position),
            };
            // The column is no group: it has one leaf.
            let leaf = first_leaves.get(root).copied().unwrap_or_default();
            FileFeature { name: feature.name.clone(), leaf, source }
        };
        let features = model.features().iter().zip(roots.iter().zip(&kinds)).map(feature).collect();
        Ok(Self { projection: ProjectionMask::roots(schema, decoded), features })
    }

    /// The columns that are decoded batch by batch: all but those of texts.
    pub(crate) fn projection(&self) -> &ProjectionMask {
        &self.projection
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &FileFeature> {
        self.features.iter()
    }
}

impl FileFeature {
    /// The values in a decoded batch; `None` of a column of texts.
    pub(crate) fn array(&self, batch: &RecordBatch) -> Option<Result<ArrayRef, ArrowError>> {
        match &self.source {
            Source::Numbers(position) => Some(as_number(batch.column(*position))),
            Source::Categories(position, codes) => Some(as_codes(batch.column(*position), codes)),
            Source::Texts(_) => None,
        }
    }
}

/// The root column of each feature.
fn roots(path: &Path, model: &Ensemble, footer: &ArrowReaderMetadata) -> Result<Vec<usize>, ScoringError> {
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
                return Err(ScoringError::DuplicateColumn { path: path.to_owned(), column: name.to_owned() });
            }
        }
    }
    if missing.is_empty() { Ok(roots) } else { Err(ScoringError::MissingFeatures { path: path.to_owned(), missing }) }
}

/// The values of a feature as the kernels read them, without a copy.
///
/// Errors: never for an array of [`FileFeature::array`] or of texts' codes.
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
    if is_read { Ok(array.clone()) } else { Ok(Arc::new(read::numbers(array)?)) }
}

/// The code of each number, which is written as training wrote it; null where training did not know it.
fn as_codes(array: &ArrayRef, codes: &Codes) -> Result<ArrayRef, ArrowError> {
    let code = |text: Option<String>| text.and_then(|text| codes.of_text(&text));
    Ok(Arc::new(read::categories(array)?.into_iter().map(code).collect::<Float64Array>()))
}

fn check_type(path: &Path, field: &Field, kind: &ColumnKind, has_categories: bool) -> Result<(), ScoringError> {
    if if has_categories { kind.is_category() } else { kind.is_number() } {
        return Ok(());
    }
    Err(ScoringError::FeatureType {
        path: path.to_owned(),
        column: field.name().clone(),
        found: field.data_type().to_string(),
        needs: if has_categories { "texts or numbers" } else { "numbers" },
        advice: kind.number_advice(),
    })
}
