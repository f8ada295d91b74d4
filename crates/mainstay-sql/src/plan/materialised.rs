//! Models that are computed once for all who read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;

use crate::error::FeatureError;
use crate::moment::Moment;
use crate::plan::plan_model;
use crate::project::SqlProject;
use crate::source::Sources;

/// The rows of models that were computed, by name, as-of and the instant up to which their sources were seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldModels(BTreeMap<(String, Timestamp, Timestamp), HeldModel>);

/// A model as it was computed.
#[derive(Debug, Clone)]
pub(crate) struct HeldModel {
    rows: Arc<MemTable>,
    /// What the rows came from.
    pub(crate) plan: LogicalPlan,
}

impl HeldModels {
    /// A model that counts from `as_of` and sees what came before an instant, where it is held.
    pub(crate) fn find(&self, name: &str, as_of: Timestamp, sources_before: Timestamp) -> Option<&HeldModel> {
        self.0.get(&(name.to_owned(), as_of, sources_before))
    }

    /// A model of a moment, which is no label, where it is held.
    pub(crate) fn find_at(&self, name: &str, moment: &Moment) -> Option<&HeldModel> {
        self.find(name, moment.as_of, moment.sources_before())
    }
}

impl HeldModel {
    /// Reading the rows, as a plan.
    pub(crate) fn scan(&self, name: &str) -> Result<LogicalPlan, FeatureError> {
        Ok(LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(&self.rows) as _), None)?.build()?)
    }

    /// The rows as a relation that shows its plan, as those of other models do.
    pub(crate) fn view(&self, name: &str) -> Result<Arc<dyn TableProvider>, FeatureError> {
        Ok(Arc::new(ViewTable::new(self.scan(name)?, None)))
    }
}

impl SqlProject {
    /// Computes models as of a moment, those that others build on first, and holds their rows in memory: what is planned over these
    /// sources from then on reads them there. What is held already is not computed again.
    ///
    /// For models of few rows, such as one a customer, that several plans of a run read. Not for labels, which look ahead.
    pub async fn hold(
        &self,
        ctx: &SessionContext,
        sources: &mut Sources,
        names: &[&str],
        moment: &Moment,
    ) -> Result<(), FeatureError> {
        for name in names {
            if sources.held.find_at(name, moment).is_some() {
                continue;
            }
            let plan = plan_model(ctx, self, sources.as_known(), &sources.held, name, moment).await?;
            let schema = nullable(plan.schema().as_arrow());
            let partitions = DataFrame::new(ctx.state(), plan.clone()).collect_partitioned().await?;
            let partitions =
                partitions.iter().map(|batches| batches.iter().map(|batch| compact(batch, &schema)).collect());
            let partitions: Vec<Vec<RecordBatch>> = partitions.collect::<Result<_, DataFusionError>>()?;
            let rows = Arc::new(MemTable::try_new(schema, partitions)?);
            let key = ((*name).to_owned(), moment.as_of, moment.sources_before());
            sources.held.0.insert(key, HeldModel { rows, plan });
        }
        Ok(())
    }
}

/// The rows with their texts in buffers of their own: views may keep whole pages of the files alive that they were read from. What a plan
/// computes may be of another type of text than it says, as where it has the same constant in all rows.
fn compact(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
    let columns =
        batch.columns().iter().zip(schema.fields()).map(|(column, field)| match column.as_string_view_opt() {
            _ if column.data_type() != field.data_type() => cast(column, field.data_type()),
            Some(texts) => Ok(Arc::new(texts.gc()) as ArrayRef),
            None => Ok(Arc::clone(column)),
        });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)?)
}

/// The fields as ones that may hold null: the batches of a plan may be less strict than the plan itself.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), schema.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    async fn a_held_model_is_read_from_memory_by_all_plans_of_its_moment() {
        let fixture = fixture().await;
        let (project, mut sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        project.hold(&fixture.ctx, &mut sources, &["value"], &moment).await.unwrap();
        fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
        let rows = async |name, moment| lines(project.model(&fixture.ctx, &sources, name, moment).await.unwrap()).await;
        assert_eq!(rows("value", &moment).await, ["o1 | 1.00", "o2 | 2.00"]);
        assert_eq!(rows("total", &moment).await, ["3.00"]);
        let label = cut("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z");
        assert_eq!(rows("later", &label).await, ["2"], "a label joins what was held as of its moment");
        assert_eq!(
            rows("stg_orders", &moment).await,
            [""; 0],
            "what is not held reads the files, of which none is left"
        );
        assert_eq!(rows("value", &at("2025-01-02T00:00:00Z")).await, [""; 0], "and so does another moment");
    }

    #[tokio::test]
    async fn the_tests_of_a_held_model_are_shown_by_the_plan_that_its_rows_came_from() {
        let fixture = fixture().await;
        let (project, mut sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let before = project.run_tests(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        project.hold(&fixture.ctx, &mut sources, &["value"], &moment).await.unwrap();
        let after = project.run_tests(&fixture.ctx, &sources, &["value"], &moment).await.unwrap();
        assert_eq!(before, after);
        assert_eq!(after.len(), 1);
        assert!(after[0].is_passed());
    }
}
