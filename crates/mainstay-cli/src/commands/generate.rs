//! `mainstay generate`: the data of a simulated retailer.

use std::process::ExitCode;

use anyhow::Result;
use mainstay_job::progress::Progress;
use mainstay_job::simulate;
use mainstay_simulator::SimulatorSettings;

use super::write;
use crate::arguments::{GenerateArguments, GlobalArguments, Profile};
use crate::progress::observer;
use crate::render;

/// Fills a folder, and shows what was written.
pub(crate) fn execute(global: &GlobalArguments, arguments: &GenerateArguments) -> Result<ExitCode> {
    let settings = SimulatorSettings {
        customers: arguments.customers,
        start: arguments.start,
        days: arguments.days,
        seed: arguments.seed,
        profile: match arguments.profile {
            Profile::Full => mainstay_simulator::Profile::Full,
            Profile::Orders => mainstay_simulator::Profile::Orders,
        },
    };
    let generated = simulate(&settings, &arguments.output_dir, &Progress::new(observer(global)))?;
    write(global, &generated, || render::generated::text(&generated, &arguments.output_dir))?;
    Ok(ExitCode::SUCCESS)
}
