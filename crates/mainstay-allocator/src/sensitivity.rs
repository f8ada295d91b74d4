//! The sensitivity of the optimum: what another budget would buy, and what each rule costs.
//!
//! All of it is read from the relaxation, which is within the gap of what plans reach: L(p) at its lowest, as a function of a limit,
//! or with a rule left out. Cuts hold for all limits, so that each further problem needs few evaluations. Above so many customers only
//! every so many-th is asked, and the figures are estimates.

use mainstay_schema::plan::Certificate;
use mainstay_schema::{Cents, DecisionReason};
use serde::{Deserialize, Serialize};

use crate::coefficients::Coefficients;
use crate::dual::{Dual, DualProblem, Near, Point};
use crate::frontier::BudgetPoint;
use crate::instance::ValidInstance;
use crate::sample::every;

/// Populations above this size are sampled.
const MOST_ASKED: usize = 100_000;
/// The budgets that are asked about, in quarters of the plan's.
const QUARTERS: [i64; 8] = [0, 1, 2, 3, 4, 5, 6, 8];
/// Where the prices of other limits are looked for first, as a factor of the plan's prices.
const TRUST: f64 = 1.5;
const TOLERANCE: f64 = 1e-7;
const MOST_EVALUATIONS: usize = 120;
/// 1,000 in the currency.
const THOUSAND: i64 = 100_000;

/// How the optimum changes with the budget and the rules, as far as the prices say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The most that other budgets buy under the same rules, from none to twice the plan's. Budgets that cannot keep the floors are
    /// left out; empty where no rule is a budget.
    pub curve: Vec<BudgetPoint>,
    /// What the next 1,000 of budget would bring, in cents of value.
    pub next_thousand: Cents,
    /// Every rule with what it costs.
    pub rules: Vec<RuleSensitivity>,
    /// How many customers were asked: all of them, or a sample.
    pub asked: usize,
}

/// What one rule costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSensitivity {
    /// Its name.
    pub name: String,
    /// The most that a plan may use.
    pub limit: i64,
    /// What the plan uses.
    pub used: i64,
    /// Cents of value that one more unit of the limit would bring.
    pub price: f64,
    /// Cents of value that the plan could be worth more without the rule.
    pub costs: Cents,
}

/// How the optimum would change with the budget and without each rule.
pub fn sensitivity(instance: &ValidInstance, certificate: &Certificate) -> Sensitivity {
    let offers = instance.offers();
    let stride = offers.customers().div_ceil(MOST_ASKED).max(1);
    let sampled = (stride > 1).then(|| every(offers, stride));
    let offers = sampled.as_ref().unwrap_or(offers);
    let times = instance.offers().customers() as f64 / offers.customers().max(1) as f64;
    let coefficients = Coefficients::new(instance.offers(), instance.rules());
    let limits: Vec<i64> = instance.rules().iter().map(|rule| scaled(rule.limit, times)).collect();
    let prices: Vec<f64> =
        certificate.rules.iter().map(|rule| rule.price as f64 / certificate.denominator as f64).collect();
    let mut asked = Asked { dual: Dual::new(offers, &coefficients, &limits), prices: &prices };
    let now = asked.most(&limits, None);
    let budget = instance.rules().iter().position(|rule| rule.reason == DecisionReason::Budget);
    let mut under = |budget: usize, amount: i64| {
        let mut limits = limits.clone();
        limits[budget] = scaled(amount, times);
        asked.most(&limits, None)
    };
    let mut curve = Vec::new();
    let mut next_thousand = Cents::ZERO;
    if let Some(budget) = budget {
        let amount = instance.rules()[budget].limit;
        let points = QUARTERS.map(|quarters| (amount as i128 * i128::from(quarters) / 4) as i64);
        for cost in points {
            let point = under(budget, cost);
            if point.bound >= 0.0 {
                curve.push(BudgetPoint { cost: Cents(cost), value: Cents((point.bound * times) as i64) });
            }
        }
        curve.dedup();
        let more = under(budget, amount.saturating_add(THOUSAND.max(times as i64)));
        let per_cent = (more.bound - now.bound).max(0.0) * times / THOUSAND.max(times as i64) as f64;
        next_thousand = Cents((per_cent * THOUSAND as f64).round() as i64);
    }
    let rules = certificate.rules.iter().zip(&prices).enumerate().map(|(rule, (priced, &price))| RuleSensitivity {
        name: priced.name.clone(),
        limit: priced.limit,
        used: priced.used,
        price,
        costs: if price > 0.0 {
            Cents(((asked.most(&limits, Some(rule)).bound - now.bound).max(0.0) * times).round() as i64)
        } else {
            Cents::ZERO
        },
    });
    let rules = rules.collect();
    Sensitivity { curve, next_thousand, rules, asked: offers.customers() }
}

