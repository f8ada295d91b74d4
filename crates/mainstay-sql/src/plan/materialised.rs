//! Models that are computed once for all who read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;

use crate::error::FeatureError;
use crate::plan::horizon::Horizon;
use crate::visible::moment::Moment;

/// The rows of models that were computed, by name, as-of and the instant up to which their sources were seen.
#[derive(Debug, Clone, Default)]
pub struct MaterialisedModels(BTreeMap<(String, Timestamp, Timestamp), MaterialisedModel>);

/// A model as it was computed.
#[derive(Debug, Clone)]
pub(crate) struct MaterialisedModel {
    rows: Arc<MemTable>,
    /// What the rows came from.
    pub(crate) plan: LogicalPlan,
}

impl MaterialisedModels {
    /// Without any.
    pub(crate) fn none() -> &'static Self {
        static NONE: MaterialisedModels = MaterialisedModels(BTreeMap::new());
        &NONE
    }

    /// A model of a moment, which is no label, where it is materialised.
    pub(crate) fn find_at(&self, name: &str, moment: &Moment) -> Option<&MaterialisedModel> {
        self.find(name, moment.as_of, moment.sources_before())
    }

    /// A model that sees this, where it is materialised.
    pub(crate) fn find_within(&self, name: &str, horizon: Horizon) -> Option<&MaterialisedModel> {
        match horizon {
            Horizon::Before(_) | Horizon::Suppression { .. } => {
                self.find(name, horizon.as_of(), horizon.bounds().happened_before)
            }
            Horizon::Happened { .. } | Horizon::Label { .. } => None,
        }
    }

    /// A model that counts from `as_of` and sees what came before an instant.
    fn find(&self, name: &str, as_of: Timestamp, sources_before: Timestamp) -> Option<&MaterialisedModel> {
        self.0.get(&(name.to_owned(), as_of, sources_before))
    }

    pub(crate) fn insert(&mut self, name: &str, moment: &Moment, model: MaterialisedModel) {
        self.0.insert((name.to_owned(), moment.as_of, moment.sources_before()), model);
    }
}

impl MaterialisedModel {
    /// Runs the plan of a model and keeps its rows.
    pub(crate) async fn compute(ctx: &SessionContext, plan: LogicalPlan) -> Result<Self, FeatureError> {
        let schema = nullable(plan.schema().as_arrow());
        let partitions = DataFrame::new(ctx.state(), plan.clone()).collect_partitioned().await?;
        let partitions = partitions.iter().map(|batches| batches.iter().map(|batch| compact(batch, &schema)).collect());
        let partitions: Vec<Vec<RecordBatch>> = partitions.collect::<Result<_, DataFusionError>>()?;
        Ok(Self { rows: Arc::new(MemTable::try_new(schema, partitions)?), plan })
    }

    /// Reading the rows, as a plan.
    pub(crate) fn scan(&self, name: &str) -> Result<LogicalPlan, FeatureError> {
        Ok(LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(&self.rows) as _), None)?.build()?)
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
