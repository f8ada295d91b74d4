//! The master problem of the dual: the lowest point of the cuts within a box of prices.
//!
//! minimise over low <= p <= high: max over plans t of (value_t + sum over rules of p_k * (limit_k - use_kt)).
//!
//! It is solved through its own dual, the mixture of plans of Dantzig and Wolfe (1960), "Decomposition Principle for Linear
//! Programs": weights w_t that add up to 1, an overuse s_k at the price high_k and a slack t_k at low_k. That has one row a rule
//! and one for the weights, however many plans there are, and a new plan is only a new column: the revised simplex method goes
//! on from where it was. Rules are few, so the inverse of the basis is a small dense matrix.

/// What a plan brings and uses, in units near 1.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) value: f64,
    pub(crate) uses: Vec<f64>,
}

/// The box that bounds the prices.
#[derive(Debug, Clone)]
pub(crate) struct PriceBox {
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

/// The lowest point of the cuts.
#[derive(Debug, Clone)]
pub(crate) struct Lowest {
    pub(crate) prices: Vec<f64>,
    pub(crate) bound: f64,
}

/// A variable of the mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Weight(usize),
    Overuse(usize),
    Slack(usize),
}

/// Reduced costs below this are rounding.
const TOLERANCE: f64 = 1e-12;
/// Pivots before the method gives up and answers with what it has: other prices to ask at, and a bound that is too high.
const MOST_PIVOTS: usize = 1_000;
/// Pivots by steepest cost; behind them the first variable that helps enters (Bland), which does not cycle.
const STEEP_PIVOTS: usize = 200;

/// The mixture and its basis. Columns are added, limits and box stay.
pub(crate) struct Master<'a> {
    limits: &'a [f64],
    prices: &'a PriceBox,
    basis: Vec<Variable>,
    inverse: Vec<Vec<f64>>,
}

impl<'a> Master<'a> {
    /// A master whose mixture is the first column alone.
    pub(crate) fn new(first: &Column, limits: &'a [f64], prices: &'a PriceBox) -> Self {
        let rules = limits.len();
        let mut basis: Vec<Variable> = (0..rules)
            .map(|rule| {
                let fits = first.uses[rule] <= limits[rule];
                if fits { Variable::Slack(rule) } else { Variable::Overuse(rule) }
            })
            .collect();
        basis.push(Variable::Weight(0));
        Self { limits, prices, basis, inverse: Vec::new() }
    }

    /// The lowest point of these columns, which begin with those of the last call.
    pub(crate) fn solve(&mut self, columns: &[Column]) -> Lowest {
        self.invert(columns);
        for pivot in 0..MOST_PIVOTS {
            let duals = self.duals(columns);
            let Some(entering) = self.entering(columns, &duals, pivot < STEEP_PIVOTS) else { break };
            let direction = self.times_inverse(&self.entries(entering, columns));
            let Some(leaving) = self.leaving(&direction) else { break };
            self.pivot(leaving, entering, &direction);
        }
        let duals = self.duals(columns);
        let rules = self.limits.len();
        let prices: Vec<f64> =
            (0..rules).map(|rule| duals[rule].clamp(self.prices.low[rule], self.prices.high[rule])).collect();
        let bound = self.limits.iter().zip(&duals).map(|(limit, dual)| limit * dual).sum::<f64>() + duals[rules];
        Lowest { prices, bound }
    }

    /// The columns that the mixture is made of after [`Self::solve`], with their weights.
    pub(crate) fn weights(&self) -> Vec<(usize, f64)> {
        let amounts = self.amounts();
        let weights = self.basis.iter().zip(amounts).filter_map(|(&variable, amount)| match variable {
            Variable::Weight(plan) if amount > 0.0 => Some((plan, amount)),
            _ => None,
        });
        weights.collect()
    }

    /// How much of every variable of the basis there is.
    fn amounts(&self) -> Vec<f64> {
        let mut right = self.limits.to_vec();
        right.push(1.0);
        self.times_inverse(&right)
    }

    fn rows(&self) -> usize {
        self.limits.len() + 1
    }

    /// A variable's column of the mixture.
    fn entries(&self, variable: Variable, columns: &[Column]) -> Vec<f64> {
        let mut entries = vec![0.0; self.rows()];
        match variable {
            Variable::Slack(rule) => entries[rule] = 1.0,
            Variable::Overuse(rule) => entries[rule] = -1.0,
            Variable::Weight(plan) => {
                entries[..self.limits.len()].copy_from_slice(&columns[plan].uses);
                entries[self.limits.len()] = 1.0;
            }
        }
        entries
    }

