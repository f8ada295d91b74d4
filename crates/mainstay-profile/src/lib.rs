//! Column profiles: what the columns of a table hold, and what looks wrong with them.
//!
//! One pass: a [`TableTally`] takes record batches, in any order and split among any number of tallies that are merged afterwards;
//! [`TableTally::finish`] gives the [`TableProfile`], the same to the bit whatever the order. Counts, ranges and missing values are
//! exact; so are distinct values, quantiles and the most frequent values up to a hundred thousand distinct ones a column, and marked
//! as estimates beyond. [`findings`](finding::findings) says what is suspicious, [`yaml`] writes it all as a file for people.
//!
//! Values of personal columns, and of columns that nobody has declared, are counted and never shown. Where batches come from is not known
//! here.

mod column;
mod distinct;
pub mod finding;
mod pairs;
mod quantiles;
mod spec;
pub mod table;
mod text_signs;
mod value_kind;
pub mod yaml;

pub use column::{ColumnProfile, Distinct, Frequent};
pub use finding::{Finding, Suspicion};
pub use spec::{ColumnSpec, TableSpec};
pub use table::{SourceProfile, TableProfile, TableTally};
