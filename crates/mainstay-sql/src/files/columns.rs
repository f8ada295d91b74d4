//! Where the columns of a contract stand in a file: under their name, under a former one, in the names of its folders, or nowhere.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::ScalarValue;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;
use mainstay_schema::table::ColumnType;
use serde::{Deserialize, Serialize};

use crate::contract;
use crate::error::FeatureError;
use crate::files::reading::Readings;

/// What of a file is not under the declared names; all is where nothing stands here.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileColumns {
    /// The name in the file, by the declared one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
    /// The value that all rows share and the file does not hold, by the declared name: of a partition.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constant: BTreeMap<String, Option<String>>,
    /// The declared columns that the file lacks, which are null.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<String>,
}

/// Where a declared column stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place<'a> {
    /// In the column of this name.
    Column(&'a str),
    /// It has one value in all rows.
    Constant(ScalarValue),
    /// Nowhere: it is null.
    Absent,
}

impl FileColumns {
    /// Whether all that the file has stands under the declared names.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Looks for every declared column in a file, and checks the types of those that it has. `partition` are the values that the
    /// rows of the file share.
    pub(crate) fn find(
        file: &FileOf<'_>,
        schema: &Schema,
        partition: &[(String, Option<String>)],
    ) -> Result<Self, FeatureError> {
        let mut columns = Self::default();
        for declared in &file.table.columns {
            let names: Vec<&str> = names_of(declared).collect();
            let found: Vec<&Field> = names.iter().filter_map(|name| Some(schema.column_with_name(name)?.1)).collect();
            match found.as_slice() {
                [field] => {
                    file.refuse_twice(schema, field.name())?;
                    check_column(file.name, file.readings, declared, file.shown, field)?;
                    if *field.name() != declared.name {
                        columns.renamed.insert(declared.name.clone(), field.name().clone());
                    }
                }
                [] => match partition.iter().find(|(name, _)| names.contains(&name.as_str())) {
                    Some((_, value)) => {
                        file.check_constant(declared, value.as_deref())?;
                        columns.constant.insert(declared.name.clone(), value.clone());
                    }
                    None if file.table.must_have(declared) => return Err(file.missing(declared, schema)),
                    None => {
                        file.refuse_other_letters(declared, schema)?;
                        columns.absent.insert(declared.name.clone());
                    }
                },
                [first, second, ..] => return Err(file.both(declared, first.name(), second.name())),
            }
        }
        Ok(columns)
    }

    /// The table as the file has it: its columns under the names that they have there, without those that it does not hold.
    pub(crate) fn in_file(&self, table: &SourceTable) -> SourceTable {
        let mut in_file = table.clone();
        in_file
            .columns
            .retain(|column| !self.absent.contains(&column.name) && !self.constant.contains_key(&column.name));
        let name = |name: &mut String| {
            if let Some(found) = self.renamed.get(name) {
                name.clone_from(found);
            }
        };
        in_file.columns.iter_mut().for_each(|column| name(&mut column.name));
        in_file.key.iter_mut().chain(&mut in_file.event_time).chain(&mut in_file.known_at).for_each(name);
        in_file.references.iter_mut().for_each(|reference| name(&mut reference.column));
        in_file
    }

    /// Where a declared column stands.
    pub(crate) fn place<'a>(&'a self, declared: &'a SourceColumn) -> Place<'a> {
        let name = &declared.name;
        if self.absent.contains(name) {
            return Place::Absent;
        }
        match self.constant.get(name) {
            Some(value) => constant(declared, value.as_deref()).map_or(Place::Absent, Place::Constant),
            None => Place::Column(self.renamed.get(name).unwrap_or(name)),
        }
    }
}

/// A file whose columns are looked for.
pub(crate) struct FileOf<'a> {
    /// `source.table`.
    pub(crate) name: &'a str,
    pub(crate) table: &'a SourceTable,
    pub(crate) readings: &'a Readings,
    /// The file, as messages call it.
    pub(crate) shown: &'a str,
}

