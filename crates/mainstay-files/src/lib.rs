//! Parquet files of anyone's: opening them, and reading their columns as what they are.
//!
//! [`kind`] is the one place that decides what a column of each Arrow type is read as: a number, a category, a day, a key. Nothing is
//! read as something else without a word: what does not fit is refused, with how to mend it. [`read`] does what `kind` decides;
//! [`parquet_file`] opens a file, or says what it is instead of a Parquet file.
//!
//! [`declared`] says how a column becomes one of a declared type, as the sources of a project have them; [`local_time`] which instants
//! the times of a zone are. [`key_text`] says what stands unseen around keys as people write them.
//!
//! It knows no model, no SQL and no project.

pub mod declared;
pub mod key_text;
pub mod kind;
pub mod local_time;
pub mod parquet_file;
pub mod read;

pub use declared::{DeclaredColumn, Reading, Refused, UnreadableValue};
pub use kind::ColumnKind;
pub use local_time::LocalTime;
pub use parquet_file::{FileError, open, read_footer, refuse_repeated};
pub use read::{DayError, KeyError, WholeNumberError};
