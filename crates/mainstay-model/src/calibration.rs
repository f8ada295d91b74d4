//! From margin to probability. Exponentials come from one pure implementation, so that every machine gives the same bits.

use crate::error::ModelError;
use crate::tree::is_margin;

/// How a margin becomes the log-odds of the label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calibration {
    /// The margin is the log-odds.
    Identity,
    /// Log-odds = a margin + b, with a above 0 so that the order of rows stays (Platt 1999).
    Platt {
        /// Slope, above 0.
        a: f64,
        /// Intercept.
        b: f64,
    },
}

impl Calibration {
    /// The calibrated log-odds of a margin.
    pub fn log_odds(&self, margin: f64) -> f64 {
        match *self {
            Self::Identity => margin,
            Self::Platt { a, b } => a * margin + b,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        match *self {
            Self::Identity => Ok(()),
            Self::Platt { a, b } if a > 0.0 && is_margin(a) && is_margin(b) => Ok(()),
            Self::Platt { a, b } => Err(ModelError::Calibration { a, b }),
        }
    }
}

/// The logistic function 1 / (1 + exp(-x)), in [0, 1].
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// The inverse of [`sigmoid`]: ln(p / (1 - p)), finite for p within (0, 1).
pub fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_is_right_at_known_points() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e17), 1.0);
        assert_eq!(sigmoid(-1e17), 0.0);
        assert!((sigmoid(-1.0) - 0.268_941_421_369_995_1).abs() < 1e-15);
        assert!((logit(sigmoid(3.5)) - 3.5).abs() < 1e-13);
    }

    #[test]
    fn refuses_a_calibration_that_does_not_rise() {
        for (a, b) in [(0.0, 0.0), (-1.0, 0.0), (f64::NAN, 0.0), (1.0, f64::NAN), (f64::INFINITY, 0.0), (1.0, 1e13)] {
            let error = Calibration::Platt { a, b }.check().unwrap_err();
            assert!(error.to_string().starts_with("the calibration has a = "), "{error}");
        }
        assert!(Calibration::Platt { a: 0.9, b: -0.1 }.check().is_ok());
    }
}
