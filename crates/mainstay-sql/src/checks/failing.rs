//! Which model it was whose SQL failed as it ran.
//!
//! A plan holds the SQL of all models that it builds on, and an error of a computation says nothing of where it stands. So each model is
//! computed by itself, what it builds on first, until one fails.

use std::error::Error;
use std::mem::{Discriminant, discriminant};

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::error::{FeatureError, ModelFault};
use crate::plan::inputs::ModelInputs;
use crate::project::SqlProject;
use crate::project::model::Model;
use crate::visible::moment::Moment;

/// Whether an error is one of a computation over rows, as a division by zero is, and none of storage or of planning.
pub fn is_computation(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return is_of_values(error);
    }
    error.downcast_ref::<DataFusionError>().is_some_and(|error| match error.find_root() {
        DataFusionError::ArrowError(error, _) => is_of_values(error),
        DataFusionError::Execution(_) => true,
        _ => false,
    })
}

fn is_of_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_)
    )
}

impl SqlProject {
    /// The fault of the first of the named models that cannot be computed, where it stands: in that model or in one that it builds on.
    /// `None` where each can be. What fails in a column that nothing reads is not asked for, and is no such fault.
    pub async fn failing_model<'a>(
        &self,
        ctx: &SessionContext,
        inputs: impl Into<ModelInputs<'a>>,
        names: &[&str],
        moment: &Moment,
    ) -> Option<FeatureError> {
        let inputs = inputs.into();
        for name in names {
            let lineage = self.lineage_at(&[name], moment).ok()?;
            let Some(((model, at), below)) = lineage.split_last() else { continue };
            let Some(failed) = self.failure(ctx, inputs, model, at).await else { continue };
            for (part, at) in below {
                if let Some(error) = self.failure(ctx, inputs, part, at).await
                    && kind(&error) == kind(&failed)
                {
                    return Some(ModelFault::new(&part.file, describe(&error)).into());
                }
            }
            return Some(ModelFault::new(&model.file, describe(&failed)).into());
        }
        None
    }

    /// What a model fails with as it is computed by itself.
    async fn failure(
        &self,
        ctx: &SessionContext,
        inputs: ModelInputs<'_>,
        model: &Model,
        at: &Moment,
    ) -> Option<DataFusionError> {
        let computed = async {
            let rows = self.model(ctx, inputs, &model.name, at).await?;
            let mut rows = rows.execute_stream().await?;
            while rows.try_next().await?.is_some() {}
            Ok::<_, FeatureError>(())
        };
        match computed.await {
            Err(FeatureError::Query(error)) if is_computation(&error) => Some(error),
            _ => None,
        }
    }
}

/// What kind of failure it is: which row fails first, and so the message, may be another one each time.
fn kind(error: &DataFusionError) -> (Discriminant<DataFusionError>, Option<Discriminant<ArrowError>>) {
    let root = error.find_root();
    let of_arrow = match root {
        DataFusionError::ArrowError(error, _) => Some(discriminant(error.as_ref())),
        _ => None,
    };
    (discriminant(root), of_arrow)
}

/// What failed, and what to do.
pub(crate) fn describe(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero => {
                "divides by zero in some row: divide by `nullif(divisor, 0)`, which gives null there".to_owned()
            }
            ArrowError::ArithmeticOverflow(what) => format!(
                "a number does not fit its type in some row ({what}): cast to double first, or to bigint or a decimal with fewer digits behind \
                 the point where that is enough"
            ),
            ArrowError::CastError(what) | ArrowError::ParseError(what) => format!(
                "a value cannot be cast in some row ({}): use `try_cast`, which gives null there, or leave such rows out",
                without_values(what)
            ),
            other => {
                let what = without_values(&other.to_string());
                format!("fails in some row ({what}): guard the expression, or leave such rows out")
            }
        },
        other => {
            let message = other.strip_backtrace();
            let message = without_values(message.strip_prefix("Execution error: ").unwrap_or(&message));
            format!("fails in some row ({message}): guard the expression, or leave such rows out")
        }
    }
}

