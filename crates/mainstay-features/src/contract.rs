//! What a source table promises: the types of its files.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use jiff::Timestamp;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;
use mainstay_schema::table::ColumnType;

use crate::error::FeatureError;

/// What the name of a relation of refused rows ends with.
const REFUSED: &str = " refused";

/// `source.table`, as messages call a source table.
pub(crate) fn table_name(source: &str, table: &str) -> String {
    format!("{source}.{table}")
}

/// The relation of the rows that a source table refused; tells them apart from those that it gives.
pub(crate) fn refused_name(source: &str, table: &str) -> String {
    format!("{}{REFUSED}", table_name(source, table))
}

/// The source table of a relation of rows, sound or refused.
pub(crate) fn table_of_relation(relation: &str) -> &str {
    relation.strip_suffix(REFUSED).unwrap_or(relation)
}

/// The Arrow type that a declared column has for models.
///
/// Text is read as views: what is decoded of a file is not copied, and short texts are compared and hashed in place.
pub fn arrow_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Text => DataType::Utf8View,
        ColumnType::Integer => DataType::Int32,
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => timestamp_type(),
        ColumnType::Money => DataType::Decimal128(18, 2),
    }
}

/// The type of instants.
pub(crate) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The declared columns in order. All may be null here: rows that break the contract are still to be sorted out.
pub(crate) fn declared_schema(table: &SourceTable) -> SchemaRef {
    let field = |column: &SourceColumn| Field::new(&column.name, arrow_type(column.column_type), true);
    Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()))
}

/// Whether every value of a file's type is a value of the declared type.
fn accepts(declared: ColumnType, found: &DataType) -> bool {
    use DataType::{
        Boolean, Date32, Decimal32, Decimal64, Decimal128, Decimal256, Float16, Float32, Float64, Int8, Int16, Int32,
        Int64, LargeUtf8, UInt8, UInt16, UInt32, Utf8, Utf8View,
    };
    let is_short_integer = matches!(found, Int8 | Int16 | Int32 | UInt8 | UInt16);
    let is_integer = is_short_integer || matches!(found, Int64 | UInt32);
    match declared {
        ColumnType::Text => matches!(found, Utf8 | LargeUtf8 | Utf8View),
        ColumnType::Integer => is_short_integer,
        ColumnType::BigInt => is_integer,
        ColumnType::Double => is_integer || matches!(found, Float16 | Float32 | Float64),
        ColumnType::Boolean => matches!(found, Boolean),
        ColumnType::Date => matches!(found, Date32),
        ColumnType::Timestamp => match found {
            DataType::Timestamp(_, zone) => zone.as_deref().is_none_or(is_utc),
            _ => false,
        },
        ColumnType::Money => {
            matches!(found, Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale) if *scale <= 2)
        }
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "utc" | "Etc/UTC" | "Z" | "+00:00" | "+00" | "+0000")
}

fn expected(declared: ColumnType) -> &'static str {
    match declared {
        ColumnType::Text => "text (a string)",
        ColumnType::Integer => "integer (a whole number of at most 32 bits)",
        ColumnType::BigInt => "bigint (a whole number of at most 64 bits)",
        ColumnType::Double => "double (a number)",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp (in UTC or without a time zone)",
        ColumnType::Money => "money (a decimal with at most two decimals)",
    }
}

/// Checks that the type of a column of a file is one that the declared type accepts.
pub(crate) fn check_column(name: &str, column: &SourceColumn, file: &str, field: &Field) -> Result<(), FeatureError> {
    if accepts(column.column_type, field.data_type()) {
        return Ok(());
    }
    Err(FeatureError::WrongType {
        table: name.to_owned(),
        file: file.to_owned(),
        column: column.name.clone(),
        expected: expected(column.column_type),
        found: field.data_type().to_string(),
    })
}

/// The part of a contract that decides what models see of a table, in a form to digest.
pub(crate) fn terms(table: &SourceTable) -> String {
    let SourceTable { name, event_time, known_at, key, unique_key, keep, .. } = table;
    let mut terms = vec![format!("{:?}", (name, event_time, known_at, key, unique_key, keep))];
    terms.extend(table.references.iter().map(|reference| format!("{reference:?}")));
    terms.extend(table.columns.iter().map(|column| {
        let SourceColumn { name, column_type, nullable, minimum, maximum, not_before, visible_from, .. } = column;
        format!("{:?}", (name, column_type, nullable, minimum, maximum, not_before, visible_from))
    }));
    terms.join("\n")
}

/// A column by its exact name: no folding of case, no splitting at dots.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// An instant as a constant of the type of source timestamps.
pub(crate) fn instant(at: Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), Some("UTC".into())))
}

/// A column that tells the time, as a timestamp; a date stands for its midnight in UTC.
pub(crate) fn time_column(table: &SourceTable, name: &str) -> Result<Expr, FeatureError> {
    let is_date = table.column(name).is_some_and(|declared| declared.column_type == ColumnType::Date);
    if !is_date {
        return Ok(column(name));
    }
    let schema = DFSchema::try_from(declared_schema(table))?;
    Ok(column(name).cast_to(&timestamp_type(), &schema)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_loses_nothing() {
        let naive = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let paris = DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Paris".into()));
        for (declared, found, accepted) in [
            (ColumnType::Text, DataType::LargeUtf8, true),
            (ColumnType::Text, DataType::Binary, false),
            (ColumnType::Integer, DataType::Int16, true),
            (ColumnType::Integer, DataType::UInt32, false),
            (ColumnType::Integer, DataType::Int64, false),
            (ColumnType::BigInt, DataType::UInt32, true),
            (ColumnType::BigInt, DataType::UInt64, false),
            (ColumnType::Double, DataType::Float32, true),
            (ColumnType::Double, DataType::Int64, true),
            (ColumnType::Double, DataType::Utf8, false),
            (ColumnType::Timestamp, naive, true),
            (ColumnType::Timestamp, arrow_type(ColumnType::Timestamp), true),
            (ColumnType::Timestamp, paris, false),
            (ColumnType::Money, DataType::Decimal128(10, 2), true),
            (ColumnType::Money, DataType::Decimal256(40, 0), true),
            (ColumnType::Money, DataType::Decimal128(18, 4), false),
            (ColumnType::Money, DataType::Float64, false),
        ] {
            assert_eq!(accepts(declared, &found), accepted, "{declared:?} {found}");
        }
    }
}
