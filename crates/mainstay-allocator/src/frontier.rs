//! What every price of budget buys: the upper hulls of all customers, cut into increments and sorted into buckets by efficiency.
//!
//! Sinha and Zoltners (1979), "The Multiple-Choice Knapsack Problem": taking the increments by falling efficiency solves the linear
//! relaxation for every budget at once. They are not sorted but counted into buckets by the leading bits of their efficiency, the
//! first digit of a radix sort: a lookup of one budget or price takes the sums of whole buckets and a look into one,
//! as in the linear method of Dyer (1984) and Zemel (1984). Within a bucket the order is exact. Rules other than the budget are not
//! looked at here.

use std::cmp::Reverse;
use std::sync::Arc;

use mainstay_schema::Cents;
use mainstay_schema::plan::Offers;
use serde::{Deserialize, Serialize};

use crate::efficiency::Efficiency;
use crate::hull::{HullFinder, Increment};
use crate::instance::ValidInstance;

/// Buckets, from the least efficient to those that cost nothing.
const BUCKETS: usize = 1 << 16;
/// Bits of a double below those that choose the bucket: 1,024 buckets for each power of 2.
const SHIFT: u32 = 42;
/// The bucket of 2^-32 in a count from 0: less is in the first bucket, 2^32 and more in the last.
const FIRST: u64 = (1023 - 32) << 10;

/// One point of the budget curve: the best plan that costs exactly this much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetPoint {
    /// What the plan costs.
    pub cost: Cents,
    /// What the plan is worth.
    pub value: Cents,
}

/// The increments of all customers, in buckets by efficiency. It depends on no limit.
#[derive(Debug, Clone)]
pub struct Frontier {
    offers: Arc<Offers>,
    /// In the order of customers, each one's in the order of its hull.
    increments: Vec<Increment>,
    /// The bucket of every increment.
    buckets: Vec<u16>,
    /// What all increments of greater efficiency than each bucket's cost and bring together; all increments at the end.
    above: Vec<BudgetPoint>,
}

/// The frontier cut at a budget.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// All increments above this bucket fit.
    pub(crate) bucket: u16,
    /// The increments of the bucket by falling efficiency.
    pub(crate) within: Vec<Increment>,
    /// How many of them still fit.
    pub(crate) fitting: usize,
    /// What all that fit cost and bring together.
    pub(crate) point: BudgetPoint,
}

impl Frontier {
    /// Takes every customer's upper hull and sorts the increments into buckets; linear in the number of offers.
    pub fn build(instance: &ValidInstance) -> Self {
        let offers = Arc::clone(&instance.as_instance().offers);
        let mut increments = Vec::new();
        let mut buckets = Vec::new();
        let mut sums = vec![BudgetPoint::default(); BUCKETS];
        let mut finder = HullFinder::default();
        for customer in 0..offers.customers() {
            for (increment, efficiency) in finder.steps(&offers, customer) {
                let bucket = bucket_of(efficiency.to_f64());
                let (value, cost) = efficiency.parts();
                let sum = &mut sums[usize::from(bucket)];
                sum.value.0 += value;
                sum.cost.0 += cost;
                increments.push(increment);
                buckets.push(bucket);
            }
        }
        increments.shrink_to_fit();
        buckets.shrink_to_fit();
        Self { offers, increments, buckets, above: above(&sums) }
    }

    /// What all increments of at least this efficiency cost together: the demand at a price of budget. Falls as it rises.
    pub fn spend_at(&self, price: f64) -> Cents {
        if price.is_nan() {
            return Cents::ZERO;
        }
        let bucket = bucket_of(price);
        let own = self.within(bucket);
        let bought = own.iter().map(|step| step.efficiency(&self.offers)).filter(|each| each.to_f64() >= price);
        Cents(self.above[place(bucket)].cost.0 + bought.map(|each| each.parts().1).sum::<i64>())
    }

