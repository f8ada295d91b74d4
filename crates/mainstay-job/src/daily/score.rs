//! The third step: every customer scored, explained and valued, and staged as the risk table.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_config::policy::Holdout;
use mainstay_config::{DailyJob, Policy};
use mainstay_monitor::{RiskFigures, ValueFigures};
use mainstay_run::{Run, Staged, Step};
use mainstay_schema::{CustomerStatus, Ds, table};

use crate::daily::champion::Champion;
use crate::daily::features::{StagedFeatures, bucketed};
use crate::daily::score_sql::ScoreQuery;
use crate::details::{PinnedHoldout, PinnedPlan, Population};
use crate::inputs::recent_plans;
use crate::inputs::sources::PinnedDay;
use crate::sql_work;

/// The risk table of a day, staged.
pub(crate) struct ScoredDay {
    pub(crate) staged: Staged,
    pub(crate) population: Population,
    /// Own plans that the cooldown looked at.
    pub(crate) plans: Vec<PinnedPlan>,
}

/// What the step scores with.
pub(crate) struct Scoring<'a> {
    pub(crate) job: &'a DailyJob,
    pub(crate) policy: &'a Policy,
    pub(crate) champion: &'a Champion,
}

/// Scores the staged features and stages the risk table, in one plan.
pub(crate) async fn stage(
    run: &Run<'_>,
    day: &PinnedDay,
    features: &StagedFeatures,
    scoring: &Scoring<'_>,
) -> Result<ScoredDay> {
    let step = run.start(Step::Score);
    check_features(features, scoring.champion)?;
    let session = mainstay_session::private(&run.open.session);
    let plans = register_inputs(run, &session, day, features, scoring).await?;
    let query = ScoreQuery {
        model_digest: scoring.champion.used.digest.to_string(),
        model_name: &scoring.champion.used.name,
        model_version: &scoring.champion.used.version,
        run_id: run.run_id.as_str(),
        features: &scoring.champion.features,
        reasons: usize::from(scoring.job.reasons),
        policy: scoring.policy,
        holdout: holdout(scoring.policy, run.ds),
        is_approved: scoring.champion.used.gates_in_the_way().is_empty(),
        consent_default: run.open.project.config().consent_default,
    };
    let frame = session.sql(&query.sql()).await.context("cannot plan the scores")?;
    let contract = table::customer_risk(usize::from(scoring.job.reasons));
    let partitions = bucketed(&session, frame).await?;
    let models = [scoring.job.value.as_str(), &scoring.job.contact_rules, &scoring.job.consents];
    let moments = [run.moment(), run.suppression_moment()];
    let staged = run.stage(contract, partitions, &step, Some(features.staged.table.rows));
    let staged = sql_work::compute(run, day, (&models, &moments), staged).await;
    let staged = staged.with_context(|| {
        format!(
            "cannot stage the risk table: models {} and {} must give every known customer one row (without one, `clv_amount` or \
             `blocked_by` is null): keep all customers in their SQL",
            scoring.job.value, scoring.job.contact_rules
        )
    })?;
    let mut population = count(run, &staged).await?;
    population.quarantined_rows = day.refused_rows;
    let rows = staged.table.rows;
    if rows != features.staged.table.rows || !population.is_reconciled() {
        // A customer who stands twice is named.
        staged.digested().await?;
        bail!(
            "the population does not reconcile: {} customers have features, {} a risk row ({population:?}); is the grain of \
             {} and of {} one row a customer?",
            features.staged.table.rows,
            rows,
            scoring.job.value,
            scoring.job.contact_rules
        );
    }
    let Population { scored, ineligible, refused, .. } = population;
    run.finish(Step::Score, step, format!("{scored} scored, {ineligible} ineligible, {refused} refused"));
    Ok(ScoredDay { staged, population, plans })
}

/// The holdout of a day: drawn anew each quarter.
pub(crate) fn holdout(policy: &Policy, ds: Ds) -> Option<PinnedHoldout> {
    let Holdout { experiment, share } = policy.holdout.as_ref()?;
    let salt = format!("{experiment}-{}Q{}", ds.0.year(), (ds.0.month() - 1) / 3 + 1);
    Some(PinnedHoldout { salt, share: *share })
}

