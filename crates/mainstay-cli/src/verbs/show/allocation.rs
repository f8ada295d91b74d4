//! The allocation of a day.

use mainstay_job::details::{AllocationSummary, BaselinePolicy};
use mainstay_job::show::{AllocationView, DecisionCount};
use mainstay_schema::{Cents, DecisionReason};

use crate::render::{nobody_treated, origin, sensitivity, table};

/// Decisions, the certificate, the month's money, and the most valuable interventions.
pub(super) fn text(view: &AllocationView) -> String {
    let summary = &view.summary;
    let mut text = format!(
        "{}{} of {}: {} customers treated for {} of today's {}\n",
        origin(view.simulated),
        view.job,
        view.ds,
        summary.treated,
        summary.spent_cents,
        summary.allowance_cents
    );
    text += &nobody_treated(&view.model);
    let all = sum(&view.decisions);
    let decisions = view.decisions.iter().chain([&all]).map(|count| {
        vec![
            count.decision.clone(),
            count.decision_reason.clone(),
            count.customers.to_string(),
            count.cost_cents.to_string(),
            count.expected_value_cents.to_string(),
        ]
    });
    text += &table(&["decision", "reason", "customers", "cost", "expected gain"], &[2, 3, 4], decisions);
    let rules = view
        .rules
        .iter()
        .filter(|rule| rule.customers > 0)
        .map(|rule| vec![in_words(rule.rule), rule.customers.to_string(), rule.alone.to_string()]);
    text += &table(&["rule", "scored customers held back", "by it alone"], &[1, 2], rules);
    text += &format!(
        "certificate: the plan gains {}, no plan within {} gains more than {} (gap {:.1e}); the next 1.00 of budget would gain {:.2}\n",
        summary.value_cents,
        summary.allowance_cents,
        summary.certificate.upper_bound,
        summary.gap,
        summary.price_of_budget
    );
    text += &sensitivity_text(summary);
    let month = &view.month;
    text += &format!(
        "{}: {} of {} committed, by {} of its days; {} left\n",
        month.month,
        month.committed_cents,
        month.budget_cents,
        month.committed_days.len(),
        month.balance_cents
    );
    let customers = view.customers.iter().map(|customer| {
        vec![
            customer.customer_id.clone(),
            customer.decision.clone(),
            customer.channel.clone().unwrap_or_default(),
            customer.cost_cents.to_string(),
            customer.expected_value_cents.to_string(),
            customer.threshold_price.map(|price| format!("{price:.2}")).unwrap_or_default(),
            customer.decision_reason.clone(),
        ]
    });
    let header = ["customer", "decision", "channel", "cost", "expected gain", "threshold price", "reason"];
    text + &table(&header, &[3, 4, 5], customers)
}

/// The prices of the rules, the budget curve, and the baseline policy for comparison.
fn sensitivity_text(summary: &AllocationSummary) -> String {
    let mut text = String::new();
    if let Some(sensitivity) = &summary.sensitivity {
        text += &sensitivity::text(sensitivity);
    }
    if let Some(BaselinePolicy { treated, spent_cents, value_cents, plan_value_cents }) = summary.baseline_policy {
        let for_the_same = plan_value_cents.map(|value| format!(", a plan for the same money {value}"));
        text += &format!(
            "fixed tiers: {treated} treated for {spent_cents} would gain {value_cents}{}; the plan gains {}\n",
            for_the_same.unwrap_or_default(),
            summary.value_cents
        );
    }
    text
}

/// All decisions in one line, whose customers are all that are known.
fn sum(decisions: &[DecisionCount]) -> DecisionCount {
    let cents = |of: fn(&DecisionCount) -> Cents| Cents(decisions.iter().map(|count| of(count).0).sum());
    DecisionCount {
        decision: "all".to_owned(),
        decision_reason: String::new(),
        customers: decisions.iter().map(|count| count.customers).sum(),
        cost_cents: cents(|count| count.cost_cents),
        expected_value_cents: cents(|count| count.expected_value_cents),
    }
}

/// A rule of contact; its reason alone would not say that no channel at all is left.
fn in_words(rule: DecisionReason) -> String {
    match rule {
        DecisionReason::ModelNotApproved => "gates of the model failed".to_owned(),
        DecisionReason::NoConsent => "no consent to any channel".to_owned(),
        DecisionReason::OpenCase => "open support case".to_owned(),
        DecisionReason::FrequencyCap => "cooldown".to_owned(),
        other => other.to_string(),
    }
}
