//! `_truth/hazard` and `_truth/customers`, which no source reads.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::{Columns, customer_id};
use crate::campaign::Intervention;
use crate::truth::{CustomerTruth, Hazard};

/// Snapshots of the hazard as `_truth/hazard`.
pub(crate) fn hazards(hazards: &[Hazard]) -> Result<RecordBatch, ArrowError> {
    let hazards = || hazards.iter();
    Columns::default()
        .text("customer_id", hazards().map(|hazard| customer_id(hazard.customer)))
        .date("ds", hazards().map(|hazard| hazard.ds))
        .double("churn_probability", hazards().map(|hazard| hazard.churn_probability))
        .double("fade_hazard", hazards().map(|hazard| hazard.fade_hazard))
        .double("vigour", hazards().map(|hazard| hazard.vigour))
        .boolean("is_fading", hazards().map(|hazard| hazard.is_fading))
        .batch()
}

/// Worth and effects as `_truth/customers`.
pub(crate) fn customer_truths(truths: &[CustomerTruth]) -> Result<RecordBatch, ArrowError> {
    let columns = Columns::default()
        .text("customer_id", truths.iter().map(|truth| customer_id(truth.customer)))
        .text("life_cycle", truths.iter().map(|truth| truth.life_cycle.as_str()))
        .money("lifetime_value_amount", truths.iter().map(|truth| truth.lifetime_value))?;
    let with_effect = |columns: Columns, (position, intervention): (usize, Intervention)| {
        let effects = truths.iter().map(|truth| truth.effects.get(position).copied().unwrap_or_default());
        columns.double(&format!("{}_effect", intervention.as_str()), effects)
    };
    Intervention::ALL.into_iter().enumerate().fold(columns, with_effect).batch()
}
