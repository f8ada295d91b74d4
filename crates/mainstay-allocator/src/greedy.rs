//! One budget and nothing else: along the frontier all that fits, and behind the first increment that does not whatever still does.
//!
//! The first increment that does not fit fixes the price of budget. The linear relaxation is worth at most that increment more
//! than the plan, so the plan misses the optimum by less than one customer's upgrade (Sinha and Zoltners 1979).

use std::collections::BTreeMap;

use mainstay_schema::Cents;
use mainstay_schema::plan::{Rule, Selection, Term, Weight};

use crate::frontier::{Cut, Frontier};
use crate::hull::Increment;
use crate::problem::{ExactPrices, Holdings, Problem};
use crate::relaxation::NONE;

/// Increments on each side of the critical one whose customers are worth thinking about.
const NEAR: usize = 150;
/// Increments behind the critical one that may still fill what is left.
const TAIL: usize = 4_096;

/// A plan, its price, and the customers whose next step is nearly worth that price.
pub(crate) struct Greedy {
    pub(crate) holdings: Holdings,
    pub(crate) prices: ExactPrices,
    pub(crate) nearest: Vec<u32>,
}

/// Whether all costs together are all that is limited.
pub(crate) fn is_budget_alone(rules: &[Rule]) -> bool {
    let is_budget = |term: &Term| {
        term.kinds == Selection::All
            && term.segments == Selection::All
            && term.weight == Weight::Cost
            && term.factor == 1
    };
    matches!(rules, [rule] if matches!(rule.terms.as_slice(), [term] if is_budget(term)))
}

/// Fills the budget of a problem that has no other rule.
pub(crate) fn fill(problem: &Problem<'_>, frontier: &Frontier) -> Greedy {
    let budget = problem.limits.first().copied().unwrap_or_default();
    let Some(cut) = frontier.cut(Cents(budget)) else {
        let prices = ExactPrices { numerators: vec![0], denominator: 1 };
        return Greedy { holdings: above(problem, frontier, None), prices, nearest: Vec::new() };
    };
    let critical = cut.within.get(cut.fitting).map_or((0, 1), |step| step.efficiency(problem.offers).parts());
    let mut holdings = above(problem, frontier, Some(cut.bucket));
    let near = around(frontier, &cut);
    let mut left = budget - holdings.uses[0];
    for &step in cut.within.iter().chain(near.below.iter().take(TAIL)) {
        let (_, cost) = step.gain(problem.offers);
        let customer = problem.offers.customer_of(step.offer as usize);
        // Where a step was left out, the later ones of the same customer do not start from what it holds.
        if cost <= left && holdings.choices[customer] == step.before {
            holdings.switch(problem, customer, step.offer);
            left -= cost;
        }
    }
    let prices = ExactPrices { numerators: vec![critical.0], denominator: critical.1 };
    Greedy { holdings, prices, nearest: near.customers(problem, &cut) }
}

/// What is held once all increments of greater efficiency than a bucket's are taken, or all there are.
fn above(problem: &Problem<'_>, frontier: &Frontier, bucket: Option<u16>) -> Holdings {
    let offers = problem.offers;
    let mut choices = vec![NONE; offers.customers()];
    let mut customer = 0;
    for (step, own) in frontier.increments() {
        // In the order of customers, each one's from the most efficient down: the last that is taken stays.
        while customer < choices.len() && !offers.of(customer).contains(&(step.offer as usize)) {
            customer += 1;
        }
        if bucket.is_none_or(|bucket| own > bucket) {
            choices[customer] = step.offer;
        }
    }
    Holdings::of(problem, choices)
}

/// The increments next to the critical bucket.
struct Around {
    above: Vec<Increment>,
    below: Vec<Increment>,
}

/// As many buckets on each side as it takes to have [`NEAR`] increments, as far as a few buckets reach.
fn around(frontier: &Frontier, cut: &Cut) -> Around {
    const BUCKETS: u16 = 64;
    let mut around = Around { above: Vec::new(), below: Vec::new() };
    let reach = cut.bucket.saturating_sub(BUCKETS)..=cut.bucket.saturating_add(BUCKETS);
    let mut buckets: BTreeMap<u16, usize> = BTreeMap::new();
    frontier
        .increments()
        .filter(|(_, own)| reach.contains(own))
        .for_each(|(_, own)| *buckets.entry(own).or_default() += 1);
    for (&bucket, _) in buckets.range(..cut.bucket).rev() {
        if around.below.len() < NEAR {
            around.below.extend(frontier.within(bucket));
        }
    }
    for (&bucket, _) in buckets.range(cut.bucket.saturating_add(1)..) {
        if around.above.len() < NEAR {
            around.above.extend(frontier.within(bucket).into_iter().rev());
        }
    }
    around
}

impl Around {
    /// The customers of the increments nearest to the critical one, on both sides.
    fn customers(&self, problem: &Problem<'_>, cut: &Cut) -> Vec<u32> {
        let (fitting, rest) = cut.within.split_at(cut.fitting);
        let above = fitting.iter().rev().chain(&self.above).take(NEAR);
        let below = rest.iter().chain(&self.below).take(NEAR);
        let mut customers: Vec<u32> =
            above.chain(below).map(|step| problem.offers.customer_of(step.offer as usize) as u32).collect();
        customers.sort_unstable();
        customers.dedup();
        customers
    }
}
