//! The fourth step: who gets which intervention, under what the month has left, with a certificate.

use anyhow::{Context, Result};
use datafusion::physical_plan::memory::MemoryStream;
use mainstay_allocator::sensitivity;
use mainstay_config::Policy;
use mainstay_run::{Run, Staged, Step, fault};
use mainstay_schema::{Cents, table};

use crate::daily::baseline_policy;
use crate::daily::breaker::Watch;
use crate::daily::candidates::{self, Decided};
use crate::daily::decision_rows;
use crate::daily::instance::{self, DayOffers};
use crate::daily::money::{self, Reserved};
use crate::daily::offers_file;
use crate::daily::optimise::{OptimalPlan, Optimiser};
use crate::daily::score::ScoredDay;
use crate::details::AllocationSummary;

/// The plan of a day: reserved in the ledger, staged, not published.
pub(crate) struct AllocatedDay {
    pub(crate) staged: Staged,
    pub(crate) summary: AllocationSummary,
    pub(crate) ledger_version: Option<u64>,
}

/// Decides for every customer of the staged risk table, reserves the money and stages the plan.
pub(crate) async fn stage(run: &Run<'_>, day: &ScoredDay, policy: &Policy, watch: &Watch) -> Result<AllocatedDay> {
    let step = run.start(Step::Allocate);
    let risk = day.staged.read(&run.open.session, &run.open.lake).await?;
    let candidates = candidates::of(risk).await?;
    let optimiser = Optimiser::new(run.ds, policy, DayOffers::of(&candidates, policy))?;
    let reserved = money::reserve(run, policy.budget.amount, |ledger, available| {
        let plan = optimiser.plan(available, &ledger.history(run.ds))?;
        let spending = plan.spending();
        watch.refuse_plan(plan.treated(), spending.amount)?;
        Ok((plan, spending))
    });
    let Reserved { plan, reservation, available, ledger_version } = reserved.await?;
    fault::boundary("reserved");
    let OptimalPlan { instance, solution, allowance } = plan;
    let decided = Decided { candidates, instance, solution };
    let offers = offers_file::encode(&decided, policy)?;
    let offers_digest = run.write_artefact("offers.parquet", offers).await?;
    let certificate = &decided.solution.certificate;
    let content = serde_json::to_vec_pretty(certificate).context("cannot write the certificate")?;
    run.write_artefact("certificate.json", content).await?;
    let decisions = decision_rows::batch(&decided, policy, &run.run_id)?;
    let schema = decisions.schema();
    let stream = MemoryStream::try_new(vec![decisions], schema, None)?;
    let staged = run.stage(table::campaign_allocations(), vec![Box::pin(stream)], &step, None).await?;
    let summary = AllocationSummary {
        month: run.ds.month(),
        budget_cents: policy.budget.amount,
        available_cents: available,
        allowance_cents: allowance.allowance,
        spent_cents: certificate.plan_cost,
        left_cents: Some(Cents(available.0 - certificate.plan_cost.0)),
        value_cents: certificate.plan_value,
        treated: decided.solution.plan.chosen.len() as u64,
        price_of_budget: certificate.price_of(instance::BUDGET),
        certificate: certificate.clone(),
        gap: certificate.gap(),
        sensitivity: Some(sensitivity(&decided.instance, certificate)),
        baseline_policy: baseline_policy::gain(&decided, policy),
        allocation_rules: decided.instance.as_instance().rules.clone(),
        offers_file: run.artefact("offers.parquet"),
        offers_digest,
        reservation,
    };
    let told = format!("{} treated for {} of {}", summary.treated, summary.spent_cents, summary.allowance_cents);
    run.finish(Step::Allocate, step, told);
    Ok(AllocatedDay { staged, summary, ledger_version })
}
