//! One table: its columns, tallied batch by batch.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use mainstay_schema::Ds;
use serde::Serialize;

use crate::column::{ColumnProfile, ColumnTally};
use crate::finding::{Finding, Seen, findings};
use crate::pairs::Pairs;
use crate::spec::TableSpec;
use crate::value_kind::ValueKind;

/// The tables of a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceProfile {
    /// The source.
    pub source: String,
    /// The day before which values should lie.
    pub ds: Ds,
    /// Its tables in the order of the project.
    pub tables: Vec<TableProfile>,
}

/// What a table holds, and what looks wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableProfile {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// The zone of its times that say none, and of its dates.
    pub time_zone: String,
    /// The columns that are to identify a row.
    pub key: Vec<String>,
    /// What looks wrong.
    pub findings: Vec<Finding>,
    /// Its columns in the order of the project, then those that it does not declare.
    pub columns: Vec<ColumnProfile>,
}

/// The rows of a table as far as they were seen.
#[derive(Debug, Clone)]
pub struct TableTally {
    rows: u64,
    columns: Vec<ColumnTally>,
    pairs: Pairs,
}

impl TableTally {
    /// Nothing seen yet.
    pub fn new(spec: &TableSpec) -> Self {
        let kinds: Vec<ValueKind> = spec.columns.iter().map(|column| ValueKind::of(&column.data_type)).collect();
        let first_late = |kind: ValueKind| match kind {
            ValueKind::Date => i64::from(spec.ds.days_since(Ds::EPOCH)),
            _ => spec.as_of.as_microsecond(),
        };
        Self {
            rows: 0,
            columns: kinds.iter().map(|kind| ColumnTally::new(*kind, first_late(*kind))).collect(),
            pairs: Pairs::new(&kinds, spec.rows),
        }
    }

    /// Takes note of some rows.
    ///
    /// # Errors
    /// Values that cannot be converted to the type of their kind.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        let of_kind = |(tally, values): (&ColumnTally, &ArrayRef)| tally.kind.normalised(values);
        let columns: Vec<ArrayRef> = self.columns.iter().zip(batch.columns()).map(of_kind).collect::<Result<_, _>>()?;
        for (tally, values) in self.columns.iter_mut().zip(&columns) {
            tally.add(values);
        }
        self.pairs.add(&columns)
    }

    /// Adds what another tally of the same table has seen.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.rows += other.rows;
        for (tally, others) in self.columns.iter_mut().zip(other.columns) {
            tally.merge(others);
        }
        self.pairs.merge(&other.pairs);
        self
    }

    /// The profile of the rows. `duplicate_keys` is how many rows have a key that another one has, where a key should stand for one.
    pub fn finish(&self, spec: &TableSpec, duplicate_keys: Option<u64>) -> TableProfile {
        let seen = Seen { spec, rows: self.rows, columns: &self.columns, pairs: &self.pairs, duplicate_keys };
        TableProfile {
            table: spec.table.clone(),
            rows: self.rows,
            files: spec.files,
            time_zone: spec.time_zone.clone(),
            key: spec.key.clone(),
            findings: findings(&seen),
            columns: self.columns.iter().zip(&spec.columns).map(|(tally, spec)| tally.profile(spec)).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
