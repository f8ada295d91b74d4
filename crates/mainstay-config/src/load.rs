//! The files of a project: the only place that reads them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::ConfigError;
use crate::settings::{Layer, Layers, ProjectFile};
use crate::text;

const PROJECT_FILE: &str = "mainstay.yml";

/// The project in a folder with all its bases.
pub(crate) fn layers(folder: &Path) -> Result<Layers, ConfigError> {
    let shown = folder.to_string_lossy().into_owned();
    let own = layer(folder, &shown)?.ok_or(ConfigError::NoProject { folder: shown })?;
    let mut layers = Layers { own, bases: Vec::new() };
    while let Some(base) = base_of(layers.bases.last().unwrap_or(&layers.own), &layers)? {
        layers.bases.push(base);
    }
    Ok(layers)
}

fn layer(folder: &Path, shown: &str) -> Result<Option<Layer>, ConfigError> {
    let file = show(shown, PROJECT_FILE);
    let Some(text) = read(&folder.join(PROJECT_FILE), &file)? else {
        return Ok(None);
    };
    let absolute = fs::canonicalize(folder).map_err(|source| ConfigError::Read { path: shown.to_owned(), source })?;
    Ok(Some(Layer { folder: absolute, shown: shown.to_owned(), file: ProjectFile::parse(&file, &text)? }))
}

fn base_of(layer_above: &Layer, above: &Layers) -> Result<Option<Layer>, ConfigError> {
    let Some(extends) = &layer_above.file.value.extends else {
        return Ok(None);
    };
    let place = layer_above.file.place().key("extends");
    let shown = show(&layer_above.shown, extends);
    let base = layer(&layer_above.folder.join(extends), &shown)?
        .ok_or_else(|| place.error(format!("no project to extend: there is no `{}`", show(&shown, PROJECT_FILE))))?;
    let is_cycle = above.iter().any(|layer| layer.folder == base.folder);
    place.ensure(!is_cycle, || format!("`{shown}` extends this project in turn: a project cannot be its own base"))?;
    Ok(Some(base))
}

/// A file below a folder, as the user would write it.
pub(crate) fn show(folder: &str, file: &str) -> String {
    match folder {
        "" | "." => file.to_owned(),
        folder => Path::new(folder).join(file).to_string_lossy().into_owned(),
    }
}

/// The text of a file, or `None` where there is none; `shown` is the path as the user gave it.
pub(crate) fn read(path: &Path, shown: &str) -> Result<Option<String>, ConfigError> {
    match fs::read(path) {
        Ok(bytes) => {
            let decoded = text::decode(bytes);
            decoded.map(Some).map_err(|fault| ConfigError::NotText { path: shown.to_owned(), fault })
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(ConfigError::Read { path: shown.to_owned(), source }),
    }
}

pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

pub(crate) fn existing_folders(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    folders.filter(|folder| folder.is_dir()).collect()
}

/// The stems of the `.yml` files in a folder; none where there is no folder.
pub(crate) fn stems(folder: &Path, shown: &str) -> Result<BTreeSet<String>, ConfigError> {
    let failed = |source| ConfigError::Read { path: shown.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut stems = BTreeSet::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yml") && path.is_file() {
            stems.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    Ok(stems)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
