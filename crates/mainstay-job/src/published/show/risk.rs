//! The risk table of a day: how the customers split up, and those with the most revenue at risk.

use anyhow::Result;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use datafusion::prelude::SessionContext;
use mainstay_run::OpenProject;
use mainstay_schema::{Cents, Ds, RunId, table};
use serde::Serialize;

use super::{ShowRequest, known_customer, published};
use crate::details::{ModelUsed, Population};

/// What `mainstay show risk` shows.
#[derive(Debug, Clone, Serialize)]
pub struct RiskView {
    /// The job.
    pub job: String,
    /// The day.
    pub ds: Ds,
    /// The run that published it.
    pub run_id: RunId,
    /// Whether it was made from simulated data.
    pub simulated: bool,
    /// The model that scored.
    pub model: ModelUsed,
    /// How the known customers split up.
    pub population: Population,
    /// Scored customers by risk band and value tier, most revenue at risk first.
    pub segments: Vec<Segment>,
    /// The customers asked for, most revenue at risk first.
    pub customers: Vec<CustomerRisk>,
}

/// Scored customers of one band and tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// `band/tier`.
    pub segment: String,
    /// How many.
    pub customers: i64,
    /// Expected net revenue that is at risk.
    pub revenue_at_risk_cents: Cents,
    /// Their lifetime value.
    pub clv_cents: Cents,
}

/// One customer of the risk table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerRisk {
    /// The customer.
    pub customer_id: String,
    /// scored, ineligible or refused.
    pub status: String,
    /// Why the customer was not scored.
    pub status_reason: Option<String>,
    /// Calibrated probability of churn.
    pub churn_probability: Option<f64>,
    /// `band/tier`.
    pub segment: Option<String>,
    /// Lifetime value.
    pub clv_cents: Cents,
    /// Revenue at risk.
    pub revenue_at_risk_cents: Option<Cents>,
    /// What raises the risk, most first.
    pub reasons: Vec<ReasonView>,
}

/// One reason of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReasonView {
    /// The feature.
    pub feature: String,
    /// Its value.
    pub value: Option<f64>,
    /// Its share of the raw score.
    pub contribution: f64,
    /// In plain words.
    pub text: String,
}

/// Reads the risk table of a published day.
pub async fn risk(open: &OpenProject, request: &ShowRequest) -> Result<RiskView> {
    let day = published(open, request).await?;
    let details = day.details()?;
    let session = mainstay_session::private(&open.session);
    let reasons = usize::from(details.reasons);
    day.register(open, &session, &table::customer_risk(reasons)).await?;
    let customers = customers(&session, request, reasons).await?;
    known_customer(request, customers.is_empty())?;
    Ok(RiskView {
        job: day.record.job.clone(),
        ds: day.record.ds,
        run_id: day.record.run_id.clone(),
        simulated: day.record.simulated,
        model: details.model,
        population: details.population,
        segments: segments(&session).await?,
        customers,
    })
}

async fn segments(session: &SessionContext) -> Result<Vec<Segment>> {
    let sql = "select segment, count(*), sum(revenue_at_risk_amount) as at_risk, sum(clv_amount)
               from customer_risk where status = 'scored' group by segment order by at_risk desc, segment";
    let mut segments = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let names = batch.column(0).as_string::<i32>();
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            segments.push(Segment {
                segment: names.value(row).to_owned(),
                customers: counts.value(row),
                revenue_at_risk_cents: cents(&batch, 2, row)?.unwrap_or_default(),
                clv_cents: cents(&batch, 3, row)?.unwrap_or_default(),
            });
        }
    }
    Ok(segments)
}

async fn customers(session: &SessionContext, request: &ShowRequest, reasons: usize) -> Result<Vec<CustomerRisk>> {
    let mut columns = vec![
        "customer_id".to_owned(),
        "status".to_owned(),
        "status_reason".to_owned(),
        "churn_probability".to_owned(),
        "segment".to_owned(),
        "clv_amount".to_owned(),
        "revenue_at_risk_amount".to_owned(),
    ];
    for position in 1..=reasons {
        columns.extend(["feature", "value", "contribution", "text"].map(|field| format!("reason_{position}_{field}")));
    }
    let of_whom = match &request.customer {
        Some(customer) => format!("customer_id = '{}'", customer.replace('\'', "''")),
        None => "status = 'scored'".to_owned(),
    };
    let sql = format!(
        "select {} from customer_risk where {of_whom} order by revenue_at_risk_amount desc, customer_id limit {}",
        columns.join(", "),
        request.top
    );
    let mut customers = Vec::new();
    for batch in session.sql(&sql).await?.collect().await? {
        for row in 0..batch.num_rows() {
            customers.push(customer(&batch, row, reasons)?);
        }
    }
    Ok(customers)
}

fn customer(batch: &RecordBatch, row: usize, reasons: usize) -> Result<CustomerRisk> {
    let reason = |position: usize| {
        let first = 7 + 4 * position;
        Some(ReasonView {
            feature: text(batch, first, row)?,
            value: number(batch, first + 1, row),
            contribution: number(batch, first + 2, row)?,
            text: text(batch, first + 3, row)?,
        })
    };
    Ok(CustomerRisk {
        customer_id: text(batch, 0, row).unwrap_or_default(),
        status: text(batch, 1, row).unwrap_or_default(),
        status_reason: text(batch, 2, row),
        churn_probability: number(batch, 3, row),
        segment: text(batch, 4, row),
        clv_cents: cents(batch, 5, row)?.unwrap_or_default(),
        revenue_at_risk_cents: cents(batch, 6, row)?,
        reasons: (0..reasons).filter_map(reason).collect(),
    })
}

/// A text cell, `None` where null.
pub(super) fn text(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let array = batch.column(column).as_string::<i32>();
    array.is_valid(row).then(|| array.value(row).to_owned())
}

/// A number cell, `None` where null.
pub(super) fn number(batch: &RecordBatch, column: usize, row: usize) -> Option<f64> {
    let array = batch.column(column).as_primitive::<Float64Type>();
    array.is_valid(row).then(|| array.value(row))
}

/// A `decimal(_, 2)` cell in cents, `None` where null.
fn cents(batch: &RecordBatch, column: usize, row: usize) -> Result<Option<Cents>> {
    let array = batch.column(column).as_primitive::<Decimal128Type>();
    Ok(array.is_valid(row).then(|| i64::try_from(array.value(row))).transpose()?.map(Cents))
}
