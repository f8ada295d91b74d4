//! Personal and protected columns stay out of features.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use jiff::ToSpan;
use mainstay_config::source::SourceColumn;

use crate::checks::failing;
use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::plan::declared::{AS_OF, plan_declared};
use crate::plan::planner::Planner;
use crate::project::SqlProject;
use crate::project::graph;
use crate::project::model::{Model, ModelKind};
use crate::visible::moment::Moment;

/// Plans every model against the declared columns, without data, and refuses features, marts, which decide who gets what, and labels,
/// which stand beside customers in the rows of a training, that have or read a personal or protected column.
///
/// What a feature reads is what the optimizer leaves of its scans: a column that a staging model passes on under any
/// name, but that nothing in the feature needs, is not read.
///
/// Gives the plans by the names of the models; that of a label looks a day ahead.
pub(crate) async fn check(
    ctx: &SessionContext,
    project: &SqlProject,
) -> Result<BTreeMap<String, LogicalPlan>, FeatureError> {
    let moment = Moment { label_end: AS_OF.checked_add(24.hours()).ok(), ..Moment::before(AS_OF) };
    let mut planner = Planner::over_declared(ctx, project);
    let mut plans = BTreeMap::new();
    for model in project.models() {
        let plan = planner.model(&model.name, &moment).await?;
        if model.kind != ModelKind::Staging {
            refuse_output(project, model, &plan)?;
            let optimized = match ctx.state().optimize(&plan) {
                Ok(optimized) => optimized,
                Err(error) => return Err(constant_fault(ctx, &mut planner, project, model, &moment, error).await),
            };
            refuse_reads(project, model, &optimized)?;
        }
        plans.insert(model.name.clone(), plan);
    }
    Ok(plans)
}

/// A constant that cannot be worked out, as the fault of the model that it stands in.
async fn constant_fault(
    ctx: &SessionContext,
    planner: &mut Planner<'_>,
    project: &SqlProject,
    model: &Model,
    moment: &Moment,
    error: DataFusionError,
) -> FeatureError {
    for part in graph::in_order(project.models_by_name(), [model]) {
        if let Ok(plan) = planner.model(&part.name, moment).await
            && let Err(error) = ctx.state().optimize(&plan)
        {
            return ModelFault::new(&part.file, failing::describe(&error)).into();
        }
    }
    error.into()
}

fn refuse_output(project: &SqlProject, model: &Model, plan: &LogicalPlan) -> Result<(), FeatureError> {
    for field in plan.schema().fields() {
        let of_name: Vec<_> = guarded_columns(project).filter(|(_, column)| column.name == *field.name()).collect();
        if of_name.is_empty() {
            continue;
        }
        // Of several tables with such a column one that the model reads.
        let read = columns_read(plan)?;
        let is_read = |(table, column): &&(String, &SourceColumn)| read.contains(&(table.clone(), column.name.clone()));
        if let Some((table, column)) = of_name.iter().find(is_read).or(of_name.first()) {
            return Err(refusal(model, "has a column named", table, column));
        }
    }
    Ok(())
}

fn refuse_reads(project: &SqlProject, model: &Model, optimized: &LogicalPlan) -> Result<(), FeatureError> {
    let read = columns_read(optimized)?;
    match guarded_columns(project).find(|(table, column)| read.contains(&(table.clone(), column.name.clone()))) {
        Some((table, column)) => Err(refusal(model, "reads", &table, column)),
        None => Ok(()),
    }
}

/// What the scans of an optimized plan read, as `source.table` and column.
fn columns_read(optimized: &LogicalPlan) -> Result<BTreeSet<(String, String)>, FeatureError> {
    let mut read = BTreeSet::new();
    optimized.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let columns = scan.projected_schema.fields().iter().map(|field| field.name().clone());
            read.extend(
                columns.map(|column| (contract::table_of_relation(scan.table_name.table()).to_owned(), column)),
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(read)
}

/// A personal column of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalColumn {
    /// `source.table`.
    pub table: String,
    /// The column.
    pub column: String,
}

impl SqlProject {
    /// The first personal column, under whatever name, that some columns of a model read, themselves or in a condition; `None` where
    /// they read none. Needs no data. Columns that the model does not have are left out.
    ///
    /// # Errors
    /// A model that does not exist or cannot be planned.
    pub async fn personal_column_behind(
        &self,
        ctx: &SessionContext,
        model: &str,
        columns: &[String],
    ) -> Result<Option<PersonalColumn>, FeatureError> {
        let plan = plan_declared(ctx, self, model).await?;
        let rows = DataFrame::new(ctx.state(), plan);
        let present = columns.iter().filter(|name| rows.schema().field_with_unqualified_name(name).is_ok());
        let selected = present.map(|name| ident(name.as_str())).collect::<Vec<_>>();
        if selected.is_empty() {
            return Ok(None);
        }
        let read = columns_read(&rows.select(selected)?.into_optimized_plan()?)?;
        let personal = guarded_columns(self).filter(|(_, column)| column.personal);
        let mut behind = personal.filter(|(table, column)| read.contains(&(table.clone(), column.name.clone())));
        Ok(behind.next().map(|(table, column)| PersonalColumn { table, column: column.name.clone() }))
    }
}

/// The personal and protected columns of all sources, each with its `source.table`.
fn guarded_columns(project: &SqlProject) -> impl Iterator<Item = (String, &SourceColumn)> {
    mainstay_config::source::columns(project.sources()).filter(|(_, column)| column.guard().is_some())
}

fn refusal(model: &Model, verb: &str, table: &str, column: &SourceColumn) -> FeatureError {
    let message = format!(
        "{verb} `{}`, which source {table} declares {}: no feature may have it or depend on it, leave it out",
        column.name,
        column.guard().unwrap_or_default()
    );
    ModelFault::new(&model.file, message).into()
}
