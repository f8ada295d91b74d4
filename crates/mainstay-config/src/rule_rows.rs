//! What the rules of a policy mean: integer rows over kinds of offers and segments of customers.
//!
//! Parity of exposure: with x_g of n_g customers of group g reached, x_g / n_g >= r * x_h / n_h for every ordered pair of groups is
//! r_numerator * n_g * x_h - r_denominator * n_h * x_g <= 0, which has no fractions. n counts those who may be contacted: whom consent
//! or a cooldown forbids the plan cannot reach.

use mainstay_schema::DecisionReason;
use mainstay_schema::plan::{Rule, Selection, Term, Weight};

use crate::rules::{AllocationRules, Limit, Parity, Share, greatest_common_divisor};

/// What the kinds and segments of an instance stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Every kind of offer.
    pub kinds: Vec<OfferKind>,
    /// The columns of groups.
    pub group_columns: Vec<String>,
    /// For every segment, its group in each of the columns.
    pub segments: Vec<Vec<String>>,
    /// How many customers of every segment may be contacted.
    pub sizes: Vec<u64>,
}

/// A kind of offer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferKind {
    /// Name of the offer.
    pub offer: String,
    /// Its channel.
    pub channel: String,
    /// Whether it is worth something by expectation only.
    pub is_exploratory: bool,
}

impl Catalogue {
    fn kinds(&self, channel: Option<&str>, offer: Option<&str>) -> Selection {
        if channel.is_none() && offer.is_none() {
            return Selection::All;
        }
        let is_selected = |kind: &OfferKind| {
            channel.is_none_or(|channel| kind.channel == channel) && offer.is_none_or(|offer| kind.offer == offer)
        };
        self.kinds_that(is_selected)
    }

    fn kinds_that(&self, is_selected: impl Fn(&OfferKind) -> bool) -> Selection {
        Selection::Of(
            (0u16..).zip(&self.kinds).filter(|(_, kind)| is_selected(kind)).map(|(position, _)| position).collect(),
        )
    }

    fn segments(&self, column: &str, group: &str) -> Vec<u16> {
        let Some(at) = self.group_columns.iter().position(|name| name == column) else { return Vec::new() };
        let is_selected = |segment: &[String]| segment.get(at).is_some_and(|own| own == group);
        (0u16..).zip(&self.segments).filter(|(_, segment)| is_selected(segment)).map(|(position, _)| position).collect()
    }

    /// The groups of a column with the number of customers who may be contacted, in alphabetical order.
    fn groups(&self, column: &str) -> Vec<(&str, i64)> {
        let Some(at) = self.group_columns.iter().position(|name| name == column) else { return Vec::new() };
        let mut groups = std::collections::BTreeMap::new();
        for (segment, &size) in self.segments.iter().zip(&self.sizes) {
            if let Some(group) = segment.get(at) {
                *groups.entry(group.as_str()).or_insert(0) += size as i64;
            }
        }
        groups.into_iter().collect()
    }
}

impl AllocationRules {
    /// The budget and all rules as rows. Each row's name says what it limits.
    pub fn rows(&self, budget_cents: i64, catalogue: &Catalogue) -> Vec<Rule> {
        let mut rows = vec![Rule::budget(budget_cents)];
        rows.extend(self.limits.iter().flat_map(|limit| limit.rows(budget_cents, catalogue)));
        rows.extend(self.parity.iter().flat_map(|parity| parity.rows(catalogue)));
        if self.exploration_budget_cents > 0 {
            let kinds = catalogue.kinds_that(|kind| kind.is_exploratory);
            rows.push(Rule {
                name: "money for exploration".to_owned(),
                reason: DecisionReason::Exploration,
                terms: vec![Term { kinds, segments: Selection::All, weight: Weight::Cost, factor: 1 }],
                limit: self.exploration_budget_cents,
            });
        }
        rows
    }

