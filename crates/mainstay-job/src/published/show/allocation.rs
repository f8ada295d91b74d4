//! The allocation of a day: what was decided for how many, at which price, and what the month has left.

use anyhow::Result;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use mainstay_ledger::Ledger;
use mainstay_run::OpenProject;
use mainstay_schema::{Cents, Ds, Month, RunId, table};
use mainstay_table::ledger_table;
use serde::Serialize;

use super::risk::{number, text};
use super::{ShowRequest, known_customer, published};
use crate::daily::contact_rules::{self, RuleCount};
use crate::details::{AllocationSummary, ModelUsed};

/// What `mainstay show allocation` shows.
#[derive(Debug, Clone, Serialize)]
pub struct AllocationView {
    /// The job.
    pub job: String,
    /// The day.
    pub ds: Ds,
    /// The run that published it.
    pub run_id: RunId,
    /// Whether it was made from simulated data.
    pub simulated: bool,
    /// The model whose scores it rests on.
    pub model: ModelUsed,
    /// Money, worth and certificate of the plan.
    #[serde(flatten)]
    pub summary: AllocationSummary,
    /// Decisions by kind and reason.
    pub decisions: Vec<DecisionCount>,
    /// Whom each rule of contact holds back; a customer may be held back by several.
    pub rules: Vec<RuleCount>,
    /// The treated customers asked for, most valuable first.
    pub customers: Vec<CustomerDecision>,
    /// The budget of the month as the ledger has it now.
    pub month: MonthView,
}

/// How many customers got one decision for one reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionCount {
    /// The intervention, none or holdout.
    pub decision: String,
    /// Why.
    pub decision_reason: String,
    /// How many customers.
    pub customers: i64,
    /// What it costs.
    pub cost_cents: Cents,
    /// What it is expected to gain, net of the cost.
    pub expected_value_cents: Cents,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerDecision {
    /// The customer.
    pub customer_id: String,
    /// The intervention, none or holdout.
    pub decision: String,
    /// Its channel.
    pub channel: Option<String>,
    /// Why.
    pub decision_reason: String,
    /// What it costs.
    pub cost_cents: Cents,
    /// What it is expected to gain, net of the cost.
    pub expected_value_cents: Cents,
    /// The price of budget below which the customer gets an intervention.
    pub threshold_price: Option<f64>,
}

/// The budget of a month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthView {
    /// The month.
    pub month: Month,
    /// Its budget.
    pub budget_cents: Cents,
    /// Committed so far.
    pub committed_cents: Cents,
    /// Neither committed nor reserved.
    pub balance_cents: Cents,
    /// The days that have committed.
    pub committed_days: Vec<CommittedDay>,
}

/// What one day of the month took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommittedDay {
    /// The day.
    pub ds: Ds,
    /// What it could spend.
    pub allowance_cents: Cents,
    /// What it spent.
    pub spent_cents: Cents,
    /// The price of budget by which it was judged.
    pub price: f64,
}

/// Reads the allocation of a published day.
pub async fn allocation(open: &OpenProject, request: &ShowRequest) -> Result<AllocationView> {
    let day = published(open, request).await?;
    let details = day.details()?;
    let summary = details.allocation;
    let session = mainstay_session::private(&open.session);
    day.register(open, &session, &table::campaign_allocations()).await?;
    day.register(open, &session, &table::customer_risk(usize::from(details.reasons))).await?;
    let customers = customers(&session, request).await?;
    known_customer(request, customers.is_empty())?;
    Ok(AllocationView {
        job: day.record.job.clone(),
        ds: day.record.ds,
        run_id: day.record.run_id.clone(),
        simulated: day.record.simulated,
        model: details.model,
        decisions: decisions(&session).await?,
        rules: contact_rules::in_force(&session).await?,
        customers,
        month: month(open, day.record.ds, summary.budget_cents).await?,
        summary,
    })
}

async fn decisions(session: &SessionContext) -> Result<Vec<DecisionCount>> {
    let sql = "select decision, decision_reason, count(*) as customers, sum(cost_cents), sum(expected_value_cents)
               from campaign_allocations group by decision, decision_reason
               order by sum(cost_cents) desc, customers desc, decision, decision_reason";
    let mut decisions = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let numbers = |column: usize| batch.column(column).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            decisions.push(DecisionCount {
                decision: text(&batch, 0, row).unwrap_or_default(),
                decision_reason: text(&batch, 1, row).unwrap_or_default(),
                customers: numbers(2).value(row),
                cost_cents: Cents(numbers(3).value(row)),
                expected_value_cents: Cents(numbers(4).value(row)),
            });
        }
    }
    Ok(decisions)
}

async fn customers(session: &SessionContext, request: &ShowRequest) -> Result<Vec<CustomerDecision>> {
    let of_whom = match &request.customer {
        Some(customer) => format!("customer_id = '{}'", customer.replace('\'', "''")),
        None => "decision_reason = 'chosen'".to_owned(),
    };
    let sql = format!(
        "select customer_id, decision, channel, decision_reason, cost_cents, expected_value_cents, threshold_price
         from campaign_allocations where {of_whom} order by expected_value_cents desc, customer_id limit {}",
        request.top
    );
    let mut customers = Vec::new();
    for batch in session.sql(&sql).await?.collect().await? {
        let cents = |column: usize, row: usize| Cents(batch.column(column).as_primitive::<Int64Type>().value(row));
        for row in 0..batch.num_rows() {
            customers.push(CustomerDecision {
                customer_id: text(&batch, 0, row).unwrap_or_default(),
                decision: text(&batch, 1, row).unwrap_or_default(),
                channel: text(&batch, 2, row),
                decision_reason: text(&batch, 3, row).unwrap_or_default(),
                cost_cents: cents(4, row),
                expected_value_cents: cents(5, row),
                threshold_price: number(&batch, 6, row),
            });
        }
    }
    Ok(customers)
}

/// The month of a day as the ledger has it now.
async fn month(open: &OpenProject, ds: Ds, budget: Cents) -> Result<MonthView> {
    let month = ds.month();
    let view = ledger_table::read(&open.lake, |day| day.month() == month).await?;
    let ledger = Ledger::new(view.entries)?;
    let days_before = i32::from(ds.0.day()) - 1;
    let first = ds.plus_days(-days_before);
    let days = (0..i32::from(ds.0.days_in_month())).map(|day| first.plus_days(day));
    let committed_days = days.filter_map(|day| ledger.standing_commitment(day)).map(|entry| CommittedDay {
        ds: entry.ds,
        allowance_cents: entry.allowance,
        spent_cents: entry.amount,
        price: entry.price,
    });
    Ok(MonthView {
        month,
        budget_cents: budget,
        committed_cents: ledger.committed(month),
        balance_cents: ledger.balance(month, budget),
        committed_days: committed_days.collect(),
    })
}
