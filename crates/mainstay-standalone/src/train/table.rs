//! A Parquet file as columns of numbers, texts and days.

use std::fs::File;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::error::TrainFileError;
use super::shown;

/// All rows of a file.
pub(super) struct Table {
    pub(super) path: String,
    pub(super) columns: Vec<FileColumn>,
    pub(super) rows: usize,
}

pub(super) struct FileColumn {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) values: Values,
}

/// The values of a column.
pub(super) enum Values {
    /// NaN where missing.
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
    /// Days since 1970, NaN where missing.
    Days(Vec<f64>),
    /// What no model reads: lists, structures, bytes.
    Other,
}

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self, TrainFileError> {
        let failed = |source| TrainFileError::Read { path: shown(path), source };
        let file = File::open(path).map_err(|source| TrainFileError::Open { path: shown(path), source })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
        let schema = builder.schema().clone();
        let mut columns: Vec<FileColumn> = schema
            .fields()
            .iter()
            .map(|field| FileColumn {
                name: field.name().clone(),
                type_name: field.data_type().to_string(),
                values: Values::empty(value_type(field.data_type())),
            })
            .collect();
        let mut rows = 0;
        for batch in builder.build().map_err(failed)? {
            let batch = batch.map_err(|source| failed(ParquetError::from(source)))?;
            rows += batch.num_rows();
            for (column, array) in columns.iter_mut().zip(batch.columns()) {
                column.values.extend(array).map_err(|source| failed(ParquetError::from(source)))?;
            }
        }
        if rows == 0 {
            return Err(TrainFileError::NoRows { path: shown(path) });
        }
        Ok(Self { path: shown(path), columns, rows })
    }

    pub(super) fn find(&self, name: &str) -> Option<&FileColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column that a flag names.
    pub(super) fn named(&self, flag: &'static str, column: &str) -> Result<&FileColumn, TrainFileError> {
        self.find(column).ok_or_else(|| TrainFileError::NoColumn {
            path: self.path.clone(),
            flag,
            column: column.to_owned(),
            has: self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl FileColumn {
    /// The value of a row as a text; `None` where missing.
    pub(super) fn text(&self, row: usize) -> Option<String> {
        match &self.values {
            Values::Numbers(values) | Values::Days(values) => {
                values.get(row).filter(|value| !value.is_nan()).map(|value| format!("{value}"))
            }
            Values::Texts(values) => values.get(row).cloned().flatten(),
            Values::Other => None,
        }
    }
}

impl Values {
    fn empty(kind: &DataType) -> Self {
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Texts(Vec::new()),
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Self::Days(Vec::new()),
            kind if kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null) => {
                Self::Numbers(Vec::new())
            }
            _ => Self::Other,
        }
    }

    fn extend(&mut self, array: &ArrayRef) -> Result<(), arrow::error::ArrowError> {
        match self {
            Self::Numbers(values) => {
                let numbers = cast(array, &DataType::Float64)?;
                values.extend(numbers.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
            }
            Self::Texts(values) => {
                let texts = cast(array, &DataType::Utf8)?;
                values.extend(texts.as_string::<i32>().iter().map(|value| value.map(str::to_owned)));
            }
            Self::Days(values) => {
                let days = cast(array, &DataType::Date32)?;
                let days = days.as_primitive::<Date32Type>();
                values.extend(days.iter().map(|day| day.map_or(f64::NAN, f64::from)));
            }
            Self::Other => {}
        }
        Ok(())
    }
}

/// The type behind a dictionary.
fn value_type(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}
