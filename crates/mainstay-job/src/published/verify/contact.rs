//! The rules that forbid contact, within the published tables: see [`contact_rules`].

use anyhow::Result;

use super::day::Day;
use super::finding::Finding;
use crate::daily::contact_rules::{self, RulesInForce};

/// `blocked_by` follows from the columns beside it.
pub(super) async fn check_blocks(day: &Day<'_>) -> Result<Finding> {
    let rules = RulesInForce::of(&day.details.inputs, &day.details.model);
    Finding::holds(contact_rules::check_blocks_follow(&day.session, &rules).await?)
}

/// Nobody with a bit in `blocked_by` gets anything.
pub(super) async fn check_nobody_blocked(day: &Day<'_>) -> Result<Finding> {
    Finding::holds(contact_rules::check_nobody_blocked_is_treated(&day.session).await?)
}

/// Every offer goes through a channel of `allowed_channels`.
pub(super) async fn check_channels(day: &Day<'_>) -> Result<Finding> {
    Finding::holds(contact_rules::check_channels_are_allowed(&day.session).await?)
}