impl FileOf<'_> {
    fn refuse_twice(&self, schema: &Schema, column: &str) -> Result<(), FeatureError> {
        match schema.fields().iter().filter(|field| field.name() == column).count() {
            0 | 1 => Ok(()),
            _ => Err(FeatureError::DuplicateColumn {
                table: self.name.to_owned(),
                file: self.shown.to_owned(),
                column: column.to_owned(),
            }),
        }
    }

    fn both(&self, declared: &SourceColumn, first: &str, second: &str) -> FeatureError {
        self.error(format!(
            "it has both `{first}` and `{second}`, which are names of one column, `{}`, by its `renamed_from`: write one of \
             both, or correct `renamed_from`",
            declared.name
        ))
    }

    fn missing(&self, declared: &SourceColumn, schema: &Schema) -> FeatureError {
        FeatureError::MissingColumn {
            table: self.name.to_owned(),
            file: self.shown.to_owned(),
            column: declared.name.clone(),
            present: schema.fields().iter().map(|field| field.name().clone()).collect(),
        }
    }

    /// A column that may be lacking and stands there in other letters would be null without a word.
    fn refuse_other_letters(&self, declared: &SourceColumn, schema: &Schema) -> Result<(), FeatureError> {
        let is_other_letters = |name: &str| {
            self.table.columns.iter().all(|other| other.name != name)
                && names_of(declared).any(|known| known.eq_ignore_ascii_case(name))
        };
        match schema.fields().iter().find(|field| is_other_letters(field.name())) {
            Some(field) => Err(self.error(format!(
                "it has no column `{}` but `{}`: write it in the same letters, or say `renamed_from: [{}]` of the column in mainstay.yml",
                declared.name,
                field.name(),
                field.name()
            ))),
            None => Ok(()),
        }
    }

    fn check_constant(&self, declared: &SourceColumn, value: Option<&str>) -> Result<(), FeatureError> {
        let SourceColumn { name, column_type, .. } = declared;
        if !is_of_folders(*column_type) {
            return Err(self.error(format!(
                "its column `{name}` is {column_type} and stands in the name of its folder, from which texts, whole numbers, \
                 doubles, booleans and dates alone are read: write it into the file"
            )));
        }
        match constant(declared, value) {
            Some(_) => Ok(()),
            None => Err(self.error(format!(
                "its column `{name}` is `{}` by the name of its folder, expected {column_type}: correct the folder, or the \
                 type in mainstay.yml",
                value.unwrap_or_default()
            ))),
        }
    }

    fn error(&self, message: String) -> FeatureError {
        FeatureError::File { table: self.name.to_owned(), file: self.shown.to_owned(), message }
    }
}

/// What a column of each declared type may be in a file, for messages.
fn expected(declared: ColumnType) -> &'static str {
    match declared {
        ColumnType::Text => "text (a string, or whole numbers)",
        ColumnType::Integer => "integer (a whole number of at most 32 bits)",
        ColumnType::BigInt => "bigint (a whole number of at most 64 bits)",
        ColumnType::Double => "double (a number)",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Money => "money (a decimal, or a float of whole cents)",
    }
}

/// Checks that the type of a column of a file is one that can become the declared type.
fn check_column(
    name: &str,
    readings: &Readings,
    column: &SourceColumn,
    file: &str,
    field: &Field,
) -> Result<(), FeatureError> {
    let reading = readings.column(&column.name).map(|declared| declared.reading(field.data_type()));
    let Some(Err(advice)) = reading else { return Ok(()) };
    Err(FeatureError::WrongType {
        table: name.to_owned(),
        file: file.into(),
        column: column.name.clone(),
        expected: expected(column.column_type),
        found: field.data_type().to_string().into(),
        advice,
    })
}

/// The names under which a column may stand: its own first.
pub(crate) fn names_of(declared: &SourceColumn) -> impl Iterator<Item = &str> {
    std::iter::once(&declared.name).chain(&declared.renamed_from).map(String::as_str)
}

/// The value of a partition where folders give values of the declared type, and this is one.
pub(crate) fn folder_value(declared: &SourceColumn, value: Option<&str>) -> Option<ScalarValue> {
    is_of_folders(declared.column_type).then(|| constant(declared, value)).flatten()
}

/// Whether names of folders can give values of a type.
fn is_of_folders(column_type: ColumnType) -> bool {
    !matches!(column_type, ColumnType::Timestamp | ColumnType::Money)
}

