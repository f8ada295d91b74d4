//! Quantiles from counts of values, or of buckets of values where there are too many.

use std::collections::BTreeMap;

use crate::value_kind::{ValueKind, ordinal_of};

/// The quantiles that a profile reports.
pub(crate) const SHARES: [(u64, &str); 5] = [(5, "q05"), (25, "q25"), (50, "q50"), (75, "q75"), (95, "q95")];

/// Microseconds of a bucket of instants: an hour.
const HOUR: i128 = 3_600_000_000;

/// Bits of a float that a bucket leaves out: numbers of a bucket differ by less than 1 in 4,096.
const COARSE_BITS: u32 = 40;

/// Buckets of values in order, each with its rows: the same whatever the order in which values come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(BTreeMap<i128, u64>);

impl Buckets {
    pub(crate) fn add(&mut self, kind: ValueKind, ordinal: i128, rows: u64) {
        *self.0.entry(bucket(kind, ordinal)).or_default() += rows;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, rows) in &other.0 {
            *self.0.entry(*bucket).or_default() += rows;
        }
    }

    /// The quantiles as the least values of their buckets.
    pub(crate) fn quantiles(&self, kind: ValueKind) -> Option<[i128; 5]> {
        let found = quantiles(self.0.iter().map(|(bucket, rows)| (*bucket, *rows)))?;
        Some(found.map(|bucket| least(kind, bucket)))
    }
}

fn bucket(kind: ValueKind, ordinal: i128) -> i128 {
    match kind {
        ValueKind::Timestamp => ordinal.div_euclid(HOUR),
        ValueKind::Double => ordinal >> COARSE_BITS,
        ValueKind::Integer | ValueKind::Decimal(_) => ordinal_of(ordinal as f64) >> COARSE_BITS,
        _ => ordinal,
    }
}

fn least(kind: ValueKind, bucket: i128) -> i128 {
    match kind {
        ValueKind::Timestamp => bucket * HOUR,
        ValueKind::Double => bucket << COARSE_BITS,
        ValueKind::Integer | ValueKind::Decimal(_) => {
            ValueKind::Double.number(bucket << COARSE_BITS).unwrap_or_default().round() as i128
        }
        _ => bucket,
    }
}

/// The quantiles of values in rising order with their rows: the least value with at least the share of rows at or below it.
pub(crate) fn quantiles(values: impl Iterator<Item = (i128, u64)>) -> Option<[i128; 5]> {
    let values: Vec<(i128, u64)> = values.collect();
    let rows: u64 = values.iter().map(|(_, rows)| rows).sum();
    let mut found = [values.first()?.0; 5];
    for (quantile, (share, _)) in found.iter_mut().zip(SHARES) {
        let wanted = (u128::from(rows) * u128::from(share)).div_ceil(100);
        let mut below = 0u128;
        for (value, rows) in &values {
            below += u128::from(*rows);
            *quantile = *value;
            if below >= wanted {
                break;
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_are_there() {
        assert_eq!(quantiles(std::iter::empty()), None);
        assert_eq!(quantiles((1..=100).map(|value| (value, 1))), Some([5, 25, 50, 75, 95]));
        assert_eq!(quantiles([(0, 90), (10, 10)].into_iter()), Some([0, 0, 0, 0, 10]));
    }

    #[test]
    fn buckets_come_near() {
        for kind in [ValueKind::Integer, ValueKind::Decimal(2)] {
            let mut buckets = Buckets::default();
            (1..=1_000_000).for_each(|value| buckets.add(kind, value, 1));
            let found = buckets.quantiles(kind).unwrap();
            for (quantile, exact) in found.into_iter().zip([50_000, 250_000, 500_000, 750_000, 950_000]) {
                let off = quantile as f64 / f64::from(exact) - 1.0;
                assert!(off.abs() < 1.0 / 4096.0, "{quantile} for {exact}");
            }
        }
        let mut hours = Buckets::default();
        (0..1000).for_each(|hour| hours.add(ValueKind::Timestamp, hour * HOUR + 17, 1));
        assert_eq!(hours.quantiles(ValueKind::Timestamp).unwrap()[2], 499 * HOUR);
        let mut negative = Buckets::default();
        (1..=1000).for_each(|value| negative.add(ValueKind::Double, ordinal_of(-f64::from(value)), 1));
        let median = ValueKind::Double.number(negative.quantiles(ValueKind::Double).unwrap()[2]).unwrap();
        assert!((median + 501.0).abs() < 501.0 / 2048.0, "{median}");
    }
}
