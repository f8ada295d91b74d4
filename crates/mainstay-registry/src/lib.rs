//! Model versions and aliases on object storage: who is champion, who was, and the very bytes of each.
//!
//! Below the prefix, for each registered model:
//!
//! ```text
//! blobs/<hex digest>.json                              the model's bytes, named by their content
//! models/<name>/versions/<1, 2, ...>.json            a ModelVersion each
//! models/<name>/cards/<1, 2, ...>.json, .md          what people should know of the version
//! models/<name>/aliases/<alias>/<000001, ...>.json   an AliasEntry each; the newest is current
//! ```
//!
//! Nothing but a blob is ever written twice, and a blob only with the same content: numbers are claimed by create-if-absent, so two
//! writers never overwrite each other and history cannot be rewritten. The registry does not train, judge or promote: it
//! records what [`Registry::register`], [`Registry::set_alias`] and [`Registry::append_to_history`] are given, with the reasons.

mod alias;
mod error;
mod name;
mod registry;
mod storage;
mod version;

pub use alias::{AliasChange, AliasEntry, before_newest, in_force};
pub use error::RegistryError;
pub use registry::Registry;
pub use version::{Candidate, ModelVersion, UNJUDGED};

#[cfg(test)]
mod tests;
