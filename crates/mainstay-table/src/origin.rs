//! Whether the data behind a target are real or simulated: said by the first run, once and for all, since tables, models and money of the
//! two must never mix.

use serde::{Deserialize, Serialize};

use crate::error::TableError;
use crate::lake::{Lake, PutOutcome};

const FILE: &str = "origin.json";

/// Where the data behind a target come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From a retailer.
    Real,
    /// From the simulator.
    Simulated,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    data: Origin,
}

/// What a target says of itself; `None` where no run has begun in it yet, or only runs of an earlier release have.
pub async fn read(lake: &Lake) -> Result<Option<Origin>, TableError> {
    let Some(content) = lake.get(FILE).await? else { return Ok(None) };
    let mark: Mark = serde_json::from_slice(&content).map_err(TableError::bad_record(FILE))?;
    Ok(Some(mark.data))
}

/// Says what the data behind a target are, unless that is said already, and gives what holds. Of several callers one is the first.
pub async fn settle(lake: &Lake, origin: Origin) -> Result<Origin, TableError> {
    let content = serde_json::to_vec(&Mark { data: origin }).map_err(TableError::bad_record(FILE))?;
    match lake.put_new(FILE, content).await? {
        PutOutcome::Created => Ok(origin),
        PutOutcome::Exists => read(lake).await?.ok_or_else(|| TableError::FileMissing { path: FILE.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_tables::new_lake;

    #[tokio::test]
    async fn the_first_says_it_for_all() {
        let (_folder, lake) = new_lake().await;
        assert_eq!(read(&lake).await.unwrap(), None);
        assert_eq!(settle(&lake, Origin::Simulated).await.unwrap(), Origin::Simulated);
        assert_eq!(settle(&lake, Origin::Real).await.unwrap(), Origin::Simulated);
        assert_eq!(read(&lake).await.unwrap(), Some(Origin::Simulated));
    }

    #[tokio::test]
    async fn a_mark_that_cannot_be_read_is_named() {
        let (_folder, lake) = new_lake().await;
        lake.put(FILE, "{}").await.unwrap();
        let error = settle(&lake, Origin::Real).await.unwrap_err().to_string();
        assert!(error.starts_with("origin.json: "), "{error}");
    }
}
