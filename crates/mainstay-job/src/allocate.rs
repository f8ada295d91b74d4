//! The fourth step: who gets which intervention, under what the month has left, with a certificate.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::prelude::{DataFrame, ident};
use mainstay_allocator::{Frontier, Solution, ValidInstance, allocate, offer_value};
use mainstay_config::Policy;
use mainstay_schema::plan::{Instance, Offer};
use mainstay_schema::table::TableContract;
use mainstay_schema::{BlockedBy, Cents, CustomerStatus, column, table};
use mainstay_table::{StagedTable, read};

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

/// What the risk table says of one customer that the decision needs.
pub(crate) struct Candidate {
    pub(crate) customer_id: String,
    pub(crate) is_scored: bool,
    pub(crate) churn_probability: f64,
    pub(crate) clv: Cents,
    pub(crate) blocked_by: BlockedBy,
}

/// The question of the day and the answer to it.
pub(crate) struct Decided {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) instance: ValidInstance,
    pub(crate) solution: Solution,
}

/// Decides for every customer of the staged risk table, reserves the money and stages the plan.
pub(crate) async fn stage(run: &Run<'_>, day: &ScoredDay, policy: &Policy) -> Result<AllocatedDay> {
    let step = run.start(Step::Allocate);
    let risk = read::read_staged(&run.open.session, &run.open.lake, &day.contract, &day.staged).await?;
    let candidates = candidates(risk).await?;
    let instance = ValidInstance::new(instance(&candidates, policy)).context("the offers of the day are not valid")?;
    let frontier = Frontier::build(&instance);
    let Reserved {
        instance,
        solution,
        reservation,
        available,
        ledger_version,
    } = money::reserve(run, policy, instance, &frontier).await?;
    fault::boundary("reserved");
    let decided = Decided {
        candidates,
        instance,
        solution,
    };
    let offers = offers_file::encode(&decided, policy)?;
    let offers_digest = run.write_artefact("offers.parquet", offers).await?;
    let certificate = &decided.solution.certificate;
    let content = serde_json::to_vec_pretty(certificate).context("cannot write the certificate")?;
    run.write_artefact("certificate.json", content).await?;
    let (contract, staged) = stage_decisions(run, &decided, policy).await?;
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
    let told = format!(
        "{} treated for {} of {}",
        summary.treated, summary.spent_cents, summary.allowance_cents
    );
    run.finish(Step::Allocate, step, told);
    Ok(AllocatedDay {
        contract,
        staged,
        summary,
        ledger_version,
    })
}

/// All customers of the risk table, sorted by id.
async fn candidates(risk: DataFrame) -> Result<Vec<Candidate>> {
    let columns = [
        column::CUSTOMER_ID,
        column::STATUS,
        column::CHURN_PROBABILITY,
        "clv_amount",
        column::BLOCKED_BY,
    ];
    let frame = risk
        .select(columns.map(ident).to_vec())?
        .sort(vec![ident(column::CUSTOMER_ID).sort(true, false)])?;
    let mut candidates = Vec::new();
    for batch in frame.collect().await? {
        candidates.extend(candidates_of(&batch)?);
    }
    Ok(candidates)
}

fn candidates_of(batch: &RecordBatch) -> Result<Vec<Candidate>> {
    let [ids, statuses, probabilities, clvs, blocks] = batch.columns() else {
        bail!(
            "customer_risk was read with {} columns instead of 5",
            batch.num_columns()
        );
    };
    let ids = ids.as_string::<i32>();
    let statuses = statuses.as_string::<i32>();
    let probabilities = probabilities.as_primitive::<Float64Type>();
    let clvs = clvs.as_primitive::<Decimal128Type>();
    let blocks = blocks.as_primitive::<Int32Type>();
    (0..batch.num_rows())
        .map(|row| {
            Ok(Candidate {
                customer_id: ids.value(row).to_owned(),
                is_scored: statuses.value(row) == CustomerStatus::Scored.as_str(),
                churn_probability: if probabilities.is_null(row) {
                    0.0
                } else {
                    probabilities.value(row)
                },
                clv: Cents(i64::try_from(clvs.value(row)).context("a lifetime value is too large")?),
                blocked_by: BlockedBy(blocks.value(row)),
            })
        })
        .collect()
}

/// Every intervention that is worth more than it costs, for everyone who may be contacted. The budget is set later.
fn instance(candidates: &[Candidate], policy: &Policy) -> Instance {
    let mut offers = Vec::new();
    for (customer, candidate) in (0u32..).zip(candidates) {
        if !candidate.is_scored || candidate.blocked_by.reason().is_some() {
            continue;
        }
        for (intervention, offered) in (0u16..).zip(&policy.interventions) {
            let value = offer_value(candidate.churn_probability, offered.effect, candidate.clv, offered.cost).net;
            if value > Cents::ZERO {
                offers.push(Offer {
                    customer,
                    intervention,
                    value,
                    cost: offered.cost,
                });
            }
        }
    }
    Instance {
        customers: candidates.len() as u32,
        offers,
        budget: Cents::ZERO,
    }
}

/// The answer within an allowance.
pub(crate) fn solve(
    instance: ValidInstance,
    frontier: &Frontier,
    allowance: Cents,
) -> Result<(ValidInstance, Solution)> {
    let instance = instance
        .with_budget(allowance)
        .context("the allowance of the day is not valid")?;
    let solution = allocate(&instance, frontier);
    Ok((instance, solution))
}

async fn stage_decisions(run: &Run<'_>, decided: &Decided, policy: &Policy) -> Result<(TableContract, StagedTable)> {
    let batch: RecordBatch = decision_rows::batch(decided, policy, &run.run_id)?;
    let schema = batch.schema();
    let stream = MemoryStream::try_new(vec![batch], schema, None)?;
    let contract = table::campaign_allocations();
    let Run { open, ds, run_id, .. } = run;
    let partitions = vec![Box::pin(stream) as _];
    let staged =
        mainstay_table::stage::stage(&open.session, &open.lake, &contract, *ds, run_id, partitions, |_| ()).await?;
    Ok((contract, staged))
}
