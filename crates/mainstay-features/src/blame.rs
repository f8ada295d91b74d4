//! Which model a query failed in: a plan is made of many models, and what the engine says of a division by zero names none.

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::error::{FeatureError, ModelFault};
use crate::model::Model;
use crate::moment::Moment;
use crate::project::SqlProject;
use crate::source::Sources;

impl SqlProject {
    /// Runs the named models and all that they build on, each by itself and behind what it builds on, and gives the first one that fails on the
    /// data. `None` where none does. To be asked once a query has failed: it reads as much as all of them together.
    pub async fn failing_model(
        &self,
        ctx: &SessionContext,
        sources: &Sources,
        names: &[&str],
        moment: &Moment,
    ) -> Result<Option<FeatureError>, FeatureError> {
        for (model, at) in self.lineage_at(names, moment)? {
            let rows = self.model(ctx, sources, &model.name, &at).await?.execute_stream().await;
            let drained = match rows {
                Ok(rows) => rows.try_for_each(|_| futures::future::ready(Ok(()))).await,
                Err(error) => Err(error),
            };
            if let Err(error) = drained {
                return Ok(is_of_values(&error).then(|| fault(model, &error).into()));
            }
        }
        Ok(None)
    }
}

/// Whether a query failed on values, and not on storage, memory or its own plan.
pub fn is_of_values(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => matches!(
            **error,
            ArrowError::DivideByZero
                | ArrowError::ArithmeticOverflow(_)
                | ArrowError::CastError(_)
                | ArrowError::ComputeError(_)
                | ArrowError::ParseError(_)
                | ArrowError::InvalidArgumentError(_)
        ),
        DataFusionError::Execution(_) => true,
        _ => false,
    }
}

fn fault(model: &Model, error: &DataFusionError) -> ModelFault {
    let root = error.find_root();
    let said = root.strip_backtrace();
    let said = said.trim_start_matches("Arrow error: ").trim_start_matches("Execution error: ");
    let advice = match root {
        DataFusionError::ArrowError(error, _) => match **error {
            ArrowError::DivideByZero => "guard the division, as in `a / nullif(b, 0)`",
            ArrowError::ArithmeticOverflow(_) => "calculate in a wider type, as in `cast(a as double) * b`",
            ArrowError::CastError(_) | ArrowError::ParseError(_) => {
                "leave out the values that cannot be converted, as in `case when a <> '' then cast(a as double) end`"
            }
            _ => "correct the query, or the values in staging",
        },
        _ => "correct the query, or the values in staging",
    };
    ModelFault::new(&model.file, format!("the query of model `{}` fails on the data ({said}): {advice}", model.name))
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{Fixture, at};

    async fn failing(fixture: &Fixture, name: &str) -> Option<String> {
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let failing = project.failing_model(&fixture.ctx, &sources, &[name], &moment).await.unwrap();
        failing.map(|error| fixture.message(&error))
    }

    #[tokio::test]
    async fn the_model_that_divides_by_zero_is_named_and_not_one_that_reads_it() {
        let fixture = Fixture::with_staging();
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 0.00)").await;
        fixture.write(
            "sql/features/feat_one.sql",
            "select order_id, 1 / cast(net_amount as int) as x from {{ ref('stg_orders') }}",
        );
        fixture.write("sql/features/feat_all.sql", "select order_id, x + 1 as y from {{ ref('feat_one') }}");
        insta::assert_snapshot!(failing(&fixture, "feat_all").await.unwrap(), @"sql/features/feat_one.sql: the query of model `feat_one` fails on the data (Divide by zero error): guard the division, as in `a / nullif(b, 0)`");
        fixture.write(
            "sql/features/feat_one.sql",
            "select order_id, cast(order_id as int) as x from {{ ref('stg_orders') }}",
        );
        let message = failing(&fixture, "feat_all").await.unwrap();
        assert!(
            message.starts_with("sql/features/feat_one.sql: the query of model `feat_one` fails on the data (Cast"),
            "{message}"
        );
        fixture.write("sql/features/feat_one.sql", "select order_id, 1 as x from {{ ref('stg_orders') }}");
        assert_eq!(failing(&fixture, "feat_all").await, None);
    }
}
