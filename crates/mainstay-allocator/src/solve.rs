//! From a problem to a plan and the prices that prove it.

use crate::core::{self, write_back};
use crate::dual::{Dual, DualProblem, Near, Point};
use crate::exact::{MOST_BRANCHES, Search};
use crate::exchange;
use crate::frontier::Frontier;
use crate::greedy;
use crate::mixture;
use crate::order::{least_sure, some_of_each};
use crate::problem::{ExactPrices, Holdings, Problem};
use crate::relaxation::{Best, choices};
use crate::repair::{self, Rates};
use crate::sample;

/// Customers in the core. Where a population has no more, the search covers all of them.
const CORE: usize = 320;
/// Customers among whom switches and pairs of them are looked for.
const EXCHANGED: usize = 2_048;
/// Populations up to this size are searched to the end, as far as [`MOST_BRANCHES`] reach.
const SMALL: usize = 5_000;
/// Branches that a larger population is worth: it has so many nearly indifferent customers that pairs fill the room.
const FEW_BRANCHES: u64 = 60_000;
/// Customers that are switched at first so that the rules are kept, how many times more if that does not do, and at most.
const FIRST_SETTLED: usize = 4_096;
const SETTLED_GROWTH: usize = 8;
const MOST_SETTLED: usize = FIRST_SETTLED * SETTLED_GROWTH * SETTLED_GROWTH;
/// The dual is first asked up to this share of the bound.
const COARSE: f64 = 1e-5;
/// Where it begins from a sample, within so many times the sample's prices.
const SAMPLE_TRUST: f64 = 1.15;
/// Then with those who are undecided near the answer, ever nearer: the share of the bound, and how near.
const STAGES: [(f64, f64); 2] = [(1e-6, 1.1), (1e-8, 1.03)];
/// How often a stage asks everybody at most.
const MOST_EVALUATIONS: usize = 250;

/// What a problem comes to.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The best plan found; `None` where none is known that keeps the rules.
    pub(crate) holdings: Option<Holdings>,
    pub(crate) prices: ExactPrices,
    /// L at the prices, times their denominator.
    pub(crate) bound: i128,
    /// Whether no plan is better; where none was found, that there is none.
    pub(crate) is_exact: bool,
}

impl Answer {
    /// No plan is worth more, in whole cents.
    pub(crate) fn upper_bound(&self) -> i128 {
        self.bound.div_euclid(i128::from(self.prices.denominator))
    }
}

/// Solves a problem whose only rule is the budget.
pub(crate) fn along(problem: &Problem<'_>, frontier: &Frontier) -> Answer {
    let greedy = greedy::fill(problem, frontier);
    let bound = problem.bound(&greedy.prices);
    let answer = Answer { holdings: Some(greedy.holdings), prices: greedy.prices, bound, is_exact: false };
    polish(problem, answer, &greedy.nearest)
}

/// Solves a problem under any rules. `start` is a plan that keeps them, where one is known.
pub(crate) fn under_rules(problem: &Problem<'_>, start: Option<Holdings>) -> Answer {
    let point = dual_prices(problem);
    let prices = ExactPrices::nearest(&point.prices);
    let bound = problem.bound(&prices);
    let unsure = Unsure::among(problem, &prices);
    let near = Holdings::of(problem, mixture::rounded(problem, &point.mixture, &prices));
    let holdings = kept(problem, &prices, near, &unsure).or_else(|| {
        start.map(|mut start| {
            repair::fill(problem, &mut start, &unsure.order);
            start
        })
    });
    polish(problem, Answer { holdings, prices, bound, is_exact: false }, &unsure.of_each)
}

/// The customers whose choice is the least sure at the prices.
struct Unsure {
    /// By rising margin.
    order: Vec<u32>,
    /// Some of them for every pair of a choice and its next best, by rising margin: whatever a rule lacks, somebody can give it.
    of_each: Vec<u32>,
}

impl Unsure {
    fn among(problem: &Problem<'_>, prices: &ExactPrices) -> Self {
        let chosen = choices(problem.offers, &problem.coefficients, &prices.to_f64());
        let order = least_sure(&chosen, MOST_SETTLED);
        let mut of_each = order.clone();
        some_of_each(&mut of_each, EXCHANGED, |&customer| {
            let customer = customer as usize;
            let Best { offer, next, .. } = chosen[customer];
            [offer, next].map(|position| problem.offer(customer, position).map(|(_, cell)| cell))
        });
        Self { order, of_each }
    }
}

