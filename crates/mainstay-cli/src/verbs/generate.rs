//! `mainstay generate`: the data of a simulated retailer.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use mainstay_job::progress::Progress;
use mainstay_job::simulator::{self, Generated, SimulatorSettings, simulate};
use mainstay_schema::Ds;

use crate::flags::GlobalArguments;
use crate::progress::observer;
use crate::render::table;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// Folder to fill; must be empty or hold the same data already.
    #[arg(long, default_value = "data")]
    output_dir: PathBuf,
    /// Customers that ever sign up.
    #[arg(long, default_value_t = 2000)]
    customers: u32,
    /// First day.
    #[arg(long, default_value = "2024-01-01")]
    start: Ds,
    /// Number of days.
    #[arg(long, default_value_t = 730)]
    days: u32,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Which tables to write.
    #[arg(long, value_enum, default_value_t = Profile::Full)]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// All tables of the reference project, and the truth beside them.
    Full,
    /// Customers, orders and order lines only, for tests of scale.
    Orders,
}

/// Fills a folder, and shows what was written.
pub(crate) fn execute(global: &GlobalArguments, arguments: &GenerateArguments) -> Result<ExitCode> {
    let settings = SimulatorSettings {
        customers: arguments.customers,
        start: arguments.start,
        days: arguments.days,
        seed: arguments.seed,
        profile: match arguments.profile {
            Profile::Full => simulator::Profile::Full,
            Profile::Orders => simulator::Profile::Orders,
        },
    };
    let generated = simulate(&settings, &arguments.output_dir, &Progress::new(observer(global)))?;
    write(global, &generated, || text(&generated, &arguments.output_dir))?;
    Ok(ExitCode::SUCCESS)
}

/// Rows, files and size of every table.
fn text(generated: &Generated, folder: &Path) -> String {
    let rows = generated.tables.iter().map(|(name, written)| {
        let megabytes = written.bytes as f64 / 1e6;
        vec![name.clone(), written.rows.to_string(), written.files.to_string(), format!("{megabytes:.1}")]
    });
    format!("{}\n{}", folder.display(), table(&["table", "rows", "files", "MB"], &[1, 2, 3], rows))
}
