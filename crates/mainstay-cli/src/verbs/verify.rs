//! `mainstay verify`: published days, or a plan of `mainstay allocate`, checked anew.

mod days;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use mainstay_job::progress::{Progress, Step};
use mainstay_job::{Access, show, verify};
use mainstay_schema::Ds;
use mainstay_standalone::allocate::{self, VerifiedFiles, VerifyRequest};

use crate::flags::GlobalArguments;
use crate::progress::observer;
use crate::project::open;
use crate::standard_output::write;

/// Either published days of a job, or the three files of a plan that stands alone.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The job that published; the project's daily job by default.
    job: Option<String>,
    /// The day; every published day by default.
    #[arg(long)]
    date: Option<Ds>,
    /// Let a check fail that cannot be made, as its source files, SQL or policy are no longer those of the run.
    #[arg(long, conflicts_with = "certificate")]
    strict: bool,
    /// The certificate of a plan of `mainstay allocate`; with --offers and --plan, without a job.
    #[arg(long, requires_all = ["offers", "plan"], conflicts_with_all = ["job", "date"])]
    certificate: Option<PathBuf>,
    /// The offers that the plan was made from.
    #[arg(long, requires = "certificate")]
    offers: Option<PathBuf>,
    /// The plan.
    #[arg(long, requires = "certificate")]
    plan: Option<PathBuf>,
}

/// Checks what the arguments name.
pub(crate) async fn execute(global: &GlobalArguments, arguments: VerifyArguments) -> Result<ExitCode> {
    match arguments {
        VerifyArguments { certificate: Some(certificate), offers: Some(offers), plan: Some(plan), .. } => {
            verify_files(global, &certificate, &offers, &plan)
        }
        arguments => verify_days(global, arguments).await,
    }
}

async fn verify_days(global: &GlobalArguments, arguments: VerifyArguments) -> Result<ExitCode> {
    let open = open(global, Access::Read, None).await?;
    let job = show::job_or_daily(&open, arguments.job)?;
    let report = verify::verify(&open, &job, arguments.date).await?;
    write(global, &report, || days::text(&report))?;
    if report.verified && !(arguments.strict && report.not_checked > 0) {
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!("{}", days::failures(&report, arguments.strict))
}

/// Checks a plan against its certificate and the offers.
fn verify_files(global: &GlobalArguments, certificate: &Path, offers: &Path, plan: &Path) -> Result<ExitCode> {
    let step = Progress::new(observer(global)).start(Step::Verify);
    let verified = allocate::verify_files(&VerifyRequest { offers, plan, certificate })?;
    step.finish(format!("{} customers, {} rules kept", verified.customers, verified.rules.len()));
    write(global, &verified, || text(&verified))?;
    Ok(ExitCode::SUCCESS)
}

/// What was recomputed.
fn text(verified: &VerifiedFiles) -> String {
    format!(
        "verified: {} of {} customers treated for {}, worth {} of at most {} (missed at most {}); rules kept: {}\n",
        verified.treated,
        verified.customers,
        verified.recomputed.cost,
        verified.recomputed.value,
        verified.recomputed.upper_bound,
        verified.recomputed.gap,
        verified.rules.join(", ")
    )
}
