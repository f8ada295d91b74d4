//! Whole projects over small tables that the tests write.

pub(crate) mod fixture;

mod absent;
mod as_known;
mod canonical;
mod complete_journey;
mod conflicts;
mod contracts;
mod ctes;
mod definitions;
mod determinism;
mod files;
mod interface;
mod marts;
mod model_page;
mod online_retail;
mod point_in_time;
mod projects;
mod reference;
mod suppression;
mod timeless;
mod types;
mod visibility;
mod volumes;
