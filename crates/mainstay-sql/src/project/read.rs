//! The models of a project: found, described, put in order.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use mainstay_config::{Project, Source, UnknownName, VarValue, text};
use mainstay_schema::digest::{Digest, DigestHasher};
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use crate::absent;
use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::graph;
use crate::interface;
use crate::model::{ColumnDoc, Description, Model, ModelKind};
use crate::privacy;
use crate::template::{self, Rendered, Scope};

/// All models of SQL of a project, checked: every template renders, every model plans against the declared sources, no
/// reference runs in a circle, no feature depends on a label or on a personal or protected column.
#[derive(Debug, Clone)]
pub struct SqlProject {
    models: BTreeMap<String, Model>,
    sources: Vec<Source>,
    vars: BTreeMap<String, VarValue>,
    digest: Digest,
}

impl SqlProject {
    /// Loads and checks the models below the project's folders of SQL. Needs no data; the context brings the functions
    /// of SQL.
    pub async fn load(ctx: &SessionContext, project: &Project) -> Result<Self, FeatureError> {
        let sources = project.config().sources.clone();
        Self::load_folders(ctx, &project.sql_folders(), project.root(), sources, project.variables().all().clone())
            .await
    }

    /// As `load`, with the parts of the project; files below `root` are shown relative to it.
    pub(crate) async fn load_folders(
        ctx: &SessionContext,
        folders: &[PathBuf],
        root: &Path,
        sources: Vec<Source>,
        vars: BTreeMap<String, VarValue>,
    ) -> Result<Self, FeatureError> {
        let models = read_models(folders, root)?;
        let mut project = Self { models, sources, vars, digest: Digest::of(&[]) };
        project.digest = project.resolve_references()?;
        graph::check(&project.models)?;
        privacy::check(ctx, &project).await?;
        Ok(project)
    }

    /// The models in the order of their names.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// A model by its name; an error names the nearest one.
    pub fn find(&self, name: &str) -> Result<&Model, FeatureError> {
        let unknown = || FeatureError::Unknown(UnknownName::new("model", name, self.models.keys()));
        self.models.get(name).ok_or_else(unknown)
    }

    /// What is said of a column of a model, by the model or by the first of the models that it builds on that describes
    /// the column.
    pub fn column(&self, model: &str, column: &str) -> Option<&ColumnDoc> {
        let model = self.models.get(model)?;
        let inherited = || model.refs.iter().find_map(|reference| self.column(reference, column));
        model.column(column).or_else(inherited)
    }

    /// The names of the models that stand empty, as the project declares none of their sources.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        self.models.values().filter(|model| model.is_absent).map(|model| model.name.as_str())
    }

    /// What is passed over in the files of the models, each as `file:line: message`.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.models.values().flat_map(|model| &model.warnings).map(String::as_str)
    }

    /// The digest of what the models decide: the SQL of all, variables filled in but not the instants of a run, the
    /// contracts of what it reads, and the reasons that features are given as.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn models_by_name(&self) -> &BTreeMap<String, Model> {
        &self.models
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(crate) fn all_variables(&self) -> &BTreeMap<String, VarValue> {
        &self.vars
    }

    /// Gives a variable that the project has another value.
    pub(crate) fn set_variable(&mut self, name: &str, value: VarValue) {
        if let Some(slot) = self.vars.get_mut(name) {
            *slot = value;
        }
    }

    /// A scope of the project's variables, in which nothing may be referred to yet.
    pub(crate) fn scope(&self) -> Scope {
        let vars = self.vars.iter().map(|(name, value)| (name.clone(), minijinja::Value::from(value))).collect();
        Scope { vars, ..Scope::default() }
    }

    /// Renders every model once to learn what it names, and digests the outcome.
    fn resolve_references(&mut self) -> Result<Digest, FeatureError> {
        let mut scope = self.scope();
        scope.refs = self.models.keys().map(|name| (name.clone(), name.clone())).collect();
        scope.as_of = "as_of".to_owned();
        scope.suppression_as_of = "suppression_as_of".to_owned();
        let mut hasher = DigestHasher::new();
        for (source, table) in
            self.sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)))
        {
            hasher.frame(source.name.as_bytes()).frame(contract::terms(table).as_bytes());
            let named = (source.name.clone(), table.name.clone());
            scope.sources.insert(named.clone(), contract::table_name(&source.name, &table.name));
            scope.refused.insert(named, contract::refused_name(&source.name, &table.name));
        }
        let mut undeclared = Vec::new();
        for model in self.models.values_mut() {
            absent::check(model)?;
            scope.label_end = (model.kind == ModelKind::Label).then(|| "label_end".to_owned());
            hasher.frame(model.name.as_bytes()).frame(model.kind.noun().as_bytes());
            let rendered = match render_where_present(model, &mut scope)? {
                Presence::Present(rendered) => rendered,
                Presence::Absent { named } => {
                    model.is_absent = true;
                    absent::digest(model, &mut hasher);
                    undeclared.extend(named.into_iter().map(|table| (model.file.clone(), table)));
                    continue;
                }
            };
            hasher.frame(rendered.sql.as_bytes());
            for (column, reason) in
                model.columns.iter().filter_map(|column| Some((&column.name, column.reason.as_ref()?)))
            {
                hasher.frame(column.as_bytes()).frame(reason.as_bytes());
            }
            for column in &model.columns {
                if let Some(monotone) = column.monotone {
                    hasher.frame(column.name.as_bytes()).frame(format!("{monotone:?}").as_bytes());
                }
            }
            model.refs = rendered.refs;
            model.sources = rendered.sources;
            model.refused = rendered.refused;
            model.variables = rendered.variables;
            model.warnings = rendered.warnings;
        }
        for (file, table) in &undeclared {
            absent::refuse_slip(file, table, scope.sources.keys(), &self.models)?;
        }
        Ok(hasher.finish())
    }
}

/// Whether a model has a source, or may be absent and has none.
enum Presence {
    Present(Rendered),
    /// The tables that it names, none of which the project declares, as (source, table).
    Absent {
        named: BTreeSet<(String, String)>,
    },
}

/// The SQL of a model and what it names, unless it may be absent and the project has none of its sources.
fn render_where_present(model: &Model, scope: &mut Scope) -> Result<Presence, ModelFault> {
    if model.when_absent.is_none() && model.is_own {
        return template::render(&model.file, &model.template, scope).map(Presence::Present);
    }
    scope.names_any_source = true;
    let named = template::render(&model.file, &model.template, scope)?.sources;
    scope.names_any_source = false;
    if model.when_absent.is_none() {
        interface::refuse_unwritten(model, &named, scope)?;
    } else {
        if named.is_empty() {
            let message = "`when_absent`, but the model names no source that could be absent: leave it out";
            return Err(ModelFault::new(model.description_file(), message));
        }
        if !named.iter().any(|table| scope.sources.contains_key(table)) {
            return Ok(Presence::Absent { named });
        }
    }
    template::render(&model.file, &model.template, scope).map(Presence::Present)
}

/// The models of all folders; one of an earlier folder stands for those of the same name in later ones, and keeps what they promise.
fn read_models(folders: &[PathBuf], root: &Path) -> Result<BTreeMap<String, Model>, FeatureError> {
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