/// A message of the engine without what it quotes: that is a value, and may be somebody's.
fn without_values(message: &str) -> String {
    let quotes = ['\'', '"', '`'];
    let (Some(first), Some(last)) = (message.find(quotes), message.rfind(quotes)) else { return message.to_owned() };
    if first == last { message.to_owned() } else { format!("{}...{}", &message[..first], &message[last + 1..]) }
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{Fixture, at, cut};

    /// What fails of a model that a feature builds on.
    async fn fault(expression: &str) -> String {
        let fixture = Fixture::with_staging();
        fixture.write(
            "sql/staging/stg_sums.sql",
            format!("select order_id, {expression} as x from {{{{ ref('stg_orders') }}}}"),
        );
        fixture.write("sql/features/feat_x.sql", "select order_id, x from {{ ref('stg_sums') }}");
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00)").await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let error =
            project.model(&fixture.ctx, &sources, "feat_x", &moment).await.unwrap().collect().await.unwrap_err();
        assert!(super::is_computation(&error), "{error}");
        let fault = project.failing_model(&fixture.ctx, &sources, &["feat_x"], &moment).await;
        fixture.message(&fault.unwrap())
    }

    #[tokio::test]
    async fn the_model_is_named_with_what_to_do() {
        insta::assert_snapshot!(fault("1 / (cast(net_amount as bigint) - 2)").await, @"sql/staging/stg_sums.sql: divides by zero in some row: divide by `nullif(divisor, 0)`, which gives null there");
        let of_cast = fault("cast(order_id as int)").await;
        assert!(
            of_cast
                .starts_with("sql/staging/stg_sums.sql: a value cannot be cast in some row (Cannot cast string ... to")
                && !of_cast.contains("o1"),
            "{of_cast}"
        );
        assert!(of_cast.ends_with("): use `try_cast`, which gives null there, or leave such rows out"), "{of_cast}");
        let product =
            "cast(net_amount as decimal(38, 2)) * cast('9999999999999999999999999999999999999' as decimal(38, 0))";
        let of_overflow = fault(product).await;
        assert!(
            of_overflow.starts_with("sql/staging/stg_sums.sql: a number does not fit its type in some row ("),
            "{of_overflow}"
        );
    }

    #[tokio::test]
    async fn a_column_that_fails_and_that_nothing_reads_is_not_named() {
        let fixture = Fixture::with_staging();
        let sums = "select order_id, net_amount, cast(order_id as int) as unread from {{ ref('stg_orders') }}";
        fixture.write("sql/staging/stg_sums.sql", sums);
        let feature = "with halves as (select order_id as unread, 1 / (cast(net_amount as bigint) - 2) as x from {{ ref('stg_sums') }})
            select unread as order_id, x from halves";
        fixture.write("sql/features/feat_x.sql", feature);
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00)").await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let moment = at("2025-02-01T00:00:00Z");
        let fault = project.failing_model(&fixture.ctx, &sources, &["feat_x"], &moment).await.unwrap();
        let told = fixture.message(&fault);
        assert!(told.starts_with("sql/features/feat_x.sql: divides by zero in some row"), "{told}");
        fixture.write("sql/features/feat_x.sql", feature.replace(" - 2", ""));
        let project = fixture.load().await.unwrap();
        assert!(project.failing_model(&fixture.ctx, &sources, &["feat_x"], &moment).await.is_none());
    }

    /// A label sees what was loaded after its window, and so does what it builds on.
    #[tokio::test]
    async fn a_model_that_fails_on_a_row_that_came_late_is_named() {
        let fixture = Fixture::with_staging();
        fixture.write(
            "sql/staging/stg_sums.sql",
            "select order_id, 1 / (cast(net_amount as bigint) - 2) as x from {{ ref('stg_orders') }}",
        );
        fixture.write(
            "sql/labels/later.sql",
            "select order_id, x from {{ ref('stg_sums') }} where {{ as_of }} < {{ label_end }}",
        );
        let orders = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 3.00),
            ('late', '2025-01-02T10:00:00', '2025-03-01T00:00:00', 2.00)";
        fixture.write_orders("a.parquet", orders).await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let label = cut("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z");
        let known = label.with_labels_known_before("2025-04-01T00:00:00Z".parse().unwrap());
        assert!(project.failing_model(&fixture.ctx, &sources, &["later"], &label).await.is_none());
        let fault = project.failing_model(&fixture.ctx, &sources, &["later"], &known).await.unwrap();
        let told = fixture.message(&fault);
        assert!(told.starts_with("sql/staging/stg_sums.sql: divides by zero in some row"), "{told}");
    }

    #[tokio::test]
    async fn without_a_fault_no_model_is_named() {
        let fixture = Fixture::with_staging();
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00)").await;
        let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
        let fault = project.failing_model(&fixture.ctx, &sources, &["stg_orders"], &at("2025-02-01T00:00:00Z")).await;
        assert!(fault.is_none());
    }
}
