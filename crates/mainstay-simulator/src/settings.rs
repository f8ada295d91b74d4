//! What the simulated retailer is asked for.

use std::fmt;

use mainstay_schema::Ds;
use serde::{Deserialize, Serialize};

/// How large the retailer is, which days it trades and what its chance is. [`check`](Self::check) gives what [`generate`] takes.
///
/// [`generate`]: crate::generate
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatorSettings {
    /// Customers who have signed up by the last day.
    pub customers: u32,
    /// The first day with data.
    pub start: Ds,
    /// Number of days with data.
    pub days: u32,
    /// Another seed gives another retailer.
    pub seed: u64,
    /// Which tables are written.
    pub profile: Profile,
}

/// Which tables are written. What happens to customers, orders and order lines is the same in all profiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// All tables, and the truth beside them.
    #[default]
    Full,
    /// Customers, orders and order lines only: for tests of scale.
    Orders,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "full",
            Self::Orders => "orders",
        })
    }
}

/// Settings that passed their check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidSettings(SimulatorSettings);

/// Why the settings cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No customer, or more than an id has digits for.
    #[error("simulator: customers is {0}: state a number from 1 to {max}", max = SimulatorSettings::MOST_CUSTOMERS)]
    Customers(u32),
    /// No day, or more than ten years.
    #[error("simulator: days is {0}: state a number from 1 to {max}", max = SimulatorSettings::MOST_DAYS)]
    Days(u32),
    /// A first day that timestamps or people would stumble over.
    #[error("simulator: start is {0}: state a day from 1990-01-01 to 2099-12-31")]
    Start(Ds),
}

impl SimulatorSettings {
    /// Customer ids have seven digits.
    pub const MOST_CUSTOMERS: u32 = 5_000_000;
    /// Ten years.
    pub const MOST_DAYS: u32 = 3_660;

    /// Checks the ranges.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<ValidSettings, SettingsError> {
        if !(1..=Self::MOST_CUSTOMERS).contains(&self.customers) {
            return Err(SettingsError::Customers(self.customers));
        }
        if !(1..=Self::MOST_DAYS).contains(&self.days) {
            return Err(SettingsError::Days(self.days));
        }
        if !(1990..2100).contains(&self.start.0.year()) {
            return Err(SettingsError::Start(self.start));
        }
        Ok(ValidSettings(self.clone()))
    }
}

impl ValidSettings {
    /// The settings as they were stated.
    pub fn get(&self) -> &SimulatorSettings {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SimulatorSettings {
        SimulatorSettings {
            customers: 10,
            start: "2024-01-01".parse().unwrap(),
            days: 5,
            seed: 1,
            profile: Profile::Full,
        }
    }

    fn message(settings: &SimulatorSettings) -> String {
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn accepts_what_is_in_range() {
        assert_eq!(settings().check().unwrap().get(), &settings());
    }

    #[test]
    fn says_what_is_out_of_range() {
        let none = SimulatorSettings { customers: 0, ..settings() };
        assert_eq!(message(&none), "simulator: customers is 0: state a number from 1 to 5000000");
        let many = SimulatorSettings { customers: 5_000_001, ..settings() };
        assert_eq!(message(&many), "simulator: customers is 5000001: state a number from 1 to 5000000");
        let no_day = SimulatorSettings { days: 0, ..settings() };
        assert_eq!(message(&no_day), "simulator: days is 0: state a number from 1 to 3660");
        let long = SimulatorSettings { days: 3_661, ..settings() };
        assert_eq!(message(&long), "simulator: days is 3661: state a number from 1 to 3660");
        let early = SimulatorSettings { start: "1989-12-31".parse().unwrap(), ..settings() };
        assert_eq!(message(&early), "simulator: start is 1989-12-31: state a day from 1990-01-01 to 2099-12-31");
    }
}
