//! `mainstay model export`: a model of ours becomes a file that other programs read.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use mainstay_standalone::model;

use crate::flags::GlobalArguments;
use crate::output_files::{check_outputs, create};
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// What shall read the file.
    #[arg(long, value_enum)]
    format: ExportFormat,
    /// The model.
    model: PathBuf,
    /// The file to write.
    #[arg(long)]
    output: PathBuf,
    /// Replace the output if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// Scores in single precision; without covers, so that what is read back cannot be explained.
    Onnx,
}

/// Exports the model.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ExportArguments) -> Result<()> {
    check_outputs(&[("--output", &arguments.output)], &[("the model", &arguments.model)], arguments.force)?;
    let model = model::read(&arguments.model)?;
    let bytes = match arguments.format {
        ExportFormat::Onnx => model::export_onnx(&model, &arguments.model)?,
    };
    create(&arguments.output, &bytes, arguments.force)?;
    let view = serde_json::json!({"output": arguments.output, "model": model.digest()});
    write(global, &view, || format!("{}\n", arguments.output.display()))
}
