//! The instance as the search sees it, and a plan under way.

use mainstay_schema::plan::{Offer, Offers, Rule};

use crate::coefficients::Coefficients;
use crate::relaxation::{NONE, exact_bound};

/// Offers, what rules ask of them, and the limits. Values may be below 0 here.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    pub(crate) offers: &'a Offers,
    pub(crate) coefficients: Coefficients,
    pub(crate) limits: Vec<i64>,
}

/// Prices as fractions with one denominator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExactPrices {
    pub(crate) numerators: Vec<i64>,
    pub(crate) denominator: i64,
}

/// Numerators stay below 2 to this power, so that their products with sums of money fit 128 bits.
const PRICE_BITS: i32 = 55;
/// The finest denominator, as a power of 2.
const FINEST: i32 = 52;

impl ExactPrices {
    /// The nearest fractions with the finest common denominator that holds the largest of them.
    pub(crate) fn nearest(prices: &[f64]) -> Self {
        let largest = prices.iter().fold(1.0f64, |largest, price| largest.max(*price));
        let bits = (PRICE_BITS - largest.log2().ceil() as i32).clamp(0, FINEST);
        let denominator = 1i64 << bits;
        let numerators = prices.iter().map(|price| (price.max(0.0) * denominator as f64).round() as i64).collect();
        Self { numerators, denominator }
    }

    pub(crate) fn to_f64(&self) -> Vec<f64> {
        self.numerators.iter().map(|&numerator| numerator as f64 / self.denominator as f64).collect()
    }
}

impl<'a> Problem<'a> {
    pub(crate) fn new(offers: &'a Offers, rules: &[Rule]) -> Self {
        let coefficients = Coefficients::new(offers, rules);
        Self { offers, coefficients, limits: rules.iter().map(|rule| rule.limit).collect() }
    }

    /// L at exact prices, times their denominator.
    pub(crate) fn bound(&self, prices: &ExactPrices) -> i128 {
        exact_bound(self.offers, &self.coefficients, &self.limits, &prices.numerators, prices.denominator)
    }

    /// The offer of a customer at a position, with its cell; `None` for [`NONE`].
    pub(crate) fn offer(&self, customer: usize, position: u32) -> Option<(Offer, usize)> {
        if position == NONE {
            return None;
        }
        let offer = self.offers.get(position as usize)?;
        Some((offer, self.coefficients.cell(*self.offers.segments().get(customer)?, offer.kind)))
    }

    /// What an offer adds to every rule, and its value.
    pub(crate) fn adds(&self, customer: usize, position: u32) -> (Vec<i64>, i64) {
        let rules = 0..self.limits.len();
        match self.offer(customer, position) {
            None => (vec![0; self.limits.len()], 0),
            Some((offer, cell)) => {
                (rules.map(|rule| self.coefficients.add(rule, cell, offer.cost.0)).collect(), offer.value.0)
            }
        }
    }

    /// What a customer may be given: nothing, or one of its offers.
    pub(crate) fn options(&self, customer: usize) -> impl Iterator<Item = u32> {
        std::iter::once(NONE).chain(self.offers.of(customer).map(|position| position as u32))
    }
}

/// A plan under way: what every customer holds, and what that adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holdings {
    /// Position of each customer's offer, or [`NONE`].
    pub(crate) choices: Vec<u32>,
    pub(crate) uses: Vec<i64>,
    pub(crate) value: i64,
}

impl Holdings {
    /// Nobody holds anything.
    pub(crate) fn none(problem: &Problem<'_>) -> Self {
        let choices = vec![NONE; problem.offers.customers()];
        Self { choices, uses: vec![0; problem.limits.len()], value: 0 }
    }

    /// What these choices add up to.
    pub(crate) fn of(problem: &Problem<'_>, choices: Vec<u32>) -> Self {
        let mut tallies = vec![crate::coefficients::Tally::default(); problem.coefficients.cells()];
        let mut value = 0;
        for (customer, &position) in choices.iter().enumerate() {
            if let Some((offer, cell)) = problem.offer(customer, position) {
                tallies[cell].count += 1;
                tallies[cell].cost += offer.cost.0;
                value += offer.value.0;
            }
        }
        Self { choices, uses: problem.coefficients.uses(&tallies), value }
    }

    /// Gives a customer another offer, or none.
    pub(crate) fn switch(&mut self, problem: &Problem<'_>, customer: usize, position: u32) {
        let (before, before_value) = problem.adds(customer, self.choices[customer]);
        let (after, after_value) = problem.adds(customer, position);
        for (used, (before, after)) in self.uses.iter_mut().zip(before.iter().zip(&after)) {
            *used += after - before;
        }
        self.value += after_value - before_value;
        self.choices[customer] = position;
    }

    /// What the limits leave; below 0 for a rule that is broken.
    pub(crate) fn room(&self, problem: &Problem<'_>) -> Vec<i64> {
        problem.limits.iter().zip(&self.uses).map(|(limit, used)| limit - used).collect()
    }

    /// Whether every rule is kept.
    pub(crate) fn is_feasible(&self, problem: &Problem<'_>) -> bool {
        self.uses.iter().zip(&problem.limits).all(|(used, limit)| used <= limit)
    }
}
