//! Nobody with a bit in `blocked_by` gets anything.

use anyhow::Result;

use super::day::Day;
use super::finding::Finding;
use crate::daily::contact_rules;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    Finding::holds(contact_rules::check_nobody_blocked_is_treated(&day.session).await?)
}
