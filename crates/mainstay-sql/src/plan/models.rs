//! Models of a project over its sources, as lazy DataFrames and in memory.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::prelude::{DataFrame, SessionContext};

use crate::error::FeatureError;
use crate::plan::horizon::Horizon;
use crate::plan::inputs::ModelInputs;
use crate::plan::materialised::{MaterialisedModel, MaterialisedModels};
use crate::plan::planner::{in_order, plan_model};
use crate::plan::source_tables::known_tables;
use crate::project::SqlProject;
use crate::project::model::Model;
use crate::visible::moment::Moment;
use crate::visible::sources::Sources;

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
        let ModelInputs { sources, materialised } = inputs.into();
        let plan = plan_model(ctx, self, known_tables(sources), materialised, name, moment).await?;
        Ok(DataFrame::new(ctx.state(), with_plain_text(plan)?))
    }

    /// Computes models as of a moment, those that others build on first, and keeps their rows in memory: what is planned with them from
    /// then on reads them there. What is materialised already is not computed again.
    ///
    /// For models of few rows, such as one a customer, that several plans of a run read. Not for labels, which look ahead.
    pub async fn materialise(
        &self,
        ctx: &SessionContext,
        sources: &Sources,
        materialised: &mut MaterialisedModels,
        names: &[&str],
        moment: &Moment,
    ) -> Result<(), FeatureError> {
        for name in names {
            if materialised.find_at(name, moment).is_some() {
                continue;
            }
            let plan = plan_model(ctx, self, known_tables(sources), materialised, name, moment).await?;
            materialised.insert(name, moment, MaterialisedModel::compute(ctx, plan).await?);
        }
        Ok(())
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

    use super::{MaterialisedModels, ModelInputs};
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
        let mut materialised = MaterialisedModels::default();
        let moment = at("2025-02-01T00:00:00Z");
        project.materialise(&fixture.ctx, &sources, &mut materialised, &["value"], &moment).await.unwrap();
        fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
        let inputs = ModelInputs { sources: &sources, materialised: &materialised };
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
        let mut materialised = MaterialisedModels::default();
        let moment = at("2025-02-01T00:00:00Z");
        let before = project.run_tests(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        project.materialise(&fixture.ctx, &sources, &mut materialised, &["value"], &moment).await.unwrap();
        let inputs = ModelInputs { sources: &sources, materialised: &materialised };
        let after = project.run_tests(&fixture.ctx, inputs, &["value"], &moment).await.unwrap();
        assert_eq!(before, after);
        assert_eq!(after.len(), 1);
        assert!(after[0].is_passed());
    }
}