fn check_features(features: &StagedFeatures, champion: &Champion) -> Result<()> {
    let missing: Vec<&str> =
        champion.features.iter().filter(|name| !features.names.contains(name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let used = &champion.used;
    bail!(
        "model {} version {} needs features that the feature table lacks: {}; restore them, or train a new version",
        used.name,
        used.version,
        missing.join(", ")
    )
}

async fn register_inputs(
    run: &Run<'_>,
    session: &SessionContext,
    day: &PinnedDay,
    features: &StagedFeatures,
    scoring: &Scoring<'_>,
) -> Result<Vec<PinnedPlan>> {
    register(session, "staged_features", features.staged.read(session, &run.open.lake).await?)?;
    let (moment, suppression) = (run.moment(), run.suppression_moment());
    let models = [
        ("customer_value", &scoring.job.value, moment),
        ("customer_consents", &scoring.job.consents, suppression),
        ("contact_rules", &scoring.job.contact_rules, suppression),
    ];
    for (name, model, moment) in models {
        register(session, name, day.model(session, model, &moment).await?)?;
    }
    let recent = recent_plans::recent_plans(run, session, scoring.policy.cooldown_days).await?;
    register(session, "recent_plans", recent.customers)?;
    Ok(recent.plans)
}

/// Registers a frame under a name, in the place of what has it.
pub(crate) fn register(session: &SessionContext, name: &str, frame: DataFrame) -> Result<()> {
    session.deregister_table(name)?;
    session.register_table(name, frame.into_view())?;
    Ok(())
}

async fn count(run: &Run<'_>, staged: &Staged) -> Result<Population> {
    population(staged.read(&run.open.session, &run.open.lake).await?).await
}

/// Counts the customers of a risk table by status.
pub(crate) async fn population(risk: DataFrame) -> Result<Population> {
    use datafusion::functions_aggregate::expr_fn::count;
    use datafusion::prelude::{col, lit};
    let batches = risk.aggregate(vec![col("status")], vec![count(lit(1)).alias("customers")])?.collect().await?;
    let mut population = Population::default();
    for batch in &batches {
        let (statuses, customers) = (batch.column(0).as_string::<i32>(), counts(batch));
        for (status, &customers) in statuses.iter().zip(customers.values()) {
            let customers = u64::try_from(customers)?;
            population.known += customers;
            let counter = match status {
                Some(status) if status == CustomerStatus::Scored.as_str() => &mut population.scored,
                Some(status) if status == CustomerStatus::Ineligible.as_str() => &mut population.ineligible,
                Some(status) if status == CustomerStatus::Refused.as_str() => &mut population.refused,
                other => bail!("customer_risk has a status {other:?} that does not exist"),
            };
            *counter += customers;
        }
    }
    Ok(population)
}

/// What the scored customers of a day are like.
#[derive(Default)]
pub(crate) struct ScoredFigures {
    pub(crate) risk: RiskFigures,
    pub(crate) value: ValueFigures,
}

/// The mean risk and value of the scored customers of a staged risk table, and how many are in each band.
pub(crate) async fn figures(run: &Run<'_>, staged: &Staged) -> Result<ScoredFigures> {
    let session = mainstay_session::private(&run.open.session);
    register(&session, "staged_risk", staged.read(&session, &run.open.lake).await?)?;
    let sql = "with scored as (select risk_band, churn_probability, 100 * cast(clv_amount as double) as cents from staged_risk \
                               where churn_probability is not null) \
               select coalesce(risk_band, '') as band, count(*) as customers, coalesce(sum(churn_probability), 0) as expected, \
               coalesce(sum(cents), 0) as cents, coalesce(sum(cents * cents), 0) as squares from scored group by 1 order by 1";
    let mut bands_of_risk = Vec::new();
    let (mut customers, mut expected, mut cents, mut squares) = (0, 0.0, 0.0, 0.0);
    for batch in session.sql(sql).await?.collect().await? {
        let bands = batch.column(0).as_string::<i32>();
        for (row, count) in counts(&batch).iter().flatten().enumerate() {
            let count = u64::try_from(count)?;
            bands_of_risk.push((bands.value(row).to_owned(), count));
            customers += count;
            for (sum, column) in [(&mut expected, 2), (&mut cents, 3), (&mut squares, 4)] {
                *sum += batch.column(column).as_primitive::<Float64Type>().value(row);
            }
        }
    }
    let mean_of = |sum: f64| sum / (customers as f64).max(1.0);
    let mean_cents = mean_of(cents);
    let deviation_cents = (mean_of(squares) - mean_cents * mean_cents).max(0.0).sqrt();
    let risk = RiskFigures { mean: mean_of(expected), bands: bands_of_risk };
    Ok(ScoredFigures { risk, value: ValueFigures { mean_cents, deviation_cents } })
}

fn counts(batch: &RecordBatch) -> Arc<Int64Array> {
    Arc::new(batch.column(1).as_primitive::<Int64Type>().clone())
}
