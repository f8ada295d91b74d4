//! What the prices of a certificate say of single customers: at which price of budget each would get an offer, and which rules may be
//! named as what kept it from one.

use mainstay_schema::DecisionReason;
use mainstay_schema::plan::{Certificate, Instance, Rule};

use crate::{Cells, Measure, Refusal};

/// Two amounts are distinguished only where they differ by more than this share of the larger: solvers count in floating point.
const SHARE_DISTINGUISHED: i128 = 1_000_000_000;

/// The marginal price of one customer, and the rules that may bind it.
#[derive(Debug, Clone, PartialEq)]
pub struct MarginalPrice {
    /// The price of budget below which the customer gets an offer, the prices of all other rules as they are: infinite where an offer
    /// costs nothing, 0 where the other rules cost more than any offer is worth. `None` without offers, and where no rule is a budget.
    pub threshold: Option<f64>,
    /// What may be named as the reason where the customer gets nothing: the rule that charges the most for the offer that would have
    /// been best. More than one where they charge alike; [`DecisionReason::NoPositiveValue`] where no offer is worth anything.
    pub reasons: Vec<DecisionReason>,
}

/// The marginal prices of an instance's customers, from the prices of a certificate.
#[derive(Debug)]
pub struct MarginalPrices<'a> {
    instance: &'a Instance,
    denominator: i128,
    cells: Cells,
    /// For each rule its price and what it asks of every cell.
    rules: Vec<(&'a Rule, i128, Vec<Measure>)>,
}

/// An offer and what is charged for it, times the denominator.
struct Charged {
    value: i128,
    /// By rule.
    charges: Vec<i128>,
    surplus: i128,
}

impl<'a> MarginalPrices<'a> {
    /// The rules of the certificate must be those of the instance, as [`crate::verify`] checks.
    ///
    /// # Errors
    /// Where they are not, and where a sum does not fit 128 bits.
    pub fn new(instance: &'a Instance, certificate: &Certificate) -> Result<Self, Refusal> {
        if certificate.rules.len() != instance.rules.len() {
            return Err(Refusal::OtherRules);
        }
        if certificate.denominator < 1 {
            return Err(Refusal::NoDenominator { denominator: certificate.denominator });
        }
        let cells = Cells::of(&instance.offers);
        let priced = instance.rules.iter().zip(&certificate.rules).map(|(rule, priced)| {
            let mut asked = vec![Measure::default(); cells.kinds * cells.segments];
            cells.add(rule, 1, &mut asked)?;
            Ok((rule, i128::from(priced.price), asked))
        });
        let rules = priced.collect::<Result<Vec<_>, Refusal>>()?;
        Ok(Self { instance, denominator: i128::from(certificate.denominator), cells, rules })
    }

    /// The marginal price of a customer, by its position.
    ///
    /// # Errors
    /// Where a sum does not fit 128 bits.
    pub fn of(&self, customer: usize) -> Result<MarginalPrice, Refusal> {
        let offers = &self.instance.offers;
        let budget = self.rules.iter().position(|(rule, ..)| rule.reason == DecisionReason::Budget);
        let (mut threshold, mut charged) = (None::<f64>, Vec::new());
        for position in offers.of(customer) {
            let offer = offers.get(position).ok_or(Refusal::Overflow)?;
            let &segment = offers.segments().get(customer).ok_or(Refusal::Overflow)?;
            let cell = self.cells.at(segment, offer.kind);
            let cost = i128::from(offer.cost.0);
            let found = self.charged(i128::from(offer.value.0), cell, cost).ok_or(Refusal::Overflow)?;
            if let Some(budget) = budget {
                let own = self.own_threshold(&found, budget, cell, cost).ok_or(Refusal::Overflow)?;
                threshold = Some(threshold.map_or(own, |other| other.max(own)));
            }
            charged.push(found);
        }
        Ok(MarginalPrice { threshold, reasons: self.reasons(&charged) })
    }

    fn charged(&self, value: i128, cell: usize, cost: i128) -> Option<Charged> {
        let value = value.checked_mul(self.denominator)?;
        let charge = |(_, price, asked): &(&Rule, i128, Vec<Measure>)| price.checked_mul(taken(asked, cell, cost)?);
        let charges = self.rules.iter().map(charge).collect::<Option<Vec<i128>>>()?;
        let surplus = charges.iter().try_fold(value, |left, charge| left.checked_sub(*charge))?;
        Some(Charged { value, charges, surplus })
    }

    /// The price of budget at which an offer is worth what all rules charge for it.
    fn own_threshold(&self, offer: &Charged, budget: usize, cell: usize, cost: i128) -> Option<f64> {
        let (_, _, asked) = self.rules.get(budget)?;
        let worth = offer.surplus.checked_add(*offer.charges.get(budget)?)?;
        if worth <= 0 {
            return Some(0.0);
        }
        Some(worth as f64 / self.denominator as f64 / taken(asked, cell, cost)?.max(0) as f64)
    }

