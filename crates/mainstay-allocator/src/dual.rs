//! The prices of the rules: the lowest point of L, by cutting planes with an in-out step.
//!
//! L is convex and piecewise linear. Each response to some prices is a cut ([`crate::relaxation`]), and the master problem
//! ([`crate::master`]) knows the lowest point of all cuts, which is a lower bound of the lowest L. Asking there (Kelley 1960, "The
//! Cutting-Plane Method for Solving Convex Programs") swings between extremes for long; asking between the best point known and
//! the master's does not (Ben-Ameur and Neto 2007, "Acceleration of Cutting-Plane and Column Generation Algorithms").
//!
//! Any prices give a valid bound: where the search is ended early, the gap is wider, and nothing is wrong.

use mainstay_schema::plan::{AmountsView, Offers};

use crate::coefficients::Coefficients;
use crate::focus::Focus;
use crate::master::{Column, Master, PriceBox};
use crate::mixture::Part;
use crate::relaxation::{Response, respond};

/// How much of the next trial point is the best point known; the rest is the master's.
const IN_SHARE: f64 = 0.7;
/// The first box reaches to so many times the average worth of a unit.
const FIRST_REACH: f64 = 4.0;
/// A box grows where its edge stops a price, by this factor.
const GROWTH: f64 = 8.0;
/// Beyond this a price is as good as infinite: the rules cannot be kept.
const FARTHEST_REACH: f64 = 1e9;

/// A dual problem: which limits, and how near to its optimum the search must come.
#[derive(Debug, Clone)]
pub(crate) struct DualProblem<'a> {
    /// The limits of the rules.
    pub(crate) limits: &'a [i64],
    /// A rule that is left out.
    pub(crate) without: Option<usize>,
    /// Where the answer is expected.
    pub(crate) near: Option<Near<'a>>,
    /// The share of the bound that may remain between it and the lowest possible one.
    pub(crate) tolerance: f64,
    /// How often everybody may be asked.
    pub(crate) most_evaluations: usize,
}

/// Where the answer is expected: within `trust` times the prices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near<'a> {
    pub(crate) prices: &'a [f64],
    pub(crate) trust: f64,
    /// Whether those who choose the same everywhere near are asked but once.
    pub(crate) is_focused: bool,
}

/// Prices and what they prove.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// The price of each rule, in cents of value for a unit of its limit.
    pub(crate) prices: Vec<f64>,
    /// L at the prices.
    pub(crate) bound: f64,
    /// No prices give a lower L than this, within the rounding of doubles.
    pub(crate) lowest: f64,
    /// The plans that keep the rules on average, as far as any do, and come up to the lowest L together.
    pub(crate) mixture: Vec<Part>,
}

/// Everything that has been asked of one set of offers: cuts hold for all limits.
pub(crate) struct Dual<'a> {
    offers: &'a Offers,
    coefficients: &'a Coefficients,
    value_scale: f64,
    use_scales: Vec<f64>,
    columns: Vec<Column>,
    /// The prices at which each column was asked for.
    asked: Vec<Vec<f64>>,
    focus: Option<Focus>,
    /// What the least valuable plan brings, in units of the scale.
    least_value: f64,
}

impl<'a> Dual<'a> {
    /// Asks everybody once, at prices of 0.
    pub(crate) fn new(offers: &'a Offers, coefficients: &'a Coefficients, limits: &[i64]) -> Self {
        let free = respond(offers, coefficients, &vec![0.0; limits.len()]);
        let gross = coefficients.gross_uses(&free.tallies);
        let use_scales = gross.iter().zip(limits).map(|(&gross, &limit)| (gross.max(limit.abs()).max(1)) as f64);
        let value_scale = free.value.max(1) as f64;
        let least_value = least_value(offers) / value_scale;
        let mut dual = Self {
            offers,
            coefficients,
            value_scale,
            use_scales: use_scales.collect(),
            columns: Vec::new(),
            asked: vec![vec![0.0; limits.len()]],
            focus: None,
            least_value,
        };
        dual.columns.push(dual.column(&free));
        dual
    }

