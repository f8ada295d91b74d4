//! The rows of `campaign_allocations`: one decision a customer, with the reason.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use mainstay_allocator::{Solution, marginal_prices};
use mainstay_config::Policy;
use mainstay_schema::plan::Offer;
use mainstay_schema::{BlockedBy, DecisionReason, RunId, column};

use crate::daily::candidates::{Candidate, Decided};
use crate::daily::instance;

/// One row but for `ds` and `run_id`.
struct Decision<'a> {
    customer_id: &'a str,
    decision: &'a str,
    channel: Option<&'a str>,
    cost_cents: i64,
    expected_value_cents: i64,
    threshold_price: Option<f64>,
    propensity: f64,
    reason: DecisionReason,
}

/// The decisions as one batch, sorted by customer, in the contract's order behind `ds`.
pub(crate) fn batch(decided: &Decided, policy: &Policy, run_id: &RunId) -> Result<RecordBatch> {
    let decisions = decisions(decided, policy);
    let text = |value: fn(&Decision<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(decisions.iter().map(value).collect::<StringArray>())
    };
    let cents = |value: fn(&Decision<'_>) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(decisions.iter().map(value)))
    };
    let columns: Vec<(&str, bool, ArrayRef)> = vec![
        (column::CUSTOMER_ID, false, text(|d| Some(d.customer_id.to_owned()))),
        ("decision", false, text(|d| Some(d.decision.to_owned()))),
        ("channel", true, text(|d| d.channel.map(str::to_owned))),
        ("cost_cents", false, cents(|d| d.cost_cents)),
        ("expected_value_cents", false, cents(|d| d.expected_value_cents)),
        ("expected_saved_cents", false, cents(|d| d.expected_value_cents + d.cost_cents)),
        ("threshold_price", true, Arc::new(decisions.iter().map(|d| d.threshold_price).collect::<Float64Array>())),
        ("propensity", false, Arc::new(Float64Array::from_iter_values(decisions.iter().map(|d| d.propensity)))),
        ("decision_reason", false, text(|d| Some(d.reason.to_string()))),
        (column::RUN_ID, false, Arc::new(StringArray::from(vec![run_id.as_str(); decisions.len()]))),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, nullable, array)| Field::new(*name, data_type(array), *nullable)).collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn data_type(array: &ArrayRef) -> DataType {
    array.data_type().clone()
}

fn decisions<'a>(decided: &'a Decided, policy: &'a Policy) -> Vec<Decision<'a>> {
    let Solution { plan, certificate, .. } = &decided.solution;
    let offers = &decided.instance.as_instance().offers;
    let mut chosen = vec![None; decided.candidates.len()];
    for &position in &plan.chosen {
        if let Some(slot) = chosen.get_mut(offers.customer_of(position as usize)) {
            *slot = offers.get(position as usize);
        }
    }
    let marginal_prices = marginal_prices(&decided.instance, certificate);
    let rows = decided.candidates.iter().zip(chosen).zip(marginal_prices).enumerate();
    rows.map(|(customer, ((candidate, offer), marginal_price))| {
        let bound_by = (!offers.of(customer).is_empty()).then_some(marginal_price.reason);
        Decision { threshold_price: marginal_price.threshold, ..decision(candidate, offer, bound_by, policy) }
    })
    .collect()
}

