//! A plan and its certificate against the offers.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use mainstay_schema::plan::Plan;
use mainstay_schema::{Cents, DecisionReason};
use mainstay_verifier::{MarginalPrice, MarginalPrices, Verified, verify};
use serde::Serialize;

use super::error::AllocateFileError as Error;
use super::files::{CertificateFile, open_rows, read_text};
use super::labels::id_texts;
use super::offers::{self, LabelledInstance};
use super::plan::BLOCKED;

/// What to check.
#[derive(Debug, Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// The offers.
    pub offers: &'a Path,
    /// The plan.
    pub plan: &'a Path,
    /// Its certificate.
    pub certificate: &'a Path,
}

/// What was recomputed, and found to be as the certificate says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifiedFiles {
    /// True, as whatever is wrong is an error.
    pub verified: bool,
    /// Customers of the plan.
    pub customers: usize,
    /// Customers with an offer.
    pub treated: usize,
    /// Cost, value, bound and gap.
    #[serde(flatten)]
    pub recomputed: Verified,
    /// The rules that the plan keeps.
    pub rules: Vec<String>,
}

/// Checks a plan and its certificate against the offers, in integers, trusting no solver.
///
/// # Errors
/// The first thing that is wrong; see [`Error`].
pub fn verify_files(request: &VerifyRequest<'_>) -> Result<VerifiedFiles, Error> {
    let text = read_text(request.certificate)?;
    let file: CertificateFile = serde_json::from_str(&text)
        .map_err(|source| Error::NoCertificate { path: request.certificate.to_owned(), source })?;
    let labelled = offers::read_again(request.offers, &file.policy)?;
    let marginal_prices = MarginalPrices::new(&labelled.instance, &file.certificate)?;
    let plan = read_plan(request.plan, &labelled, &marginal_prices)?;
    let recomputed = verify(&labelled.instance, &plan, &file.certificate)?;
    Ok(VerifiedFiles {
        verified: true,
        customers: labelled.ids.len(),
        treated: plan.chosen.len(),
        recomputed,
        rules: labelled.instance.rules.iter().map(|rule| rule.name.clone()).collect(),
    })
}

