//! Plans models: the SQL of each and that of all that it builds on, in a catalog of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{
    CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use mainstay_config::UnknownName;

use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::plan::ctes;
use crate::plan::determinism;
use crate::plan::horizon::Horizon;
use crate::plan::inputs::ModelInputs;
use crate::plan::lineage::in_order;
use crate::plan::materialised::MaterialisedModels;
use crate::plan::planned::{PlanKey, PlannedModels};
use crate::plan::source_tables::{Rows, SourceTables, declared_tables, known_tables};
use crate::plan::sql_fault::{ONE_QUERY, sql_fault, stands_twice};
use crate::project::model::Model;
use crate::project::{SqlProject, absent, graph, interface, template};
use crate::visible::moment::{self, Moment};

#[cfg(test)]
thread_local! {
    /// How often this thread has planned the SQL of a model.
    pub(crate) static PLANNED_ANEW: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Plans a model over sources, with all that it builds on, as far as `inputs` has no plan of it. Its texts may be views, as within a plan.
pub(crate) async fn plan_model(
    ctx: &SessionContext,
    project: &SqlProject,
    inputs: ModelInputs<'_>,
    name: &str,
    moment: &Moment,
) -> Result<LogicalPlan, FeatureError> {
    let ModelInputs { materialised, planned, .. } = inputs;
    let model = project.find(name)?;
    let horizon = Horizon::of(model, moment)?;
    if let Some(computed) = materialised.find_within(name, horizon) {
        return computed.scan(name);
    }
    match planned.and_then(|planned| planned.find(&PlanKey::of(project, materialised, model, horizon))) {
        Some(plan) => Ok(plan),
        None => Planner::over_sources(ctx, project, inputs).model(name, moment).await,
    }
}

/// The session's functions and options with an empty catalog, and with places in the text kept for errors.
fn private_state(ctx: &SessionContext) -> SessionState {
    let state = ctx.state();
    let mut config = state.config().clone();
    config.options_mut().sql_parser.collect_spans = true;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(config.options().catalog.default_catalog.clone(), Arc::new(MemoryCatalogProvider::new()));
    SessionStateBuilder::new_from_existing(state).with_config(config).with_catalog_list(Arc::new(catalogs)).build()
}

/// Plans models over the same source tables, none of them twice.
pub(crate) struct Planner<'a> {
    project: &'a SqlProject,
    tables: SourceTables<'a>,
    materialised: &'a MaterialisedModels,
    /// What others have planned over the same tables, or will ask for.
    kept: Option<&'a PlannedModels>,
    state: SessionState,
    planned: BTreeMap<(String, Horizon), LogicalPlan>,
}

impl<'a> Planner<'a> {
    /// Over the source tables as they are declared, without rows.
    pub(crate) fn over_declared(ctx: &SessionContext, project: &'a SqlProject) -> Self {
        let (tables, materialised) = (declared_tables(project), MaterialisedModels::none());
        Self { project, tables, materialised, kept: None, state: private_state(ctx), planned: BTreeMap::new() }
    }

    fn over_sources(ctx: &SessionContext, project: &'a SqlProject, inputs: ModelInputs<'a>) -> Self {
        let ModelInputs { sources, materialised, planned: kept } = inputs;
        let tables = known_tables(sources);
        Self { project, tables, materialised, kept, state: private_state(ctx), planned: BTreeMap::new() }
    }

    /// A model at a moment, with all that it builds on.
    pub(crate) async fn model(&mut self, name: &str, moment: &Moment) -> Result<LogicalPlan, FeatureError> {
        let project = self.project;
        let model = project.find(name)?;
        let horizon = Horizon::of(model, moment)?;
        for (model, horizon) in in_order(project, self.materialised, model, horizon) {
            if !self.planned.contains_key(&(model.name.clone(), horizon)) {
                self.plan(model, horizon).await?;
            }
        }
        self.planned.get(&(model.name.clone(), horizon)).cloned().ok_or_else(|| {
            FeatureError::Unknown(UnknownName::new("model", name, project.models().map(|model| model.name.clone())))
        })
    }

    async fn plan(&mut self, model: &Model, horizon: Horizon) -> Result<(), FeatureError> {
        let plan = match self.materialised.find_within(&model.name, horizon) {
            Some(computed) => computed.scan(&model.name)?,
            None => self.plan_once(model, horizon).await?,
        };
        self.register(horizon, &model.name, Arc::new(ViewTable::new(plan.clone(), None)))?;
        self.planned.insert((model.name.clone(), horizon), plan);
        Ok(())
    }

    /// The plan of a model that is kept, or another one that is kept from now on.
    async fn plan_once(&self, model: &Model, horizon: Horizon) -> Result<LogicalPlan, FeatureError> {
        let Some(kept) = self.kept else { return self.plan_anew(model, horizon).await };
        let key = PlanKey::of(self.project, self.materialised, model, horizon);
        if let Some(plan) = kept.find(&key) {
            return Ok(plan);
        }
        let plan = self.plan_anew(model, horizon).await?;
        kept.keep(key, plan.clone());
        Ok(plan)
    }

