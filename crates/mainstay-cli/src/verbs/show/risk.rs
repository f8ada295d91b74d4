//! The risk table of a day.

use mainstay_job::show::{CustomerRisk, RiskView};

use crate::render::{nobody_treated, origin, percent, table};

/// Segments, then the customers with the most revenue at risk and why.
pub(super) fn text(view: &RiskView) -> String {
    let population = view.population;
    let gates = if view.model.gates_failed { ", GATES FAILED" } else { "" };
    let mut text = format!(
        "{}{} of {}: {} known customers = {} scored + {} ineligible + {} refused\nmodel {} version {}{gates}\n",
        origin(view.simulated),
        view.job,
        view.ds,
        population.known,
        population.scored,
        population.ineligible,
        population.refused,
        view.model.name,
        view.model.version
    );
    text += &nobody_treated(&view.model);
    let segments = view.segments.iter().map(|segment| {
        vec![
            segment.segment.clone(),
            segment.customers.to_string(),
            segment.revenue_at_risk_cents.to_string(),
            segment.clv_cents.to_string(),
        ]
    });
    text += &table(&["segment", "customers", "revenue at risk", "lifetime value"], &[1, 2, 3], segments);
    let customers = view.customers.iter().map(customer);
    text + &table(&["customer", "segment", "churn", "revenue at risk", "lifetime value", "why"], &[2, 3, 4], customers)
}

fn customer(customer: &CustomerRisk) -> Vec<String> {
    let reasons: Vec<&str> = customer.reasons.iter().map(|reason| reason.text.as_str()).collect();
    let not_scored =
        || format!("{}: {}", customer.status, customer.status_reason.as_deref().unwrap_or("no reason given"));
    vec![
        customer.customer_id.clone(),
        customer.segment.clone().unwrap_or_else(not_scored),
        customer.churn_probability.map(percent).unwrap_or_default(),
        customer.revenue_at_risk_cents.map(|cents| cents.to_string()).unwrap_or_default(),
        customer.clv_cents.to_string(),
        reasons.join("; "),
    ]
}
