//! Models as lazy plans.
//!
//! A model is planned in a catalog of its own, made for the one call, in which every model and source that it builds on
//! is a view. A view carries its plan and is inlined where it is named, so nothing of the catalog outlives planning,
//! several moments live side by side in one session, and no model can name a table other than through `ref()` and
//! `source()`.
//!
//! The catalog has a schema for every instant up to which something is seen: models before as-of; for labels, staging and
//! sources before the end of the horizon, as far as they were known when the training looks; for what decides who may be contacted, all but features before its own instant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{
    CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, TableProvider,
};
use datafusion::common::{Column, SchemaError, TableReference};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use mainstay_config::UnknownName;

use crate::absent;
use crate::contract;
use crate::ctes;
use crate::determinism;
use crate::error::{FeatureError, ModelFault};
use crate::graph;
use crate::held::{HeldModel, HeldModels};
use crate::interface;
use crate::model::{Model, ModelKind};
use crate::moment::{self, Bounds, Moment};
use crate::project::SqlProject;
use crate::source::Sources;
use crate::template;

const ONE_QUERY: &str = "a model is one query: write one `select`, and nothing that creates or changes tables";

impl SqlProject {
    /// A model as a lazy DataFrame at a moment. Nothing is registered in the context; nothing runs.
    ///
    /// Staging, features and marts see what came before `as_of`. A label sees features as of `as_of`, and staging and
    /// sources until `label_end`, as they were known before `labels_known_before`. At a moment of suppression the model and what it builds on see all that came before
    /// `suppression_as_of`, but for features, which stay as of `as_of`.
    pub async fn model(
        &self,
        ctx: &SessionContext,
        sources: &Sources,
        name: &str,
        moment: &Moment,
    ) -> Result<DataFrame, FeatureError> {
        let plan = plan_model(ctx, self, sources.as_known(), &sources.held, name, moment).await?;
        Ok(DataFrame::new(ctx.state(), with_plain_text(plan)?))
    }

    /// The named models at a moment and all that they build on, each with the moment at which it is seen, once and behind what it
    /// builds on.
    pub fn lineage_at(&self, names: &[&str], moment: &Moment) -> Result<Vec<(&Model, Moment)>, FeatureError> {
        let mut lineage: Vec<(&Model, Moment)> = Vec::new();
        for name in names {
            let model = self.find(name)?;
            let horizon = Horizon::of(model, moment)?;
            for (model, horizon) in in_order(self, &HeldModels::default(), model, horizon) {
                let seen = (model, horizon.moment());
                if !lineage.iter().any(|(other, at)| other.name == model.name && *at == seen.1) {
                    lineage.push(seen);
                }
            }
        }
        Ok(lineage)
    }
}

impl Sources {
    /// The rows of the tables as they were known at an instant.
    pub(crate) fn as_known(&self) -> SourceTables<'_> {
        Box::new(|source, table, rows, bounds| match rows {
            Rows::Sound => self.view(source, table, bounds),
            Rows::Refused => self.refused_view(source, table, bounds),
        })
    }
}

/// What stands for rows of a source table: (source, table, which of them, instants up to which they are seen).
pub(crate) type SourceTables<'a> =
    Box<dyn Fn(&str, &str, Rows, Bounds) -> Result<Arc<dyn TableProvider>, FeatureError> + Send + Sync + 'a>;

/// Which rows of a source table are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Those that keep the contract.
    Sound,
    /// Those that break it.
    Refused,
}

/// Plans a model and all that it builds on. Its texts may be views, as within a plan.
pub(crate) async fn plan_model(
    ctx: &SessionContext,
    project: &SqlProject,
    tables: SourceTables<'_>,
    held: &HeldModels,
    name: &str,
    moment: &Moment,
) -> Result<LogicalPlan, FeatureError> {
    let model = project.find(name)?;
    let horizon = Horizon::of(model, moment)?;
    let mut planner = Planner { project, tables, held, state: private_state(ctx), planned: BTreeMap::new() };
    for (model, horizon) in in_order(project, held, model, horizon) {
        planner.plan(model, horizon).await?;
    }
    planner.planned.remove(&(model.name.clone(), horizon)).ok_or_else(|| {
        FeatureError::Unknown(UnknownName::new("model", name, project.models().map(|model| model.name.clone())))
    })
}

