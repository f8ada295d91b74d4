//! What the prices of a plan say: rules with what they cost, and what other budgets would buy.

use mainstay_job::details::Sensitivity;

use super::table;

/// Two tables and the return of the next 1,000.
pub(crate) fn text(sensitivity: &Sensitivity) -> String {
    let rules = sensitivity.rules.iter().map(|rule| {
        vec![
            rule.name.clone(),
            rule.used.to_string(),
            rule.limit.to_string(),
            format!("{:.4}", rule.price),
            rule.costs.to_string(),
        ]
    });
    let mut text =
        table(&["rule of the plan", "used", "limit", "price of a unit in cents", "costs"], &[1, 2, 3, 4], rules);
    let curve = sensitivity.curve.iter().map(|point| vec![point.cost.to_string(), point.value.to_string()]);
    text += &table(&["budget", "gains at most"], &[0, 1], curve);
    text + &format!("the next 1,000.00 of budget would gain {}\n", sensitivity.next_thousand)
}
