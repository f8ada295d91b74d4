//! The entries of the budget ledger, the record of every cent that was reserved, spent or given back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::date::{Ds, Month};
use crate::id::RunId;
use crate::money::Cents;

/// What an entry does to the balance of its month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Reserves money before the plan is written.
    Planned,
    /// Spends it: follows the run record and replaces its reservation.
    Committed,
    /// Gives back the entry that it names.
    Released,
}

impl EntryKind {
    /// The value of the column `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EntryKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "planned" => Ok(Self::Planned),
            "committed" => Ok(Self::Committed),
            "released" => Ok(Self::Released),
            other => Err(format!("`{other}` is not a kind of ledger entry")),
        }
    }
}

/// One row of `budget_ledger`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Unique name: `<run_id>/<kind>` and, for a release, the entry that it names behind it.
    pub entry_id: String,
    /// The day whose plan it pays; of a release that an earlier version wrote, the day of the run that wrote it.
    pub ds: Ds,
    /// The month whose budget it touches.
    pub month: Month,
    /// The job whose plan it pays.
    pub job: String,
    /// The run that wrote it.
    pub run_id: RunId,
    /// What it does.
    pub kind: EntryKind,
    /// How much, at least 0.
    pub amount: Cents,
    /// The entry that it takes the place of: the reservation of a commitment, the entry given back by a release, the
    /// commitment of the same day that a forced run wants to take over.
    pub replaces: Option<String>,
    /// What could have been spent on the day (0 for a release).
    pub allowance: Cents,
    /// The price of budget by which the day was judged, cents of value for a cent of budget; the next day starts from it.
    pub price: f64,
}
