//! The models of a project: found, described, put in order.

pub(crate) mod absent;
pub(crate) mod graph;
pub(crate) mod interface;
pub(crate) mod model;
mod read;
mod resolve;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use mainstay_config::{Project, Source, UnknownName, VarValue};
use mainstay_schema::digest::Digest;

use crate::error::FeatureError;
use crate::project::model::{ColumnDoc, Model};
use crate::project::template::Scope;

/// All models of SQL of a project, checked: every template renders, every model plans against the declared sources, no
/// reference runs in a circle, no feature depends on a label or on a personal or protected column.
#[derive(Debug, Clone)]
pub struct SqlProject {
    models: BTreeMap<String, Model>,
    sources: Vec<Source>,
    vars: BTreeMap<String, VarValue>,
    digest: Digest,
    /// The plan of each model over the declared columns; none before they were made, and none where what they follow from was changed.
    declared_plans: Arc<BTreeMap<String, LogicalPlan>>,
}

impl SqlProject {
    /// Reads the models below the project's folders of SQL and checks all of them that shows without planning: `SqlProject::load` does
    /// the rest.
    pub(crate) fn read(project: &Project) -> Result<Self, FeatureError> {
        let models = read::models(&project.sql_folders(), project.root())?;
        let (sources, vars) = (project.config().sources.clone(), project.variables().all().clone());
        let mut project = Self { models, sources, vars, digest: Digest::of(&[]), declared_plans: Arc::default() };
        let scope = project.scope();
        project.digest = resolve::references(&mut project.models, &project.sources, scope)?;
        graph::check(&project.models)?;
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

    /// The named models and all that they build on, each once and behind what it builds on.
    pub fn lineage(&self, names: &[&str]) -> Result<Vec<&Model>, FeatureError> {
        let named = names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(graph::in_order(&self.models, named))
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

    pub(crate) fn sources_mut(&mut self) -> &mut [Source] {
        self.declared_plans = Arc::default();
        &mut self.sources
    }

    /// The project with the plans of its models over the declared columns, by name.
    pub(crate) fn with_declared_plans(self, plans: BTreeMap<String, LogicalPlan>) -> Self {
        Self { declared_plans: Arc::new(plans), ..self }
    }

    /// The plan of a model over the declared columns, where it was made.
    pub(crate) fn declared_plan(&self, name: &str) -> Option<&LogicalPlan> {
        self.declared_plans.get(name)
    }

    /// All variables of the project, each value as JSON.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.vars.iter().map(|(name, value)| (name.clone(), as_json(value))).collect()
    }

    /// The project with other values of its variables, given as JSON; those that it does not have are left out.
    #[must_use]
    pub fn with_variables(&self, values: &BTreeMap<String, String>) -> Self {
        let mut project = Self { declared_plans: Arc::default(), ..self.clone() };
        for (name, value) in values {
            if let (Some(slot), Ok(value)) = (project.vars.get_mut(name), serde_json::from_str::<VarValue>(value)) {
                *slot = value;
            }
        }
        project
    }

    /// A scope of the project's variables, in which nothing may be referred to yet.
    pub(crate) fn scope(&self) -> Scope {
        let vars = self.vars.iter().map(|(name, value)| (name.clone(), minijinja::Value::from(value))).collect();
        Scope { vars, ..Scope::default() }
    }
}

fn as_json(value: &VarValue) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| value.to_string())
}
