//! `mainstay show`: what was published for a day.

mod allocation;
mod risk;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use mainstay_job::show::{self, ShowRequest};
use mainstay_job::{Access, OpenProject};
use mainstay_schema::Ds;

use crate::flags::GlobalArguments;
use crate::project::open;
use crate::render::run_record;
use crate::standard_output::write;

#[derive(Debug, Subcommand)]
pub(crate) enum Shown {
    /// The risk table of a day: segments, and the customers with the most revenue at risk.
    Risk(ShowArguments),
    /// The allocation of a day: interventions, spend, certificate, budget of the month.
    Allocation(ShowArguments),
    /// The run record of a day: inputs, model, gates, digests, timings.
    Run(ShowArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The job that published; the project's daily job by default.
    #[arg(long)]
    job: Option<String>,
    /// The day; the newest published one by default.
    #[arg(long)]
    date: Option<Ds>,
    /// Only this customer.
    #[arg(long)]
    customer: Option<String>,
    /// How many customers to list.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    top: u32,
}

/// Shows a part of a day.
pub(crate) async fn execute(global: &GlobalArguments, shown: Shown) -> Result<ExitCode> {
    let open = open(global, Access::Read, None).await?;
    match shown {
        Shown::Risk(arguments) => {
            let view = show::risk(&open, &request(&open, arguments)?).await?;
            write(global, &view, || risk::text(&view))?;
        }
        Shown::Allocation(arguments) => {
            let view = show::allocation(&open, &request(&open, arguments)?).await?;
            write(global, &view, || allocation::text(&view))?;
        }
        Shown::Run(arguments) => {
            let view = show::run(&open, &request(&open, arguments)?).await?;
            write(global, &view, || run_record::text(&view.record))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn request(open: &OpenProject, arguments: ShowArguments) -> Result<ShowRequest> {
    let ShowArguments { job, date, customer, top } = arguments;
    Ok(ShowRequest { job: show::job_or_daily(open, job)?, ds: date, customer, top: top as usize })
}