    /// Whether a customer of these groups (by the catalogue's columns) may be made an offer.
    pub fn is_eligible(&self, offer: &str, channel: &str, group_of: impl Fn(&str) -> Option<String>) -> bool {
        self.eligibility.iter().all(|rule| {
            let is_about = rule.offer.as_ref().is_none_or(|name| name == offer)
                && rule.channel.as_ref().is_none_or(|name| name == channel);
            !is_about || group_of(&rule.group).is_some_and(|group| rule.is.contains(&group))
        })
    }
}

impl Limit {
    fn rows(&self, budget_cents: i64, catalogue: &Catalogue) -> Vec<Rule> {
        let share = |share: Share| i128::from(budget_cents) * i128::from(share.numerator);
        let most_of = |of: Share| (share(of).div_euclid(i128::from(of.denominator))) as i64;
        let least_of = |of: Share| -(-share(of)).div_euclid(i128::from(of.denominator)) as i64;
        let bounds = [
            (Weight::Count, 1, self.most_contacts.map(i64::from), "contacts", DecisionReason::Capacity),
            (Weight::Cost, 1, self.most_cents, "money", DecisionReason::BudgetShare),
            (Weight::Cost, 1, self.most_budget_share.map(most_of), "share of the budget", DecisionReason::BudgetShare),
            (Weight::Count, -1, self.least_contacts.map(i64::from), "contacts", DecisionReason::Floor),
            (Weight::Cost, -1, self.least_cents, "money", DecisionReason::Floor),
            (Weight::Cost, -1, self.least_budget_share.map(least_of), "share of the budget", DecisionReason::Floor),
        ];
        let rows = bounds.into_iter().filter_map(|(weight, factor, amount, what, reason)| {
            let way = if factor > 0 { "most" } else { "least" };
            let term = Term { kinds: self.kinds(catalogue), segments: self.segments(catalogue), weight, factor };
            let name = format!("{way} {what}{}", self.restriction());
            Some(Rule { name, reason, terms: vec![term], limit: factor * amount? })
        });
        rows.collect()
    }

    fn kinds(&self, catalogue: &Catalogue) -> Selection {
        catalogue.kinds(self.channel.as_deref(), self.offer.as_deref())
    }

    fn segments(&self, catalogue: &Catalogue) -> Selection {
        match (&self.group, &self.is) {
            (Some(column), Some(group)) => Selection::Of(catalogue.segments(column, group)),
            _ => Selection::All,
        }
    }

    /// ` for call, gold of value_tier`
    fn restriction(&self) -> String {
        let group = self.group.as_ref().zip(self.is.as_ref()).map(|(column, group)| format!("{group} of {column}"));
        let parts: Vec<String> = [self.channel.clone(), self.offer.clone(), group].into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!(" for {}", parts.join(", ")) }
    }
}

