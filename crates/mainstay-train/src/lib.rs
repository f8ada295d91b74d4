//! Training: boosted trees fitted with linfa, calibrated and judged in time order.
//!
//! Pure and deterministic: the same rows and seed give the same model to the bit, in whatever order the rows arrive. Data
//! moves [`TrainingRows`] -> [`TrainingSet`] -> [`BoostedTreesParams::check`] and [`ValidBoostedTreesParams::fit`] ->
//! [`calibrate::platt`] on rows held back -> [`evaluate::evaluate`] on a later cut -> [`Gates::judge`]. Where rows come from and
//! where models go is not known here.

pub mod baseline;
pub mod bins;
pub mod boost;
pub mod calibrate;
pub mod draw;
pub mod error;
pub mod evaluate;
pub mod gate;
pub mod grow;
pub mod params;
pub mod rows;

#[cfg(test)]
mod test_rows;

pub use error::TrainError;
pub use evaluate::{Evaluation, Ranking};
pub use gate::{GateResult, Gates};
pub use params::{BoostedTreesParams, ValidBoostedTreesParams};
pub use rows::{TrainingRows, TrainingSet};
