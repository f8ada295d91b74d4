//! Models as lazy plans.
//!
//! Models are planned in a catalog of their own, made for the one call, in which every model and source that they build on
//! is a view. A view carries its plan and is inlined where it is named, so nothing of the catalog outlives planning,
//! several moments live side by side in one session, and no model can name a table other than through `ref()` and
//! `source()`. Plans are kept where several callers ask for the same.
//!
//! The catalog has a schema for every instant up to which something is seen, which is a [`horizon`]: models before as-of; for labels,
//! staging and sources before the end of the horizon, as far as they were known when the training looks; for what decides who may be
//! contacted, all but features before its own instant.

pub(crate) mod ctes;
pub(crate) mod declared;
pub(crate) mod definition;
pub(crate) mod determinism;
pub(crate) mod horizon;
pub(crate) mod inputs;
pub(crate) mod lineage;
pub(crate) mod materialised;
pub(crate) mod models;
pub(crate) mod planned;
pub(crate) mod planner;
pub(crate) mod source_tables;
pub(crate) mod sql_fault;
