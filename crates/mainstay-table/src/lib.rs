//! The tables of a target: days staged as Parquet, published to Delta, pinned by version and read back.
//!
//! A day of a table goes through three states: record batches become a [`StagedTable`] (Parquet files of ours that no Delta
//! reader sees yet, each with its digest), [`publish()`](publish::publish) commits exactly those files, and [`read::open`] gives the
//! published day as a lazy DataFusion frame at a pinned version. Around it stand what keeps two runs apart: [`claim`] (attempts
//! and leases), [`ledger_table`] (compare-and-swap on the money) and [`run_record`] (what a day consists of, written last).
//!
//! Architecture invariant: all input and output goes through an object store; nothing here knows that a target is a folder,
//! but [`Lake::open`]. What an entry of the ledger means, and what a run record's details say, is the business of others.

pub mod arrow_types;
pub mod claim;
mod commit;
pub mod digest;
pub mod error;
mod evolve;
pub mod foreign;
pub mod lake;
pub mod ledger_table;
mod log_rows;
pub mod origin;
mod outside;
mod parquet_file;
pub mod publish;
pub mod published_day;
pub mod read;
pub mod run_record;
pub mod series;
mod snapshot;
pub mod stage;
pub mod staged;
mod statistics;
#[cfg(test)]
mod test_tables;

pub use claim::{Attempt, Lease};
pub use error::TableError;
pub use lake::Lake;
pub use origin::Origin;
pub use publish::Published;
pub use read::Days;
pub use run_record::{PublishedTable, RunRecord, RunStatus};
pub use series::Series;
pub use staged::{StagedFile, StagedTable};
