//! The rows of a cut: features as of the cut beside what the label says of the days after it.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Column, JoinType};
use datafusion::prelude::{Expr, cast, ident};
use mainstay_config::TrainingJob;
use mainstay_features::Moment;
use mainstay_schema::{Ds, column};
use mainstay_train::TrainingRows;

use crate::features::feature_names;
use crate::run::Run;
use crate::sources::PinnedDay;

/// All eligible customers of a cut with their features and label.
pub(crate) async fn collect(
    run: &Run<'_>,
    day: &PinnedDay,
    job: &TrainingJob,
    cut: Ds,
    horizon_days: u32,
) -> Result<TrainingRows> {
    let session = &run.open.session;
    let moment = Moment::of_cut(cut, horizon_days, &run.open.project.time_zone())?;
    let features = day.model(session, &job.features, &moment).await?.alias("features")?;
    let names = feature_names(&job.features, &features)?;
    let labels = day.model(session, &job.label, &moment).await?.alias("labels")?;
    let customer = Expr::Column(Column::new(Some("labels"), column::CUSTOMER_ID));
    let mut columns = vec![
        cast(customer, DataType::Utf8).alias(column::CUSTOMER_ID),
        cast(ident(column::CHURNED), DataType::Int64).alias(column::CHURNED),
    ];
    columns.extend(names.iter().map(|name| cast(ident(name), DataType::Float64).alias(name)));
    let key = [column::CUSTOMER_ID];
    let rows = labels.join(features, JoinType::Inner, &key, &key, None)?.select(columns)?;
    let batches = rows.collect().await.with_context(|| format!("cannot collect the training rows of {cut}"))?;
    to_rows(&batches, names, cut)
}

fn to_rows(batches: &[RecordBatch], feature_names: Vec<String>, cut: Ds) -> Result<TrainingRows> {
    let mut columns = vec![Vec::new(); feature_names.len()];
    let (mut keys, mut labels) = (Vec::new(), Vec::new());
    for batch in batches {
        keys.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        for churned in batch.column(1).as_primitive::<Int64Type>() {
            labels.push(match churned {
                Some(0) => false,
                Some(1) => true,
                other => bail!("the label of cut {cut} must be 0 or 1, found {other:?}"),
            });
        }
        for (values, array) in columns.iter_mut().zip(batch.columns().iter().skip(2)) {
            values.extend(array.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
        }
    }
    if keys.len() != labels.len() {
        bail!("the label of cut {cut} has a row without a customer_id");
    }
    debug_assert!(batches.iter().all(|batch| batch.column(0).null_count() == 0));
    let cuts = vec![cut; keys.len()];
    Ok(TrainingRows { feature_names, columns, labels, keys, cuts })
}

/// The rows of several cuts as one.
pub(crate) fn concatenate(cuts: Vec<TrainingRows>) -> TrainingRows {
    let mut cuts = cuts.into_iter();
    let Some(mut all) = cuts.next() else {
        return TrainingRows {
            feature_names: Vec::new(),
            columns: Vec::new(),
            labels: Vec::new(),
            keys: Vec::new(),
            cuts: Vec::new(),
        };
    };
    for rows in cuts {
        for (column, more) in all.columns.iter_mut().zip(rows.columns) {
            column.extend(more);
        }
        all.labels.extend(rows.labels);
        all.keys.extend(rows.keys);
        all.cuts.extend(rows.cuts);
    }
    all
}
