//! The instance, checked: sorted offers and rules whose sums and products are exact in the arithmetic of this crate.

use std::collections::BTreeSet;

use mainstay_schema::Cents;
use mainstay_schema::plan::{AmountsView, Instance, Offers, Rule, Weight};

/// The most that one offer may cost or be worth: 10 billion in the currency.
pub const LARGEST_OFFER: Cents = Cents(1_000_000_000_000);
/// The most that a limit, a rule's use, all costs together or all values together may be. Products with a price fit 128 bits.
pub const LARGEST_TOTAL: Cents = Cents(1_000_000_000_000_000_000);

/// Why offers and rules are not an instance that can be solved exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// Positions of offers are 32 bits wide, with one that stands for none.
    #[error("{count} offers are more than a plan can number (4294967294): split the population")]
    TooManyOffers {
        /// How many there are.
        count: usize,
    },
    /// The order of a customer's offers is broken.
    #[error("offer {offer} (customer {customer}, kind {kind}) is out of order: sort each customer's offers by kind")]
    Unsorted {
        /// Position of the offer.
        offer: usize,
        /// Its customer.
        customer: usize,
        /// Its kind.
        kind: u16,
    },
    /// A customer has the same offer twice.
    #[error("offer {offer} repeats kind {kind} for customer {customer}: keep one")]
    Duplicate {
        /// Position of the offer.
        offer: usize,
        /// Its customer.
        customer: usize,
        /// Its kind.
        kind: u16,
    },
    /// A value below 0.
    #[error("offer {offer} is worth {value}: leave out offers that are worth less than nothing")]
    NegativeValue {
        /// Position of the offer.
        offer: usize,
        /// Its value.
        value: Cents,
    },
    /// A cost below 0.
    #[error("offer {offer} costs {cost}: a cost is at least 0")]
    NegativeCost {
        /// Position of the offer.
        offer: usize,
        /// Its cost.
        cost: Cents,
    },
    /// One offer is beyond [`LARGEST_OFFER`].
    #[error("offer {offer} has the amount {amount}, above the {LARGEST_OFFER} that an offer may have")]
    OfferTooLarge {
        /// Position of the offer.
        offer: usize,
        /// Its value or cost.
        amount: Cents,
    },
    /// All offers together are beyond [`LARGEST_TOTAL`].
    #[error(
        "the offers add up to more than {LARGEST_TOTAL}, the most that can be counted exactly: split the population"
    )]
    TotalTooLarge,
    /// Two rules have one name.
    #[error("the rule `{0}` is there twice: give each rule a name of its own")]
    DuplicateRule(String),
    /// A rule that only counts up has a limit below 0.
    #[error("the limit of the rule `{rule}` is {limit}: it must be at least 0, as nothing counts below that")]
    NegativeLimit {
        /// Name of the rule.
        rule: String,
        /// Its limit.
        limit: i64,
    },
    /// A limit or what a rule could add up to is beyond [`LARGEST_TOTAL`].
    #[error("the rule `{rule}` adds up to more than can be counted exactly (10^18): use smaller factors or limits")]
    RuleTooLarge {
        /// Name of the rule.
        rule: String,
    },
}

/// An [`Instance`] that [`ValidInstance::new`] has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidInstance(Instance);

impl ValidInstance {
    /// Checks the order of the offers, the rules and all magnitudes.
    ///
    /// # Errors
    /// The first offer that breaks a rule, by its position; or the first rule.
    pub fn new(instance: Instance) -> Result<Self, InstanceError> {
        let offers = &instance.offers;
        if offers.len() >= u32::MAX as usize {
            return Err(InstanceError::TooManyOffers { count: offers.len() });
        }
        check_order(offers)?;
        let total_cost = match offers.amounts() {
            AmountsView::Narrow { values, costs } => check_amounts(values, costs)?,
            AmountsView::Wide { values, costs } => check_amounts(values, costs)?,
        };
        check_rules(&instance.rules, total_cost, offers.customers())?;
        Ok(Self(instance))
    }

