//! What is known of a table and its columns before their values are looked at.

use arrow::datatypes::DataType;
use jiff::Timestamp;
use mainstay_schema::Ds;

/// What is known of a table before its rows are looked at.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// The table.
    pub table: String,
    /// Its rows, as its files state them.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// The columns that are to identify a row.
    pub key: Vec<String>,
    /// The zone of its times that say none, and of its dates.
    pub time_zone: String,
    /// The day before which dates should lie.
    pub ds: Ds,
    /// The instant before which times should lie.
    pub as_of: Timestamp,
    /// Its columns, in the order of the batches.
    pub columns: Vec<ColumnSpec>,
}

/// What is known of a column before its values are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// The type of its batches.
    pub data_type: DataType,
    /// How the project, else Arrow, calls its type.
    pub type_name: String,
    /// Whether the project declares it.
    pub is_declared: bool,
    /// Whether the project declares it as personal.
    pub is_personal: bool,
    /// Whether its values name rows or things: they are many, and none of them is a category or a number.
    pub is_identifier: bool,
    /// Whether it is money.
    pub is_money: bool,
}

impl ColumnSpec {
    /// Whether its values may be shown.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_declared && !self.is_personal
    }
}
