//! `mainstay model import`: a file of other people's becomes a model of ours.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use mainstay_standalone::model::{self, ForeignFormat};

use super::show;
use crate::flags::GlobalArguments;
use crate::output_files::{check_outputs, create};

/// How many features are listed of what was imported.
const LISTED: usize = 5;

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// What wrote the file.
    #[arg(long, value_enum)]
    format: ModelFormat,
    /// The file: XGBoost's JSON or UBJSON, LightGBM's text, or ONNX.
    file: PathBuf,
    /// The model to write.
    #[arg(long)]
    output: PathBuf,
    /// Names of the features in the model's order, separated by commas; those of the file by default.
    #[arg(long, value_delimiter = ',')]
    features: Option<Vec<String>>,
    /// Replace the output if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModelFormat {
    /// JSON or UBJSON of `Booster.save_model`.
    Xgboost,
    /// Text of `Booster.save_model`.
    Lightgbm,
    /// TreeEnsembleClassifier or TreeEnsembleRegressor.
    Onnx,
}

/// Imports the model, and shows what it is made of.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ImportArguments) -> Result<()> {
    let file = &arguments.file;
    check_outputs(&[("--output", &arguments.output)], &[("the imported file", file)], arguments.force)?;
    let format = match arguments.format {
        ModelFormat::Xgboost => ForeignFormat::Xgboost,
        ModelFormat::Lightgbm => ForeignFormat::Lightgbm,
        ModelFormat::Onnx => ForeignFormat::Onnx,
    };
    let model = model::import(file, format, arguments.features.as_deref())?;
    create(&arguments.output, &model.to_file()?, arguments.force)?;
    show::write_model(global, &arguments.output, &model, LISTED)
}