    /// The prices at which L is lowest.
    pub(crate) fn minimise(&mut self, problem: &DualProblem<'_>) -> Point {
        let limits: Vec<f64> =
            problem.limits.iter().zip(&self.use_scales).map(|(&b, scale)| b as f64 / scale).collect();
        let scaled = |prices: &[f64]| -> Vec<f64> {
            prices.iter().zip(&self.use_scales).map(|(price, scale)| price * scale / self.value_scale).collect()
        };
        let near = problem.near.map(|near| scaled(near.prices));
        let trust = problem.near.map_or(FIRST_REACH, |near| near.trust);
        let mut prices = first_box(near.as_deref(), trust, limits.len(), problem.without);
        self.focus = match problem.near {
            Some(near) if near.is_focused => Some(Focus::new(
                self.offers,
                self.coefficients,
                &self.unscaled(&prices.low),
                &self.unscaled(&prices.high),
            )),
            _ => None,
        };
        let mut best = near.unwrap_or_else(|| vec![0.0; limits.len()]);
        if let Some(without) = problem.without {
            best[without] = 0.0;
        }
        let mut evaluations = 0;
        let mut bound = if problem.near.is_some() {
            evaluations += 1;
            self.ask(&best, &limits)
        } else {
            bound_of(&self.columns[0], &best, &limits)
        };
        let (mut lowest, mut weights);
        'boxes: loop {
            let allowed = prices.clone();
            let mut master = Master::new(&self.columns[0], &limits, &allowed);
            let mut last_trial = Vec::new();
            loop {
                let trial = master.solve(&self.columns);
                lowest = trial.bound.min(bound);
                weights = master.weights();
                if bound < self.least_value - 1e-3 {
                    // Below every plan: the rules cannot be kept, and the prices prove it.
                    break 'boxes;
                }
                let is_near_enough = bound - trial.bound <= problem.tolerance * bound.abs().max(1e-9);
                if is_near_enough || evaluations >= problem.most_evaluations {
                    let is_wider = grow(&mut prices, &best, &trial.prices, problem.without);
                    if is_wider && evaluations < problem.most_evaluations {
                        // Beyond the box the decided may decide otherwise.
                        self.focus = None;
                        continue 'boxes;
                    }
                    break 'boxes;
                }
                // Where the last answer did not move the master's point, only an answer at that point itself can.
                let share = if trial.prices == last_trial { 0.0 } else { IN_SHARE };
                let inner = best.iter().zip(&trial.prices);
                let asked: Vec<f64> = inner.map(|(inner, outer)| share * inner + (1.0 - share) * outer).collect();
                last_trial = trial.prices;
                let answer = self.ask(&asked, &limits);
                evaluations += 1;
                if answer < bound {
                    (best, bound) = (asked, answer);
                }
            }
        }
        let part = |(plan, share): (usize, f64)| Part { share, prices: self.asked[plan].clone() };
        Point {
            prices: self.unscaled(&best),
            bound: bound * self.value_scale,
            lowest: lowest * self.value_scale,
            mixture: weights.into_iter().map(part).collect(),
        }
    }

    /// L at scaled prices; the response becomes a column.
    fn ask(&mut self, prices: &[f64], limits: &[f64]) -> f64 {
        let unscaled = self.unscaled(prices);
        let response = match &self.focus {
            None => respond(self.offers, self.coefficients, &unscaled),
            Some(Focus { undecided, decided }) => respond(undecided, self.coefficients, &unscaled).plus(decided),
        };
        let column = self.column(&response);
        let bound = bound_of(&column, prices, limits);
        self.columns.push(column);
        self.asked.push(unscaled);
        bound
    }

    fn unscaled(&self, prices: &[f64]) -> Vec<f64> {
        prices.iter().zip(&self.use_scales).map(|(price, scale)| price * self.value_scale / scale).collect()
    }

    fn column(&self, response: &Response) -> Column {
        let uses = self.coefficients.uses(&response.tallies);
        Column {
            value: response.value as f64 / self.value_scale,
            uses: uses.iter().zip(&self.use_scales).map(|(&used, scale)| used as f64 / scale).collect(),
        }
    }
}

/// No plan is worth less: every customer's least valuable offer, if it is below 0.
fn least_value(offers: &Offers) -> f64 {
    match offers.amounts() {
        AmountsView::Narrow { .. } => 0.0,
        AmountsView::Wide { values, .. } => values.iter().filter(|value| **value < 0).map(|&value| value as f64).sum(),
    }
}

fn bound_of(column: &Column, prices: &[f64], limits: &[f64]) -> f64 {
    let slack = limits.iter().zip(&column.uses).map(|(limit, used)| limit - used);
    column.value + prices.iter().zip(slack).map(|(price, slack)| price * slack).sum::<f64>()
}

fn first_box(near: Option<&[f64]>, trust: f64, rules: usize, without: Option<usize>) -> PriceBox {
    let (low, high) = match near {
        Some(near) => (
            near.iter().map(|price| if *price > 1e-6 { price / trust } else { 0.0 }).collect(),
            near.iter().map(|price| price * trust + 1e-3).collect(),
        ),
        None => (vec![0.0; rules], vec![FIRST_REACH; rules]),
    };
    let mut prices = PriceBox { low, high };
    if let Some(without) = without {
        // What one rule prevented falls to the others.
        prices.high.iter_mut().for_each(|high| *high = high.max(FIRST_REACH));
        prices.low[without] = 0.0;
        prices.high[without] = 0.0;
    }
    prices
}

/// Widens the box where its edge stops a price; whether it is wider now.
fn grow(prices: &mut PriceBox, best: &[f64], trial: &[f64], without: Option<usize>) -> bool {
    let mut is_wider = false;
    for rule in (0..best.len()).filter(|rule| without != Some(*rule)) {
        let edge = 1e-9 + 1e-6 * prices.high[rule];
        let is_at = |price: f64, edge_price: f64| (price - edge_price).abs() <= edge;
        if is_at(trial[rule], prices.high[rule]) && prices.high[rule] < FARTHEST_REACH {
            prices.high[rule] = (prices.high[rule] * GROWTH).max(best[rule] * GROWTH);
            is_wider = true;
        }
        if prices.low[rule] > 0.0 && is_at(trial[rule], prices.low[rule]) {
            prices.low[rule] /= GROWTH;
            if prices.low[rule] < 1e-7 {
                prices.low[rule] = 0.0;
            }
            is_wider = true;
        }
    }
    is_wider
}
