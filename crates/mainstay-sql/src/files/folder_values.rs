//! Columns that stand in a file and in the names of its folders: where both are there, they must say the same.

use datafusion::arrow::array::{Array, Scalar};
use datafusion::arrow::compute::kernels::cmp::distinct;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;

use crate::error::FeatureError;
use crate::files::columns::{FileColumns, Place, folder_value, names_of};
use crate::files::unreadable::{ValuesOfFile, open_rows};

/// A column with a value by the name of a folder.
struct Both<'a> {
    declared: &'a SourceColumn,
    /// What the file calls it.
    in_file: &'a str,
    /// The value as the folder writes it; `None` for null.
    value: Option<&'a str>,
    expected: ScalarValue,
}

impl ValuesOfFile<'_> {
    /// Refuses a file that holds another value of a declared column than the name of its folder says. `table` is declared so, and `columns`
    /// say where its columns stand in the file.
    pub(crate) async fn refuse_other_than_folder(
        &self,
        table: &SourceTable,
        columns: &FileColumns,
        partition: &[(String, Option<String>)],
    ) -> Result<(), FeatureError> {
        let both: Vec<Both<'_>> =
            table.columns.iter().filter_map(|declared| both(declared, columns, partition)).collect();
        if both.is_empty() {
            return Ok(());
        }
        let unreadable = |error| self.rows_unreadable(error);
        let names = both.iter().map(|of| of.in_file);
        let rows = open_rows(self.store.clone(), self.file, self.metadata, self.schema, names);
        let mut rows = rows.map_err(unreadable)?;
        let mut first = 0;
        while let Some(batch) = rows.try_next().await.map_err(|error| unreadable(error.into()))? {
            for of in &both {
                let (Some(values), Some(reading)) =
                    (batch.column_by_name(of.in_file), self.readings.column(of.in_file))
                else {
                    continue;
                };
                let read = reading.read(values).map_err(|error| self.refusal(of.in_file, reading, first, &error))?;
                if let Some(row) = first_other(&read, &of.expected).map_err(unreadable)? {
                    let found = ScalarValue::try_from_array(&read, row).map_err(unreadable)?;
                    return Err(self.contradiction(of, first + row as u64, &found));
                }
            }
            first += batch.num_rows() as u64;
        }
        Ok(())
    }

    fn contradiction(&self, of: &Both<'_>, row: u64, found: &ScalarValue) -> FeatureError {
        let name = &of.declared.name;
        let is_told = of.declared.guard().is_none();
        let shown = |value: Option<String>| value.map_or("null".to_owned(), |value| format!("`{value}`"));
        let found = match found.is_null() {
            false if !is_told => "another value".to_owned(),
            is_null => shown((!is_null).then(|| found.to_string())),
        };
        FeatureError::File {
            table: self.name.to_owned(),
            file: self.shown.to_owned(),
            message: format!(
                "its column `{name}` is {} by the name of its folder, and {found} in row {row} (counted from 0): move the file to the \
                 folder of its values, or correct the column",
                shown(of.value.map(str::to_owned))
            ),
        }
    }
}

/// A declared column that stands in the file, where a folder has a value of its type for it too.
fn both<'a>(
    declared: &'a SourceColumn,
    columns: &'a FileColumns,
    partition: &'a [(String, Option<String>)],
) -> Option<Both<'a>> {
    let Place::Column(in_file) = columns.place(declared) else { return None };
    let (_, value) = partition.iter().find(|(name, _)| names_of(declared).any(|known| known == name))?;
    let expected = folder_value(declared, value.as_deref())?;
    Some(Both { declared, in_file, value: value.as_deref(), expected })
}

/// The first row with another value.
fn first_other(values: &dyn Array, expected: &ScalarValue) -> Result<Option<usize>, DataFusionError> {
    let expected: Scalar<_> = expected.to_scalar()?;
    Ok(distinct(&values, &expected)?.iter().position(|is_other| is_other == Some(true)))
}
