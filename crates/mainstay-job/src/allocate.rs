//! The fourth step: who gets which intervention, under what the month has left, with a certificate.

use anyhow::{Context, Result};
use datafusion::physical_plan::memory::MemoryStream;
use mainstay_allocator::{Frontier, ValidInstance};
use mainstay_config::Policy;
use mainstay_schema::plan::{Instance, Offer};
use mainstay_schema::table::TableContract;
use mainstay_schema::{Cents, table};
use mainstay_table::{StagedTable, read};

use crate::candidates::{self, Candidate, Decided, Possible};
use crate::decision_rows;
use crate::details::AllocationSummary;
use crate::fault;
use crate::money::{self, Reserved};
use crate::offers_file;
use crate::progress::Step;
use crate::run::Run;
use crate::score::ScoredDay;

/// The plan of a day: reserved in the ledger, staged, not published.
pub(crate) struct AllocatedDay {
    pub(crate) contract: TableContract,
    pub(crate) staged: StagedTable,
    pub(crate) summary: AllocationSummary,
    pub(crate) ledger_version: Option<u64>,
}

/// Decides for every customer of the staged risk table, reserves the money and stages the plan.
pub(crate) async fn stage(run: &Run<'_>, day: &ScoredDay, policy: &Policy) -> Result<AllocatedDay> {
    let step = run.start(Step::Allocate);
    let risk = read::read_staged(&run.open.session, &run.open.lake, &day.contract, &day.staged).await?;
    let candidates = candidates::of(risk).await?;
    let instance = ValidInstance::new(instance(&candidates, policy)).context("the offers of the day are not valid")?;
    let frontier = Frontier::build(&instance);
    let Reserved { instance, solution, reservation, available, ledger_version } =
        money::reserve(run, policy, instance, &frontier).await?;
    fault::boundary("reserved");
    let decided = Decided { candidates, instance, solution };
    let offers = offers_file::encode(&decided, policy)?;
    let offers_digest = run.write_artefact("offers.parquet", offers).await?;
    let certificate = &decided.solution.certificate;
    let content = serde_json::to_vec_pretty(certificate).context("cannot write the certificate")?;
    run.write_artefact("certificate.json", content).await?;
    let decisions = decision_rows::batch(&decided, policy, &run.run_id)?;
    let schema = decisions.schema();
    let stream = MemoryStream::try_new(vec![decisions], schema, None)?;
    let contract = table::campaign_allocations();
    let staged = run.stage(&contract, vec![Box::pin(stream)], &step, None).await?;
    let summary = AllocationSummary {
        month: run.ds.month(),
        budget_cents: policy.budget.amount,
        available_cents: available,
        allowance_cents: certificate.budget,
        spent_cents: certificate.plan_cost,
        value_cents: certificate.plan_value,
        treated: decided.solution.plan.chosen.len() as u64,
        price_of_budget: certificate.price.to_f64(),
        certificate: certificate.clone(),
        gap: certificate.gap(),
        offers_file: run.artefact("offers.parquet"),
        offers_digest,
        reservation,
    };
    let told = format!("{} treated for {} of {}", summary.treated, summary.spent_cents, summary.allowance_cents);
    run.finish(Step::Allocate, step, told);
    Ok(AllocatedDay { contract, staged, summary, ledger_version })
}

/// Every intervention that is worth more than it costs, for everyone who may be contacted, in the channels that consent allows.
/// The budget is set later.
fn instance(candidates: &[Candidate], policy: &Policy) -> Instance {
    let mut offers = Vec::new();
    for (customer, candidate) in (0u32..).zip(candidates).filter(|(_, candidate)| candidate.may_be_contacted()) {
        offers.extend(candidate.offers(policy).map(|Possible { position, intervention, value }| Offer {
            customer,
            intervention: position,
            value,
            cost: intervention.cost,
        }));
    }
    Instance { customers: candidates.len() as u32, offers, budget: Cents::ZERO }
}
