//! `blocked_by` follows from the columns beside it, by the rules that forbid contact.

use anyhow::Result;

use super::day::Day;
use super::finding::Finding;
use crate::daily::contact_rules::{self, RulesInForce};

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let rules = RulesInForce::of(&day.details.inputs, &day.details.model);
    Finding::holds(contact_rules::check_blocks_follow(&day.session, &rules).await?)
}