    /// The plan of a model over those that it refers to, which stand in the catalog.
    async fn plan_anew(&self, model: &Model, horizon: Horizon) -> Result<LogicalPlan, FeatureError> {
        #[cfg(test)]
        PLANNED_ANEW.set(PLANNED_ANEW.get() + 1);
        let sources = horizon.of_sources();
        for (source, table) in &model.sources {
            let provider = (self.tables)(source, table, Rows::Sound, horizon.bounds())?;
            self.register(sources, &contract::table_name(source, table), provider)?;
        }
        for (source, table) in &model.refused {
            let provider = (self.tables)(source, table, Rows::Refused, horizon.bounds())?;
            self.register(sources, &contract::refused_name(source, table), provider)?;
        }
        let plan = match model.is_absent {
            true => absent::plan(model)?,
            false => self.plan_sql(model, horizon).await?,
        };
        refuse_duplicate_columns(model, &plan)?;
        let plan = interface::conform(model, plan)?;
        refuse_unknown_columns(model, &plan)?;
        absent::refuse_other_columns(model, &plan)?;
        Ok(plan)
    }

    async fn plan_sql(&self, model: &Model, horizon: Horizon) -> Result<LogicalPlan, FeatureError> {
        let sql = self.render(model, horizon)?;
        let dialect = self.state.config_options().sql_parser.dialect;
        let mut statement = self.state.sql_to_statement(&sql, &dialect).map_err(|error| sql_fault(model, &error))?;
        ctes::rename_shadowing(model, &mut statement)?;
        determinism::refuse_tablesample(model, &statement)?;
        let plan = self.state.statement_to_plan(statement).await.map_err(|error| sql_fault(model, &error))?;
        refuse_statement(model, &plan)?;
        determinism::check(model, &plan, &|table| self.grain(table))?;
        Ok(plan)
    }

    /// The grain of the model that a table of the catalog is, none for a source; `None` for what is not of the catalog.
    fn grain(&self, table: &TableReference) -> Option<&[String]> {
        let schema = table.schema()?;
        let mut planned = self.planned.keys();
        let model = planned.find(|(name, horizon)| name == table.table() && horizon.to_string() == schema);
        let model = model.and_then(|(name, _)| self.project.find(name).ok());
        Some(model.map_or(&[], |model| model.grain.as_slice()))
    }

    fn render(&self, model: &Model, horizon: Horizon) -> Result<String, FeatureError> {
        let mut scope = self.project.scope();
        for reference in graph::referenced(self.project.models_by_name(), model) {
            let relation = horizon.of_reference(reference).relation(&reference.name);
            scope.refs.insert(reference.name.clone(), relation);
        }
        let sources = horizon.of_sources();
        for (source, table) in &model.sources {
            let relation = sources.relation(&contract::table_name(source, table));
            scope.sources.insert((source.clone(), table.clone()), relation);
        }
        for (source, table) in &model.refused {
            let relation = sources.relation(&contract::refused_name(source, table));
            scope.refused.insert((source.clone(), table.clone()), relation);
        }
        scope.as_of = moment::literal(horizon.as_of());
        scope.suppression_as_of = moment::literal(match horizon {
            Horizon::Suppression { end, .. } => end,
            _ => horizon.as_of(),
        });
        scope.label_end = horizon.label_end().map(moment::literal);
        Ok(template::render(&model.file, &model.template, &scope)?.sql)
    }

    fn register(&self, horizon: Horizon, name: &str, table: Arc<dyn TableProvider>) -> Result<(), FeatureError> {
        let reference = TableReference::partial(horizon.to_string(), name);
        let default_catalog = &self.state.config_options().catalog.default_catalog;
        if let Some(catalog) = self.state.catalog_list().catalog(default_catalog)
            && catalog.schema(&horizon.to_string()).is_none()
        {
            catalog.register_schema(&horizon.to_string(), Arc::new(MemorySchemaProvider::new()))?;
        }
        let schema = self.state.schema_for_ref(reference)?;
        if !schema.table_exist(name) {
            schema.register_table(name.to_owned(), table)?;
        }
        Ok(())
    }
}

fn refuse_statement(model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    let only_queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_queries.verify_plan(plan).map_err(|_| ModelFault::new(&model.file, ONE_QUERY).into())
}

/// Refuses two columns of one name, as a join of two tables gives: no model could name one of them.
fn refuse_duplicate_columns(model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for field in plan.schema().fields() {
        // The engine calls the second one of a subquery `name:1`.
        let name = match field.name().rsplit_once(':') {
            Some((name, number)) if number.parse::<u32>().is_ok() && names.contains(name) => name,
            _ => field.name().as_str(),
        };
        if !names.insert(name) {
            return Err(ModelFault::new(&model.file, stands_twice(name)).into());
        }
    }
    Ok(())
}

/// Refuses a description of columns that the model does not have.
fn refuse_unknown_columns(model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    let columns: BTreeSet<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let needed = model.columns.iter().filter(|column| !column.optional);
    let described = needed.map(|column| &column.name).chain(&model.grain);
    match described.into_iter().find(|name| !columns.contains(name.as_str())) {
        Some(name) => {
            let unknown = UnknownName::new("column", name.as_str(), columns);
            let message = format!("{unknown} ({})", unknown.known_names());
            Err(ModelFault::new(model.description_file(), message).into())
        }
        None => Ok(()),
    }
}