/// A plan near this one that keeps the rules: as few of the least sure are switched as that needs.
fn kept(problem: &Problem<'_>, prices: &ExactPrices, mut holdings: Holdings, unsure: &Unsure) -> Option<Holdings> {
    let mut rates = Rates::new(problem, prices);
    let mut members = core::members(problem, &holdings, prices, &unsure.of_each);
    let mut room = holdings.room(problem);
    exchange::balance(&mut members, &mut room, &mut rates);
    write_back(problem, &mut holdings, &members);
    if holdings.is_feasible(problem) {
        return Some(holdings);
    }
    let order = &unsure.order;
    let mut reach = FIRST_SETTLED;
    loop {
        let mut rates = Rates::new(problem, prices);
        let mut members = core::members(problem, &holdings, prices, &order[..reach.min(order.len())]);
        let mut room = holdings.room(problem);
        let is_kept = repair::settle(&mut members, &mut room, &mut rates);
        write_back(problem, &mut holdings, &members);
        if is_kept {
            return Some(holdings);
        }
        if reach >= order.len() {
            return None;
        }
        reach *= SETTLED_GROWTH;
    }
}

/// The lowest point of L, from coarse to fine.
fn dual_prices(problem: &Problem<'_>) -> Point {
    let Problem { offers, coefficients, limits } = problem;
    let sampled = sample::prices_near(offers, coefficients, limits, COARSE);
    let mut dual = Dual::new(offers, coefficients, limits);
    let near = sampled.as_deref().map(|prices| Near { prices, trust: SAMPLE_TRUST, is_focused: false });
    let coarse = DualProblem { limits, without: None, near, tolerance: COARSE, most_evaluations: MOST_EVALUATIONS };
    let mut point = dual.minimise(&coarse);
    for (tolerance, trust) in STAGES {
        let near = Some(Near { prices: &point.prices, trust, is_focused: true });
        point = dual.minimise(&DualProblem { near, tolerance, ..coarse.clone() });
    }
    point
}

/// Improves the plan among the core's customers, and looks whether anything is better at all.
fn polish(problem: &Problem<'_>, answer: Answer, core: &[u32]) -> Answer {
    let Answer { holdings, prices, bound, .. } = answer;
    let population = problem.offers.customers();
    let covered;
    let (core, covers_all) = if population <= CORE {
        covered = (0..population as u32).collect::<Vec<u32>>();
        (covered.as_slice(), true)
    } else {
        (core, false)
    };
    let is_known = holdings.is_some();
    let mut holdings = holdings.unwrap_or_else(|| Holdings::none(problem));
    let mut room = holdings.room(problem);
    if is_known {
        let mut members = core::members(problem, &holdings, &prices, core);
        exchange::improve(&mut members, &mut room, prices.denominator as f64);
        exchange::shake(&mut members, &mut room, &Rates::new(problem, &prices));
        write_back(problem, &mut holdings, &members);
    } else if !covers_all {
        return Answer { holdings: None, prices, bound, is_exact: bound < 0 };
    }
    let mut members = core::members(problem, &holdings, &prices, &core[..CORE.min(core.len())]);
    // What all lose follows from the value and the room; what the members lose is known.
    let unused: i128 =
        room.iter().zip(&prices.numerators).map(|(&room, &price)| i128::from(room) * i128::from(price)).sum();
    let all_lose = bound - i128::from(holdings.value) * i128::from(prices.denominator) - unused;
    let members_lose: i128 = members.iter().map(|member| member.held().loss).sum();
    let held = |rule: usize| members.iter().map(|member| member.held().adds[rule]).sum::<i64>();
    let free: Vec<i64> = room.iter().enumerate().map(|(rule, room)| room + held(rule)).collect();
    let search = Search {
        prices: &prices.numerators,
        denominator: prices.denominator,
        bound: bound - (all_lose - members_lose),
        room: &free,
        rest: holdings.value - members.iter().map(|member| member.held().value).sum::<i64>(),
        most_branches: if population <= SMALL { MOST_BRANCHES } else { FEW_BRANCHES },
    };
    let found = search.run(&members, is_known.then_some(holdings.value));
    let has_found = found.best.is_some();
    if let Some((_, picks)) = found.best {
        members.iter_mut().zip(picks).for_each(|(member, pick)| member.held = pick);
        write_back(problem, &mut holdings, &members);
    }
    let holdings = (is_known || has_found).then_some(holdings);
    Answer { holdings, prices, bound, is_exact: covers_all && found.is_complete }
}
