//! As of when consents, cases and contacts count.

use clap::Args;
use mainstay_job::StatedInstant;

/// What rehearsals over past days state.
#[derive(Debug, Args)]
pub(crate) struct SuppressionArguments {
    /// For rehearsals over past days: consents, cases and contacts count as of this instant (2026-01-31T04:00:00Z, or 04:00 for
    /// that time of each day in the project's time zone). By default all count that are there when the run pins its sources.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) suppression_as_of: Option<StatedInstant>,
}
