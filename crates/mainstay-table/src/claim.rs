//! Attempts at a day and the leases that show whether they live.
//!
//! An attempt is claimed by creating `claims/<job>/<ds>/<number>.json`, which the store grants to one caller only. A higher
//! number always fences a lower one out (see [`crate::publish`]); the lease tells other days whether a
//! run that holds money still lives.

use jiff::Timestamp;
use mainstay_schema::{Ds, RunId};
use serde::{Deserialize, Serialize};

use crate::error::TableError;
use crate::lake::{Lake, PutOutcome};

/// Overwritten to learn the store's own time: the clocks of two machines need not agree.
const CLOCK: &str = "claims/clock";

/// One run's try at a day of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The job.
    pub job: String,
    /// The day.
    pub ds: Ds,
    /// Which try it is, from 1.
    pub number: u32,
    /// The run that makes it.
    pub run_id: RunId,
}

/// What the object of a claim says.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    run_id: RunId,
    claimed_at: Timestamp,
}

/// Claims the next attempt at a day. Callers in a race get different numbers. The attempt begins alive.
pub async fn claim_next(lake: &Lake, job: &str, ds: Ds, run_id: &RunId, now: Timestamp) -> Result<Attempt, TableError> {
    let mut number = numbers(lake, job, ds).await?.into_iter().max().unwrap_or(0) + 1;
    loop {
        let attempt = Attempt { job: job.to_owned(), ds, number, run_id: run_id.clone() };
        let path = claim_path(job, ds, number);
        let claim = Claim { run_id: run_id.clone(), claimed_at: now };
        let content = serde_json::to_vec(&claim).map_err(TableError::bad_record(&path))?;
        // The beat comes first, so that no claim is ever seen without one.
        Lease::new(lake, &attempt).beat().await?;
        if lake.put_new(&path, content).await? == PutOutcome::Created {
            return Ok(attempt);
        }
        number += 1;
    }
}

/// The highest attempt at a day, `None` where there was none.
pub async fn latest(lake: &Lake, job: &str, ds: Ds) -> Result<Option<Attempt>, TableError> {
    let Some(number) = numbers(lake, job, ds).await?.into_iter().max() else {
        return Ok(None);
    };
    let path = claim_path(job, ds, number);
    let content = lake.get(&path).await?.ok_or_else(|| TableError::FileMissing { path: path.clone() })?;
    let claim: Claim = serde_json::from_slice(&content).map_err(TableError::bad_record(&path))?;
    Ok(Some(Attempt { job: job.to_owned(), ds, number, run_id: claim.run_id }))
}

/// Whether an attempt's last beat is younger than `lease_seconds` by the store's clock, and its lease has not ended.
pub async fn is_alive(lake: &Lake, attempt: &Attempt, lease_seconds: u32) -> Result<bool, TableError> {
    let Some(beat) = lake.head(&beat_path(&attempt.job, attempt.ds, attempt.number)).await? else {
        return Ok(false);
    };
    lake.put(CLOCK, "").await?;
    let now = lake.head(CLOCK).await?.ok_or_else(|| TableError::FileMissing { path: CLOCK.to_owned() })?;
    Ok((now.last_modified - beat.last_modified).num_seconds() < i64::from(lease_seconds))
}

/// The sign of life of an attempt, which its run refreshes well within the lease.
#[derive(Debug, Clone)]
pub struct Lease {
    lake: Lake,
    path: String,
}

impl Lease {
    /// The lease of an attempt.
    pub fn new(lake: &Lake, attempt: &Attempt) -> Self {
        Self { lake: lake.clone(), path: beat_path(&attempt.job, attempt.ds, attempt.number) }
    }

    /// Shows that the attempt lives.
    pub async fn beat(&self) -> Result<(), TableError> {
        self.lake.put(&self.path, "").await
    }

    /// Ends the lease: the attempt has finished, and nobody needs to wait for it.
    pub async fn end(&self) -> Result<(), TableError> {
        self.lake.delete(&self.path).await
    }
}

async fn numbers(lake: &Lake, job: &str, ds: Ds) -> Result<Vec<u32>, TableError> {
    let paths = lake.list(&format!("claims/{job}/{ds}")).await?;
    let number = |path: &String| path.rsplit_once('/')?.1.strip_suffix(".json")?.parse().ok();
    Ok(paths.iter().filter_map(number).collect())
}

fn claim_path(job: &str, ds: Ds, number: u32) -> String {
    format!("claims/{job}/{ds}/{number}.json")
}

fn beat_path(job: &str, ds: Ds, number: u32) -> String {
    format!("claims/{job}/{ds}/{number}.alive")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_tables::{ds, new_lake};

    async fn claim(lake: &Lake, run: &str) -> Attempt {
        claim_next(lake, "daily", ds("2024-01-01"), &RunId::new(run), Timestamp::UNIX_EPOCH).await.unwrap()
    }

    #[tokio::test]
    async fn racing_runs_get_different_attempts() {
        let (_folder, lake) = new_lake().await;
        let runs: Vec<String> = (0..6).map(|run| format!("run-{run}")).collect();
        let attempts = futures::future::join_all(runs.iter().map(|run| claim(&lake, run))).await;
        let mut numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        let newest = latest(&lake, "daily", ds("2024-01-01")).await.unwrap().unwrap();
        assert_eq!(attempts.iter().find(|attempt| attempt.number == 6), Some(&newest));
        assert_eq!(latest(&lake, "daily", ds("2024-01-02")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_attempt_lives_as_long_as_it_beats() {
        let (_folder, lake) = new_lake().await;
        let attempt = claim(&lake, "run-1").await;
        assert!(is_alive(&lake, &attempt, 60).await.unwrap());
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert!(!is_alive(&lake, &attempt, 1).await.unwrap());
        let lease = Lease::new(&lake, &attempt);
        lease.beat().await.unwrap();
        assert!(is_alive(&lake, &attempt, 1).await.unwrap());
        lease.end().await.unwrap();
        assert!(!is_alive(&lake, &attempt, 60).await.unwrap());
    }

    #[tokio::test]
    async fn a_claim_that_was_edited_is_named() {
        let (_folder, lake) = new_lake().await;
        lake.put("claims/daily/2024-01-01/3.json", "{").await.unwrap();
        let error = latest(&lake, "daily", ds("2024-01-01")).await.unwrap_err().to_string();
        assert!(error.starts_with("claims/daily/2024-01-01/3.json: "), "{error}");
        assert!(error.ends_with("it was not written by this version of mainstay, or has been edited"), "{error}");
    }
}
