//! What every price of budget buys: the upper hulls of all customers, cut into increments and sorted by efficiency.
//!
//! Sinha and Zoltners (1979), "The Multiple-Choice Knapsack Problem": taking the increments in this order solves the linear
//! relaxation for every budget at once.

use std::cmp::Reverse;

use mainstay_schema::Cents;
use mainstay_schema::plan::{Offer, Price};
use serde::Serialize;

use crate::efficiency::Efficiency;
use crate::instance::ValidInstance;

/// One point of the budget curve: the best plan that costs exactly this much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BudgetPoint {
    /// What the plan costs.
    pub cost: Cents,
    /// What the plan is worth.
    pub value: Cents,
}

/// A step up the hull of one customer: from its previous offer on the hull (or none) to `offer`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Increment {
    /// Position of the customer.
    pub(crate) customer: u32,
    /// Position in `Instance::offers` of the offer that is reached.
    pub(crate) offer: u32,
    /// Value gained, above 0.
    pub(crate) value: Cents,
    /// Cost added, at least 0.
    pub(crate) cost: Cents,
}

impl Increment {
    fn efficiency(&self) -> Efficiency {
        Efficiency::new(self.value, self.cost)
    }
}

/// The increments of all customers by falling efficiency, and what they add up to. It does not depend on the budget.
#[derive(Debug, Clone)]
pub struct Frontier {
    customers: u32,
    increments: Vec<Increment>,
    /// What the increments up to each position cost and bring together.
    points: Vec<BudgetPoint>,
}

impl Frontier {
    /// Takes every customer's upper hull and sorts the increments; O(n log n) for n offers.
    ///
    /// Ties in efficiency are broken by customer, so that one instance has one frontier.
    pub fn build(instance: &ValidInstance) -> Self {
        let instance = instance.as_instance();
        let mut increments = Vec::with_capacity(instance.offers.len());
        let mut position = 0;
        for offers in instance.offers.chunk_by(|left, right| left.customer == right.customer) {
            push_increments(&mut increments, position, offers);
            position += offers.len() as u32;
        }
        // Stable: a customer's increments of equal efficiency stay in the order of its hull.
        increments.sort_by_key(|increment| Reverse(increment.efficiency()));
        let points = accumulate(&increments);
        Self { customers: instance.customers, increments, points }
    }

    /// What all increments of at least this efficiency cost together: the demand at a price of budget. Falls as it rises.
    pub fn spend_at(&self, price: f64) -> Cents {
        let bought = self.increments.partition_point(|increment| increment.efficiency().to_f64() >= price);
        self.point_after(bought).cost
    }

    /// What it costs to give every customer the offer of greatest value.
    pub fn total_cost(&self) -> Cents {
        self.point_after(self.points.len()).cost
    }

    /// The price of budget: the efficiency of the first increment that no longer fits, or [`Price::ZERO`] where all fit.
    pub fn price_at(&self, budget: Cents) -> Price {
        let fitting = self.points.partition_point(|point| point.cost <= budget);
        self.increments.get(fitting).and_then(|critical| critical.efficiency().price()).unwrap_or(Price::ZERO)
    }

    /// The price of budget below which each customer gets an offer; `None` for customers without offers.
    pub fn thresholds(&self) -> Vec<Option<Efficiency>> {
        let mut thresholds = vec![None; self.customers as usize];
        for increment in &self.increments {
            if let Some(threshold) = thresholds.get_mut(increment.customer as usize) {
                threshold.get_or_insert(increment.efficiency());
            }
        }
        thresholds
    }

    /// The budget curve: the cost and value of the plan after each increment, both rising, ever more slowly in value.
    pub fn points(&self) -> &[BudgetPoint] {
        &self.points
    }

    /// At most `count` points of the budget curve (at least 2 are counted on), evenly spaced in cost, both ends included.
    pub fn curve(&self, count: usize) -> Vec<BudgetPoint> {
        let last = count.max(2) - 1;
        let total = i128::from(self.total_cost().0);
        let mut curve: Vec<BudgetPoint> = (0..=last)
            .map(|step| {
                let most = total * step as i128 / last as i128;
                self.point_after(self.points.partition_point(|point| i128::from(point.cost.0) <= most))
            })
            .collect();
        curve.dedup();
        curve
    }

    /// The increments by falling efficiency, a customer's own in the order of its hull.
    pub(crate) fn increments(&self) -> &[Increment] {
        &self.increments
    }

    /// How many customers there are, those without offers included.
    pub(crate) fn customers(&self) -> u32 {
        self.customers
    }

    fn point_after(&self, increments: usize) -> BudgetPoint {
        increments.checked_sub(1).and_then(|last| self.points.get(last)).copied().unwrap_or_default()
    }
}

/// An offer on the hull; its place among the offers counts from the customer's first.
#[derive(Clone, Copy)]
struct Vertex {
    place: u32,
    value: Cents,
    cost: Cents,
}

impl Vertex {
    /// No offer: where every hull starts.
    const ORIGIN: Self = Self { place: 0, value: Cents::ZERO, cost: Cents::ZERO };

    fn step_to(&self, next: &Self) -> Efficiency {
        Efficiency::new(Cents(next.value.0 - self.value.0), Cents(next.cost.0 - self.cost.0))
    }
}

fn push_increments(increments: &mut Vec<Increment>, position: u32, offers: &[Offer]) {
    let Some(&Offer { customer, .. }) = offers.first() else {
        return;
    };
    for pair in upper_hull(offers).windows(2) {
        if let [from, to] = pair {
            increments.push(Increment {
                customer,
                offer: position + to.place,
                value: Cents(to.value.0 - from.value.0),
                cost: Cents(to.cost.0 - from.cost.0),
            });
        }
    }
}

/// The offers of one customer that some price of budget makes best, from the origin upwards.
///
/// Offers on a straight line between two others stay: they are no better for the relaxation, but let a plan fill the budget
/// in smaller steps. Of equal offers the first intervention stays.
fn upper_hull(offers: &[Offer]) -> Vec<Vertex> {
    let mut candidates: Vec<Vertex> =
        (0..).zip(offers).map(|(place, offer)| Vertex { place, value: offer.value, cost: offer.cost }).collect();
    candidates.sort_by_key(|vertex| (vertex.cost, Reverse(vertex.value)));
    let mut hull = vec![Vertex::ORIGIN];
    for candidate in candidates {
        // Costs no less than the last vertex: not worth more is dominated.
        if hull.last().is_some_and(|last| candidate.value <= last.value) {
            continue;
        }
        while let [.., before, last] = hull.as_slice()
            && before.step_to(last) < last.step_to(&candidate)
        {
            hull.pop();
        }
        hull.push(candidate);
    }
    hull
}

fn accumulate(increments: &[Increment]) -> Vec<BudgetPoint> {
    let mut sum = BudgetPoint::default();
    let add = |increment: &Increment| {
        sum.cost.0 += increment.cost.0;
        sum.value.0 += increment.value.0;
        sum
    };
    increments.iter().map(add).collect()
}

#[cfg(test)]
#[path = "frontier/tests.rs"]
mod tests;
