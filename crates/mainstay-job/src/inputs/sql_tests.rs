//! The tests that the SQL models declare, run before anything is computed from the models.
//!
//! Whether an order of rows is total is checked against the grains that the models state: a grain that does not hold would
//! make a day depend on chance.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use mainstay_config::{DailyJob, TrainingJob};
use mainstay_run::Run;
use mainstay_schema::Ds;
use mainstay_sql::{ModelKind, Moment, TestResult};

use crate::inputs::sources::PinnedDay;
use crate::sql_work;
use crate::training::cuts::CutPlan;

/// Tests the models that a daily job reads, each as it is read, but for its feature model, whose rows are tested once staged.
pub(crate) async fn check_daily(run: &Run<'_>, day: &PinnedDay, job: &DailyJob) -> Result<()> {
    let suppression = run.suppression_moment();
    let mut lineage = day.sql.lineage_at(&[&job.consents, &job.contact_rules], &suppression)?;
    lineage.extend(day.sql.lineage_at(&[&job.features, &job.value], &run.moment())?);
    for moment in BTreeSet::from([run.moment(), suppression]) {
        let seen = lineage.iter().filter(|(_, at)| *at == moment).map(|(model, _)| model.name.as_str());
        let names: BTreeSet<&str> = seen.filter(|name| *name != job.features).collect();
        check(run, day, names.into_iter(), moment, run.ds).await?;
    }
    Ok(())
}

/// Tests the models that a training reads: labels at its test cut, all others as of the day, which is past every cut.
pub(crate) async fn check_training(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob, plan: &CutPlan) -> Result<()> {
    let lineage = day.sql.lineage(&[&job.features, &job.label])?;
    let (labels, others): (Vec<_>, Vec<_>) = lineage.into_iter().partition(|model| model.kind == ModelKind::Label);
    let now = run.moment();
    check(run, day, others.iter().map(|model| model.name.as_str()), now, run.ds).await?;
    let cut = Moment::of_cut(plan.test, plan.horizon_days, &run.open.project.time_zone())?
        .with_labels_known_before(now.as_of);
    check(run, day, labels.iter().map(|model| model.name.as_str()), cut, plan.test).await
}

async fn check(
    run: &Run<'_>,
    day: &PinnedDay,
    models: impl Iterator<Item = &str>,
    moment: Moment,
    ds: Ds,
) -> Result<()> {
    let mut results = Vec::new();
    for model in models {
        let tested = async { Ok(day.sql.run_tests(&run.open.session, day.model_inputs(), &[model], &moment).await?) };
        results.extend(sql_work::compute(run, day, (&[model], &[moment]), tested).await?);
    }
    refuse_failed(&results, ds)
}

/// Fails with all tests that failed.
pub(crate) fn refuse_failed(results: &[TestResult], ds: Ds) -> Result<()> {
    let failed: Vec<String> = results.iter().filter(|result| !result.is_passed()).map(ToString::to_string).collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "the tests of the SQL fail as of {ds}: {}; mend the SQL, the source, or the test in the .yml beside the model",
        failed.join("; ")
    )
}
