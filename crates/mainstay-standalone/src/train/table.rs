//! A Parquet file as columns of numbers, texts and days.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use mainstay_files::{ColumnKind, DayError, KeyError, open, read, read_footer};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::TrainRequest;
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
    /// Of instants, the zone whose days they fall on.
    pub(super) time_zone: Option<String>,
    pub(super) values: Values,
    role: Role,
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

/// What a column is asked for, beside being a feature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Time,
    /// The label, and numbers that are categories: their digits count, not their nearest doubles.
    Category,
    None,
}

impl Table {
    pub(super) fn read(path: &Path, request: &TrainRequest) -> Result<Self, TrainFileError> {
        let failed = |source| TrainFileError::Read { path: shown(path), source };
        let footer = read_footer(path, ArrowReaderOptions::new())?;
        check_names(path, footer.schema())?;
        let fields = footer.schema().fields();
        let mut columns: Vec<FileColumn> =
            fields.iter().map(|field| FileColumn::new(path, field, request)).collect::<Result<_, _>>()?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(open(path)?, footer);
        let mut rows = 0;
        for batch in builder.build().map_err(failed)? {
            let batch = batch.map_err(|source| failed(ParquetError::from(source)))?;
            for (column, array) in columns.iter_mut().zip(batch.columns()) {
                column.extend(path, array, rows)?;
            }
            rows += batch.num_rows();
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

/// Refuses a file in which a name stands for two columns.
fn check_names(path: &Path, schema: &Schema) -> Result<(), TrainFileError> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(field) => Err(TrainFileError::DuplicateColumn { path: shown(path), column: field.name().clone() }),
        None => Ok(()),
    }
}

impl FileColumn {
    fn new(path: &Path, field: &Field, request: &TrainRequest) -> Result<Self, TrainFileError> {
        let (name, found) = (field.name().clone(), field.data_type().to_string());
        let is = |column: &Option<String>| column.as_ref() == Some(&name);
        let kind = ColumnKind::of(field.data_type());
        let (path, column) = (shown(path), name.clone());
        let role = if is(&request.key) {
            if !kind.is_key() {
                return Err(TrainFileError::KeyType { path, column, found, advice: kind.key_advice() });
            }
            Role::Key
        } else if is(&request.time_column) {
            if !kind.is_day() {
                return Err(TrainFileError::TimeType { path, column, found, advice: kind.day_advice() });
            }
            Role::Time
        } else if request.label == name {
            if !kind.is_category() {
                return Err(TrainFileError::LabelType { path, column, found });
            }
            Role::Category
        } else if request.categories.contains(&name) && kind.is_category() {
            Role::Category
        } else {
            Role::None
        };
        let time_zone = match &kind {
            ColumnKind::Timestamp { zone } => Some(zone.as_deref().unwrap_or("UTC").to_owned()),
            _ => None,
        };
        let values = match (role, kind) {
            (Role::Key | Role::Category, _) | (Role::None, ColumnKind::Text) => Values::Texts(Vec::new()),
            (Role::Time, _) | (Role::None, ColumnKind::Date | ColumnKind::Timestamp { .. }) => Values::Days(Vec::new()),
            (Role::None, kind) if kind.is_number() => Values::Numbers(Vec::new()),
            _ => Values::Other,
        };
        Ok(Self { name, type_name: found, time_zone, values, role })
    }

    /// Adds the values of the next rows, the first of which is `first_row` of the file.
    fn extend(&mut self, path: &Path, array: &ArrayRef, first_row: usize) -> Result<(), TrainFileError> {
        let failed = |source| TrainFileError::Read { path: shown(path), source: ParquetError::from(source) };
        let (place, column) = (|| shown(path), || self.name.clone());
        match (&mut self.values, self.role) {
            (Values::Numbers(values), _) => {
                let numbers = read::numbers(array).map_err(failed)?;
                values.extend(numbers.iter().map(|value| value.unwrap_or(f64::NAN)));
            }
            (Values::Texts(values), Role::Key) => values.extend(read::keys(array).map_err(|error| match error {
                KeyError::Type { found, advice } => {
                    TrainFileError::KeyType { path: place(), column: column(), found, advice }
                }
                KeyError::Inexact { row, value } => {
                    TrainFileError::KeyValue { path: place(), column: column(), row: first_row + row, value }
                }
            })?),
            (Values::Texts(values), _) => values.extend(read::categories(array).map_err(failed)?),
            (Values::Days(values), role) => match read::days(array) {
                Ok(days) => values.extend(days.into_iter().map(|day| day.map_or(f64::NAN, f64::from))),
                // Days of any other column only help to find leaks.
                Err(_) if role != Role::Time => self.values = Values::Other,
                Err(error) => return Err(time_error(path, &self.name, first_row, error)),
            },
            (Values::Other, _) => {}
        }
        Ok(())
    }

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

fn time_error(path: &Path, column: &str, first_row: usize, error: DayError) -> TrainFileError {
    let (path, column) = (shown(path), column.to_owned());
    match error {
        DayError::Type { found, advice } => TrainFileError::TimeType { path, column, found, advice },
        DayError::Zone { zone } => TrainFileError::TimeZone { path, column, zone },
        DayError::Value { row, value } => TrainFileError::TimeValue { path, column, row: first_row + row, value },
    }
}