impl Parity {
    fn rows(&self, catalogue: &Catalogue) -> Vec<Rule> {
        let groups: Vec<(&str, i64)> =
            catalogue.groups(&self.group).into_iter().filter(|(_, size)| *size > 0).collect();
        let mut rows = Vec::new();
        for &(group, size) in &groups {
            for &(other, other_size) in groups.iter().filter(|(other, _)| *other != group) {
                let (down, up) = (self.ratio.denominator * other_size, self.ratio.numerator * size);
                let divisor = greatest_common_divisor(down, up);
                let term = |group, factor| Term {
                    kinds: Selection::All,
                    segments: Selection::Of(catalogue.segments(&self.group, group)),
                    weight: Weight::Count,
                    factor,
                };
                rows.push(Rule {
                    name: format!("parity of {}: {group} beside {other}", self.group),
                    reason: DecisionReason::Parity,
                    terms: vec![term(other, up / divisor), term(group, -down / divisor)],
                    limit: 0,
                });
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Eligibility;

    fn catalogue() -> Catalogue {
        let kind = |offer: &str, channel: &str, is_exploratory| OfferKind {
            offer: offer.to_owned(),
            channel: channel.to_owned(),
            is_exploratory,
        };
        Catalogue {
            kinds: vec![kind("call", "phone", false), kind("gift", "email", false), kind("gift", "email", true)],
            group_columns: vec!["region".to_owned(), "tier".to_owned()],
            segments: [["north", "gold"], ["north", "low"], ["south", "gold"]]
                .map(|row| row.map(str::to_owned).to_vec())
                .to_vec(),
            sizes: vec![100, 50, 200],
        }
    }

    fn terms(rule: &Rule) -> Vec<(Selection, Selection, Weight, i64)> {
        rule.terms.iter().map(|term| (term.kinds.clone(), term.segments.clone(), term.weight, term.factor)).collect()
    }

    #[test]
    fn limits_are_rows_over_what_they_name() {
        let limit = Limit {
            channel: Some("email".into()),
            group: Some("tier".into()),
            is: Some("gold".into()),
            most_contacts: Some(7),
            least_budget_share: Some("0.333333".parse().unwrap()),
            most_budget_share: Some("0.333333".parse().unwrap()),
            ..Limit::default()
        };
        let rules = AllocationRules { limits: vec![limit], ..AllocationRules::default() };
        let rows = rules.rows(1_000, &catalogue());
        let (kinds, segments) = (Selection::Of(vec![1, 2]), Selection::Of(vec![0, 2]));
        let listed: Vec<(&str, i64)> = rows.iter().map(|row| (row.name.as_str(), row.limit)).collect();
        assert_eq!(
            listed,
            [
                ("budget", 1_000),
                ("most contacts for email, gold of tier", 7),
                ("most share of the budget for email, gold of tier", 333),
                ("least share of the budget for email, gold of tier", -334),
            ]
        );
        assert_eq!(terms(&rows[1]), [(kinds.clone(), segments.clone(), Weight::Count, 1)]);
        assert_eq!(terms(&rows[3]), [(kinds, segments, Weight::Cost, -1)]);
    }

    #[test]
    fn parity_holds_between_every_ordered_pair() {
        let parity = Parity { group: "region".into(), ratio: "0.8".parse().unwrap() };
        let rules = AllocationRules { parity: vec![parity], ..AllocationRules::default() };
        let rows = rules.rows(0, &catalogue());
        let (north, south) = (Selection::Of(vec![0, 1]), Selection::Of(vec![2]));
        assert_eq!(rows[1].name, "parity of region: north beside south");
        // 5 * x_north * 200 >= 4 * x_south * 150, divided by 200.
        assert_eq!(
            terms(&rows[1]),
            [(Selection::All, south.clone(), Weight::Count, 3), (Selection::All, north.clone(), Weight::Count, -5)]
        );
        assert_eq!(
            terms(&rows[2]),
            [(Selection::All, north, Weight::Count, 16), (Selection::All, south, Weight::Count, -15)]
        );
    }

    #[test]
    fn exploration_is_paid_from_its_own_money() {
        let rules = AllocationRules { exploration_budget_cents: 9, ..AllocationRules::default() };
        let rows = rules.rows(0, &catalogue());
        assert_eq!((rows[1].name.as_str(), rows[1].limit), ("money for exploration", 9));
        assert_eq!(terms(&rows[1]), [(Selection::Of(vec![2]), Selection::All, Weight::Cost, 1)]);
    }

    #[test]
    fn offers_are_for_those_who_are_eligible() {
        let only = Eligibility {
            offer: Some("call".into()),
            group: "tier".into(),
            is: vec!["gold".into()],
            ..Default::default()
        };
        let rules = AllocationRules { eligibility: vec![only], ..AllocationRules::default() };
        let gold = |column: &str| (column == "tier").then(|| "gold".to_owned());
        assert!(rules.is_eligible("call", "phone", gold));
        assert!(!rules.is_eligible("call", "phone", |_| Some("low".to_owned())));
        assert!(!rules.is_eligible("call", "phone", |_| None));
        assert!(rules.is_eligible("gift", "email", |_| None));
    }
}