    /// What it costs to give every customer the offer of greatest value.
    pub fn total_cost(&self) -> Cents {
        self.above[BUCKETS].cost
    }

    /// The price of budget: the efficiency of the first increment that no longer fits, or `None` where all fit.
    pub fn price_at(&self, budget: Cents) -> Option<Efficiency> {
        let cut = self.cut(budget)?;
        Some(cut.within.get(cut.fitting)?.efficiency(&self.offers))
    }

    /// At most `count` points of the budget curve (at least 2 are counted on), evenly spaced in cost, both ends included.
    pub fn curve(&self, count: usize) -> Vec<BudgetPoint> {
        let last = count.max(2) - 1;
        let total = i128::from(self.total_cost().0);
        let budget = |step: usize| Cents((total * step as i128 / last as i128) as i64);
        let point = |step: usize| self.cut(budget(step)).map_or(self.above[BUCKETS], |cut| cut.point);
        let mut curve: Vec<BudgetPoint> = (0..=last).map(point).collect();
        curve.dedup();
        curve
    }

    /// The most that a budget buys, were the last increment divisible: the linear relaxation, in cents.
    pub fn value_at(&self, budget: Cents) -> f64 {
        let Some(Cut { within, fitting, point, .. }) = self.cut(budget) else {
            return self.above[BUCKETS].value.0 as f64;
        };
        let critical = within.get(fitting).map_or(0.0, |step| step.efficiency(&self.offers).to_f64());
        point.value.0 as f64 + critical * (budget.0 - point.cost.0) as f64
    }

    /// Where a budget ends; `None` where it pays for everything.
    pub(crate) fn cut(&self, budget: Cents) -> Option<Cut> {
        let beyond = self.above.partition_point(|point| point.cost <= budget);
        if beyond > BUCKETS {
            return None;
        }
        // The last place whose increments above fit: the increments of its bucket do not all.
        let place = beyond.saturating_sub(1);
        let bucket = (BUCKETS - 1 - place) as u16;
        let within = self.within(bucket);
        let mut point = self.above[place];
        let mut fitting = 0;
        for step in &within {
            let (value, cost) = step.gain(&self.offers);
            if point.cost.0 + cost > budget.0 {
                break;
            }
            point.cost.0 += cost;
            point.value.0 += value;
            fitting += 1;
        }
        Some(Cut { bucket, within, fitting, point })
    }

    /// The increments with their buckets, in the order of customers.
    pub(crate) fn increments(&self) -> impl Iterator<Item = (Increment, u16)> {
        self.increments.iter().copied().zip(self.buckets.iter().copied())
    }

    /// The increments of one bucket by falling efficiency; of equal ones the first customer's come first, in the order of its hull.
    pub(crate) fn within(&self, bucket: u16) -> Vec<Increment> {
        let own = self.increments().filter(|(_, own)| *own == bucket);
        let mut within: Vec<Increment> = own.map(|(increment, _)| increment).collect();
        within.sort_by_cached_key(|step| Reverse(step.efficiency(&self.offers)));
        within
    }
}

/// The bucket of an efficiency; it never falls as the efficiency rises.
fn bucket_of(efficiency: f64) -> u16 {
    let leading = efficiency.max(0.0).to_bits() >> SHIFT;
    leading.saturating_sub(FIRST).min(BUCKETS as u64 - 1) as u16
}

/// Where a bucket stands in an order by falling efficiency.
fn place(bucket: u16) -> usize {
    BUCKETS - 1 - usize::from(bucket)
}

/// Running sums from the most efficient bucket down, before each bucket and behind the last.
fn above(sums: &[BudgetPoint]) -> Vec<BudgetPoint> {
    let mut total = BudgetPoint::default();
    let mut above = vec![total];
    for sum in sums.iter().rev() {
        total.cost.0 += sum.cost.0;
        total.value.0 += sum.value.0;
        above.push(total);
    }
    above
}

#[cfg(test)]
#[path = "frontier/tests.rs"]
mod tests;