/// The value of a partition in the declared type; `None` where it is none of that type.
fn constant(declared: &SourceColumn, value: Option<&str>) -> Option<ScalarValue> {
    let declared = contract::arrow_type(declared.column_type);
    match value {
        None => ScalarValue::try_from(&declared).ok(),
        Some(text) => ScalarValue::from(text).cast_to(&declared).ok().filter(|value| !value.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;

    use super::*;
    use crate::tests::fixture::Fixture;

    fn table() -> SourceTable {
        let mut table = Fixture::new().project().config().sources[0].tables[0].clone();
        table.columns.retain(|column| ["order_id", "gender", "net_amount"].contains(&column.name.as_str()));
        for column in &mut table.columns {
            column.renamed_from = vec![format!("old {}", column.name), format!("older {}", column.name)];
        }
        table
    }

    fn find(fields: &[(&str, DataType)], partition: &[(&str, &str)]) -> Result<FileColumns, String> {
        let fields: Vec<_> = fields.iter().map(|(name, found)| Field::new(*name, found.clone(), true)).collect();
        let partition: Vec<_> = partition.iter().map(|(name, value)| ((*name).into(), Some((*value).into()))).collect();
        let table = table();
        let readings = Readings::of(&table);
        let file = FileOf { name: "shop.orders", table: &table, readings: &readings, shown: "a.parquet" };
        FileColumns::find(&file, &Schema::new(fields), &partition).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_stand_under_one_of_their_names_or_nowhere() {
        let money = DataType::Decimal128(9, 2);
        let found = find(&[("net_amount", money.clone()), ("older order_id", DataType::Utf8)], &[]).unwrap();
        assert_eq!(found.renamed, [("order_id".to_owned(), "older order_id".to_owned())].into());
        assert_eq!(found.absent, ["gender".to_owned()].into());
        let both = [("order_id", DataType::Utf8), ("old order_id", DataType::Utf8), ("net_amount", money.clone())];
        insta::assert_snapshot!(find(&both, &[]).unwrap_err(), @"source shop.orders: `a.parquet` cannot be used: it has both `order_id` and `old order_id`, which are names of one column, `order_id`, by its `renamed_from`: write one of both, or correct `renamed_from`");
        let twice = [("order_id", DataType::Utf8), ("order_id", DataType::Utf8), ("net_amount", money.clone())];
        insta::assert_snapshot!(find(&twice, &[]).unwrap_err(), @"source shop.orders: `a.parquet` has several columns `order_id`, and nothing says which one counts: write one of them, or rename the others");
        insta::assert_snapshot!(find(&[("net_amount", money)], &[]).unwrap_err(), @"source shop.orders: `a.parquet` has no column `order_id` (it has net_amount): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml");
    }

    #[test]
    fn values_of_folders_are_those_of_all_rows() {
        let fields = [("order_id", DataType::Utf8), ("net_amount", DataType::Decimal128(9, 2))];
        let found = find(&fields, &[("gender", "f"), ("year", "2025")]).unwrap();
        assert_eq!(found.constant, [("gender".to_owned(), Some("f".to_owned()))].into());
        let table = table();
        let of = |name: &str| found.place(table.column(name).unwrap());
        assert_eq!(of("gender"), Place::Constant(ScalarValue::Utf8View(Some("f".into()))));
        let own =
            find(&[fields[0].clone(), fields[1].clone(), ("gender", DataType::Utf8)], &[("gender", "f")]).unwrap();
        assert!(own.is_plain(), "the file holds it");
        let amount = find(&fields[..1], &[("net_amount", "1.00")]).unwrap_err();
        insta::assert_snapshot!(amount, @"source shop.orders: `a.parquet` cannot be used: its column `net_amount` is money and stands in the name of its folder, from which texts, whole numbers, doubles, booleans and dates alone are read: write it into the file");
    }

    #[test]
    fn a_folder_that_names_no_value_of_the_type_is_refused() {
        let mut table = table();
        table.columns[1].column_type = ColumnType::Integer;
        let schema = Schema::new(vec![
            Field::new("order_id", DataType::Utf8, true),
            Field::new("net_amount", DataType::Decimal128(9, 2), true),
        ]);
        let readings = Readings::of(&table);
        let file = FileOf { name: "shop.orders", table: &table, readings: &readings, shown: "gender=x/a.parquet" };
        let error = FileColumns::find(&file, &schema, &[("gender".into(), Some("x".into()))]).unwrap_err();
        insta::assert_snapshot!(error, @"source shop.orders: `gender=x/a.parquet` cannot be used: its column `gender` is `x` by the name of its folder, expected integer: correct the folder, or the type in mainstay.yml");
        let found = FileColumns::find(&file, &schema, &[("gender".into(), Some("07".into()))]).unwrap();
        assert_eq!(found.place(&table.columns[1]), Place::Constant(ScalarValue::Int32(Some(7))));
    }
}
