//! Fills the empty path of a simulated source, so that a newcomer needs no data.

use std::path::Path;

use anyhow::{Context, Result};
use mainstay_config::Source;
use mainstay_config::source::Simulator;
use mainstay_simulator::{SimulatorSettings, generate};

use crate::open_project::OpenProject;
use crate::progress::{Progress, Step};

/// Generates the data of every source that has a simulator and whose folder is absent or empty.
pub(crate) fn fill_empty_sources(open: &OpenProject) -> Result<()> {
    for source in &open.project.config().sources {
        if let Some(simulator) = source.simulator.as_ref().filter(|_| is_empty(&source.path)) {
            fill(source, simulator, &open.progress)?;
        }
    }
    Ok(())
}

fn is_empty(folder: &str) -> bool {
    std::fs::read_dir(folder).map_or_else(|error| error.kind() == std::io::ErrorKind::NotFound, |mut e| e.next().is_none())
}

fn fill(source: &Source, simulator: &Simulator, progress: &Progress) -> Result<()> {
    progress.warn(format!(
        "source {} has no data at {}: filling it with a simulated retailer, as mainstay.yml says",
        source.name, source.path
    ));
    let settings = SimulatorSettings {
        customers: simulator.customers,
        start: simulator.start,
        days: simulator.days,
        seed: simulator.seed,
    };
    simulate(&settings, Path::new(&source.path), progress)
}

/// Generates a simulated retailer into a folder, which must be empty or hold the same data already.
pub fn simulate(settings: &SimulatorSettings, folder: &Path, progress: &Progress) -> Result<()> {
    let step = progress.start(Step::Simulate);
    let valid = settings.check()?;
    let generated = generate(&valid, folder, &mut |done, days| {
        step.advance(u64::from(done), Some(u64::from(days)), "days");
    })
    .with_context(|| format!("cannot generate data into {}", folder.display()))?;
    step.finish(format!("{generated}"));
    Ok(())
}
