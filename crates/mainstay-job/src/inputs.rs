//! What a run begins with: source files and their contracts, what decides who may be contacted, and what is refused.

pub(crate) mod consent_records;
pub(crate) mod damaged;
pub(crate) mod key_text;
pub(crate) mod materialise;
pub mod profile;
pub(crate) mod quarantine;
pub(crate) mod recent_plans;
pub(crate) mod simulated;
#[cfg(feature = "simulator")]
pub mod simulator;
pub(crate) mod sources;
pub(crate) mod sql_tests;
pub(crate) mod unmatched_suppression;
