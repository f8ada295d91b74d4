//! From what everybody would choose at the prices to a plan that keeps the rules and leaves little unused.
//!
//! The prices balance the rules but for the customers who are nearly indifferent: switching those costs next to nothing. What a
//! plan misses of the bound is what its customers lose against their best at the prices, and the price of what it leaves unused.
//! So customers are switched wherever that makes the sum smaller, with a penalty on what is used too much; the penalty of a rule
//! that stays broken grows from pass to pass, until some other rule gives way.

use crate::core::{Choice, Member};
use crate::problem::{ExactPrices, Holdings, Problem};

/// Passes over all members at most.
const MOST_PASSES: usize = 80;
/// How a penalty grows with every pass that leaves its rule broken.
const GROWTH: f64 = 1.6;

/// At first a switch may lose at most this share of what it brings the rules, then more: the cheap ones come first.
pub(crate) const PATIENT: [f64; 4] = [0.005, 0.05, 0.3, 1.0];

/// What rules cost that are not used up, and those that are broken, in cents a unit.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    pub(crate) prices: Vec<f64>,
    pub(crate) penalties: Vec<f64>,
    pub(crate) denominator: f64,
}

impl Rates {
    /// At the prices, and for a unit too much at least so much that rules without a price count too.
    pub(crate) fn new(problem: &Problem<'_>, prices: &ExactPrices) -> Self {
        let least = |rule: usize| {
            let asked = problem.coefficients.of_rule(rule).iter();
            let largest = asked.map(|asked| asked.by_count.unsigned_abs().max(asked.by_cost.unsigned_abs())).max();
            1.0 / largest.unwrap_or(1).max(1) as f64
        };
        let denominator = prices.denominator as f64;
        let prices = prices.to_f64();
        let penalties = prices.iter().enumerate().map(|(rule, price)| price.max(least(rule))).collect();
        Self { prices, penalties, denominator }
    }

    pub(crate) fn cost(&self, rule: usize, room: i64) -> f64 {
        if room >= 0 { self.prices[rule] * room as f64 } else { self.penalties[rule] * -room as f64 }
    }

    /// Raises the penalties of the rules that are broken; whether any is.
    pub(crate) fn grow(&mut self, room: &[i64]) -> bool {
        let broken = self.penalties.iter_mut().zip(room).filter(|(_, room)| **room < 0);
        broken.map(|(penalty, _)| *penalty *= GROWTH).count() > 0
    }
}

/// Switches members until the rules are kept and no single switch makes the plan better; whether they are kept.
///
/// `room` is what the rules leave at the members' present choices, and is kept up.
pub(crate) fn settle(members: &mut [Member], room: &mut [i64], rates: &mut Rates) -> bool {
    for share in PATIENT {
        pass(members, room, rates, share);
    }
    for _ in 0..MOST_PASSES {
        let has_changed = pass(members, room, rates, 1.0);
        if !rates.grow(room) && !has_changed {
            return true;
        }
    }
    room.iter().all(|room| *room >= 0)
}

/// Gives each member once the choice that costs the least in all; whether any changed.
fn pass(members: &mut [Member], room: &mut [i64], rates: &Rates, share: f64) -> bool {
    let mut has_changed = false;
    for member in members {
        let held = member.held();
        let mut best = (-1e-6, member.held);
        for (at, choice) in member.choices.iter().enumerate().filter(|(at, _)| *at != member.held) {
            let lost = (choice.loss - held.loss) as f64 / rates.denominator;
            let eased = eased(choice, held, room, rates);
            if lost - eased < best.0 && lost <= share * eased {
                best = (lost - eased, at);
            }
        }
        if best.1 != member.held {
            let adds = member.choices[best.1].adds.iter().zip(&held.adds);
            room.iter_mut().zip(adds).for_each(|(room, (new, old))| *room += old - new);
            member.held = best.1;
            has_changed = true;
        }
    }
    has_changed
}

/// By how much less the rules cost with another choice.
fn eased(choice: &Choice, held: &Choice, room: &[i64], rates: &Rates) -> f64 {
    let adds = choice.adds.iter().zip(&held.adds).enumerate().filter(|(_, (new, old))| new != old);
    adds.map(|(rule, (new, old))| rates.cost(rule, room[rule]) - rates.cost(rule, room[rule] - new + old)).sum()
}

/// Gives every customer, in the order of `order`, the most valuable offer that the rules still leave room for.
pub(crate) fn fill(problem: &Problem<'_>, holdings: &mut Holdings, order: &[u32]) {
    for &customer in order {
        let customer = customer as usize;
        let held = holdings.choices[customer];
        let (held_adds, held_value) = problem.adds(customer, held);
        let mut best = (held_value, held);
        for option in problem.options(customer).filter(|option| *option != held) {
            let (adds, value) = problem.adds(customer, option);
            let changed =
                holdings.uses.iter().zip(adds.iter().zip(&held_adds)).map(|(used, (new, old))| used + new - old);
            if value > best.0 && changed.zip(&problem.limits).all(|(used, limit)| used <= *limit) {
                best = (value, option);
            }
        }
        if best.1 != held {
            holdings.switch(problem, customer, best.1);
        }
    }
}
