//! What the ledger holds for the day, and that it was within the budget when it was decided: a budget that was lowered later makes no
//! earlier day wrong.

use anyhow::{Result, anyhow, ensure};
use mainstay_ledger::Ledger;
use mainstay_schema::Cents;

use super::day::Day;
use super::finding::Finding;
use crate::details::AllocationSummary;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let history = day.shared.ledger.as_ref().map_err(|error| anyhow!("{error}"))?;
    let now = Ledger::new(history.entries())?;
    let committed = now.commitment_of(&day.record.run_id).map(|entry| entry.amount);
    let then = day.details.inputs.ledger_version.map_or(Vec::new(), |version| history.at(version));
    let before = committed_before(day, &Ledger::new(then)?);
    hold(&day.record.ds.to_string(), &day.details.allocation, committed.unwrap_or_default(), before)
}

/// What other days had committed then.
fn committed_before(day: &Day<'_>, ledger: &Ledger) -> Cents {
    let own = ledger.standing_commitment(day.record.ds).map(|entry| entry.amount);
    Cents(ledger.committed(day.details.allocation.month).0 - own.unwrap_or_default().0)
}

fn hold(ds: &str, summary: &AllocationSummary, committed: Cents, before: Cents) -> Result<Finding> {
    let AllocationSummary { spent_cents, budget_cents, month, .. } = summary;
    ensure!(committed == *spent_cents, "the plan of {ds} costs {spent_cents}, the ledger has committed {committed}");
    let total = Cents(before.0 + spent_cents.0);
    ensure!(
        *spent_cents == Cents::ZERO || total <= *budget_cents,
        "with {before} committed before it, the plan of {ds} takes {month} to {total}, above the budget of {budget_cents}"
    );
    Finding::holds(format!("{total} of {budget_cents} committed in {month}"))
}

#[cfg(test)]
mod tests {
    use super::super::day::tests::summary;
    use super::*;

    #[test]
    fn a_day_is_paid_once_and_within_its_month() {
        let summary = AllocationSummary { spent_cents: Cents(500), budget_cents: Cents(1_000), ..summary() };
        let found = |committed, before| hold("2025-08-01", &summary, Cents(committed), Cents(before));
        assert_eq!(found(500, 500).unwrap(), Finding::Holds("10.00 of 10.00 committed in 2025-08".into()));
        assert_eq!(
            found(400, 0).unwrap_err().to_string(),
            "the plan of 2025-08-01 costs 5.00, the ledger has committed 4.00"
        );
        assert_eq!(
            found(500, 501).unwrap_err().to_string(),
            "with 5.01 committed before it, the plan of 2025-08-01 takes 2025-08 to 10.01, above the budget of 10.00"
        );
        let nothing = AllocationSummary { spent_cents: Cents::ZERO, ..summary.clone() };
        hold("2025-08-01", &nothing, Cents::ZERO, Cents(5_000)).unwrap();
    }
}
