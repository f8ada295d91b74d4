//! What became of an attempt at a day.

use anyhow::Result;
use jiff::Timestamp;
use mainstay_schema::{Ds, RunId};
use mainstay_table::{Attempt, Lake, claim, run_record};

use crate::heartbeat::LEASE_SECONDS;

/// Whether the record of an attempt stands: its day is published.
pub async fn is_recorded(lake: &Lake, attempt: &Attempt) -> Result<bool> {
    let recorded = run_record::latest_published(lake, &attempt.series, attempt.ds).await?;
    Ok(recorded.is_some_and(|record| record.run_id == attempt.run_id))
}

/// Whether another run of a day of the same series has published nothing and never will: it was overtaken, or it has given no sign of life
/// for the length of a lease.
///
/// Such a run may only be asleep. Its day is claimed and its record fenced out, so that should it wake up it can publish nothing.
pub async fn is_gone(lake: &Lake, ours: &Attempt, ds: Ds, other: &RunId) -> Result<bool> {
    let series = &ours.series;
    let overtaking = match claim::latest(lake, series, ds).await? {
        Some(newest) if newest.run_id != *other => newest,
        Some(newest) if claim::is_alive(lake, &newest, LEASE_SECONDS).await? => return Ok(false),
        _ => claim::claim_next(lake, series, ds, &ours.run_id, Timestamp::now()).await?,
    };
    run_record::fence(lake, &overtaking).await?;
    let record = run_record::latest_published(lake, series, ds).await?;
    Ok(record.is_none_or(|record| record.run_id != *other))
}