struct Asked<'a> {
    dual: Dual<'a>,
    prices: &'a [f64],
}

impl Asked<'_> {
    fn most(&mut self, limits: &[i64], without: Option<usize>) -> Point {
        let near = Near { prices: self.prices, trust: TRUST, is_focused: false };
        self.dual.minimise(&DualProblem {
            limits,
            without,
            near: Some(near),
            tolerance: TOLERANCE,
            most_evaluations: MOST_EVALUATIONS,
        })
    }
}

fn scaled(limit: i64, times: f64) -> i64 {
    if times == 1.0 { limit } else { (limit as f64 / times).round() as i64 }
}

#[cfg(test)]
mod tests {
    use mainstay_schema::plan::{Rule, Selection, Term, Weight};

    use super::*;
    use crate::allocate::allocate;
    use crate::frontier::Frontier;
    use crate::test_instances::valid;

    /// 400 customers with one offer each, of falling value at one cost; then calls are full before the money is.
    fn instance(capacity: Option<i64>) -> ValidInstance {
        let menus: Vec<_> = (0..400).map(|customer| (0, vec![Some((10_000 - 10 * customer, 1_000))])).collect();
        let term = Term { kinds: Selection::All, segments: Selection::All, weight: Weight::Count, factor: 1 };
        let calls = |limit| Rule { name: "calls".into(), reason: DecisionReason::Capacity, terms: vec![term], limit };
        valid(&menus, [Rule::budget(200_000)].into_iter().chain(capacity.map(calls)).collect())
    }

    fn sensitivity_of(instance: &ValidInstance) -> Sensitivity {
        sensitivity(instance, &allocate(instance).unwrap().certificate)
    }

    #[test]
    fn the_curve_is_that_of_the_frontier() {
        let instance = instance(None);
        let sensitivity = sensitivity_of(&instance);
        let frontier = Frontier::build(&instance);
        assert_eq!(sensitivity.curve.len(), QUARTERS.len());
        for point in &sensitivity.curve {
            let exact = frontier.value_at(point.cost);
            assert!((point.value.0 as f64 - exact).abs() <= 1e-5 * exact + 1.0, "{point:?} but {exact}");
        }
        let next = frontier.value_at(Cents(300_000)) - frontier.value_at(Cents(200_000));
        assert!(
            (sensitivity.next_thousand.0 as f64 - next).abs() <= 1e-4 * next,
            "{} but {next}",
            sensitivity.next_thousand
        );
    }

    #[test]
    fn a_rule_costs_what_the_plan_misses_by_it() {
        let instance = instance(Some(100));
        let without = allocate(&self::instance(None)).unwrap().certificate.plan_value;
        let with = allocate(&instance).unwrap().certificate.plan_value;
        let sensitivity = sensitivity_of(&instance);
        let costs: Vec<Cents> = sensitivity.rules.iter().map(|rule| rule.costs).collect();
        assert_eq!(costs[0], Cents::ZERO, "the budget is not used up");
        let expected = (without.0 - with.0) as f64;
        assert!((costs[1].0 as f64 - expected).abs() <= 1e-4 * expected, "{} but {expected}", costs[1]);
    }
}
