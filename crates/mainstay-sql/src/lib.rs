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
//!
//! Its parts, each of which uses those below it alone:
//!
//! - `load`: a project, read and checked;
//! - `checks`: privacy, tests of data and what shows them by the plan, quarantine, freshness, volumes, the model that fails;
//! - `plan`: models as plans over sources, and their definitions; what a model may not do;
//! - `project`: the models as they are written: templates, descriptions, what they refer to;
//! - `visible`: the rows of sources that may be seen, without those in conflict;
//! - `files`: the files of sources, listed, pinned and read;
//! - `contract`: what a source table promises, its rules and its times;
//! - `error`, `side_by_side`.

mod checks;
mod contract;
mod error;
mod files;
mod load;
mod plan;
mod project;
mod side_by_side;
mod visible;

pub use checks::data_test::TestResult;
pub use checks::failing::is_computation;
pub use checks::freshness::{Freshness, FreshnessStatus, refuse_stale};
pub use checks::privacy::PersonalColumn;
pub use checks::quarantine::REDACTED;
pub use contract::arrow_type;
pub use error::{FeatureError, ModelFault};
pub use files::columns::FileColumns;
pub use files::damaged::{damaged_file, is_damage};
pub use files::pin::{changed_since, pin, refuse_changed};
pub use files::pinned::{PinnedFile, PinnedSources, PinnedTable, SetAsideFile, UnreadFile};
pub use files::scanned::scanned_rows;
pub use plan::inputs::ModelInputs;
pub use plan::materialised::MaterialisedModels;
pub use plan::planned::PlannedModels;
pub use project::SqlProject;
pub use project::model::{AcceptedValue, ColumnDoc, ColumnTest, Model, ModelKind, Monotone, WhenAbsent};
pub use visible::moment::Moment;
pub use visible::sources::Sources;

#[cfg(test)]
mod tests;
