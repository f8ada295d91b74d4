//! What the rules ask of an offer, by cell: the pair of its customer's segment and its kind.
//!
//! However many rules there are, they charge every offer of a cell the same for being chosen and the same for each cent that it
//! costs. So the price of an offer under all rules is one product and one sum, and what a plan uses of all rules follows from
//! the number and cost of its offers in every cell.

use mainstay_schema::plan::{Offers, Rule, Weight};

/// So much for an offer, and so much for each cent that it costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked<N> {
    pub(crate) by_count: N,
    pub(crate) by_cost: N,
}

/// Offers of one cell added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: i64,
    pub(crate) cost: i64,
}

/// What every rule asks in every cell.
#[derive(Debug, Clone)]
pub(crate) struct Coefficients {
    kinds: usize,
    cells: usize,
    /// Rule after rule, each cell by cell.
    asked: Vec<Asked<i64>>,
    rules: usize,
}

impl Coefficients {
    pub(crate) fn new(offers: &Offers, rules: &[Rule]) -> Self {
        let width = |labels: &[u16]| labels.iter().max().map_or(0, |&last| usize::from(last) + 1);
        let (kinds, segments) = (width(offers.kinds()), width(offers.segments()));
        let cells = kinds * segments;
        let mut asked = vec![Asked::default(); cells * rules.len()];
        for (rule, asked) in rules.iter().zip(asked.chunks_mut(cells.max(1))) {
            for term in &rule.terms {
                for (cell, asked) in asked.iter_mut().enumerate() {
                    if term.segments.contains((cell / kinds) as u16) && term.kinds.contains((cell % kinds) as u16) {
                        match term.weight {
                            Weight::Cost => asked.by_cost += term.factor,
                            Weight::Count => asked.by_count += term.factor,
                        }
                    }
                }
            }
        }
        Self { kinds, cells, asked, rules: rules.len() }
    }

    pub(crate) fn kinds(&self) -> usize {
        self.kinds
    }

    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    pub(crate) fn cell(&self, segment: u16, kind: u16) -> usize {
        usize::from(segment) * self.kinds + usize::from(kind)
    }

    /// What every cell is asked by one rule.
    pub(crate) fn of_rule(&self, rule: usize) -> &[Asked<i64>] {
        self.asked.get(rule * self.cells..(rule + 1) * self.cells).unwrap_or_default()
    }

    /// What an offer of `cell` at `cost` adds to one rule. In range: see `ValidInstance`.
    pub(crate) fn add(&self, rule: usize, cell: usize, cost: i64) -> i64 {
        let asked = self.of_rule(rule).get(cell).copied().unwrap_or_default();
        asked.by_count + asked.by_cost * cost
    }

    /// What a plan uses of every rule.
    pub(crate) fn uses(&self, tallies: &[Tally]) -> Vec<i64> {
        let used = |rule| {
            let parts = self.of_rule(rule).iter().zip(tallies);
            parts.map(|(asked, tally)| asked.by_count * tally.count + asked.by_cost * tally.cost).sum()
        };
        (0..self.rules).map(used).collect()
    }

    /// What a plan uses of every rule if nothing counted down: the scale of the rule.
    pub(crate) fn gross_uses(&self, tallies: &[Tally]) -> Vec<i64> {
        let used = |rule| {
            let parts = self.of_rule(rule).iter().zip(tallies);
            parts.map(|(asked, tally)| asked.by_count.abs() * tally.count + asked.by_cost.abs() * tally.cost).sum()
        };
        (0..self.rules).map(used).collect()
    }

    /// What the rules charge for the offers of every cell at some prices.
    pub(crate) fn charges(&self, prices: &[f64]) -> Vec<Asked<f64>> {
        let mut charges = vec![Asked::default(); self.cells];
        for (rule, &price) in prices.iter().enumerate().filter(|(_, price)| **price != 0.0) {
            for (charge, asked) in charges.iter_mut().zip(self.of_rule(rule)) {
                charge.by_count += price * asked.by_count as f64;
                charge.by_cost += price * asked.by_cost as f64;
            }
        }
        charges
    }

    /// The same at exact prices, times their denominator.
    pub(crate) fn exact_charges(&self, prices: &[i64]) -> Vec<Asked<i128>> {
        let mut charges = vec![Asked::default(); self.cells];
        for (rule, &price) in prices.iter().enumerate().filter(|(_, price)| **price != 0) {
            for (charge, asked) in charges.iter_mut().zip(self.of_rule(rule)) {
                charge.by_count += i128::from(price) * i128::from(asked.by_count);
                charge.by_cost += i128::from(price) * i128::from(asked.by_cost);
            }
        }
        charges
    }
}
