//! How a plan is executed.

use clap::Args;
use mainstay_job::SessionSettings;

/// Flags of one execution, none of which changes its result.
#[derive(Debug, Args)]
pub(crate) struct ExecutionArguments {
    /// Partitions that plans run in parallel; as many as the machine runs threads by default.
    #[arg(long, alias = "threads", value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: Option<u16>,
    /// Rows of a batch.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: Option<u32>,
    /// Megabytes that plans may hold before they spill to disk; no limit by default.
    #[arg(long, value_parser = clap::value_parser!(u32).range(64..))]
    memory_limit_mb: Option<u32>,
}

/// The session that the flags ask for.
pub(crate) fn session_settings(execution: &ExecutionArguments) -> SessionSettings {
    let default = SessionSettings::default();
    SessionSettings {
        partitions: execution.partitions.map_or(default.partitions, usize::from),
        batch_size: execution.batch_size.map_or(default.batch_size, |rows| rows as usize),
        memory_limit_bytes: execution.memory_limit_mb.map(|megabytes| megabytes as usize * 1_000_000),
    }
}
