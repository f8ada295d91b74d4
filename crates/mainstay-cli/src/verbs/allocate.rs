//! `mainstay allocate`: one offer a customer, for a file of anyone's.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::progress::{Progress, Step};
use mainstay_standalone::allocate::{AllocateRequest, PlannedFile, allocate_file};

use crate::flags::GlobalArguments;
use crate::output_files::{Named, check_outputs};
use crate::progress::observer;
use crate::render::{sensitivity, table};
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct AllocateArguments {
    /// Parquet file of offers: customer_id, offer, channel, value_cents, cost_cents, columns of groups, and blocked_by if there is one.
    #[arg(long)]
    offers: PathBuf,
    /// The policy, YAML: `budget_cents: 5000000` is enough, `rules:` says what else must be kept.
    #[arg(long)]
    policy: PathBuf,
    /// The plan to write, Parquet: one row a customer.
    #[arg(long)]
    output: PathBuf,
    /// The certificate to write, JSON.
    #[arg(long)]
    certificate: PathBuf,
    /// Replace the outputs if they exist.
    #[arg(long)]
    force: bool,
}

/// Plans, and writes plan and certificate.
pub(crate) fn execute(global: &GlobalArguments, arguments: &AllocateArguments) -> Result<ExitCode> {
    let inputs: [Named<'_>; 2] = [("--offers", &arguments.offers), ("--policy", &arguments.policy)];
    let outputs: [Named<'_>; 2] = [("--output", &arguments.output), ("--certificate", &arguments.certificate)];
    check_outputs(&outputs, &inputs, arguments.force)?;
    let step = Progress::new(observer(global)).start(Step::Allocate);
    let planned = allocate_file(&AllocateRequest {
        offers: &arguments.offers,
        policy: &arguments.policy,
        output: &arguments.output,
        certificate: &arguments.certificate,
        replaces: arguments.force,
    })?;
    step.finish(format!("{} of {} treated for {}", planned.treated, planned.customers, planned.cost_cents));
    write(global, &planned, || text(&planned))?;
    Ok(ExitCode::SUCCESS)
}

/// Decisions, the proof, the rules with their prices and the budget curve.
fn text(planned: &PlannedFile) -> String {
    let decisions = planned.reasons.iter().map(|count| {
        vec![
            count.decision_reason.to_owned(),
            count.customers.to_string(),
            count.cost_cents.to_string(),
            count.value_cents.to_string(),
        ]
    });
    let mut text = table(&["reason", "customers", "cost", "value"], &[1, 2, 3], decisions);
    text += &sensitivity::text(&planned.sensitivity);
    text += &format!(
        "certificate: the plan is worth {}, no plan that keeps the rules is worth more than {} (gap {:.1e}{})\n",
        planned.value_cents,
        planned.upper_bound_cents,
        planned.gap,
        if planned.is_optimal { ", the best there is" } else { "" }
    );
    text + &format!(
        "{} customers, {} offers: read in {:.2} s, solved in {:.2} s\n",
        planned.customers, planned.offers, planned.read_seconds, planned.solve_seconds
    )
}
