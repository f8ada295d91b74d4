//! The rows of source tables that may be seen before an instant: those that happened and were known by then and keep their contract.
//!
//! A [`relation`] is a pinned table with what holds for each of its rows by itself. [`conflicts`] are rows that contradict others:
//! [`references`] to rows that do not exist, and [`duplicate_keys`]. A [`table`] is a relation without them, and [`sources`] are all tables
//! of a project.

pub(crate) mod conflicts;
pub(crate) mod duplicate_keys;
pub(crate) mod moment;
pub(crate) mod references;
pub(crate) mod relation;
pub(crate) mod rows_in_memory;
pub(crate) mod small_tables;
pub(crate) mod sources;
pub(crate) mod table;
pub(crate) mod versions;
