//! The Lagrangian relaxation: rules at prices instead of limits, so that every customer is decided alone.
//!
//! Everett (1963), "Generalized Lagrange Multiplier Method"; Fisher (1981), "The Lagrangian Relaxation Method for Solving Integer
//! Programming Problems". What all customers choose at some prices is a plan of a certain value and use, and
//! `value + sum of price_k * (limit_k - use_k)` is L at these prices, and at all others at most L: a cut for the dual.

use std::ops::Range;

use mainstay_schema::plan::{AmountsView, Offers};

use crate::coefficients::{Asked, Coefficients, Tally};

/// The position that stands for no offer.
pub(crate) const NONE: u32 = u32::MAX;

/// What all customers choose at some prices, added up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
    pub(crate) value: i64,
    pub(crate) tallies: Vec<Tally>,
}

impl Response {
    /// The response of both together.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        self.value += other.value;
        for (tally, more) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.count += more.count;
            tally.cost += more.cost;
        }
        self
    }
}

/// What one customer chooses at some prices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Best {
    /// Position of the offer, or [`NONE`].
    pub(crate) offer: u32,
    /// Position of the next best, or [`NONE`].
    pub(crate) next: u32,
    /// How much better the choice is than the next one, no offer included; infinite where there is no other.
    pub(crate) margin: f64,
}

/// Adds up what everybody chooses.
pub(crate) fn respond(offers: &Offers, coefficients: &Coefficients, prices: &[f64]) -> Response {
    let charges = coefficients.charges(prices);
    let mut response = Response { value: 0, tallies: vec![Tally::default(); coefficients.cells()] };
    match offers.amounts() {
        AmountsView::Narrow { values, costs } => {
            add_up(offers, values, costs, &charges, coefficients.kinds(), &mut response);
        }
        AmountsView::Wide { values, costs } => {
            add_up(offers, values, costs, &charges, coefficients.kinds(), &mut response);
        }
    }
    response
}

fn add_up<A: Copy + Into<i64>>(
    offers: &Offers,
    values: &[A],
    costs: &[A],
    charges: &[Asked<f64>],
    kinds: usize,
    response: &mut Response,
) {
    for_each_choice(offers, values, costs, charges, kinds, 0..offers.customers(), |chosen, segment| {
        if chosen != usize::MAX {
            let cell = usize::from(segment) * kinds + usize::from(offers.kinds()[chosen]);
            let tally = &mut response.tallies[cell];
            tally.count += 1;
            tally.cost += costs[chosen].into();
            response.value += values[chosen].into();
        }
    });
}

/// Lists what these customers choose.
pub(crate) fn choose(
    offers: &Offers,
    charges: &[Asked<f64>],
    kinds: usize,
    customers: Range<usize>,
    chosen: &mut Vec<u32>,
) {
    chosen.clear();
    let list = |position: usize, _| chosen.push(u32::try_from(position).unwrap_or(NONE));
    match offers.amounts() {
        AmountsView::Narrow { values, costs } => {
            for_each_choice(offers, values, costs, charges, kinds, customers, list);
        }
        AmountsView::Wide { values, costs } => for_each_choice(offers, values, costs, charges, kinds, customers, list),
    }
}

/// Gives the position of what each customer chooses, or the largest number for nothing, and the customer's segment.
#[inline(always)]
fn for_each_choice<A: Copy + Into<i64>>(
    offers: &Offers,
    values: &[A],
    costs: &[A],
    charges: &[Asked<f64>],
    kinds: usize,
    customers: Range<usize>,
    mut take: impl FnMut(usize, u16),
) {
    let labels = offers.kinds();
    let mut start = offers.of(customers.start).start;
    for (&segment, &end) in offers.segments()[customers.clone()].iter().zip(&offers.ends()[customers]) {
        let base = usize::from(segment) * kinds;
        let own = start..end as usize;
        start = end as usize;
        let (mut best, mut chosen) = (0.0, usize::MAX);
        for position in own {
            let (value, cost): (i64, i64) = (values[position].into(), costs[position].into());
            let charge = charges[base + usize::from(labels[position])];
            let surplus = value as f64 - charge.by_count - charge.by_cost * cost as f64;
            // Both as selections, not as a branch that nobody can foresee.
            let is_better = surplus > best;
            best = if is_better { surplus } else { best };
            chosen = if is_better { position } else { chosen };
        }
        take(chosen, segment);
    }
}

/// What every customer chooses, and how sure the choice is.
pub(crate) fn choices(offers: &Offers, coefficients: &Coefficients, prices: &[f64]) -> Vec<Best> {
    let charges = coefficients.charges(prices);
    let choice = |(customer, &segment): (usize, &u16)| {
        let base = usize::from(segment) * coefficients.kinds();
        let (mut best, mut chosen) = (0.0f64, NONE);
        let (mut second, mut next) = (f64::NEG_INFINITY, NONE);
        for position in offers.of(customer) {
            let Some(offer) = offers.get(position) else { continue };
            let charge = charges[base + usize::from(offer.kind)];
            let surplus = offer.value.0 as f64 - charge.by_count - charge.by_cost * offer.cost.0 as f64;
            if surplus > best {
                (second, next) = (best, chosen);
                (best, chosen) = (surplus, position as u32);
            } else if surplus > second {
                (second, next) = (surplus, position as u32);
            }
        }
        Best { offer: chosen, next, margin: best - second }
    };
    offers.segments().iter().enumerate().map(choice).collect()
}

/// L at exact prices, times their denominator.
pub(crate) fn exact_bound(
    offers: &Offers,
    coefficients: &Coefficients,
    limits: &[i64],
    prices: &[i64],
    denominator: i64,
) -> i128 {
    let charges = coefficients.exact_charges(prices);
    let worth: i128 = limits.iter().zip(prices).map(|(&limit, &price)| i128::from(limit) * i128::from(price)).sum();
    let surplus = match offers.amounts() {
        AmountsView::Narrow { values, costs } => {
            exact_surplus(offers, values, costs, &charges, coefficients.kinds(), denominator)
        }
        AmountsView::Wide { values, costs } => {
            exact_surplus(offers, values, costs, &charges, coefficients.kinds(), denominator)
        }
    };
    worth + surplus
}

fn exact_surplus<A: Copy + Into<i64>>(
    offers: &Offers,
    values: &[A],
    costs: &[A],
    charges: &[Asked<i128>],
    kinds: usize,
    denominator: i64,
) -> i128 {
    let labels = offers.kinds();
    let (mut start, mut total) = (0, 0i128);
    for (&segment, &end) in offers.segments().iter().zip(offers.ends()) {
        let base = usize::from(segment) * kinds;
        let own = start..end as usize;
        start = end as usize;
        let mut best = 0i128;
        for position in own {
            let (value, cost): (i64, i64) = (values[position].into(), costs[position].into());
            let charge = charges[base + usize::from(labels[position])];
            let surplus =
                i128::from(value) * i128::from(denominator) - charge.by_count - charge.by_cost * i128::from(cost);
            best = best.max(surplus);
        }
        total += best;
    }
    total
}
