//! What can be wrong with a file of a model.

use std::io;

use mainstay_model::ModelError;
use mainstay_model::export::ExportError;
use mainstay_model::import::ImportError;
use thiserror::Error;

/// Why a model was not read, imported or exported.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: check the path")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no model of ours.
    #[error(
        "cannot read the model {path} (a file of XGBoost, LightGBM or ONNX becomes a model with `mainstay model import`)"
    )]
    NotOurs {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ModelError,
    },
    /// The file is not of the format, or holds what ours does not.
    #[error("cannot import {path}")]
    Import {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: ImportError,
    },
    /// The format does not hold what the model does.
    #[error("cannot export {path}")]
    Export {
        /// The model.
        path: String,
        /// What does not fit.
        source: ExportError,
    },
    /// More or fewer names than features.
    #[error(
        "--features gives {names} names, but the model has {features} features: name them all, in the model's order"
    )]
    FeatureNames {
        /// How many names are given.
        names: usize,
        /// How many features the model has.
        features: usize,
    },
    /// The names make no sound model.
    #[error(transparent)]
    Model(#[from] ModelError),
}
