//! Runs the simulator, in builds that have it.

use std::path::Path;

use anyhow::{Context, Result};
use mainstay_config::Source;
use mainstay_config::source::Simulator;
use mainstay_run::{Progress, Step};
use mainstay_simulator::generate;

pub use mainstay_simulator::{Generated, Profile, SimulatorSettings};

/// Fills the folder of a source as its settings say.
pub(crate) fn fill(source: &Source, simulator: &Simulator, progress: &Progress) -> Result<()> {
    progress.warn(format!(
        "source {} has no data at {}: filling it with a simulated retailer, as mainstay.yml says",
        source.name, source.path
    ));
    let settings = SimulatorSettings {
        customers: simulator.customers,
        start: simulator.start,
        days: simulator.days,
        seed: simulator.seed,
        profile: Profile::Full,
    };
    simulate(&settings, Path::new(&source.path), progress).map(drop)
}

/// Generates a simulated retailer into a folder, which must be empty or hold the same data already.
pub fn simulate(settings: &SimulatorSettings, folder: &Path, progress: &Progress) -> Result<Generated> {
    let step = progress.start(Step::Simulate);
    let valid = settings.check()?;
    let generated = generate(&valid, folder, &mut |done, days| {
        step.advance(u64::from(done), Some(u64::from(days)), "days");
    })
    .with_context(|| format!("cannot generate data into {}", folder.display()))?;
    step.finish(generated.to_string());
    Ok(generated)
}
