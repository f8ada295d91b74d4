//! What Mainstay does with a file of anyone's: no project, no SQL, no DataFusion.
//!
//! A module a verb: [`train`], [`allocate`], [`model`] and [`score`], whose work is that of a crate of its own, `mainstay-scoring`.

pub mod allocate;
pub mod model;
pub mod train;

pub use mainstay_scoring as score;
