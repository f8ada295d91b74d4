//! Value per cost, compared exactly.

use std::cmp::Ordering;

use mainstay_schema::Cents;

/// Cents of value that one cent of budget buys, as an exact fraction; infinite where the cost is 0.
///
/// Fractions are compared by their cross products in 128 bits: 1/2 equals 2/4, and two infinite ones are equal.
#[derive(Debug, Clone, Copy)]
pub struct Efficiency {
    value: i64,
    cost: i64,
}

impl Efficiency {
    /// `value / cost`, with `value` above 0 and `cost` at least 0.
    pub(crate) fn new(value: Cents, cost: Cents) -> Self {
        Self { value: value.0, cost: cost.0 }
    }

    /// The value and cost whose fraction it is.
    pub(crate) fn parts(self) -> (i64, i64) {
        (self.value, self.cost)
    }

    /// The efficiency as a number, for people and for pacing; infinite where the cost is 0.
    ///
    /// Division rounds correctly, so the numbers never contradict the order of the fractions.
    pub fn to_f64(self) -> f64 {
        self.value as f64 / self.cost as f64
    }
}

impl Ord for Efficiency {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.value) * i128::from(other.cost);
        let right = i128::from(other.value) * i128::from(self.cost);
        left.cmp(&right)
    }
}

impl PartialOrd for Efficiency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Efficiency {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Efficiency {}

#[cfg(test)]
mod tests {
    use super::*;

    fn efficiency(value: i64, cost: i64) -> Efficiency {
        Efficiency::new(Cents(value), Cents(cost))
    }

    #[test]
    fn compares_fractions_exactly() {
        assert_eq!(efficiency(1, 2), efficiency(2, 4));
        let (near, nearer) = (efficiency(999_999_999, 1_000_000_000), efficiency(999_999_999_999, 1_000_000_000_000));
        assert!(near < nearer && nearer < efficiency(1, 1));
    }

    #[test]
    fn what_costs_nothing_is_infinitely_efficient() {
        assert!(efficiency(1, 0) > efficiency(1_000_000_000_000, 1));
        assert_eq!(efficiency(1, 0), efficiency(7, 0));
        assert_eq!(efficiency(1, 0).to_f64(), f64::INFINITY);
        assert_eq!(efficiency(3, 4).to_f64(), 0.75);
    }
}
