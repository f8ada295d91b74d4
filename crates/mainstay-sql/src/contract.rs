//! What a source table promises: the types of its files, [`rules`] for its rows, and [`days`] by its clock.

pub(crate) mod days;
pub(crate) mod rules;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, lit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;
use mainstay_files::declared;
use mainstay_schema::table::ColumnType;

/// What the name of a relation of refused rows ends with.
const REFUSED: &str = " refused";
/// The metadata of the schema of a declared table that say the zone of its times.
pub(crate) const TIME_ZONE: &str = "time_zone";

/// `source.table`, as messages call a source table.
pub(crate) fn table_name(source: &str, table: &str) -> String {
    format!("{source}.{table}")
}

/// The relation of the rows that a source table refused; another name than that of those that it gives.
pub(crate) fn refused_name(source: &str, table: &str) -> String {
    format!("{}{REFUSED}", table_name(source, table))
}

/// The source table of a relation of rows, sound or refused.
pub(crate) fn table_of_relation(relation: &str) -> &str {
    relation.strip_suffix(REFUSED).unwrap_or(relation)
}

/// The Arrow type that a declared column has for models.
pub fn arrow_type(column_type: ColumnType) -> DataType {
    declared::arrow_type(column_type)
}

/// The type of instants.
pub(crate) fn timestamp_type() -> DataType {
    arrow_type(ColumnType::Timestamp)
}

/// The declared columns in order. All may be null here: rows that break the contract are still to be sorted out.
pub(crate) fn declared_schema(table: &SourceTable) -> SchemaRef {
    let field = |column: &SourceColumn| Field::new(&column.name, arrow_type(column.column_type), true);
    Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()))
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
    // Without a word of it times are in UTC, as they were before a table could say its zone.
    if table.zone() != TimeZone::UTC {
        terms.push(format!("{:?}", table.time_zone));
    }
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
