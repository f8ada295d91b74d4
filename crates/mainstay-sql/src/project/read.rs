//! The models of a project as they stand in its folders of SQL.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mainstay_config::{UnknownName, text};
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use crate::error::{FeatureError, ModelFault};
use crate::project::interface;
use crate::project::model::{Description, Model, ModelKind};

/// The models of all folders; one of an earlier folder stands for those of the same name in later ones, and keeps what they promise.
pub(crate) fn models(folders: &[PathBuf], root: &Path) -> Result<BTreeMap<String, Model>, FeatureError> {
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    for folder in folders {
        let is_own = *folder == root.join("sql");
        for (name, model) in read_folder(folder, root)? {
            let model = Model { is_own, ..model };
            match models.entry(name) {
                Entry::Vacant(free) => _ = free.insert(model),
                Entry::Occupied(mut own) => interface::inherit(own.get_mut(), model)?,
            }
        }
    }
    Ok(models)
}

fn read_folder(folder: &Path, root: &Path) -> Result<BTreeMap<String, Model>, FeatureError> {
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    let files = files_below(folder)?;
    for path in files.iter().filter(|path| has_extension(path, "sql")) {
        let model = read_model(folder, path, root)?;
        if let Some(other) = models.get(&model.name) {
            let message = format!("model `{}` stands in `{}` too: rename one of them", model.name, other.file);
            return Err(ModelFault::new(model.file, message).into());
        }
        models.insert(model.name.clone(), model);
    }
    match files.iter().find(|path| has_extension(path, "yml") && !path.with_extension("sql").is_file()) {
        Some(orphan) => {
            let message = "describes no model: there is no `.sql` file of that name beside it";
            Err(ModelFault::new(shown(orphan, root), message).into())
        }
        None => Ok(models),
    }
}

fn read_model(folder: &Path, path: &Path, root: &Path) -> Result<Model, FeatureError> {
    let file = shown(path, root);
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let kind =
        relative.iter().next().and_then(|part| ModelKind::of_folder(&part.to_string_lossy())).ok_or_else(|| {
            let message = "stands in no folder of models: move it to staging, features, labels or marts";
            ModelFault::new(&file, message)
        })?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        let message = "a model is named by lower-case letters, digits and `_`: rename the file";
        return Err(ModelFault::new(file, message).into());
    }
    let described_in = path.with_extension("yml");
    let description = read_description(&described_in, &name, root)?;
    Ok(Model {
        described_in: described_in.is_file().then(|| shown(&described_in, root)),
        interface: None,
        is_own: true,
        template: read(path, root)?,
        description: description.description,
        grain: description.grain,
        columns: description.columns,
        when_absent: description.when_absent,
        is_absent: false,
        refs: BTreeSet::new(),
        sources: BTreeSet::new(),
        refused: BTreeSet::new(),
        variables: BTreeSet::new(),
        warnings: BTreeSet::new(),
        name,
        kind,
        file,
    })
}

fn read_description(path: &Path, model: &str, root: &Path) -> Result<Description, FeatureError> {
    if !path.is_file() {
        return Ok(Description { name: model.to_owned(), ..Description::default() });
    }
    let file = shown(path, root);
    let description: Description =
        serde_saphyr::from_str(&read(path, root)?).map_err(|error| yaml_fault(&file, &error))?;
    if description.name != model {
        let message =
            format!("describes `{}`, but the model beside it is `{model}`: give it that name", description.name);
        return Err(ModelFault::new(file, message).into());
    }
    Ok(description)
}

fn yaml_fault(file: &str, error: &serde_saphyr::Error) -> ModelFault {
    let inner = error.without_snippet();
    let message = match inner {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
            unknown(choice(expected), variant, expected)
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("missing key `{field}`"),
        other => UserMessageFormatter.format_message(other).into_owned(),
    };
    let fault = ModelFault::new(file, message);
    match error.location() {
        Some(location) => fault.at(location.line() as usize, location.column() as usize),
        None => fault,
    }
}

/// What the known values of a key are.
fn choice(known: &[&str]) -> &'static str {
    match known.first() {
        Some(&"not_null") => "test",
        Some(&"text") => "type",
        _ => "value",
    }
}

fn unknown(kind: &'static str, name: &str, known: &[&'static str]) -> String {
    let unknown = UnknownName::new(kind, name, known.iter().copied());
    format!("{unknown} ({})", unknown.known_names())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FeatureError> {
    let fault = |source| FeatureError::Read { path: folder.display().to_string(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn read(path: &Path, root: &Path) -> Result<String, FeatureError> {
    let bytes = fs::read(path).map_err(|source| FeatureError::Read { path: shown(path, root), source })?;
    text::decode(bytes).map_err(|fault| {
        let at = ModelFault::new(shown(path, root), fault.to_string());
        match fault.place() {
            Some((line, column)) => at.at(line, column).into(),
            None => at.into(),
        }
    })
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
