//! Plans a model: its SQL and that of all that it builds on, in a catalog of its own.

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
use crate::plan::materialised::MaterialisedModels;
use crate::plan::source_tables::{Rows, SourceTables};
use crate::plan::sql_fault::{ONE_QUERY, sql_fault, stands_twice};
use crate::project::model::Model;
use crate::project::{SqlProject, absent, graph, interface, template};
use crate::visible::moment::{self, Moment};

/// Plans a model and all that it builds on. Its texts may be views, as within a plan.
pub(crate) async fn plan_model(
    ctx: &SessionContext,
    project: &SqlProject,
    tables: SourceTables<'_>,
    materialised: &MaterialisedModels,
    name: &str,
    moment: &Moment,
) -> Result<LogicalPlan, FeatureError> {
    let model = project.find(name)?;
    let horizon = Horizon::of(model, moment)?;
    let mut planner = Planner { project, tables, materialised, state: private_state(ctx), planned: BTreeMap::new() };
    for (model, horizon) in in_order(project, materialised, model, horizon) {
        planner.plan(model, horizon).await?;
    }
    planner.planned.remove(&(model.name.clone(), horizon)).ok_or_else(|| {
        FeatureError::Unknown(UnknownName::new("model", name, project.models().map(|model| model.name.clone())))
    })
}

/// The model behind all that it builds on, each with what it sees, once. A model that is materialised builds on nothing.
pub(crate) fn in_order<'a>(
    project: &'a SqlProject,
    materialised: &MaterialisedModels,
    model: &'a Model,
    horizon: Horizon,
) -> Vec<(&'a Model, Horizon)> {
    fn visit<'a>(
        project: &'a SqlProject,
        materialised: &MaterialisedModels,
        model: &'a Model,
        horizon: Horizon,
        seen: &mut BTreeSet<(&'a str, Horizon)>,
        order: &mut Vec<(&'a Model, Horizon)>,
    ) {
        if !seen.insert((&model.name, horizon)) {
            return;
        }
        if materialised.find_within(&model.name, horizon).is_none() {
            for reference in graph::referenced(project.models_by_name(), model) {
                visit(project, materialised, reference, horizon.of_reference(reference), seen, order);
            }
        }
        order.push((model, horizon));
    }
    let mut order = Vec::new();
    visit(project, materialised, model, horizon, &mut BTreeSet::new(), &mut order);
    order
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

struct Planner<'a> {
    project: &'a SqlProject,
    tables: SourceTables<'a>,
    materialised: &'a MaterialisedModels,
    state: SessionState,
    planned: BTreeMap<(String, Horizon), LogicalPlan>,
}

impl Planner<'_> {
    async fn plan(&mut self, model: &Model, horizon: Horizon) -> Result<(), FeatureError> {
        if let Some(computed) = self.materialised.find_within(&model.name, horizon) {
            self.register(horizon, &model.name, computed.view(&model.name)?)?;
            self.planned.insert((model.name.clone(), horizon), computed.scan(&model.name)?);
            return Ok(());
        }
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
        self.register(horizon, &model.name, Arc::new(ViewTable::new(plan.clone(), None)))?;
        self.planned.insert((model.name.clone(), horizon), plan);
        Ok(())
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
