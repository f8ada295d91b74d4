//! The second step: the feature table of the day, computed once and staged.

use anyhow::{Context, Result, bail};
use arrow::datatypes::DataType;
use datafusion::logical_expr::Partitioning;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, Expr, SessionContext, cast, ident, lit};
use mainstay_config::DailyJob;
use mainstay_monitor::{FeatureProfiles, IdsByCase};
use mainstay_run::{Run, Staged, Step};
use mainstay_schema::table::{Column, ColumnType, TableContract};
use mainstay_schema::{column, table};
use mainstay_sql::{Model, ModelKind, Moment, SqlProject};

use crate::daily::twins;
use crate::inputs::materialise::materialise;
use crate::inputs::sources::PinnedDay;
use crate::inputs::sql_tests;
use crate::sql_work;
use crate::tallied::Tallied;

/// Columns of a feature model that are not features.
const BESIDE_FEATURES: [&str; 3] = [column::CUSTOMER_ID, column::STATUS, column::STATUS_REASON];

/// The feature table of a day, staged.
pub(crate) struct StagedFeatures {
    pub(crate) staged: Staged,
    /// The features in the order of their columns.
    pub(crate) names: Vec<String>,
    /// What they look like over the eligible customers.
    pub(crate) profiles: FeatureProfiles,
    /// The ids that are written in more than one way.
    pub(crate) ids_by_case: IdsByCase,
}

/// Tests the models that the job reads, computes the feature model as of the day and stages it, one file a bucket of
/// customers.
pub(crate) async fn stage(run: &Run<'_>, day: &mut PinnedDay, job: &DailyJob) -> Result<StagedFeatures> {
    let step = run.start(Step::Features);
    let model = job.features.as_str();
    let moment = run.moment();
    materialise_shared(run, day, job).await?;
    sql_tests::check_daily(run, day, job).await?;
    let frame = day.model(&run.open.session, model, &moment).await?;
    let names = feature_names(model, &frame)?;
    let contract = contract(&day.sql, model, &names);
    let frame = frame.select(columns(&names, run))?;
    let tallied = Tallied::new(names.len(), BESIDE_FEATURES.len());
    let partitions = bucketed(&run.open.session, frame).await?.into_iter().map(|rows| tallied.watch(rows)).collect();
    let staged = async { tokio::try_join!(run.stage(contract, partitions, &step, None), known_customers(run, day)) };
    let (staged, known) = sql_work::compute(run, day, (&[model], &[moment]), staged).await?;
    let rows = staged.table.rows;
    if rows != known {
        // A customer who stands twice is named.
        staged.digested().await?;
        bail!(
            "model {model} has {rows} rows, but the sources know {known} customers as of {}: every one of them needs one row, the \
             ineligible too; look for an inner join or a join that repeats rows",
            run.ds
        );
    }
    check_tests(run, day, model, &staged).await?;
    let ids_by_case = twins::refuse(&run.open.session, staged.read(&run.open.session, &run.open.lake).await?).await?;
    if rows == 0 {
        bail!("model {model} gives no customer as of {}: is there an order before that day?", run.ds);
    }
    run.finish(Step::Features, step, format!("{rows} customers, {} features", names.len()));
    let profiles = tallied.profiles(&names);
    Ok(StagedFeatures { staged, names, profiles, ids_by_case })
}

/// Computes once what several plans of the day read: the models that the job names, which are tested and then scored with, and
/// those of a row a customer that more than one model builds on. The features are staged. What decides who may be contacted is
/// computed last, at a moment of its own, and reads what is materialised by then.
async fn materialise_shared(run: &Run<'_>, day: &mut PinnedDay, job: &DailyJob) -> Result<()> {
    let named = [job.features.as_str(), job.value.as_str()];
    let lineage = day.sql.lineage(&named)?;
    let all = day.sql.lineage(&job.sql_models().map(|(_, model)| model))?;
    let builders = |model: &Model| all.iter().filter(|other| other.refs.contains(&model.name)).count();
    let is_of_customers = |model: &Model| model.kind != ModelKind::Staging && model.grain == [column::CUSTOMER_ID];
    let is_shared =
        |model: &&&Model| named.contains(&model.name.as_str()) || is_of_customers(model) && builders(model) > 1;
    let models = lineage.iter().filter(|model| model.name != job.features);
    let shared: Vec<String> = models.filter(is_shared).map(|model| model.name.clone()).collect();
    materialise(run, day, &shared.iter().map(String::as_str).collect::<Vec<_>>(), &run.moment()).await?;
    materialise(run, day, &[&job.consents, &job.contact_rules], &run.suppression_moment()).await
}

