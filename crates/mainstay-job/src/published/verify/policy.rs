//! That the settings on record are those of the policy that the day was decided by.

use anyhow::{Result, ensure};
use mainstay_config::Policy;
use mainstay_schema::Ds;

use super::day::Day;
use super::finding::Finding;
use super::policy_at_hand::{self, PolicyAtHand};
use crate::details::{AllocationSummary, PinnedHoldout, PinnedInputs};

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    match day.policy().await? {
        PolicyAtHand::Unknown(why) => Finding::not_checked(why),
        PolicyAtHand::Known(policy) => {
            hold(policy, &day.details.inputs, &day.details.allocation, day.record.ds)?;
            let project = policy_at_hand::of_project(day.open).map(|now| now.digest());
            let differs = project.is_ok_and(|now| now != day.details.inputs.policy);
            let since = if differs { "; the project has another one by now" } else { "" };
            Finding::holds(format!("{}, with the settings on record{since}", policy.name))
        }
    }
}

/// The settings that a record repeats are those of the policy.
fn hold(policy: &Policy, inputs: &PinnedInputs, summary: &AllocationSummary, ds: Ds) -> Result<()> {
    let PinnedInputs { cooldown_days, consent_purpose, suppress_open_cases, holdout, .. } = inputs;
    let says = |what: &str, found: String, expected: String| {
        ensure!(found == expected, "the run record says {what} {found}, the policy {expected}");
        Ok(())
    };
    says("cooldown_days", cooldown_days.to_string(), policy.cooldown_days.to_string())?;
    says("consent_purpose", consent_purpose.clone(), policy.consent.purpose.clone())?;
    says("suppress_open_cases", suppress_open_cases.to_string(), policy.suppress_open_cases.to_string())?;
    says("holdout", told(holdout.as_ref()), told(drawn(policy, ds).as_ref()))?;
    says("month", summary.month.to_string(), ds.month().to_string())?;
    says("a budget of", summary.budget_cents.to_string(), policy.budget.amount.to_string())
}

/// The draw of the quarter that a day lies in.
fn drawn(policy: &Policy, ds: Ds) -> Option<PinnedHoldout> {
    let holdout = policy.holdout.as_ref()?;
    let quarter = match ds.0.month() {
        1..=3 => 1,
        4..=6 => 2,
        7..=9 => 3,
        _ => 4,
    };
    Some(PinnedHoldout { salt: format!("{}-{}Q{quarter}", holdout.experiment, ds.0.year()), share: holdout.share })
}

fn told(holdout: Option<&PinnedHoldout>) -> String {
    holdout.map_or("none".to_owned(), |holdout| format!("{} of {}", holdout.share, holdout.salt))
}

#[cfg(test)]
mod tests {
    use mainstay_schema::Cents;

    use super::super::customers::tests::reference_policy;
    use super::super::day::tests::{inputs, summary};
    use super::*;

    fn refused(change: impl FnOnce(&mut PinnedInputs, &mut AllocationSummary)) -> String {
        let (mut inputs, mut summary) = (inputs(), summary());
        change(&mut inputs, &mut summary);
        hold(&reference_policy(), &inputs, &summary, "2025-08-01".parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_record_repeats_the_settings_of_its_policy() {
        hold(&reference_policy(), &inputs(), &summary(), "2025-08-01".parse().unwrap()).unwrap();
        let says = |what: &str, found: &str, expected: &str| {
            format!("the run record says {what} {found}, the policy {expected}")
        };
        assert_eq!(refused(|inputs, _| inputs.cooldown_days = 3), says("cooldown_days", "3", "30"));
        assert_eq!(
            refused(|inputs, _| inputs.consent_purpose = "service".into()),
            says("consent_purpose", "service", "marketing")
        );
        assert_eq!(
            refused(|inputs, _| inputs.suppress_open_cases = false),
            says("suppress_open_cases", "false", "true")
        );
        assert_eq!(refused(|inputs, _| inputs.holdout = None), says("holdout", "none", "0.05 of retention-2025Q3"));
        let other = |inputs: &mut PinnedInputs, _: &mut AllocationSummary| {
            inputs.holdout = Some(PinnedHoldout { salt: "retention-2025Q2".into(), share: 0.05 });
        };
        assert_eq!(refused(other), says("holdout", "0.05 of retention-2025Q2", "0.05 of retention-2025Q3"));
        assert_eq!(
            refused(|_, summary| summary.month = "2025-09".parse().unwrap()),
            says("month", "2025-09", "2025-08")
        );
        assert_eq!(
            refused(|_, summary| summary.budget_cents = Cents(6_000_000)),
            says("a budget of", "60,000.00", "50,000.00")
        );
    }
}
