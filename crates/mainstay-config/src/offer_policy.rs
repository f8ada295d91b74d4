//! The policy of an allocation that stands alone: money and rules over offers that somebody else made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{ConfigError, UnknownName};
use crate::rules::{AllocationRules, KnownNames};
use crate::yaml::{self, Document};

/// Columns of a file of offers with a meaning of their own; all others may hold groups.
pub const OWN_COLUMNS: [&str; 7] =
    ["customer_id", "offer", "channel", "value_cents", "cost_cents", "value_lower_cents", "blocked_by"];

/// What a file of offers is decided by. The smallest one is the single line `budget_cents: 5000000`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferPolicy {
    /// What may be spent, in cents, at least 0.
    pub budget_cents: i64,
    /// What else a plan must keep.
    #[serde(default)]
    pub rules: AllocationRules,
    /// Columns of the file that look as if they said who must be left alone, and do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
}

/// A policy with its text, so that names can be checked once the offers are known.
#[derive(Debug, Clone)]
pub struct OfferPolicyFile(Document<OfferPolicy>);

impl OfferPolicyFile {
    /// Reads a policy; `file` is shown in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let document = yaml::parse::<OfferPolicy>(file, text)?;
        let (policy, place) = document.parts();
        let budget = policy.budget_cents;
        place
            .key("budget_cents")
            .ensure(budget >= 0, || format!("expected a number of cents of at least 0, found {budget}"))?;
        policy.rules.check(place.key("rules"))?;
        let groups = policy.rules.group_columns();
        for (index, column) in policy.ignored_columns.iter().enumerate() {
            let place = place.key("ignored_columns").item(index);
            place.ensure(!OWN_COLUMNS.contains(&column.as_str()), || {
                format!("`{column}` has a meaning of its own and cannot be ignored: leave it out of this list")
            })?;
            place.ensure(!groups.contains(&column.as_str()), || {
                format!("`{column}` is not ignored, as a rule groups by it: leave it out of this list")
            })?;
        }
        Ok(Self(document))
    }

    /// What it says.
    pub fn policy(&self) -> &OfferPolicy {
        &self.0.value
    }

    /// Every name that the rules use is among the known ones.
    ///
    /// # Errors
    /// The first unknown channel, offer, column or group, with its line and column.
    pub fn check_names(&self, known: &KnownNames) -> Result<(), ConfigError> {
        let (policy, place) = self.0.parts();
        policy.rules.check_names(known, place.key("rules"))
    }

    /// Every column that is ignored is among those of the file.
    ///
    /// # Errors
    /// The first unknown column, with its line and column.
    pub fn check_ignored(&self, columns: &[&str]) -> Result<(), ConfigError> {
        let (policy, place) = self.0.parts();
        match policy.ignored_columns.iter().enumerate().find(|(_, name)| !columns.contains(&name.as_str())) {
            None => Ok(()),
            Some((index, name)) => {
                let others = columns.iter().copied().filter(|column| !OWN_COLUMNS.contains(column));
                Err(place.key("ignored_columns").item(index).unknown(&UnknownName::new("column", name, others)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        OfferPolicyFile::parse("policy.yml", text).unwrap_err().to_string()
    }

    #[test]
    fn one_line_is_enough() {
        let file = OfferPolicyFile::parse("policy.yml", "budget_cents: 5000000").unwrap();
        let expected =
            OfferPolicy { budget_cents: 5_000_000, rules: AllocationRules::default(), ignored_columns: Vec::new() };
        assert_eq!(file.policy(), &expected);
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        assert_eq!(
            refused("budget_cents: 1\nrule: {}\n").lines().next(),
            Some("policy.yml:2:1: unknown key `rule`, did you mean `rules`?")
        );
        let first = |text: &str| refused(text).lines().next().unwrap_or_default().to_owned();
        let expected = "policy.yml:1:15: expected a whole number, found `10.50`\n  |\n1 | budget_cents: 10.50\n  |               ^^^^^\n  \
                        = it is counted in cents: 10.50 is 1050 cents";
        assert_eq!(refused("budget_cents: 10.50"), expected);
        assert_eq!(first("budget_cents: -1"), "policy.yml:1:15: expected a number of cents of at least 0, found -1");
        assert_eq!(
            first("budget_cents: 1\nrules:\n  limits:\n    - channel: call\n"),
            "policy.yml:4:7: this limits nothing: add most_ or least_ with contacts, cents or budget_share"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  limits:\n    - {group: tier, most_cents: 5}\n"),
            "policy.yml:4:7: `group` and `is` belong together: the column, and the group in it"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  limits:\n    - {most_cents: -5}\n"),
            "policy.yml:4:20: expected a number of cents of at least 0, found -5"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  limits:\n    - {most_cents: 5}\n    - {most_cents: 5}\n"),
            "policy.yml:5:7: this limit is given twice"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  parity:\n    - {group: tier, ratio: 0}\n"),
            "policy.yml:4:28: expected a ratio above 0"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  exploration_budget_cents: 5\n"),
            "policy.yml:3:29: exploration spends on offers whose lower bound is 0: it needs `value: lower_bound`"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  eligibility:\n    - {offer: a, group: tier}\n"),
            "policy.yml:4:7: expected at least one group under `is`"
        );
        assert_eq!(
            first("budget_cents: 1\nrules:\n  eligibility:\n    - {offer: a, is: [x]}\n"),
            "policy.yml:4:7: expected `group`, the column that holds the groups"
        );
    }

    #[test]
    fn only_columns_of_the_file_that_nothing_reads_are_ignored() {
        let first = |text: &str| refused(text).lines().next().unwrap_or_default().to_owned();
        assert_eq!(
            first("budget_cents: 1\nignored_columns: [vip, blocked_by]\n"),
            "policy.yml:2:24: `blocked_by` has a meaning of its own and cannot be ignored: leave it out of this list"
        );
        assert_eq!(
            first("budget_cents: 1\nrules: {parity: [{group: vip, ratio: 0.8}]}\nignored_columns: [vip]\n"),
            "policy.yml:3:19: `vip` is not ignored, as a rule groups by it: leave it out of this list"
        );
        let file = OfferPolicyFile::parse("policy.yml", "budget_cents: 1\nignored_columns: [vip, bot]\n").unwrap();
        file.check_ignored(&["offer", "vip", "bot"]).unwrap();
        let refused = file.check_ignored(&["offer", "vip", "bots"]).unwrap_err().to_string();
        assert_eq!(refused.lines().next(), Some("policy.yml:2:24: unknown column `bot`, did you mean `bots`?"));
    }

    /// The certificate of a policy without such columns is that of the releases that had no such key.
    #[test]
    fn columns_that_are_not_ignored_are_not_written() {
        let file = OfferPolicyFile::parse("policy.yml", "budget_cents: 1").unwrap();
        assert!(!serde_json::to_string(file.policy()).unwrap().contains("ignored_columns"));
    }

    #[test]
    fn names_must_be_known() {
        let known = KnownNames {
            channels: vec!["call".into(), "email".into()],
            offers: vec!["gift".into()],
            groups: vec![("tier".into(), Some(vec!["gold".into()]))],
        };
        let first = |rules: &str| {
            let text = format!("budget_cents: 1\nrules: {{{rules}}}\n");
            let file = OfferPolicyFile::parse("p.yml", &text).unwrap();
            file.check_names(&known).unwrap_err().to_string().lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(
            first("limits: [{channel: cal, most_contacts: 1}]"),
            "p.yml:2:28: unknown channel `cal`, did you mean `call`?"
        );
        assert_eq!(first("limits: [{offer: present, most_contacts: 1}]"), "p.yml:2:26: unknown offer `present`");
        assert_eq!(
            first("limits: [{group: tiers, is: gold, most_contacts: 1}]"),
            "p.yml:2:26: unknown group column `tiers`, did you mean `tier`?"
        );
        assert_eq!(
            first("limits: [{group: tier, is: golden, most_contacts: 1}]"),
            "p.yml:2:36: unknown group `golden`, did you mean `gold`?"
        );
        assert_eq!(first("parity: [{group: region, ratio: 0.8}]"), "p.yml:2:26: unknown group column `region`");
    }
}
