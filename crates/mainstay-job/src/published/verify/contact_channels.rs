//! Every offer goes through a channel of `allowed_channels`.

use anyhow::Result;

use super::day::Day;
use super::finding::Finding;
use crate::daily::contact_rules;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    Finding::holds(contact_rules::check_channels_are_allowed(&day.session).await?)
}
