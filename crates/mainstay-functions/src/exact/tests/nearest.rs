//! Every result is the float nearest to the true one.

use std::cmp::Ordering;

use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::super::exact_sum::Sign;
use super::super::float_sum::FloatSum;
use super::super::integer_sum::IntegerSum;
use super::super::moments::{Joint, Spread};
use super::super::tally::Tally;
use super::finite;
use super::fraction::Fraction;

fn tally<T: Tally>(rows: &[T::Row]) -> T {
    let mut tally = T::default();
    rows.iter().for_each(|&row| tally.count(row, Sign::Plus));
    tally
}

/// The sum of the products of the deviations, from the deviations.
fn deviations(xs: &[f64], ys: &[f64]) -> Fraction {
    let count = Fraction::integer(xs.len());
    let mean = |values: &[f64]| &Fraction::sum(values.iter().map(|&value| Fraction::of(value))) / &count;
    let (mean_x, mean_y) = (mean(xs), mean(ys));
    let products = xs.iter().zip(ys).map(|(&x, &y)| &(&Fraction::of(x) - &mean_x) * &(&Fraction::of(y) - &mean_y));
    Fraction::sum(products)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn sum_and_mean(values in prop::collection::vec(finite(), 1..30)) {
        let sum = Fraction::sum(values.iter().map(|&value| Fraction::of(value)));
        let tally: FloatSum = tally(&values);
        sum.assert_nearest(tally.sum().unwrap());
        (&sum / &Fraction::integer(values.len())).assert_nearest(tally.mean().unwrap());
    }

    #[test]
    fn mean_of_integers(values in prop::collection::vec(any::<i64>(), 1..30)) {
        let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
        let rows: Vec<i128> = values.iter().map(|&value| value.into()).collect();
        let tally: IntegerSum<Int64Type> = tally(&rows);
        prop_assert_eq!(tally.total(), Ok(Some(sum)));
        (&Fraction::integer(sum) / &Fraction::integer(values.len())).assert_nearest(tally.mean().unwrap());
    }

    #[test]
    fn variance_and_deviation(values in prop::collection::vec(finite(), 2..8)) {
        let (tally, deviations): (Spread, _) = (tally(&values), deviations(&values, &values));
        let of_population = &deviations / &Fraction::integer(values.len());
        let of_sample = &deviations / &Fraction::integer(values.len() - 1);
        of_population.assert_nearest(tally.variance_of_population().unwrap());
        of_sample.assert_nearest(tally.variance_of_sample().unwrap());
        of_population.assert_root_nearest(tally.deviation_of_population().unwrap());
        of_sample.assert_root_nearest(tally.deviation_of_sample().unwrap());
    }

    #[test]
    fn covariance_correlation_and_regression(rows in prop::collection::vec((finite(), finite()), 2..8)) {
        let tally: Joint = tally(&rows);
        let (ys, xs): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let (sxx, syy, sxy) = (deviations(&xs, &xs), deviations(&ys, &ys), deviations(&xs, &ys));
        let count = Fraction::integer(rows.len());
        let mean = |values: &[f64]| &Fraction::sum(values.iter().map(|&value| Fraction::of(value))) / &count;
        sxx.assert_nearest(tally.sxx().unwrap());
        syy.assert_nearest(tally.syy().unwrap());
        sxy.assert_nearest(tally.sxy().unwrap());
        (&sxy / &count).assert_nearest(tally.covariance_of_population().unwrap());
        (&sxy / &Fraction::integer(rows.len() - 1)).assert_nearest(tally.covariance_of_sample().unwrap());
        if sxx.sign() == Ordering::Equal {
            prop_assert_eq!((tally.slope(), tally.intercept(), tally.correlation()), (None, None, None));
        } else {
            let slope = &sxy / &sxx;
            slope.assert_nearest(tally.slope().unwrap());
            (&mean(&ys) - &(&slope * &mean(&xs))).assert_nearest(tally.intercept().unwrap());
        }
        let variation = &sxx * &syy;
        if variation.sign() == Ordering::Equal {
            prop_assert_eq!((tally.determination(), tally.correlation()), (None, None));
        } else {
            let squared = &(&sxy * &sxy) / &variation;
            squared.assert_nearest(tally.determination().unwrap());
            let correlation = tally.correlation().unwrap();
            squared.assert_root_nearest(correlation.abs());
            prop_assert_eq!(correlation < 0.0, sxy.sign() == Ordering::Less && correlation != 0.0);
        }
    }
}