    fn worth(&self, variable: Variable, columns: &[Column]) -> f64 {
        match variable {
            Variable::Slack(rule) => self.prices.low[rule],
            Variable::Overuse(rule) => -self.prices.high[rule],
            Variable::Weight(plan) => columns[plan].value,
        }
    }

    /// Inverts the basis anew, so that rounding does not pile up from call to call (Gauss and Jordan, with pivots by size).
    fn invert(&mut self, columns: &[Column]) {
        let rows = self.rows();
        let mut matrix = vec![vec![0.0; 2 * rows]; rows];
        for (position, &variable) in self.basis.iter().enumerate() {
            for (row, entry) in self.entries(variable, columns).into_iter().enumerate() {
                matrix[row][position] = entry;
            }
        }
        for (row, line) in matrix.iter_mut().enumerate() {
            line[rows + row] = 1.0;
        }
        for column in 0..rows {
            let largest = (column..rows).fold(column, |largest, row| {
                if matrix[row][column].abs() > matrix[largest][column].abs() { row } else { largest }
            });
            matrix.swap(column, largest);
            let divisor = matrix[column][column];
            matrix[column].iter_mut().for_each(|entry| *entry /= divisor);
            let line = matrix[column].clone();
            for (row, other) in matrix.iter_mut().enumerate() {
                let factor = other[column];
                if row != column && factor != 0.0 {
                    other.iter_mut().zip(&line).for_each(|(entry, own)| *entry -= factor * own);
                }
            }
        }
        self.inverse = matrix.into_iter().map(|line| line[rows..].to_vec()).collect();
    }

    fn times_inverse(&self, entries: &[f64]) -> Vec<f64> {
        self.inverse.iter().map(|line| line.iter().zip(entries).map(|(a, b)| a * b).sum()).collect()
    }

    /// The prices of the rows at this basis.
    fn duals(&self, columns: &[Column]) -> Vec<f64> {
        let mut duals = vec![0.0; self.rows()];
        for (line, &variable) in self.inverse.iter().zip(&self.basis) {
            let worth = self.worth(variable, columns);
            duals.iter_mut().zip(line).for_each(|(dual, entry)| *dual += worth * entry);
        }
        duals
    }

    fn entering(&self, columns: &[Column], duals: &[f64], by_steepest: bool) -> Option<Variable> {
        let rules = self.limits.len();
        let gain = |variable: Variable| {
            let cost = match variable {
                Variable::Slack(rule) => duals[rule],
                Variable::Overuse(rule) => -duals[rule],
                Variable::Weight(plan) => {
                    columns[plan].uses.iter().zip(duals).map(|(a, b)| a * b).sum::<f64>() + duals[rules]
                }
            };
            self.worth(variable, columns) - cost
        };
        let mut best = (TOLERANCE, None);
        let weights = (0..columns.len()).map(Variable::Weight);
        for variable in weights.chain((0..rules).flat_map(|rule| [Variable::Slack(rule), Variable::Overuse(rule)])) {
            let gain = gain(variable);
            if gain > best.0 && !self.basis.contains(&variable) {
                best = (gain, Some(variable));
                if !by_steepest {
                    break;
                }
            }
        }
        best.1
    }

    /// The row whose variable reaches 0 first; of several the one with the largest pivot.
    fn leaving(&self, direction: &[f64]) -> Option<usize> {
        let amounts = self.amounts();
        let mut best: Option<(f64, usize)> = None;
        for (row, (&amount, &change)) in amounts.iter().zip(direction).enumerate().filter(|(_, (_, c))| **c > 1e-11) {
            let ratio = amount.max(0.0) / change;
            let is_better = best
                .is_none_or(|(least, at)| ratio < least - 1e-13 || (ratio <= least + 1e-13 && change > direction[at]));
            if is_better {
                best = Some((ratio, row));
            }
        }
        best.map(|(_, row)| row)
    }

    fn pivot(&mut self, row: usize, entering: Variable, direction: &[f64]) {
        self.basis[row] = entering;
        let divisor = direction[row];
        self.inverse[row].iter_mut().for_each(|entry| *entry /= divisor);
        let line = self.inverse[row].clone();
        for (other, &factor) in
            self.inverse.iter_mut().zip(direction).enumerate().filter(|(at, _)| *at != row).map(|(_, pair)| pair)
        {
            if factor != 0.0 {
                other.iter_mut().zip(&line).for_each(|(entry, own)| *entry -= factor * own);
            }
        }
    }
}
