//! Whoever was treated was treated by a model that may spend, by the registry's word and not by the record's.

use anyhow::Result;

use super::day::Day;
use super::finding::Finding;
use crate::daily::approval;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let (model, treated) = (&day.details.model, day.details.allocation.treated);
    Finding::holds(approval::check(&day.open.registry, model, treated).await?)
}
