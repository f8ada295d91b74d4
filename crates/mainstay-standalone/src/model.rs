//! Files of models: ours are read and looked into, other people's become ours, and ours are written for other programs.

mod error;
mod inspected;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mainstay_model::{EnsembleParts, Feature, export, format, import};

pub use error::ModelFileError;
pub use inspected::{InspectedModel, Instructions};
pub use mainstay_model::summary::{Predicts, Summary};
pub use mainstay_model::{Ensemble, InstructionSet};

/// Whose file a model is imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignFormat {
    /// JSON or UBJSON of XGBoost.
    Xgboost,
    /// Text of LightGBM.
    Lightgbm,
    /// ONNX.
    Onnx,
}

/// Reads a model of ours.
///
/// # Errors
/// Where the file cannot be read, or is none of ours.
pub fn read(path: &Path) -> Result<Ensemble, ModelFileError> {
    let foreign = |source| ModelFileError::NotOurs { path: shown(path), source };
    Ensemble::from_json(&bytes_of(path)?).map_err(foreign)
}

/// Reads a model of other people's; `names` are those of its features in the model's order, where the file's own shall not be taken.
///
/// # Errors
/// Where the file cannot be read or imported, or the names are more or fewer than the features.
pub fn import(path: &Path, format: ForeignFormat, names: Option<&[String]>) -> Result<Ensemble, ModelFileError> {
    let bytes = bytes_of(path)?;
    let imported = match format {
        ForeignFormat::Xgboost => import::xgboost(&bytes),
        ForeignFormat::Lightgbm => import::lightgbm_text(&bytes),
        ForeignFormat::Onnx => import::onnx(&bytes),
    };
    let model = imported.map_err(|source| ModelFileError::Import { path: shown(path), source })?;
    match names {
        Some(names) => with_features(&model, names),
        None => Ok(model),
    }
}

/// The bytes of a model as an ONNX file; `path` is where the model was read, for messages.
///
/// # Errors
/// Where ONNX cannot say what the model does.
pub fn export_onnx(model: &Ensemble, path: &Path) -> Result<Vec<u8>, ModelFileError> {
    export::onnx(model).map_err(|source| ModelFileError::Export { path: shown(path), source })
}

/// The same model over features of other names.
fn with_features(model: &Ensemble, names: &[String]) -> Result<Ensemble, ModelFileError> {
    if names.len() != model.features().len() {
        return Err(ModelFileError::FeatureNames { names: names.len(), features: model.features().len() });
    }
    Ok(Ensemble::new(EnsembleParts {
        features: names.iter().map(Feature::new).collect(),
        trees: model.trees().to_vec(),
        bias: model.bias(),
        link: model.link(),
        calibration: model.calibration(),
    })?)
}

/// The bytes of a file; of one that is larger than any model only as many as show that.
fn bytes_of(path: &Path) -> Result<Vec<u8>, ModelFileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(format::MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| ModelFileError::Read { path: shown(path), source })?;
    Ok(bytes)
}

/// Where a file is, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