    /// The same offers under another limit of one rule.
    ///
    /// # Errors
    /// The limit is out of range.
    pub fn with_limit(mut self, rule: &str, limit: i64) -> Result<Self, InstanceError> {
        if let Some(changed) = self.0.rules.iter_mut().find(|each| each.name == rule) {
            changed.limit = limit;
            check_limit(changed)?;
        }
        Ok(self)
    }

    /// The instance as the verifier and the plan's reader see it.
    pub fn as_instance(&self) -> &Instance {
        &self.0
    }

    /// The offers.
    pub(crate) fn offers(&self) -> &Offers {
        &self.0.offers
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0.rules
    }
}

fn check_order(offers: &Offers) -> Result<(), InstanceError> {
    let kinds = offers.kinds();
    for customer in 0..offers.customers() {
        let own = offers.of(customer);
        for (offer, pair) in (own.start + 1..).zip(kinds.get(own).unwrap_or_default().windows(2)) {
            if let &[before, kind] = pair {
                match before.cmp(&kind) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => return Err(InstanceError::Duplicate { offer, customer, kind }),
                    std::cmp::Ordering::Greater => return Err(InstanceError::Unsorted { offer, customer, kind }),
                }
            }
        }
    }
    Ok(())
}

/// Checks every amount and gives the sum of the costs.
fn check_amounts<A: Copy + Into<i64>>(values: &[A], costs: &[A]) -> Result<i128, InstanceError> {
    let (mut value_sum, mut cost_sum) = (0i128, 0i128);
    for (offer, (&value, &cost)) in values.iter().zip(costs).enumerate() {
        let (value, cost) = (Cents(value.into()), Cents(cost.into()));
        if value < Cents::ZERO {
            return Err(InstanceError::NegativeValue { offer, value });
        }
        if cost < Cents::ZERO {
            return Err(InstanceError::NegativeCost { offer, cost });
        }
        let amount = value.max(cost);
        if amount > LARGEST_OFFER {
            return Err(InstanceError::OfferTooLarge { offer, amount });
        }
        value_sum += i128::from(value.0);
        cost_sum += i128::from(cost.0);
    }
    if value_sum.max(cost_sum) > i128::from(LARGEST_TOTAL.0) {
        return Err(InstanceError::TotalTooLarge);
    }
    Ok(cost_sum)
}

fn check_rules(rules: &[Rule], total_cost: i128, customers: usize) -> Result<(), InstanceError> {
    let mut names = BTreeSet::new();
    for rule in rules {
        if !names.insert(&rule.name) {
            return Err(InstanceError::DuplicateRule(rule.name.clone()));
        }
        check_limit(rule)?;
        let most = rule.terms.iter().try_fold(0i128, |sum, term| {
            let all = match term.weight {
                Weight::Cost => total_cost,
                Weight::Count => customers as i128,
            };
            sum.checked_add(i128::from(term.factor).abs().checked_mul(all)?)
        });
        if most.is_none_or(|most| most > i128::from(LARGEST_TOTAL.0)) {
            return Err(InstanceError::RuleTooLarge { rule: rule.name.clone() });
        }
    }
    Ok(())
}

fn check_limit(rule: &Rule) -> Result<(), InstanceError> {
    let Rule { name, limit, terms, .. } = rule;
    if *limit < 0 && terms.iter().all(|term| term.factor >= 0) {
        return Err(InstanceError::NegativeLimit { rule: name.clone(), limit: *limit });
    }
    if limit.unsigned_abs() > LARGEST_TOTAL.0.unsigned_abs() {
        return Err(InstanceError::RuleTooLarge { rule: name.clone() });
    }
    Ok(())
}

#[cfg(test)]
#[path = "instance/tests.rs"]
mod tests;