/// The rows of a plan with their texts as Utf8, whatever they are within it.
fn with_plain_text(plan: LogicalPlan) -> Result<LogicalPlan, FeatureError> {
    if !plan.schema().fields().iter().any(|field| *field.data_type() == DataType::Utf8View) {
        return Ok(plan);
    }
    let plain = |(relation, field): (Option<&TableReference>, &FieldRef)| {
        let column = Expr::Column(Column::new(relation.cloned(), field.name()));
        match field.data_type() {
            DataType::Utf8View => cast(column, DataType::Utf8).alias_qualified(relation.cloned(), field.name()),
            _ => column,
        }
    };
    let columns: Vec<Expr> = plan.schema().iter().map(plain).collect();
    Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
}

/// What a model sees: all that came before an instant, or what a label or a model of suppression sees of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Horizon {
    Before(Timestamp),
    /// What happened before `end` and was known before `known`, which is later.
    Happened {
        end: Timestamp,
        known: Timestamp,
    },
    Label {
        as_of: Timestamp,
        end: Timestamp,
        known: Timestamp,
    },
    /// Days are counted from `as_of`; rows are those before `end`, which is later. Those of later still are unseen or refused.
    Suppression {
        as_of: Timestamp,
        end: Timestamp,
        later_are_refused: bool,
    },
}

impl Horizon {
    fn of(model: &Model, moment: &Moment) -> Result<Self, FeatureError> {
        match (model.kind, moment.label_end) {
            (ModelKind::Label, Some(end)) => {
                let known = moment.labels_known_before.map_or(end, |known| known.max(end));
                Ok(Self::Label { as_of: moment.as_of, end, known })
            }
            (ModelKind::Label, None) => Err(FeatureError::NoLabelEnd { model: model.name.clone() }),
            _ => Ok(match moment.suppression_as_of {
                Some(end) if end != moment.as_of || moment.later_rows_are_refused => {
                    Self::Suppression { as_of: moment.as_of, end, later_are_refused: moment.later_rows_are_refused }
                }
                _ => Self::Before(moment.as_of),
            }),
        }
    }

    /// The moment at which a model sees this.
    fn moment(self) -> Moment {
        match self {
            Self::Before(instant) | Self::Happened { end: instant, .. } => Moment::before(instant),
            Self::Label { as_of, end, known } => Moment::of_label(as_of, end).with_labels_known_before(known),
            Self::Suppression { as_of, end, later_are_refused } => {
                let moment = Moment::of_suppression(as_of, end);
                if later_are_refused { moment.refusing_later_rows() } else { moment }
            }
        }
    }

    /// What a model that is referred to sees.
    fn of_reference(self, reference: &Model) -> Self {
        match (self, reference.kind) {
            (Self::Before(_) | Self::Happened { .. }, _) | (Self::Label { .. }, ModelKind::Label) => self,
            (Self::Label { .. }, ModelKind::Staging) => self.of_sources(),
            (Self::Label { as_of, .. }, ModelKind::Feature | ModelKind::Mart) => Self::Before(as_of),
            (Self::Suppression { as_of, .. }, ModelKind::Feature) => Self::Before(as_of),
            (Self::Suppression { .. }, _) => self,
        }
    }

    /// What its sources are seen by.
    fn of_sources(self) -> Self {
        match self.bounds() {
            Bounds { happened_before, known_before, .. } if happened_before == known_before => {
                Self::Before(happened_before)
            }
            Bounds { happened_before, known_before, .. } => {
                Self::Happened { end: happened_before, known: known_before }
            }
        }
    }

    fn as_of(self) -> Timestamp {
        match self {
            Self::Before(instant)
            | Self::Happened { end: instant, .. }
            | Self::Label { as_of: instant, .. }
            | Self::Suppression { as_of: instant, .. } => instant,
        }
    }

    fn bounds(self) -> Bounds {
        match self {
            Self::Before(instant) => Bounds::at(instant),
            Self::Suppression { end, later_are_refused, .. } => Bounds { later_are_refused, ..Bounds::at(end) },
            Self::Happened { end, known } | Self::Label { end, known, .. } => {
                Bounds { known_before: known, ..Bounds::at(end) }
            }
        }
    }

    fn label_end(self) -> Option<Timestamp> {
        match self {
            Self::Before(_) | Self::Happened { .. } | Self::Suppression { .. } => None,
            Self::Label { end, .. } => Some(end),
        }
    }

    fn relation(self, name: &str) -> String {
        format!("\"{self}\".\"{name}\"")
    }

