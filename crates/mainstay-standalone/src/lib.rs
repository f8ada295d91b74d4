//! What Mainstay does with a file of anyone's: no project, no SQL, no DataFusion.
//!
//! A module a verb. Scoring a file has a crate of its own, `mainstay-scoring`.

pub mod allocate;
pub mod train;
