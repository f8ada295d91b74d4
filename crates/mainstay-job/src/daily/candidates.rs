//! The customers of a day as the decision sees them.

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::prelude::{DataFrame, ident};
use mainstay_allocator::{Solution, ValidInstance, offer_value};
use mainstay_config::Policy;
use mainstay_config::policy::Intervention;
use mainstay_schema::{BlockedBy, Cents, CustomerStatus, column};

/// What the risk table says of one customer that the decision needs.
pub(crate) struct Candidate {
    pub(crate) customer_id: String,
    pub(crate) is_scored: bool,
    pub(crate) churn_probability: f64,
    pub(crate) clv: Cents,
    pub(crate) blocked_by: BlockedBy,
    /// As the risk table lists them, with commas.
    pub(crate) allowed_channels: String,
}

/// Something that could be offered to a customer.
pub(crate) struct Possible<'a> {
    /// Position in the catalogue.
    pub(crate) position: u16,
    pub(crate) intervention: &'a Intervention,
    /// Expected gain, net of the cost.
    pub(crate) value: Cents,
}

impl Candidate {
    /// Whether the decision may choose anything for the customer.
    pub(crate) fn may_be_contacted(&self) -> bool {
        self.is_scored && self.blocked_by.reason().is_none()
    }

    /// Whether the customer's consent allows a channel.
    pub(crate) fn allows(&self, channel: &str) -> bool {
        self.allowed_channels.split(',').any(|allowed| allowed == channel)
    }

    /// The interventions that are worth more than they cost, be their channel allowed or not.
    pub(crate) fn worthwhile<'a>(&self, policy: &'a Policy) -> impl Iterator<Item = Possible<'a>> {
        let possible = (0u16..).zip(&policy.interventions).map(|(position, intervention)| {
            let Intervention { effect, cost, .. } = *intervention;
            let value = offer_value(self.churn_probability, effect, self.clv, cost).net;
            Possible { position, intervention, value }
        });
        possible.filter(|possible| possible.value > Cents::ZERO)
    }
}

/// The instance of the day and its solution.
pub(crate) struct Decided {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) instance: ValidInstance,
    pub(crate) solution: Solution,
}

/// All customers of the risk table, sorted by id.
pub(crate) async fn of(risk: DataFrame) -> Result<Vec<Candidate>> {
    let columns = [
        column::CUSTOMER_ID,
        column::STATUS,
        column::CHURN_PROBABILITY,
        "clv_amount",
        column::BLOCKED_BY,
        column::ALLOWED_CHANNELS,
    ];
    let frame = risk.select(columns.map(ident).to_vec())?.sort(vec![ident(column::CUSTOMER_ID).sort(true, false)])?;
    let mut candidates = Vec::new();
    for batch in frame.collect().await? {
        candidates.extend(candidates_of(&batch)?);
    }
    Ok(candidates)
}

fn candidates_of(batch: &RecordBatch) -> Result<Vec<Candidate>> {
    let [ids, statuses, probabilities, clvs, blocks, channels] = batch.columns() else {
        bail!("customer_risk was read with {} columns instead of 6", batch.num_columns());
    };
    let ids = ids.as_string::<i32>();
    let statuses = statuses.as_string::<i32>();
    let probabilities = probabilities.as_primitive::<Float64Type>();
    let clvs = clvs.as_primitive::<Decimal128Type>();
    let blocks = blocks.as_primitive::<Int32Type>();
    let channels = channels.as_string::<i32>();
    (0..batch.num_rows())
        .map(|row| {
            Ok(Candidate {
                customer_id: ids.value(row).to_owned(),
                is_scored: statuses.value(row) == CustomerStatus::Scored.as_str(),
                churn_probability: if probabilities.is_null(row) { 0.0 } else { probabilities.value(row) },
                clv: Cents(i64::try_from(clvs.value(row)).context("a lifetime value is too large")?),
                blocked_by: BlockedBy(blocks.value(row)),
                allowed_channels: if channels.is_null(row) { String::new() } else { channels.value(row).to_owned() },
            })
        })
        .collect()
}
