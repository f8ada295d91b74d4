//! The rules that the plan was held to are those of the policy, for the allowance of the day and the customers of the risk table.

use anyhow::{Result, ensure};
use mainstay_config::Policy;
use mainstay_config::rule_rows::{Catalogue, OfferKind};
use mainstay_schema::Cents;
use mainstay_schema::plan::Rule;

use super::customers::Customer;
use super::day::Day;
use super::finding::Finding;
use super::policy_at_hand::PolicyAtHand;
use crate::daily::approval;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    match day.policy().await? {
        PolicyAtHand::Unknown(why) => Finding::not_checked(why),
        PolicyAtHand::Known(policy) => {
            let summary = &day.details.allocation;
            let policy = approval::policy_of_plan(&day.details.model, policy);
            hold(day.customers().await?, &policy, summary.allowance_cents, &summary.allocation_rules)
        }
    }
}

fn hold(customers: &[Customer], policy: &Policy, allowance: Cents, recorded: &[Rule]) -> Result<Finding> {
    let expected = policy.rules.rows(allowance.0, &catalogue(customers, policy));
    if let Some(left_out) = expected.iter().find(|rule| recorded.iter().all(|other| other.name != rule.name)) {
        anyhow::bail!("the plan was not held to the rule `{}` of the policy", left_out.name);
    }
    if let Some(added) = recorded.iter().find(|rule| expected.iter().all(|other| other.name != rule.name)) {
        anyhow::bail!("the plan was held to the rule `{}`, which the policy does not have", added.name);
    }
    for (rule, other) in expected.iter().zip(recorded) {
        ensure!(rule == other, "the plan was held to another rule `{}` than the policy states", rule.name);
    }
    ensure!(expected.len() == recorded.len(), "the plan was held to a rule of the policy twice");
    Finding::holds(format!("{} rules are those of the policy", expected.len()))
}

/// What the kinds and segments of the day stand for, and how many customers of each segment may be contacted.
fn catalogue(customers: &[Customer], policy: &Policy) -> Catalogue {
    let mut segments = Vec::new();
    for band in &policy.risk_bands {
        for tier in &policy.value_tiers {
            segments.push(vec![band.name.clone(), tier.name.clone()]);
        }
    }
    let mut sizes = vec![0; segments.len()];
    for customer in customers.iter().filter(|customer| customer.may_be_contacted()) {
        if let Some(size) = sizes.get_mut(usize::from(customer.segment(policy))) {
            *size += 1;
        }
    }
    let kinds = policy.interventions.iter().map(|intervention| OfferKind {
        offer: intervention.name.clone(),
        channel: intervention.channel.clone(),
        is_exploratory: false,
    });
    Catalogue {
        kinds: kinds.collect(),
        group_columns: vec!["risk_band".to_owned(), "value_tier".to_owned()],
        segments,
        sizes,
    }
}

#[cfg(test)]
mod tests {
    use mainstay_config::rules::{Limit, Parity};

    use super::super::customers::tests::{customer, reference_policy};
    use super::*;

    fn policy() -> Policy {
        let mut policy = reference_policy();
        let calls = Limit { channel: Some("call".into()), most_contacts: Some(40), ..Limit::default() };
        policy.rules.limits.push(calls);
        policy.rules.parity.push(Parity { group: "value_tier".into(), ratio: "0.8".parse().unwrap() });
        policy
    }

    fn customers() -> Vec<Customer> {
        vec![customer("ada", 0.5, 30_000), customer("bob", 0.5, 8_000), customer("cleo", 0.9, 200_000)]
    }

    fn refused(change: impl FnOnce(&mut Vec<Rule>)) -> String {
        let mut rules = policy().rules.rows(10_000, &catalogue(&customers(), &policy()));
        hold(&customers(), &policy(), Cents(10_000), &rules).unwrap();
        change(&mut rules);
        hold(&customers(), &policy(), Cents(10_000), &rules).unwrap_err().to_string()
    }

    #[test]
    fn a_rule_that_was_left_out_added_or_loosened_is_found() {
        let calls = "most contacts for call";
        assert_eq!(
            refused(|rules| rules.retain(|rule| rule.name != calls)),
            "the plan was not held to the rule `most contacts for call` of the policy"
        );
        let another = |name: &str| format!("the plan was held to another rule `{name}` than the policy states");
        assert_eq!(refused(|rules| rules[1].limit = 41), another(calls));
        assert_eq!(refused(|rules| rules[0].limit = 10_001), another("budget"));
        assert_eq!(
            refused(|rules| rules.push(Rule { name: "whim".into(), ..Rule::budget(5) })),
            "the plan was held to the rule `whim`, which the policy does not have"
        );
        assert_eq!(refused(|rules| rules.push(Rule::budget(5))), "the plan was held to a rule of the policy twice");
    }

    #[test]
    fn parity_counts_those_who_may_be_contacted() {
        let rules = policy().rules.rows(10_000, &catalogue(&customers(), &policy()));
        let mut fewer = customers();
        fewer.push(customer("dan", 0.5, 8_000));
        let error = hold(&fewer, &policy(), Cents(10_000), &rules).unwrap_err().to_string();
        assert!(error.starts_with("the plan was held to another rule `parity of value_tier"), "{error}");
        fewer.pop();
        fewer.push(Customer { is_scored: false, ..customer("dan", 0.5, 8_000) });
        hold(&fewer, &policy(), Cents(10_000), &rules).unwrap();
    }
}