/// How many customers the staging models name, counted without any feature model.
async fn known_customers(run: &Run<'_>, day: &PinnedDay) -> Result<u64> {
    Ok(customer_ids(run, day, &run.moment()).await?.count().await? as u64)
}

/// The customers whom the staging models name at a moment, each once.
pub(crate) async fn customer_ids(run: &Run<'_>, day: &PinnedDay, moment: &Moment) -> Result<DataFrame> {
    let mut ids = day.model(&run.open.session, "stg_orders", moment).await?.select(vec![ident(column::CUSTOMER_ID)])?;
    if day.sql.find("stg_customers").is_ok() {
        let customers = day.model(&run.open.session, "stg_customers", moment).await?;
        ids = ids.union(customers.select(vec![ident(column::CUSTOMER_ID)])?)?;
    }
    Ok(ids.distinct()?)
}

/// Runs the tests that the model's `.yml` declares on the rows that were staged.
async fn check_tests(run: &Run<'_>, day: &PinnedDay, model: &str, staged: &Staged) -> Result<()> {
    let rows = staged.read(&run.open.session, &run.open.lake).await?;
    sql_tests::refuse_failed(&day.sql.test_rows(model, rows).await?, run.ds)
}

/// The numeric columns of a feature model behind customer, status and its reason.
pub(crate) fn feature_names(model: &str, frame: &DataFrame) -> Result<Vec<String>> {
    let schema = frame.schema();
    for needed in BESIDE_FEATURES {
        if schema.field_with_unqualified_name(needed).is_err() {
            bail!("model {model} must have a column {needed}, which the reference SQL takes from feat_population");
        }
    }
    let mut names = Vec::new();
    for field in schema.fields().iter().filter(|field| !BESIDE_FEATURES.contains(&field.name().as_str())) {
        if !field.data_type().is_numeric() && *field.data_type() != DataType::Boolean {
            bail!(
                "column {} of model {model} is {}: a feature must be a number; cast it, or leave it out",
                field.name(),
                field.data_type()
            );
        }
        names.push(field.name().clone());
    }
    if names.is_empty() {
        bail!("model {model} has no feature: add a numeric column");
    }
    Ok(names)
}

fn columns(names: &[String], run: &Run<'_>) -> Vec<Expr> {
    let text = |name: &str| cast(ident(name), DataType::Utf8).alias(name);
    let mut columns: Vec<Expr> = BESIDE_FEATURES.into_iter().map(text).collect();
    columns.extend(names.iter().map(|name| cast(ident(name), DataType::Float64).alias(name)));
    columns.push(lit(run.run_id.as_str()).alias(column::RUN_ID));
    columns
}

fn contract(sql: &SqlProject, model: &str, names: &[String]) -> TableContract {
    let feature = |name: &String| {
        let comment = sql.column(model, name).map_or("", |column| column.description.as_str());
        Column::new(name, ColumnType::Double, comment).nullable()
    };
    table::customer_features(names.iter().map(feature).collect())
}

/// The frame as one stream a bucket, by the hash of the customer.
pub(crate) async fn bucketed(session: &SessionContext, frame: DataFrame) -> Result<Vec<SendableRecordBatchStream>> {
    let buckets = session.copied_config().target_partitions();
    let by_customer = Partitioning::Hash(vec![ident(column::CUSTOMER_ID)], buckets);
    let bucketed = frame.repartition(by_customer)?;
    bucketed.execute_stream_partitioned().await.context("cannot start the plan")
}