    /// The rows of a model that sees this, where they are held.
    fn held<'a>(self, held: &'a HeldModels, model: &Model) -> Option<&'a HeldModel> {
        match self {
            Self::Before(_) | Self::Suppression { .. } => {
                held.find(&model.name, self.as_of(), self.bounds().happened_before)
            }
            Self::Happened { .. } | Self::Label { .. } => None,
        }
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(instant) => write!(f, "before {instant}"),
            Self::Happened { end, known } => write!(f, "before {end} as known before {known}"),
            Self::Label { as_of, end, known } => write!(f, "{as_of} to {end} as known before {known}"),
            Self::Suppression { as_of, end, later_are_refused: false } => write!(f, "{as_of} as seen before {end}"),
            Self::Suppression { as_of, end, .. } => write!(f, "{as_of} as seen before {end}, the end of all"),
        }
    }
}

/// The model behind all that it builds on, each with what it sees, once. A model that is held builds on nothing.
fn in_order<'a>(
    project: &'a SqlProject,
    held: &HeldModels,
    model: &'a Model,
    horizon: Horizon,
) -> Vec<(&'a Model, Horizon)> {
    fn visit<'a>(
        project: &'a SqlProject,
        held: &HeldModels,
        model: &'a Model,
        horizon: Horizon,
        seen: &mut BTreeSet<(&'a str, Horizon)>,
        order: &mut Vec<(&'a Model, Horizon)>,
    ) {
        if !seen.insert((&model.name, horizon)) {
            return;
        }
        if horizon.held(held, model).is_none() {
            for reference in graph::referenced(project.models_by_name(), model) {
                visit(project, held, reference, horizon.of_reference(reference), seen, order);
            }
        }
        order.push((model, horizon));
    }
    let mut order = Vec::new();
    visit(project, held, model, horizon, &mut BTreeSet::new(), &mut order);
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
    held: &'a HeldModels,
    state: SessionState,
    planned: BTreeMap<(String, Horizon), LogicalPlan>,
}

impl Planner<'_> {
    async fn plan(&mut self, model: &Model, horizon: Horizon) -> Result<(), FeatureError> {
        if let Some(held) = horizon.held(self.held, model) {
            self.register(horizon, &model.name, held.view(&model.name)?)?;
            self.planned.insert((model.name.clone(), horizon), held.scan(&model.name)?);
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

/// An error of the SQL planner as a fault of the model: where it stands, what is wrong, what could be meant.
fn sql_fault(model: &Model, error: &DataFusionError) -> FeatureError {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    let root = error.find_root();
    let message = match root {
        DataFusionError::SchemaError(schema_error, _) => match schema_error.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let known: BTreeSet<&str> = valid_fields.iter().map(Column::name).collect();
                let unknown = UnknownName::new("column", field.name(), known);
                format!("{unknown} ({})", unknown.known_names())
            }
            other => other.to_string(),
        },
        other => plain_message(&other.strip_backtrace()),
    };
    let place = span.map(|span| (span.start.line as usize, span.start.column as usize));
    let (message, parsed_place) = match split_place(&message) {
        Some((message, place)) => (message.to_owned(), Some(place)),
        None => (message, None),
    };
    let fault = ModelFault::new(&model.file, message);
    match place.or(parsed_place) {
        Some((line, column)) => fault.at(line, column).into(),
        None => fault.into(),
    }
}

/// The planner's message in the manner of ours; says how tables are named where one was not found.
fn plain_message(message: &str) -> String {
    let prefixes = [
        "SQL error: ParserError(\"",
        "SQL error: TokenizerError(\"",
        "Error during planning: ",
        "This feature is not implemented: ",
    ];
    let stripped = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix)).unwrap_or(message);
    let stripped = stripped.strip_suffix("\")").unwrap_or(stripped);
    if stripped.contains("only supports a single SQL statement") || stripped.starts_with("No SQL statements") {
        return ONE_QUERY.to_owned();
    }
    match stripped.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        Some(table) => {
            let table = table.rsplit('.').next().unwrap_or(table);
            format!(
                "no table `{table}`: name a model with ref('{table}') and a source table with source('source', '{table}')"
            )
        }
        None => begin_small(&stripped.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

fn begin_small(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// A message of sqlparser without its ` at Line: 3, Column: 5`, and that place.
fn split_place(message: &str) -> Option<(&str, (usize, usize))> {
    let (message, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some((message, (line.parse().ok()?, column.parse().ok()?)))
}
