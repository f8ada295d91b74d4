//! Parquet files of anyone's: opening them, and reading their columns as what they are.
//!
//! [`kind`] is the one place that decides what a column of each Arrow type is read as: a number, a category, a day, a key. Nothing is
//! read as something else without a word: what does not fit is refused, with how to mend it. [`read`] does what `kind` decides;
//! [`parquet_file`] opens a file, or says what it is instead of a Parquet file.
//!
//! It knows no model, no SQL and no project.

pub mod kind;
pub mod parquet_file;
pub mod read;

pub use kind::ColumnKind;
pub use parquet_file::{FileError, open, read_footer};
pub use read::{DayError, KeyError, WholeNumberError};