/// The plan's choices as positions of offers; every row must say what the offers say.
fn read_plan(path: &Path, labelled: &LabelledInstance, marginal_prices: &MarginalPrices<'_>) -> Result<Plan, Error> {
    let failed = |source| Error::Damaged { path: path.to_owned(), source };
    let reader = open_rows(path)?.build().map_err(failed)?;
    let customers: HashMap<String, usize> =
        (0..labelled.ids.len()).map(|customer| (labelled.ids.told(customer), customer)).collect();
    let mut is_decided = vec![false; customers.len()];
    let mut plan = Plan::default();
    let others = |what: String| Error::OtherCustomers { path: path.to_owned(), what };
    for batch in reader {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let of_any_type = |name: &str| {
            batch.column_by_name(name).ok_or_else(|| Error::MissingColumn {
                path: path.to_owned(),
                column: name.to_owned(),
                found: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
            })
        };
        let column = |name: &str, to: &DataType| cast(of_any_type(name)?, to).map_err(|error| failed(error.into()));
        let ids = id_texts(of_any_type("customer_id")?).map_err(|source| Error::CustomerId {
            path: path.to_owned(),
            row: None,
            source,
        })?;
        let offers = column("offer", &DataType::Utf8)?;
        let reasons = column("decision_reason", &DataType::Utf8)?;
        let (costs, values) = (column("cost_cents", &DataType::Int64)?, column("value_cents", &DataType::Int64)?);
        for row in 0..batch.num_rows() {
            let id = ids.value(row);
            let &customer = customers.get(id).ok_or_else(|| others(format!("it has {id}, who is not among them")))?;
            if std::mem::replace(&mut is_decided[customer], true) {
                return Err(others(format!("it has {id} twice")));
            }
            let text = |column: &dyn Array| {
                let column = column.as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let cents = |column: &dyn Array| {
                let column = column.as_primitive::<Int64Type>();
                column.is_valid(row).then(|| Cents(column.value(row)))
            };
            let claim = Claim {
                offer: text(&offers),
                cost: cents(&costs),
                value: cents(&values),
                reason: text(&reasons).unwrap_or_default(),
            };
            let wrong =
                |(claimed, found)| Error::WrongRow { path: path.to_owned(), customer: id.to_owned(), claimed, found };
            let chosen = claim.check(customer, labelled).map_err(wrong)?;
            if chosen.is_none() {
                claim.check_reason(customer, labelled, &marginal_prices.of(customer)?).map_err(wrong)?;
            }
            plan.chosen.extend(chosen);
        }
    }
    if let Some(customer) = is_decided.iter().position(|is_decided| !is_decided) {
        return Err(others(format!("it lacks {}", labelled.ids.told(customer))));
    }
    plan.chosen.sort_unstable();
    Ok(plan)
}

/// A row of the plan.
struct Claim {
    offer: Option<String>,
    cost: Option<Cents>,
    value: Option<Cents>,
    reason: String,
}

impl Claim {
    /// The position of the offer, or what the row says and what holds.
    fn check(&self, customer: usize, labelled: &LabelledInstance) -> Result<Option<u32>, (String, String)> {
        let Self { offer, cost, value, reason } = self;
        let (&Some(cost), &Some(value)) = (cost, value) else {
            return Err(("it costs or brings nothing that is known".into(), "0 is written as 0".into()));
        };
        let is_chosen = reason == DecisionReason::Chosen.as_str();
        if is_chosen != offer.is_some() {
            let has = if offer.is_some() { "it has an offer" } else { "it has no offer" };
            return Err((format!("its decision_reason is {reason}"), has.to_owned()));
        }
        let Some(name) = offer else {
            let is_nothing = cost == Cents::ZERO && value == Cents::ZERO;
            return if is_nothing {
                Ok(None)
            } else {
                Err(("it costs or brings something".into(), "it has no offer".into()))
            };
        };
        let offers = &labelled.instance.offers;
        let is_its = |position: &usize| {
            let kind = offers.get(*position).and_then(|offer| labelled.kinds.get(usize::from(offer.kind)));
            kind.is_some_and(|kind| kind.offer == *name)
        };
        let found = offers.of(customer).find(is_its).and_then(|position| Some((position, offers.get(position)?)));
        let Some((position, found)) = found else {
            return Err((format!("it gets `{name}`"), "the policy makes it no such offer".to_owned()));
        };
        if (found.cost, found.value) != (cost, value) {
            return Err((
                format!("`{name}` costs {cost} and is worth {value}"),
                format!("it costs {} and is worth {}", found.cost, found.value),
            ));
        }
        Ok(Some(position as u32))
    }

    /// The reason of whoever gets nothing: a rule that forbids contact, or what the prices say.
    fn check_reason(
        &self,
        customer: usize,
        labelled: &LabelledInstance,
        marginal_price: &MarginalPrice,
    ) -> Result<(), (String, String)> {
        let blocked_by = labelled.blocked_by.get(customer).copied().unwrap_or_default();
        let follow: Vec<&str> = match (blocked_by.0, blocked_by.reason()) {
            (0, _) => marginal_price.reasons.iter().map(|reason| reason.as_str()).collect(),
            (_, Some(rule)) => vec![rule.as_str()],
            (_, None) => vec![BLOCKED],
        };
        if follow.contains(&self.reason.as_str()) {
            return Ok(());
        }
        let follows = match blocked_by.0 {
            0 => "follows from the offers and the prices",
            _ => "follows from its blocked_by",
        };
        Err((format!("its decision_reason is {}", self.reason), format!("{} {follows}", follow.join(" or "))))
    }
}
