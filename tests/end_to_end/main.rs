//! End-to-end tests of the whole command, on generated data and on a real retailer.

// All of this crate is test, its helpers included.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod approval;
mod architecture;
mod bad_input;
mod boundaries;
mod breaker;
mod bug;
mod circles;
mod complete_journey;
mod concurrency;
mod contact_rules;
mod crash;
mod daily;
mod determinism;
mod examples;
mod harness;
mod import_profile;
mod kinds;
mod month;
mod online_retail_ii;
mod own_sql;
mod promotion;
mod pure;
mod quarantine;
mod readme;
mod rearranged;
mod recent_plans;
mod schedule;
mod score_file;
mod simulated;
mod slt;
mod source_files;
mod suppression;
mod train_file;
mod training;
mod value;
mod verify;
