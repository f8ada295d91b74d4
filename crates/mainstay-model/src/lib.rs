//! The tree ensemble: one flat, validated form of every tree model and of linear ones, and what is done with it.
//!
//! Pure: no I/O, no randomness, and no clock but that of the [`SelfTest`] of the kernels, which decides how fast they are and never
//! what they give. It scores columns (a [`Scorer`] many rows, [`Ensemble::raw_scores`] any rows by the plain
//! walk that the scorer is held against), turns margins into calibrated probabilities ([`Ensemble::probability`]), explains rows by exact Shapley values ([`Ensemble::contributions`]) and
//! words the reasons ([`Ensemble::reasons`]). It reads the files of XGBoost, LightGBM and ONNX ([`import`])
//! and writes ONNX ([`export`]). It does not fit models (see `mainstay-train`) nor store them (see
//! `mainstay-registry`).
//!
//! An [`Ensemble`] cannot exist unless it is sound: every constructor validates, so that scoring needs no check per node and a
//! hostile file ends in a [`ModelError`].

mod binning;
pub mod calibration;
pub mod column;
pub mod condition;
pub mod ensemble;
pub mod error;
pub mod explain;
pub mod export;
pub mod format;
pub mod import;
pub mod instructions;
mod kernel;
pub mod linear;
mod program;
pub mod reason;
pub mod score;
pub mod scorer;
pub mod self_test;
pub mod shapley;
pub mod summary;
pub mod tree;

mod onnx_proto;

#[cfg(test)]
mod test_models;

pub use calibration::Calibration;
pub use column::{Bits, Column, Values};
pub use condition::{CategorySet, Condition, Missing};
pub use ensemble::{Ensemble, EnsembleParts, Feature, Link};
pub use error::{ModelError, TermError, TreeError};
pub use instructions::InstructionSet;
pub use linear::{Effect, Term};
pub use reason::{Reason, ReasonRules};
pub use scorer::Scorer;
pub use self_test::SelfTest;
pub use shapley::Explainer;
pub use tree::{Node, Tree};
