//! A plan that stands alone, and what its check found.

use mainstay_standalone::allocate::{PlannedFile, VerifiedFiles};

use super::{outlook, table};

/// Decisions, the proof, the rules with their prices and the budget curve.
pub(crate) fn text(planned: &PlannedFile) -> String {
    let decisions = planned.reasons.iter().map(|count| {
        vec![
            count.decision_reason.to_owned(),
            count.customers.to_string(),
            count.cost_cents.to_string(),
            count.value_cents.to_string(),
        ]
    });
    let mut text = table(&["reason", "customers", "cost", "value"], &[1, 2, 3], decisions);
    text += &outlook::text(&planned.outlook);
    text += &format!(
        "certificate: the plan is worth {}, no plan that keeps the rules is worth more than {} (gap {:.1e}{})\n",
        planned.value_cents,
        planned.upper_bound_cents,
        planned.gap,
        if planned.is_optimal { ", the best there is" } else { "" }
    );
    text + &format!(
        "{} customers, {} offers: read in {:.2} s, solved in {:.2} s\n",
        planned.customers, planned.offers, planned.read_seconds, planned.solve_seconds
    )
}

/// What was recomputed.
pub(crate) fn verified(verified: &VerifiedFiles) -> String {
    format!(
        "verified: {} of {} customers treated for {}, worth {} of at most {} (missed at most {}); rules kept: {}\n",
        verified.treated,
        verified.customers,
        verified.recomputed.cost,
        verified.recomputed.value,
        verified.recomputed.upper_bound,
        verified.recomputed.gap,
        verified.rules.join(", ")
    )
}
