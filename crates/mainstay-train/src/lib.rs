//! Training: boosted trees fitted with linfa, calibrated and judged in time order.
//!
//! Pure and deterministic: the same rows and seed give the same model to the bit, in whatever order the rows arrive. Data
//! moves [`TrainingRows`] -> [`TrainingSet`] -> [`Pipeline::run`] (search, fit, calibration, judgement on a later cut) ->
//! [`Trained`] -> [`judge_gates`]. Where rows come from and where models go is not known here.

pub mod baseline;
pub mod bins;
pub mod boost;
pub mod calibrate;
mod column;
pub mod competitor;
pub mod declared;
pub mod delong;
mod draw;
pub mod drift;
pub mod error;
pub mod evaluate;
pub mod facts;
pub mod forest;
pub mod gate;
pub mod grow;
pub mod judgement;
pub mod kind;
pub mod leakage;
pub mod logistic;
mod monotone;
pub mod need;
mod newton;
mod parallel;
pub mod params;
pub mod pipeline;
pub mod recipe;
pub mod reliability;
pub mod rows;
pub mod segments;
pub mod tune;

#[cfg(test)]
mod test_rows;

pub use competitor::Competitor;
pub use declared::{Declared, Monotone};
pub use delong::Interval;
pub use error::TrainError;
pub use evaluate::{Evaluation, Ranking};
pub use facts::{JudgedWith, TrainingFacts};
pub use gate::judge_gates;
pub use judgement::{JudgedOn, Judgement};
pub use kind::{ModelParams, ValidModelParams};
pub use leakage::{LeakageInput, LeakageReport, look_for_leaks};
pub use mainstay_schema::{Gate, Gates, LearnerKind, Reliability};
pub use need::{MemoryNeed, gathered_bytes};
pub use params::{BoostedTreesParams, ValidBoostedTreesParams};
pub use pipeline::{Parameters, Pipeline};
pub use recipe::{Recipe, Trained};
pub use reliability::{CalibrationCheck, CalibrationReport};
pub use rows::{TrainingRows, TrainingSet, TrainingSetBuilder};
pub use segments::{GroupFigures, SegmentFigures, Segmentation};
pub use tune::{Search, Searched};
