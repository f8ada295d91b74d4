//! Models of a project over its sources, as lazy DataFrames and in memory.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::prelude::{DataFrame, SessionContext};

use crate::error::FeatureError;
use crate::plan::horizon::Horizon;
use crate::plan::inputs::ModelInputs;
use crate::plan::lineage::in_order;
use crate::plan::materialised::{MaterialisedModel, MaterialisedModels};
use crate::plan::planner::plan_model;
use crate::project::SqlProject;
use crate::project::model::Model;
use crate::visible::moment::Moment;

impl SqlProject {
    /// A model as a lazy DataFrame at a moment. Nothing is registered in the context; nothing runs.
    ///
    /// Staging, features and marts see what came before `as_of`. A label sees features as of `as_of`, and staging and
    /// sources until `label_end`, as they were known before `labels_known_before`. At a moment of suppression the model and what it builds on see all that came before
    /// `suppression_as_of`, but for features, which stay as of `as_of`.
    pub async fn model<'a>(
        &self,
        ctx: &SessionContext,
        inputs: impl Into<ModelInputs<'a>>,
        name: &str,
        moment: &Moment,
    ) -> Result<DataFrame, FeatureError> {
        let plan = plan_model(ctx, self, inputs.into(), name, moment).await?;
        Ok(DataFrame::new(ctx.state(), with_plain_text(plan)?))
    }

    /// Computes models as of a moment, those that others build on first, and keeps their rows in memory, beside what was materialised
    /// before: what is planned with them from then on reads them there. What is materialised already is not computed again.
    ///
    /// For models of few rows, such as one a customer, that several plans of a run read. Not for labels, which look ahead.
    pub async fn materialise<'a>(
        &self,
        ctx: &SessionContext,
        inputs: impl Into<ModelInputs<'a>>,
        names: &[&str],
        moment: &Moment,
    ) -> Result<MaterialisedModels, FeatureError> {
        let inputs = inputs.into();
        let mut materialised = inputs.materialised.clone();
        for name in names {
            if materialised.find_at(name, moment).is_some() {
                continue;
            }
            let inputs = ModelInputs { materialised: &materialised, ..inputs };
            let plan = plan_model(ctx, self, inputs, name, moment).await?;
            materialised.insert(name, moment, MaterialisedModel::compute(ctx, plan).await?);
        }
        Ok(materialised)
    }

    /// The named models at a moment and all that they build on, each with the moment at which it is seen, once and behind what it
    /// builds on.
    pub fn lineage_at(&self, names: &[&str], moment: &Moment) -> Result<Vec<(&Model, Moment)>, FeatureError> {
        let mut lineage: Vec<(&Model, Moment)> = Vec::new();
        for name in names {
            let model = self.find(name)?;
            let horizon = Horizon::of(model, moment)?;
            for (model, horizon) in in_order(self, MaterialisedModels::none(), model, horizon) {
                let seen = (model, horizon.moment());
                if !lineage.iter().any(|(other, at)| other.name == model.name && *at == seen.1) {
                    lineage.push(seen);
                }
            }
        }
        Ok(lineage)
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::ModelInputs;
    use crate::PlannedModels;
    use crate::tests::fixture::{Fixture, at, cut, lines};

    const ORDERS: &str = "
        ('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00),
        ('o2', '2025-01-02T10:00:00', '2025-01-02T11:00:00', 2.00)";

    async fn fixture() -> Fixture {
        let fixture = Fixture::with_staging();
        fixture.write("sql/marts/value.sql", "select order_id, net_amount from {{ ref('stg_orders') }}");
        fixture.write("sql/marts/value.yml", "{name: value, description: d, grain: [order_id], columns: []}");
        fixture.write("sql/marts/total.sql", "select sum(net_amount) as total from {{ ref('value') }}");
        fixture.write(
            "sql/labels/later.sql",
            "select count(*) as n from {{ ref('value') }} where {{ label_end }} > {{ as_of }}",
        );
        fixture.write_orders("a.parquet", ORDERS).await;
        fixture
    }

    #[tokio::test]
    async fn a_materialised_model_is_read_from_memory_by_all_plans_of_its_moment() {
        let fixture = fixture().await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let materialised = project.materialise(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
        let inputs = ModelInputs { materialised: &materialised, ..ModelInputs::from(&sources) };
        let rows = async |name, moment| lines(project.model(&fixture.ctx, inputs, name, moment).await.unwrap()).await;
        assert_eq!(rows("value", &moment).await, ["o1 | 1.00", "o2 | 2.00"]);
        assert_eq!(rows("total", &moment).await, ["3.00"]);
        let label = cut("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z");
        assert_eq!(rows("later", &label).await, ["2"], "a label joins what was materialised as of its moment");
        assert_eq!(
            rows("stg_orders", &moment).await,
            [""; 0],
            "what is not materialised reads the files, of which none is left"
        );
        assert_eq!(rows("value", &at("2025-01-02T00:00:00Z")).await, [""; 0], "and so does another moment");
    }

    #[tokio::test]
    async fn the_tests_of_a_materialised_model_are_shown_by_the_plan_that_its_rows_came_from() {
        let fixture = fixture().await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let before = project.run_tests(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        let materialised = project.materialise(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        let inputs = ModelInputs { materialised: &materialised, ..ModelInputs::from(&sources) };
        let after = project.run_tests(&fixture.ctx, inputs, &["value"], &moment).await.unwrap();
        assert_eq!(before, after);
        assert_eq!(after.len(), 1);
        assert!(after[0].is_passed());
    }

    #[tokio::test]
    async fn what_builds_on_a_model_is_planned_again_once_that_is_materialised() {
        let fixture = fixture().await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let planned = PlannedModels::default();
        let from_files = ModelInputs { planned: Some(&planned), ..ModelInputs::from(&sources) };
        let rows = async |inputs: ModelInputs<'_>, name: &str| {
            lines(project.model(&fixture.ctx, inputs, name, &moment).await.unwrap()).await
        };
        assert_eq!(rows(from_files, "total").await, ["3.00"]);
        let materialised = project.materialise(&fixture.ctx, from_files, &["value"], &moment).await.unwrap();
        let from_memory = ModelInputs { materialised: &materialised, ..from_files };
        fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
        assert_eq!(rows(from_memory, "value").await, ["o1 | 1.00", "o2 | 2.00"]);
        assert_eq!(rows(from_memory, "total").await, ["3.00"]);
        let label = cut("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z");
        let later = project.model(&fixture.ctx, from_memory, "later", &label).await.unwrap();
        assert_eq!(lines(later).await, ["2"]);
        let before = at("2025-01-02T00:00:00Z");
        let earlier = project.model(&fixture.ctx, from_memory, "value", &before).await.unwrap();
        assert_eq!(lines(earlier).await, [""; 0], "another moment is planned over the files, of which none is left");
    }

    #[tokio::test]
    async fn plans_of_one_moment_are_found_at_no_other() {
        let fixture = fixture().await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let planned = PlannedModels::default();
        let inputs = ModelInputs { planned: Some(&planned), ..ModelInputs::from(&sources) };
        for _ in 0..2 {
            for (as_of, expected) in [("2025-02-01T00:00:00Z", "3.00"), ("2025-01-02T00:00:00Z", "1.00")] {
                let total = project.model(&fixture.ctx, inputs, "total", &at(as_of)).await.unwrap();
                assert_eq!(lines(total).await, [expected]);
            }
        }
    }
}
