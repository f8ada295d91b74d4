//! Attempts at a day and the leases that show whether they live.
//!
//! An attempt is claimed by creating `claims/<series>/<ds>/<number>.json`, which the store grants to one caller only. A higher
//! number always fences a lower one out (see [`crate::publish`]); the lease says to other days whether a
//! run that holds money still lives.
//!
//! Earlier versions claimed the days of a daily job under its name. Their claims count: the next number is above them all, and is
//! created in their place too, so that a run of theirs that is still under way sees itself overtaken.

use jiff::Timestamp;
use mainstay_schema::{Ds, RunId};
use serde::{Deserialize, Serialize};

use crate::error::TableError;
use crate::lake::{Lake, PutOutcome};
use crate::series::Series;

/// Overwritten to learn the store's own time: the clocks of two machines need not agree.
const CLOCK: &str = "claims/clock";

/// One run's try at a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose day it is.
    pub series: Series,
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
pub async fn claim_next(
    lake: &Lake,
    series: &Series,
    ds: Ds,
    run_id: &RunId,
    now: Timestamp,
) -> Result<Attempt, TableError> {
    let mut number = numbers(lake, series, ds).await?.into_iter().map(|(number, _)| number).max().unwrap_or(0) + 1;
    loop {
        let attempt = Attempt { series: series.clone(), ds, number, run_id: run_id.clone() };
        let claim = Claim { run_id: run_id.clone(), claimed_at: now };
        // The beat comes first, so that no claim is ever seen without one.
        Lease::new(lake, &attempt).beat().await?;
        if created_under_every_key(lake, &attempt, &claim).await? {
            return Ok(attempt);
        }
        number += 1;
    }
}

/// Where another caller has the number under any key, a higher one is needed.
async fn created_under_every_key(lake: &Lake, attempt: &Attempt, claim: &Claim) -> Result<bool, TableError> {
    for key in attempt.series.keys() {
        let path = claim_path(key, attempt.ds, attempt.number);
        let content = serde_json::to_vec(claim).map_err(TableError::bad_record(&path))?;
        if lake.put_new(&path, content).await? == PutOutcome::Exists {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The highest attempt at a day, `None` where there was none.
pub async fn latest(lake: &Lake, series: &Series, ds: Ds) -> Result<Option<Attempt>, TableError> {
    // Of one number under several keys, the first key's counts.
    let newest =
        numbers(lake, series, ds).await?.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((number, key)) = newest else {
        return Ok(None);
    };
    let path = claim_path(key, ds, number);
    let content = lake.get(&path).await?.ok_or_else(|| TableError::FileMissing { path: path.clone() })?;
    let claim: Claim = serde_json::from_slice(&content).map_err(TableError::bad_record(&path))?;
    Ok(Some(Attempt { series: series.clone(), ds, number, run_id: claim.run_id }))
}

/// Whether an attempt's last beat is younger than `lease_seconds` by the store's clock, and its lease has not ended.
pub async fn is_alive(lake: &Lake, attempt: &Attempt, lease_seconds: u32) -> Result<bool, TableError> {
    for key in attempt.series.keys() {
        let Some(beat) = lake.head(&beat_path(key, attempt.ds, attempt.number)).await? else { continue };
        lake.put(CLOCK, "").await?;
        let now = lake.head(CLOCK).await?.ok_or_else(|| TableError::FileMissing { path: CLOCK.to_owned() })?;
        if (now.last_modified - beat.last_modified).num_seconds() < i64::from(lease_seconds) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names below `claims/` that are not the plans': jobs whose days were claimed, by this version (training jobs) or an earlier one.
pub async fn claimed_jobs(lake: &Lake) -> Result<Vec<String>, TableError> {
    let folders = lake.folders("claims").await?;
    Ok(folders.into_iter().filter(|name| name != Series::plans().key()).collect())
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
        Self { lake: lake.clone(), path: beat_path(attempt.series.key(), attempt.ds, attempt.number) }
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

/// Every number that is claimed, with the key that it stands under.
async fn numbers<'a>(lake: &Lake, series: &'a Series, ds: Ds) -> Result<Vec<(u32, &'a str)>, TableError> {
    let mut found = Vec::new();
    for key in series.keys() {
        let paths = lake.list(&format!("claims/{key}/{ds}")).await?;
        let number = |path: &String| path.rsplit_once('/')?.1.strip_suffix(".json")?.parse().ok();
        found.extend(paths.iter().filter_map(number).map(|number| (number, key)));
    }
    Ok(found)
}

fn claim_path(key: &str, ds: Ds, number: u32) -> String {
    format!("claims/{key}/{ds}/{number}.json")
}

fn beat_path(key: &str, ds: Ds, number: u32) -> String {
    format!("claims/{key}/{ds}/{number}.alive")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_tables::{daily, ds, new_lake};

    async fn claim(lake: &Lake, run: &str) -> Attempt {
        claim_next(lake, &daily(), ds("2024-01-01"), &RunId::new(run), Timestamp::UNIX_EPOCH).await.unwrap()
    }

    #[tokio::test]
    async fn racing_runs_get_different_attempts() {
        let (_folder, lake) = new_lake().await;
        let runs: Vec<String> = (0..6).map(|run| format!("run-{run}")).collect();
        let attempts = futures::future::join_all(runs.iter().map(|run| claim(&lake, run))).await;
        let mut numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        let newest = latest(&lake, &daily(), ds("2024-01-01")).await.unwrap().unwrap();
        assert_eq!(attempts.iter().find(|attempt| attempt.number == 6), Some(&newest));
        assert_eq!(latest(&lake, &daily(), ds("2024-01-02")).await.unwrap(), None);
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
        let error = latest(&lake, &daily(), ds("2024-01-01")).await.unwrap_err().to_string();
        assert!(error.starts_with("claims/daily/2024-01-01/3.json: "), "{error}");
        assert!(error.ends_with("it was not written by this version of mainstay, or has been edited"), "{error}");
    }

    #[tokio::test]
    async fn claims_of_an_earlier_version_count_and_are_overtaken_where_they_stand() {
        let (_folder, lake) = new_lake().await;
        let day = ds("2024-01-01");
        // As an earlier version claims: under the name of the job.
        let old = claim(&lake, "run-1").await;
        claim(&lake, "run-2").await;
        let plans = Series::plans().with_former("daily");
        let seen = latest(&lake, &plans, day).await.unwrap().unwrap();
        assert_eq!((seen.number, seen.run_id.as_str()), (2, "run-2"));
        assert!(is_alive(&lake, &seen, 60).await.unwrap());
        let next = claim_next(&lake, &plans, day, &RunId::new("run-3"), Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(next.number, 3);
        let overtaken_by = latest(&lake, &old.series, day).await.unwrap().unwrap();
        assert_eq!((overtaken_by.number, overtaken_by.run_id.as_str()), (3, "run-3"));
        // A run of the earlier version that starts only now is seen as well.
        claim(&lake, "run-4").await;
        let newest = latest(&lake, &plans, day).await.unwrap().unwrap();
        assert_eq!((newest.number, newest.run_id.as_str()), (4, "run-4"));
        assert_eq!(claimed_jobs(&lake).await.unwrap(), ["daily"]);
    }
}