/// `bound_by` is the rule that keeps whoever had offers from one.
fn decision<'a>(
    candidate: &'a Candidate,
    offer: Option<Offer>,
    bound_by: Option<DecisionReason>,
    policy: &'a Policy,
) -> Decision<'a> {
    let treatable = 1.0 - policy.holdout.as_ref().map_or(0.0, |holdout| holdout.share);
    let nothing = |decision, reason| Decision {
        customer_id: &candidate.customer_id,
        decision,
        channel: None,
        cost_cents: 0,
        expected_value_cents: 0,
        threshold_price: None,
        propensity: 0.0,
        reason,
    };
    if !candidate.is_scored {
        return nothing("none", DecisionReason::NotScored);
    }
    if let Some(reason) = candidate.blocked_by.reason() {
        let is_held_out = reason == DecisionReason::Holdout;
        let is_blocked_otherwise = candidate.blocked_by.0 & !BlockedBy::HOLDOUT.0 != 0;
        let could_be_treated = !is_blocked_otherwise && instance::offers(candidate, policy).next().is_some();
        let propensity = if could_be_treated { treatable } else { 0.0 };
        return Decision { propensity, ..nothing(if is_held_out { "holdout" } else { "none" }, reason) };
    }
    let chosen = offer.and_then(|offer| Some((offer, policy.interventions.get(usize::from(offer.kind))?)));
    match chosen {
        Some((offer, intervention)) => Decision {
            channel: Some(&intervention.channel),
            cost_cents: offer.cost.0,
            expected_value_cents: offer.value.0,
            propensity: treatable,
            ..nothing(&intervention.name, DecisionReason::Chosen)
        },
        None => match bound_by {
            Some(reason) => Decision { propensity: treatable, ..nothing("none", reason) },
            None if instance::wanted(candidate, policy).next().is_some() => {
                nothing("none", DecisionReason::NoAllowedChannel)
            }
            None => nothing("none", DecisionReason::NoPositiveValue),
        },
    }
}

#[cfg(test)]
mod tests {
    use mainstay_schema::Cents;

    use super::*;

    fn policy() -> Policy {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jobs/policies/retention.yml");
        Policy::parse(file, &std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// Someone who churns for sure, and keeps 5 % of `clv` by the e-mail for 0.50 that is the first to be worth its cost.
    fn candidate(clv: i64, blocked_by: i32, allowed_channels: &str) -> Candidate {
        Candidate {
            customer_id: "ada".to_owned(),
            is_scored: true,
            churn_probability: 1.0,
            clv: Cents(clv),
            blocked_by: BlockedBy(blocked_by),
            allowed_channels: allowed_channels.to_owned(),
        }
    }

    fn without_offers(candidate: &Candidate) -> (DecisionReason, f64) {
        let policy = policy();
        let decision = decision(candidate, None, None, &policy);
        (decision.reason, decision.propensity)
    }

    #[test]
    fn a_worthwhile_offer_without_consent_for_its_channel_is_told_apart_from_none() {
        assert_eq!(without_offers(&candidate(1020, 0, "call")), (DecisionReason::NoAllowedChannel, 0.0));
        assert_eq!(without_offers(&candidate(1019, 0, "call")), (DecisionReason::NoPositiveValue, 0.0));
    }

    #[test]
    fn whoever_a_rule_holds_back_could_not_have_been_treated() {
        assert_eq!(without_offers(&candidate(100_000, 8, "call,email")), (DecisionReason::OpenCase, 0.0));
        assert_eq!(without_offers(&candidate(100_000, 4, "call,email")), (DecisionReason::Holdout, 0.95));
        assert_eq!(without_offers(&candidate(100_000, 12, "call,email")), (DecisionReason::Holdout, 0.0));
        // A model that may treat nobody has no holdout: nobody would be compared with it.
        assert_eq!(without_offers(&candidate(100_000, 20, "call,email")), (DecisionReason::ModelNotApproved, 0.0));
        // Without the draw there would have been nothing to offer them either.
        assert_eq!(without_offers(&candidate(1019, 4, "call,email")), (DecisionReason::Holdout, 0.0));
        assert_eq!(without_offers(&candidate(1020, 4, "call")), (DecisionReason::Holdout, 0.0));
    }

    #[test]
    fn an_offer_that_is_not_for_the_customer_is_no_matter_of_its_channel() {
        let mut policy = policy();
        policy.rules.minimum_value_cents = 1_000_000;
        let told = |candidate: &Candidate| {
            let decision = decision(candidate, None, None, &policy);
            (decision.reason, decision.propensity)
        };
        assert_eq!(told(&candidate(100_000, 0, "call")), (DecisionReason::NoPositiveValue, 0.0));
        assert_eq!(told(&candidate(100_000, 4, "call,email")), (DecisionReason::Holdout, 0.0));
    }

    #[test]
    fn a_channel_is_allowed_by_its_whole_name() {
        let allows = |channels: &str, channel| candidate(0, 0, channels).allows(channel);
        assert!(allows("call,email", "call") && allows("call,email", "email") && allows("email", "email"));
        assert!(!allows("call,email", "mail") && !allows("email", "call") && !allows("", "call"));
    }
}
