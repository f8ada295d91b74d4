//! Tests of the simulator as a whole.

mod behaviour;
mod churn;
mod folder;

use crate::settings::{Profile, SimulatorSettings, ValidSettings};

/// A retailer from 2024-01-01 on.
fn settings(customers: u32, days: u32, seed: u64) -> ValidSettings {
    SimulatorSettings { customers, start: "2024-01-01".parse().unwrap(), days, seed, profile: Profile::Full }
        .check()
        .unwrap()
}
