//! Near the answer most customers have made up their minds: within a box of prices they choose the same at every point. They are
//! added up once, and only the others are asked again.

use mainstay_schema::Digest;
use mainstay_schema::plan::Offers;

use crate::coefficients::{Asked, Coefficients, Tally};
use crate::relaxation::Response;

/// The customers who may still choose one thing or another, and what all others choose together.
pub(crate) struct Focus {
    pub(crate) undecided: Offers,
    pub(crate) decided: Response,
}

impl Focus {
    /// Splits the customers by what they choose at all prices from `low` to `high`.
    pub(crate) fn new(offers: &Offers, coefficients: &Coefficients, low: &[f64], high: &[f64]) -> Self {
        let (least, most) = extreme_charges(coefficients, low, high);
        let mut focus = Self {
            undecided: Offers::new(Digest::of(b"undecided")),
            decided: Response { value: 0, tallies: vec![Tally::default(); coefficients.cells()] },
        };
        for (customer, &segment) in offers.segments().iter().enumerate() {
            match decision(offers, coefficients, customer, &least, &most) {
                Decision::Undecided => {
                    let own = offers.of(customer).filter_map(|position| offers.get(position));
                    focus.undecided.push_customer(segment, own);
                }
                Decision::Nothing => {}
                Decision::Offer(position) => {
                    let Some(offer) = offers.get(position) else { continue };
                    let tally = &mut focus.decided.tallies[coefficients.cell(segment, offer.kind)];
                    tally.count += 1;
                    tally.cost += offer.cost.0;
                    focus.decided.value += offer.value.0;
                }
            }
        }
        focus
    }
}

enum Decision {
    Nothing,
    Offer(usize),
    Undecided,
}

/// The least and the most that rules may charge in every cell within the box.
fn extreme_charges(coefficients: &Coefficients, low: &[f64], high: &[f64]) -> (Vec<Asked<f64>>, Vec<Asked<f64>>) {
    let mut least = vec![Asked::default(); coefficients.cells()];
    let mut most = least.clone();
    for (rule, (&low, &high)) in low.iter().zip(high).enumerate() {
        for ((least, most), asked) in least.iter_mut().zip(&mut most).zip(coefficients.of_rule(rule)) {
            let between = |asked: i64| {
                let (at_low, at_high) = (asked as f64 * low, asked as f64 * high);
                (at_low.min(at_high), at_low.max(at_high))
            };
            let (by_count, by_cost) = (between(asked.by_count), between(asked.by_cost));
            least.by_count += by_count.0;
            least.by_cost += by_cost.0;
            most.by_count += by_count.1;
            most.by_cost += by_cost.1;
        }
    }
    (least, most)
}

/// Whether one choice is best at all charges in between: worth more at the most than every other at the least.
fn decision(
    offers: &Offers,
    coefficients: &Coefficients,
    customer: usize,
    least: &[Asked<f64>],
    most: &[Asked<f64>],
) -> Decision {
    let segment = offers.segments()[customer];
    let (mut safest, mut safest_at) = (0.0, None);
    let (mut highest, mut highest_at, mut second) = (0.0, None, f64::NEG_INFINITY);
    for position in offers.of(customer) {
        let Some(offer) = offers.get(position) else { continue };
        let cell = coefficients.cell(segment, offer.kind);
        let surplus =
            |charge: &Asked<f64>| offer.value.0 as f64 - charge.by_count - charge.by_cost * offer.cost.0 as f64;
        let (low, high) = (surplus(&most[cell]), surplus(&least[cell]));
        if low > safest {
            (safest, safest_at) = (low, Some(position));
        }
        if high > highest {
            (second, highest, highest_at) = (highest, high, Some(position));
        } else {
            second = second.max(high);
        }
    }
    match (safest_at, highest_at) {
        (None, None) => Decision::Nothing,
        (Some(safe), Some(high)) if safe == high && safest > second => Decision::Offer(safe),
        _ => Decision::Undecided,
    }
}
