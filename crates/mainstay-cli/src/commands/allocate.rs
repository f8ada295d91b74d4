//! `mainstay allocate` and the check of what it wrote: files of anyone's.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use mainstay_job::progress::{Progress, Step};
use mainstay_standalone::allocate::{AllocateRequest, VerifyRequest, allocate_file, verify_files};

use crate::arguments::{AllocateArguments, GlobalArguments};
use crate::commands::outputs::{Named, check_outputs};
use crate::commands::write;
use crate::progress::observer;
use crate::render::planned;

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
    write(global, &planned, || planned::text(&planned))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a plan against its certificate and the offers.
pub(crate) fn verify(global: &GlobalArguments, certificate: &Path, offers: &Path, plan: &Path) -> Result<ExitCode> {
    let step = Progress::new(observer(global)).start(Step::Verify);
    let verified = verify_files(&VerifyRequest { offers, plan, certificate })?;
    step.finish(format!("{} customers, {} rules kept", verified.customers, verified.rules.len()));
    write(global, &verified, || planned::verified(&verified))?;
    Ok(ExitCode::SUCCESS)
}
