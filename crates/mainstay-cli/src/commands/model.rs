//! `mainstay model`: registered models, and files of models, ours and other people's.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use mainstay_job::{Access, models};
use mainstay_model::{Ensemble, EnsembleParts, Feature, export, format, import};
use tempfile::NamedTempFile;

use crate::arguments::{ExportArguments, ExportFormat, GlobalArguments, ImportArguments, ModelFormat, ModelVerb};
use crate::commands::outputs::check_outputs;
use crate::commands::{open, write};
use crate::render;
use crate::render::model::Shown;

/// Executes `mainstay model ...`.
pub(crate) async fn execute(global: &GlobalArguments, verb: ModelVerb) -> Result<ExitCode> {
    match verb {
        ModelVerb::List(arguments) => {
            let open = open(global, Access::Read, None).await?;
            let listed = models::list(&open, arguments.model.as_deref()).await?;
            write(global, &serde_json::json!({"models": listed}), || render::registered::list(&listed))?;
        }
        ModelVerb::History(arguments) => {
            let open = open(global, Access::Read, None).await?;
            let model = models::meant(&open, arguments.model.as_deref()).await?;
            let history = models::history(&open, &model, arguments.alias.as_deref()).await?;
            write(global, &history, || render::registered::history(&history))?;
        }
        ModelVerb::Card(arguments) => {
            let open = open(global, Access::Read, None).await?;
            let model = models::meant(&open, arguments.model.as_deref()).await?;
            let card = models::card(&open, &model, &arguments.version).await?;
            write(global, &card, || card.markdown())?;
        }
        ModelVerb::Import(arguments) => {
            let model = import(&arguments)?;
            show(global, &arguments.output, &model, 5)?;
        }
        ModelVerb::Show(arguments) => {
            show(global, &arguments.model, &read_model(&arguments.model)?, arguments.top)?;
        }
        ModelVerb::Export(arguments) => {
            check_outputs(&[("--output", &arguments.output)], &[("the model", &arguments.model)], arguments.force)?;
            let model = read_model(&arguments.model)?;
            export(&model, &arguments)?;
            let view = serde_json::json!({"output": arguments.output, "model": model.digest()});
            write(global, &view, || format!("{}\n", arguments.output.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(global: &GlobalArguments, path: &Path, model: &Ensemble, top: usize) -> Result<()> {
    let shown = Shown::of(model);
    write(global, &shown, || render::model::text(path, &shown, top))
}

/// Reads a model of ours.
pub(crate) fn read_model(path: &Path) -> Result<Ensemble> {
    let advice = "a file of XGBoost, LightGBM or ONNX becomes a model with `mainstay model import`";
    Ensemble::from_json(&read(path)?).with_context(|| format!("cannot read the model {} ({advice})", path.display()))
}

fn import(arguments: &ImportArguments) -> Result<Ensemble> {
    let file = &arguments.file;
    check_outputs(&[("--output", &arguments.output)], &[("the imported file", file)], arguments.force)?;
    let bytes = read(file)?;
    let imported = match arguments.format {
        ModelFormat::Xgboost => import::xgboost(&bytes),
        ModelFormat::Lightgbm => import::lightgbm_text(&bytes),
        ModelFormat::Onnx => import::onnx(&bytes),
    };
    let mut model = imported.with_context(|| format!("cannot import {}", file.display()))?;
    if let Some(names) = &arguments.features {
        model = with_features(&model, names)?;
    }
    create(&arguments.output, &model.to_file()?, arguments.force)?;
    Ok(model)
}

fn export(model: &Ensemble, arguments: &ExportArguments) -> Result<()> {
    let exported = match arguments.format {
        ExportFormat::Onnx => export::onnx(model),
    };
    let bytes = exported.with_context(|| format!("cannot export {}", arguments.model.display()))?;
    create(&arguments.output, &bytes, arguments.force)
}

/// The same model over features of other names.
fn with_features(model: &Ensemble, names: &[String]) -> Result<Ensemble> {
    ensure!(
        names.len() == model.features().len(),
        "--features gives {} names, but the model has {} features: name them all, in the model's order",
        names.len(),
        model.features().len()
    );
    Ok(Ensemble::new(EnsembleParts {
        features: names.iter().map(Feature::new).collect(),
        trees: model.trees().to_vec(),
        bias: model.bias(),
        link: model.link(),
        calibration: model.calibration(),
    })?)
}

/// The bytes of a file; of one that is larger than any model only as many as show that.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(format::MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}: check the path", path.display()))?;
    Ok(bytes)
}

/// Writes a file that appears whole or not at all.
pub(crate) fn create(path: &Path, bytes: &[u8], replaces: bool) -> Result<()> {
    let cannot_write = || format!("cannot write {}: check that its folder exists and may be written", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file: NamedTempFile = builder.tempfile_in(folder).with_context(cannot_write)?;
    file.write_all(bytes).with_context(cannot_write)?;
    let named = if replaces { file.persist(path) } else { file.persist_noclobber(path) };
    match named {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already: choose another name, or replace it with --force", path.display())
        }
        named => named.map(|_| ()).map_err(|error| error.error).with_context(cannot_write),
    }
}
