//! The types of a table contract in Arrow and in Delta.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema, SchemaRef, TimeUnit};
use deltalake::DeltaTableError;
use deltalake::kernel::{DataType as DeltaType, MetadataValue, StructField, StructType};
use mainstay_schema::column;
use mainstay_schema::table::{Column, ColumnType, TableContract};

use crate::error::TableError;

/// Digits of `Money` in all.
const MONEY_DIGITS: u8 = 18;
/// Digits of `Money` behind the point.
const MONEY_SCALE: u8 = 2;

/// The Arrow type of a column: money is `Decimal128(18, 2)`, an instant is in microseconds UTC.
pub fn arrow_type(column_type: ColumnType) -> ArrowType {
    match column_type {
        ColumnType::Text => ArrowType::Utf8,
        ColumnType::Integer => ArrowType::Int32,
        ColumnType::BigInt => ArrowType::Int64,
        ColumnType::Double => ArrowType::Float64,
        ColumnType::Boolean => ArrowType::Boolean,
        ColumnType::Date => ArrowType::Date32,
        ColumnType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Money => ArrowType::Decimal128(MONEY_DIGITS, MONEY_SCALE as i8),
    }
}

/// The Arrow schema of all columns, `ds` first: what readers see.
pub fn table_schema(contract: &TableContract) -> SchemaRef {
    Arc::new(Schema::new(contract.columns.iter().map(arrow_field).collect::<Fields>()))
}

/// The Arrow schema without `ds`, which stands in the path: what the Parquet files hold and what is staged.
pub fn file_schema(contract: &TableContract) -> SchemaRef {
    Arc::new(Schema::new(stored_columns(contract).map(arrow_field).collect::<Fields>()))
}

/// The columns that the Parquet files hold: all but `ds`.
pub(crate) fn stored_columns(contract: &TableContract) -> impl Iterator<Item = &Column> {
    contract.columns.iter().filter(|column| column.name != column::DS)
}

/// The Delta schema, with the comments of the columns.
pub(crate) fn delta_schema(contract: &TableContract) -> Result<StructType, TableError> {
    let fields: Result<Vec<StructField>, DeltaTableError> = contract.columns.iter().map(delta_field).collect();
    fields.and_then(|fields| Ok(StructType::try_new(fields)?)).map_err(TableError::delta(&contract.name))
}

fn arrow_field(column: &Column) -> Field {
    Field::new(&column.name, arrow_type(column.column_type), column.nullable)
}

fn delta_field(column: &Column) -> Result<StructField, DeltaTableError> {
    let comment = ("comment", MetadataValue::String(column.comment.clone()));
    let data_type = delta_type(column.column_type)?;
    Ok(StructField::new(&column.name, data_type, column.nullable).with_metadata([comment]))
}

fn delta_type(column_type: ColumnType) -> Result<DeltaType, DeltaTableError> {
    Ok(match column_type {
        ColumnType::Text => DeltaType::STRING,
        ColumnType::Integer => DeltaType::INTEGER,
        ColumnType::BigInt => DeltaType::LONG,
        ColumnType::Double => DeltaType::DOUBLE,
        ColumnType::Boolean => DeltaType::BOOLEAN,
        ColumnType::Date => DeltaType::DATE,
        ColumnType::Timestamp => DeltaType::TIMESTAMP,
        ColumnType::Money => DeltaType::decimal(MONEY_DIGITS, MONEY_SCALE)?,
    })
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;

    use super::*;
    use crate::test_tables::every_type;

    #[test]
    fn delta_and_arrow_agree_on_every_type() {
        let contract = every_type();
        let from_delta: Schema = (&delta_schema(&contract).unwrap()).try_into_arrow().unwrap();
        let ours = table_schema(&contract);
        assert_eq!(from_delta.fields().len(), ours.fields().len());
        for (theirs, ours) in from_delta.fields().iter().zip(ours.fields()) {
            assert_eq!((theirs.name(), theirs.data_type()), (ours.name(), ours.data_type()));
            assert_eq!(theirs.is_nullable(), ours.is_nullable());
        }
    }

    #[test]
    fn files_hold_all_columns_but_the_day() {
        let contract = every_type();
        assert_eq!(table_schema(&contract).field(0).name(), column::DS);
        assert_eq!(file_schema(&contract).fields().len() + 1, contract.columns.len());
        assert!(file_schema(&contract).column_with_name(column::DS).is_none());
    }
}
