//! How far probabilities can be trusted.

use serde::{Deserialize, Serialize};

/// Probabilities of some rows against what happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The share of the rows that churned.
    pub base_rate: f64,
    /// The mean probability.
    pub mean_probability: f64,
    /// Mean squared distance of probability and label.
    pub brier: f64,
    /// Expected calibration error over ten bins of equal count. Model cards call it `error`.
    #[serde(alias = "error")]
    pub ece: f64,
    /// The calibration error to expect of exact probabilities, from chance alone. Model cards call it `noise_floor`.
    #[serde(alias = "noise_floor")]
    pub ece_noise_floor: f64,
}

impl Reliability {
    /// How much more the calibration error is than what chance explains; below 0 where it is less.
    pub fn error_above_noise(&self) -> f64 {
        self.ece - self.ece_noise_floor
    }
}
