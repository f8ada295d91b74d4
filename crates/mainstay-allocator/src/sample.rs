//! A first idea of the prices from a part of the customers.

use mainstay_schema::Digest;
use mainstay_schema::plan::Offers;

use crate::coefficients::Coefficients;
use crate::dual::{Dual, DualProblem};

/// Customers that a sample has at least.
const SAMPLED_CUSTOMERS: usize = 20_000;
/// A sample is taken where it is at most one in so many customers.
const LEAST_STRIDE: usize = 4;

/// The prices of the rules among every so many-th customer under as small a part of the limits, for large populations.
pub(crate) fn prices_near(
    offers: &Offers,
    coefficients: &Coefficients,
    limits: &[i64],
    tolerance: f64,
) -> Option<Vec<f64>> {
    let stride = offers.customers() / SAMPLED_CUSTOMERS;
    if stride < LEAST_STRIDE {
        return None;
    }
    let sample = every(offers, stride);
    let share = sample.customers() as f64 / offers.customers() as f64;
    let limits: Vec<i64> = limits.iter().map(|&limit| (limit as f64 * share).round() as i64).collect();
    let problem = DualProblem { limits: &limits, without: None, near: None, tolerance, most_evaluations: 300 };
    Some(Dual::new(&sample, coefficients, &limits).minimise(&problem).prices)
}

/// Every so many-th customer with its offers.
pub(crate) fn every(offers: &Offers, stride: usize) -> Offers {
    let mut sample = Offers::new(Digest::of(b"sample"));
    for (customer, &segment) in offers.segments().iter().enumerate().step_by(stride) {
        sample.push_customer(segment, offers.of(customer).filter_map(|position| offers.get(position)));
    }
    sample
}
