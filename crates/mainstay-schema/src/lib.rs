//! The words that every crate shares: dates, money, digests, column names, table contracts, decisions, gates, calibration figures, kinds of job and of model.
//!
//! Base crate: it depends on no other crate of ours and does no I/O. It is not a place for helpers: what is here is a term of
//! `docs/glossary.md` with one meaning.

pub mod algorithm;
pub mod column;
pub mod customer;
pub mod date;
pub mod decision;
pub mod definition;
pub mod digest;
pub mod file_format;
pub mod gate;
pub mod id;
pub mod job;
pub mod ledger;
pub mod money;
pub mod plan;
pub mod reliability;
pub mod simulated;
pub mod table;

pub use algorithm::{AlgorithmKind, LearnerKind};
pub use customer::{CustomerStatus, RiskBand};
pub use date::{Ds, Month};
pub use decision::{BlockedBy, DecisionReason};
pub use digest::{Digest, DigestHasher};
pub use file_format::FileFormat;
pub use gate::{Gate, Gates};
pub use id::RunId;
pub use job::JobKind;
pub use money::Cents;
pub use reliability::Reliability;
