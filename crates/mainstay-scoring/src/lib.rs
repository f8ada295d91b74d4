//! Scores the rows of a Parquet file, of any size, with any model.
//!
//! [`score_file`] adds columns to a file: the probability, the raw score and, on request, reasons and contributions. What the
//! file holds already is copied as it is, byte for byte: only the model's features are decoded, and only the added columns are
//! encoded. Memory holds a few batches and pages a thread, however large the file, its row groups and its texts are.
//!
//! It knows neither SQL nor object stores (see `mainstay-functions` and `mainstay-job`), and does not compute scores itself (see
//! `mainstay-model`).

mod added;
mod batches;
pub mod error;
mod features;
mod input;
mod lanes;
mod output;
mod pages;
mod request;
mod row_group;
mod scored;
mod seen;
mod spool;

#[cfg(test)]
mod tests;

pub use error::ScoringError;
pub use request::{Explanation, ScoreRequest, ScoredFile, Seconds, score_file};
pub use seen::FeatureWarning;
