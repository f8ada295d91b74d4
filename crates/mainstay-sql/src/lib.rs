//! The SQL project: pinned sources held to their contracts, and models of SQL that see them as of an instant.
//!
//! [`pin`] lists and checks the files of a run. [`Sources`] reads those files: what may be seen before an instant, what
//! broke a contract, how fresh it is. [`SqlProject`] holds the models and hands out lazy DataFrames:
//! [`SqlProject::model`].
//!
//! Point in time holds by construction. A model reaches data through `source()` and `ref()` alone, planned in a catalog
//! of its own, and every source there is a view of the rows whose event time lies before the bound and that were known
//! by then.
//!
//! This crate executes nothing but checks: it neither builds sessions nor writes tables.

mod absent;
mod columns;
mod conflicts;
mod contract;
mod ctes;
mod data_test;
mod days;
mod definition;
mod determinism;
mod error;
mod failing;
mod file_names;
mod folder;
mod format;
mod found;
mod freshness;
mod graph;
mod held;
mod interface;
mod listing;
mod model;
mod moment;
mod pin;
mod pinned;
mod plan;
mod privacy;
mod project;
mod proof;
mod quarantine;
mod reading;
mod references;
mod repeats;
mod rules;
mod side_by_side;
mod small_tables;
mod source;
mod statistics;
mod template;
mod unreadable;
mod versions;
mod volume;

pub use columns::FileColumns;
pub use contract::arrow_type;
pub use data_test::TestResult;
pub use error::{FeatureError, ModelFault};
pub use failing::is_computation;
pub use found::rows_as_found;
pub use freshness::{Freshness, FreshnessStatus, refuse_stale};
pub use model::{AcceptedValue, ColumnDoc, ColumnTest, Model, ModelKind, Monotone, WhenAbsent};
pub use moment::Moment;
pub use pin::{changed_since, pin, refuse_changed};
pub use pinned::{PinnedFile, PinnedSources, PinnedTable, SetAsideFile, UnreadFile};
pub use privacy::PersonalColumn;
pub use project::SqlProject;
pub use quarantine::REDACTED;
pub use source::Sources;

#[cfg(test)]
mod tests;
