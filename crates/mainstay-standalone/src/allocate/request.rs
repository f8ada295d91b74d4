//! The one operation: offers and a policy in, a plan and its certificate out.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use mainstay_allocator::{Sensitivity, ValidInstance, allocate, sensitivity};
use mainstay_config::OfferPolicyFile;
use mainstay_schema::Cents;
use serde::Serialize;

use super::error::AllocateFileError;
use super::files::{self, CertificateFile, Unfinished};
use super::{offers, plan};

/// What to decide, and where to write it.
#[derive(Debug, Clone, Copy)]
pub struct AllocateRequest<'a> {
    /// A Parquet file of offers.
    pub offers: &'a Path,
    /// A policy, YAML.
    pub policy: &'a Path,
    /// The plan to write.
    pub output: &'a Path,
    /// The certificate to write.
    pub certificate: &'a Path,
    /// Whether outputs that exist are replaced.
    pub replaces: bool,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedFile {
    /// Customers of the file.
    pub customers: usize,
    /// Offers that could be made.
    pub offers: usize,
    /// Customers with an offer.
    pub treated: usize,
    /// What the plan costs.
    pub cost_cents: Cents,
    /// What the plan is worth.
    pub value_cents: Cents,
    /// What no plan that keeps the rules exceeds.
    pub upper_bound_cents: Cents,
    /// The share of the bound that the plan may have missed.
    pub gap: f64,
    /// Whether it is known to be the best plan.
    pub is_optimal: bool,
    /// Decisions by reason.
    pub reasons: Vec<ReasonCount>,
    /// What other budgets would buy and what each rule costs.
    #[serde(flatten)]
    pub sensitivity: Sensitivity,
    /// Seconds for reading and for solving.
    pub read_seconds: f64,
    /// Seconds for the plan and its certificate.
    pub solve_seconds: f64,
}

/// How many customers were decided on for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason.
    pub decision_reason: &'static str,
    /// How many customers.
    pub customers: u64,
    /// What they cost.
    pub cost_cents: Cents,
    /// What they are worth.
    pub value_cents: Cents,
}

/// Decides on every customer of a file of offers.
///
/// Both outputs appear whole, at the end, or not at all. The order of the rows makes no difference.
///
/// # Errors
/// See [`AllocateFileError`].
pub fn allocate_file(request: &AllocateRequest<'_>) -> Result<PlannedFile, AllocateFileError> {
    let AllocateRequest { offers, policy, output, certificate, replaces } = *request;
    files::check_outputs([output, certificate], [offers, policy], replaces)?;
    let policy = OfferPolicyFile::parse(&policy.display().to_string(), &files::read_text(policy)?)?;
    if policy.policy().budget_cents == 0 {
        return Err(AllocateFileError::ZeroBudget);
    }
    let started = Instant::now();
    let labelled = offers::read(offers, &policy)?;
    let read_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let instance = ValidInstance::new(labelled.instance.clone())?;
    let solution = allocate(&instance)?;
    let solve_seconds = started.elapsed().as_secs_f64();
    let rows = plan::rows(&labelled, &instance, &solution);
    let plan_file = Unfinished::write(output, |writer| plan::write(&labelled, &rows, writer))?;
    let proof = CertificateFile { policy: policy.policy().clone(), certificate: solution.certificate.clone() };
    let proof_file = Unfinished::write(certificate, |writer| {
        serde_json::to_writer_pretty(&mut *writer, &proof)?;
        Ok(writer.write_all(b"\n")?)
    })?;
    files::finish_both(plan_file, proof_file, replaces)?;
    let reasons = plan::counted(&rows).into_iter().map(|(decision_reason, (customers, cost, value))| ReasonCount {
        decision_reason,
        customers,
        cost_cents: Cents(cost),
        value_cents: Cents(value),
    });
    Ok(PlannedFile {
        customers: labelled.ids.len(),
        offers: instance.as_instance().offers.len(),
        treated: solution.plan.chosen.len(),
        cost_cents: proof.certificate.plan_cost,
        value_cents: proof.certificate.plan_value,
        upper_bound_cents: proof.certificate.upper_bound,
        gap: proof.certificate.gap(),
        is_optimal: solution.is_optimal,
        reasons: reasons.collect(),
        sensitivity: sensitivity(&instance, &proof.certificate),
        read_seconds,
        solve_seconds,
    })
}
