//! What is defined where arithmetic ends: no rows, one row, NaN, infinities, zeros, overflow.

use super::super::exact_sum::Sign;
use super::super::extremes::Extremes;
use super::super::float_sum::FloatSum;
use super::super::moments::{Joint, Spread};
use super::super::tally::Tally;

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn tally<T: Tally>(rows: &[T::Row]) -> T {
    let mut tally = T::default();
    rows.iter().for_each(|&row| tally.count(row, Sign::Plus));
    tally
}

fn sum(values: &[f64]) -> Option<f64> {
    tally::<FloatSum>(values).sum()
}

fn mean(values: &[f64]) -> Option<f64> {
    tally::<FloatSum>(values).mean()
}

/// By their bits, but any NaN for any other.
#[track_caller]
fn assert_same(result: Option<f64>, expected: Option<f64>) {
    let bits = |value: Option<f64>| value.map(|value| if value.is_nan() { NAN.to_bits() } else { value.to_bits() });
    assert_eq!(bits(result), bits(expected), "{result:?} instead of {expected:?}");
}

#[test]
fn sums() {
    assert_same(sum(&[]), None);
    assert_same(sum(&[-0.0]), Some(0.0));
    assert_same(sum(&[0.1, -0.1]), Some(0.0));
    assert_same(sum(&[0.1; 10]), Some(1.0));
    assert_same(sum(&[1e16, 1.0, -1e16]), Some(1.0));
    assert_same(sum(&[NAN, 1.0]), Some(NAN));
    assert_same(sum(&[INF, 1.0]), Some(INF));
    assert_same(sum(&[-INF, f64::MAX]), Some(-INF));
    assert_same(sum(&[INF, -INF]), Some(NAN));
    assert_same(sum(&[f64::MAX, f64::MAX]), Some(INF));
    assert_same(sum(&[f64::MIN, f64::MIN]), Some(-INF));
    assert_same(sum(&[f64::MAX, f64::MAX, f64::MIN]), Some(f64::MAX));
    assert_same(sum(&[f64::from_bits(1); 3]), Some(f64::from_bits(3)));
}

#[test]
fn means() {
    assert_same(mean(&[]), None);
    assert_same(mean(&[0.3]), Some(0.3));
    assert_same(mean(&[f64::MAX, f64::MAX]), Some(f64::MAX));
    assert_same(mean(&[0.0, f64::from_bits(1)]), Some(0.0));
    assert_same(mean(&[f64::from_bits(1), f64::from_bits(2)]), Some(f64::from_bits(2)));
    assert_same(mean(&[1.0, NAN]), Some(NAN));
    assert_same(mean(&[1.0, -INF]), Some(-INF));
}

#[test]
fn extremes() {
    let range = |values: &[f64]| (tally::<Extremes>(values).least(), tally::<Extremes>(values).greatest());
    let assert_range = |values: &[f64], least, greatest| {
        assert_same(range(values).0, least);
        assert_same(range(values).1, greatest);
    };
    assert_range(&[], None, None);
    assert_range(&[-INF], Some(-INF), Some(-INF));
    assert_range(&[1.0, NAN], Some(1.0), Some(NAN));
    assert_range(&[-NAN, 1.0], Some(1.0), Some(NAN));
    assert_range(&[NAN], Some(NAN), Some(NAN));
    assert_range(&[INF, NAN, -1.0], Some(-1.0), Some(NAN));
    assert_range(&[-0.0, 0.0], Some(0.0), Some(0.0));
}

#[test]
fn spreads() {
    let spread = tally::<Spread>;
    assert_same(spread(&[]).variance_of_population(), None);
    assert_same(spread(&[5.0]).variance_of_population(), Some(0.0));
    assert_same(spread(&[5.0]).variance_of_sample(), None);
    assert_same(spread(&[INF]).variance_of_sample(), None);
    assert_same(spread(&[INF]).variance_of_population(), Some(NAN));
    assert_same(spread(&[1.0, NAN]).deviation_of_sample(), Some(NAN));
    // Deviations that are lost beside the mean.
    assert_same(spread(&[1e16, 1e16 + 2.0]).variance_of_sample(), Some(2.0));
    assert_same(spread(&[f64::MAX, f64::MIN]).variance_of_sample(), Some(INF));
    assert_same(spread(&[1e300, -1e300]).deviation_of_population(), Some(1e300));
    assert_same(spread(&[1e-200, -1e-200]).deviation_of_population(), Some(1e-200));
}

#[test]
fn pairs() {
    let joint = tally::<Joint>;
    let line: Vec<(f64, f64)> = (0..5).map(|x| (3.0 * f64::from(x) - 7.0, f64::from(x))).collect();
    assert_same(joint(&line).slope(), Some(3.0));
    assert_same(joint(&line).intercept(), Some(-7.0));
    assert_same(joint(&line).correlation(), Some(1.0));
    assert_same(joint(&line).determination(), Some(1.0));
    let falling: Vec<(f64, f64)> = line.iter().map(|&(y, x)| (-y, x)).collect();
    assert_same(joint(&falling).correlation(), Some(-1.0));
    assert_same(joint(&[]).sxy(), None);
    assert_same(joint(&[(1.0, 2.0)]).correlation(), None);
    assert_same(joint(&[(1.0, 2.0)]).covariance_of_population(), Some(0.0));
    assert_same(joint(&[(1.0, 2.0)]).covariance_of_sample(), None);
    assert_same(joint(&[(1.0, 2.0), (3.0, 2.0)]).correlation(), None);
    assert_same(joint(&[(1.0, 2.0), (3.0, 2.0)]).slope(), None);
    let odd = joint(&[(INF, 1.0), (2.0, 2.0)]);
    assert_same(odd.correlation(), Some(NAN));
    assert_same(odd.mean_y(), Some(INF));
    assert_same(odd.mean_x(), Some(1.5));
    assert_same(odd.sxx(), Some(0.5));
    assert_same(odd.syy(), Some(NAN));
    assert_eq!(odd.rows(), 2);
}