    fn reasons(&self, offers: &[Charged]) -> Vec<DecisionReason> {
        let worthwhile = || offers.iter().filter(|offer| offer.value > 0);
        let Some(best) = worthwhile().map(|offer| offer.surplus).max() else {
            return vec![DecisionReason::NoPositiveValue];
        };
        let mut reasons = Vec::new();
        for offer in worthwhile().filter(|offer| are_alike(offer.surplus, best, offer.value)) {
            for reason in self.dearest(offer) {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        reasons
    }

    /// The reasons of the rules that charge the most; of those that charge nothing the first, since zero is exact.
    fn dearest(&self, offer: &Charged) -> Vec<DecisionReason> {
        let most = offer.charges.iter().copied().max().unwrap_or_default();
        let is_dearest = |charge: i128| if most == 0 { charge == 0 } else { are_alike(charge, most, offer.value) };
        let dearest = self.rules.iter().zip(&offer.charges).filter(|(_, charge)| is_dearest(**charge));
        let reasons = dearest.map(|((rule, ..), _)| rule.reason);
        if most == 0 { reasons.take(1).collect() } else { reasons.collect() }
    }
}

/// What a rule takes of its limit for an offer.
fn taken(asked: &[Measure], cell: usize, cost: i128) -> Option<i128> {
    let Measure { count, cost: per_cent } = asked.get(cell)?;
    per_cent.checked_mul(cost)?.checked_add(*count)
}

/// Whether two amounts can be taken for one another by whoever counts in floating point with amounts up to `scale`.
fn are_alike(one: i128, other: i128, scale: i128) -> bool {
    let largest = one.unsigned_abs().max(other.unsigned_abs()).max(scale.unsigned_abs());
    one.abs_diff(other) <= largest / SHARE_DISTINGUISHED.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mainstay_schema::plan::{Offer, Offers, PricedRule, Selection, Term, Weight};
    use mainstay_schema::{Cents, Digest};

    use super::*;

    const DENOMINATOR: i64 = 10;

    /// A customer for each list of (kind, value, cost), under a budget and a capacity of kind 1, at prices in tenths.
    fn priced(customers: &[&[(u16, i64, i64)]], prices: [i64; 2]) -> (Instance, Certificate) {
        let mut offers = Offers::new(Digest::of(b"labels"));
        for own in customers {
            let own = own.iter().map(|&(kind, value, cost)| Offer { kind, value: Cents(value), cost: Cents(cost) });
            offers.push_customer(0, own);
        }
        let calls = Term { kinds: Selection::Of(vec![1]), segments: Selection::All, weight: Weight::Count, factor: 1 };
        let full = Rule { name: "calls".into(), reason: DecisionReason::Capacity, terms: vec![calls], limit: 1 };
        let instance = Instance { offers: Arc::new(offers), rules: vec![Rule::budget(5), full] };
        let priced = instance.rules.iter().zip(prices);
        let rules =
            priced.map(|(rule, price)| PricedRule { name: rule.name.clone(), limit: rule.limit, used: 0, price });
        let certificate = Certificate {
            version: 2,
            instance: instance.digest(),
            plan: Digest::of(b"plan"),
            plan_cost: Cents::ZERO,
            plan_value: Cents::ZERO,
            upper_bound: Cents::ZERO,
            denominator: DENOMINATOR,
            rules: rules.collect(),
        };
        (instance, certificate)
    }

    fn marginal_price(offers: &[(u16, i64, i64)], prices: [i64; 2]) -> MarginalPrice {
        let (instance, certificate) = priced(&[&[], offers], prices);
        let marginal_prices = MarginalPrices::new(&instance, &certificate).unwrap();
        assert_eq!(marginal_prices.of(0).unwrap().threshold, None);
        marginal_prices.of(1).unwrap()
    }

    #[test]
    fn the_threshold_is_what_an_offer_brings_for_a_cent_after_the_other_rules() {
        assert_eq!(marginal_price(&[(0, 20, 5), (1, 26, 11)], [0, 0]).threshold, Some(4.0));
        // A call is charged 2.0 for the capacity.
        assert_eq!(marginal_price(&[(1, 20, 4)], [30, 20]).threshold, Some(4.5));
        assert_eq!(marginal_price(&[(1, 20, 4)], [30, 200]).threshold, Some(0.0));
        assert_eq!(marginal_price(&[(0, 1, 0)], [30, 0]).threshold, Some(f64::INFINITY));
    }

    #[test]
    fn the_rule_that_charges_most_for_the_best_offer_may_be_named() {
        use DecisionReason::{Budget, Capacity, NoPositiveValue};
        let reasons = |offers: &[(u16, i64, i64)], prices| marginal_price(offers, prices).reasons;
        assert_eq!(reasons(&[(1, 20, 4)], [10, 39]), [Budget]);
        assert_eq!(reasons(&[(1, 20, 4)], [10, 41]), [Capacity]);
        assert_eq!(reasons(&[(1, 20, 4)], [10, 40]), [Budget, Capacity], "both charge 4.0");
        assert_eq!(reasons(&[(1, 20, 4)], [0, 0]), [Budget], "nothing is charged");
        // Without the price of calls the call would be best; with it the mail is.
        assert_eq!(reasons(&[(0, 12, 4), (1, 20, 4)], [10, 100]), [Budget]);
        assert_eq!(reasons(&[(0, 0, 4)], [10, 100]), [NoPositiveValue]);
        assert_eq!(reasons(&[], [10, 100]), [NoPositiveValue]);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (instance, mut certificate) = priced(&[&[(0, 1, 1)]], [1, 1]);
        certificate.denominator = 0;
        assert_eq!(
            MarginalPrices::new(&instance, &certificate).unwrap_err(),
            Refusal::NoDenominator { denominator: 0 }
        );
        certificate.rules.pop();
        assert_eq!(MarginalPrices::new(&instance, &certificate).unwrap_err(), Refusal::OtherRules);
        let (mut instance, certificate) = priced(&[&[(0, 1, i64::MAX)]], [i64::MAX, 1]);
        instance.rules[0].terms[0].factor = i64::MAX;
        assert_eq!(MarginalPrices::new(&instance, &certificate).unwrap().of(0).unwrap_err(), Refusal::Overflow);
    }
}
