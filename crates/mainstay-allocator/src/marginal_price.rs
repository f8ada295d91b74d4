//! The marginal price of each customer: at which price of budget it would get an offer, and which rule kept it from one.

use mainstay_schema::DecisionReason;
use mainstay_schema::plan::Certificate;

use crate::coefficients::Coefficients;
use crate::instance::ValidInstance;

/// The marginal price of one customer, and the rule that binds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginalPrice {
    /// The price of budget below which the customer gets an offer, the prices of all other rules as they are: infinite where an
    /// offer costs nothing, 0 where the other rules cost more than any offer is worth. `None` for one without offers, and where
    /// no rule is a budget.
    pub threshold: Option<f64>,
    /// Why the customer has no offer, if it has none: the rule that charges the most for the offer that would have been best.
    pub reason: DecisionReason,
}

/// The marginal price of every customer at the prices of a plan's certificate.
pub fn marginal_prices(instance: &ValidInstance, certificate: &Certificate) -> Vec<MarginalPrice> {
    let rules = instance.rules();
    let coefficients = Coefficients::new(instance.offers(), rules);
    let denominator = certificate.denominator as f64;
    let prices: Vec<f64> = certificate.rules.iter().map(|rule| rule.price as f64 / denominator).collect();
    let budget = rules.iter().position(|rule| rule.reason == DecisionReason::Budget);
    (0..instance.offers().customers())
        .map(|customer| {
            let mut marginal_price = MarginalPrice { threshold: None, reason: DecisionReason::NoPositiveValue };
            let mut best = f64::NEG_INFINITY;
            for (cell, value, cost) in own_offers(instance, &coefficients, customer) {
                let charge = |rule: usize| prices[rule] * coefficients.add(rule, cell, cost) as f64;
                let charged: f64 = (0..prices.len()).map(charge).sum();
                if let Some(budget) = budget {
                    let threshold = price_below(value - charged + charge(budget), coefficients.add(budget, cell, cost));
                    marginal_price.threshold =
                        Some(marginal_price.threshold.map_or(threshold, |other| other.max(threshold)));
                }
                if value > 0.0 && value - charged > best {
                    best = value - charged;
                    let dearest = (0..prices.len()).rev().max_by(|&one, &other| charge(one).total_cmp(&charge(other)));
                    marginal_price.reason =
                        dearest.and_then(|rule| rules.get(rule)).map_or(DecisionReason::Budget, |rule| rule.reason);
                }
            }
            marginal_price
        })
        .collect()
}

/// Cell, value and cost of each offer of a customer.
fn own_offers(
    instance: &ValidInstance,
    coefficients: &Coefficients,
    customer: usize,
) -> impl Iterator<Item = (usize, f64, i64)> {
    let offers = instance.offers();
    let segment = offers.segments().get(customer).copied().unwrap_or_default();
    offers.of(customer).filter_map(move |position| {
        let offer = offers.get(position)?;
        Some((coefficients.cell(segment, offer.kind), offer.value.0 as f64, offer.cost.0))
    })
}

/// The price of budget at which `worth` is used up by what an offer takes of it.
fn price_below(worth: f64, taken: i64) -> f64 {
    if worth <= 0.0 { 0.0 } else { worth / taken.max(0) as f64 }
}

#[cfg(test)]
mod tests {
    use mainstay_schema::plan::{Rule, Selection, Term, Weight};

    use super::*;
    use crate::allocate::allocate;
    use crate::test_instances::valid;

    fn menu(offers: &[(i64, i64)]) -> (u16, Vec<Option<(i64, i64)>>) {
        (0, offers.iter().copied().map(Some).collect())
    }

    #[test]
    fn under_a_budget_alone_the_threshold_is_the_best_efficiency() {
        let menus = [menu(&[(20, 5), (26, 11)]), menu(&[(12, 4)]), menu(&[(1, 0)]), menu(&[]), menu(&[(0, 3)])];
        let instance = valid(&menus, vec![Rule::budget(5)]);
        let marginal_prices = marginal_prices(&instance, &allocate(&instance).unwrap().certificate);
        let thresholds: Vec<Option<f64>> =
            marginal_prices.iter().map(|marginal_price| marginal_price.threshold).collect();
        assert_eq!(thresholds, [Some(4.0), Some(3.0), Some(f64::INFINITY), None, Some(0.0)]);
        let reasons: Vec<&str> = marginal_prices.iter().map(|marginal_price| marginal_price.reason.as_str()).collect();
        assert_eq!(reasons, ["budget", "budget", "budget", "no_positive_value", "no_positive_value"]);
    }

    #[test]
    fn the_rule_that_charges_most_is_the_reason() {
        let menus = [menu(&[(20, 1)]), menu(&[(16, 1)]), menu(&[(30, 1)])];
        let calls = vec![Term { kinds: Selection::All, segments: Selection::All, weight: Weight::Count, factor: 1 }];
        let full = Rule { name: "calls".into(), reason: DecisionReason::Capacity, terms: calls, limit: 1 };
        let instance = valid(&menus, vec![Rule::budget(9), full]);
        let solution = allocate(&instance).unwrap();
        let price = solution.certificate.price_of("calls");
        let marginal_prices = marginal_prices(&instance, &solution.certificate);
        assert_eq!(solution.plan.chosen, [2]);
        assert_eq!(marginal_prices[0].reason, DecisionReason::Capacity);
        assert_eq!(marginal_prices[2].threshold, Some(30.0 - price));
    }
}
