//! What a job finds before the day of a run is known.

use anyhow::{Result, bail};
use jiff::Timestamp;
use mainstay_schema::Ds;

use crate::progress::StepProgress;

/// What the steps of a run start from, and what it says of the days that can be run.
pub struct Found<S> {
    /// What the steps start from.
    pub sources: S,
    /// When it had been found: whatever was there before is among it.
    pub found_at: Timestamp,
    /// The day of the newest row.
    pub last_complete_day: Option<Ds>,
    /// Whether the data are simulated.
    pub is_simulated: bool,
    /// The step that is under way.
    pub step: StepProgress,
}

impl<S> Found<S> {
    /// The day to run: the one asked for, or the one after the newest data. The data must reach it, and it must have come.
    pub(crate) fn day(&self, asked: Option<Ds>, today: Ds) -> Result<Ds> {
        let Some(last) = self.last_complete_day else {
            bail!("the sources hold no row at all: load some data first");
        };
        let latest = last.plus_days(1).min(today);
        match asked {
            Some(ds) if ds > today => bail!("{ds} lies in the future: {latest} is the latest day that can be run"),
            Some(ds) if ds > latest => bail!(
                "the data end with {last}, so that {latest} is the latest day that can be run; {ds} cannot: load the days \
                 between, or give an earlier --date"
            ),
            Some(ds) => Ok(ds),
            None => Ok(latest),
        }
    }
}
