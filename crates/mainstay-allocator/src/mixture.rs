//! From plans that keep the rules on average to one plan that nearly keeps them.
//!
//! The master problem ends with a mixture of plans: shares that add up to 1, under which the rules are kept and next to nothing is
//! lost against the bound (Dantzig and Wolfe 1960). Most customers choose the same in all of them. Each of the others is given
//! one of its choices, so that what all of them together add to every rule stays near what the mixture adds; those whose choices
//! move the rules the most come first. So the plan is off by a few customers' worth, however many are undecided.

use std::ops::Range;

use crate::coefficients::Asked;
use crate::problem::{ExactPrices, Problem};
use crate::relaxation::{NONE, choose};
use crate::repair::Rates;

/// A plan of the mixture: what everybody chooses at some prices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// Its share.
    pub(crate) share: f64,
    pub(crate) prices: Vec<f64>,
}

/// Customers whose choices are listed at a time.
const BLOCK: usize = 16_384;

/// One choice a customer, near the mixture in what is left of every rule.
pub(crate) fn rounded(problem: &Problem<'_>, mixture: &[Part], prices: &ExactPrices) -> Vec<u32> {
    let mut plans = Plans::new(problem, mixture);
    let mut drift = Drift::new(problem, prices);
    let mut chosen = Vec::with_capacity(problem.offers.customers());
    let mut undecided: Vec<(f64, u32)> = Vec::new();
    while chosen.len() < problem.offers.customers() {
        let first = chosen.len();
        plans.list(first..(first + BLOCK).min(problem.offers.customers()));
        let common = plans.chosen.first().map(Vec::as_slice).unwrap_or_default();
        chosen.extend_from_slice(common);
        for (at, &common) in common.iter().enumerate() {
            if plans.chosen.iter().any(|plan| plan[at] != common) {
                let options = drift.options(first + at, plans.of(at));
                undecided.push((drift.reach(&options), (first + at) as u32));
            }
        }
    }
    undecided.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    for (_, customer) in undecided {
        let customer = customer as usize;
        plans.list(customer..customer + 1);
        let options = drift.options(customer, plans.of(0));
        chosen[customer] = drift.choose(&options);
    }
    chosen
}

/// What some customers choose in every plan of the mixture.
struct Plans<'a> {
    problem: &'a Problem<'a>,
    shares: Vec<f64>,
    charges: Vec<Vec<Asked<f64>>>,
    chosen: Vec<Vec<u32>>,
}

impl<'a> Plans<'a> {
    fn new(problem: &'a Problem<'a>, mixture: &[Part]) -> Self {
        Self {
            problem,
            shares: mixture.iter().map(|part| part.share).collect(),
            charges: mixture.iter().map(|part| problem.coefficients.charges(&part.prices)).collect(),
            chosen: vec![Vec::new(); mixture.len()],
        }
    }

    fn list(&mut self, customers: Range<usize>) {
        let Problem { offers, coefficients, .. } = self.problem;
        for (chosen, charges) in self.chosen.iter_mut().zip(&self.charges) {
            choose(offers, charges, coefficients.kinds(), customers.clone(), chosen);
        }
    }

    /// What a listed customer chooses, with the share of each plan.
    fn of(&self, at: usize) -> impl Iterator<Item = (u32, f64)> {
        self.chosen.iter().map(move |plan| plan[at]).zip(self.shares.iter().copied())
    }
}

/// A choice with its share in the mixture.
struct Choice {
    offer: u32,
    share: f64,
    adds: Vec<f64>,
    /// What it is worth beyond what the rules charge for it.
    surplus: f64,
}

/// What has been given so far beyond the mixture.
struct Drift<'a> {
    problem: &'a Problem<'a>,
    prices: Vec<f64>,
    /// What a unit too much or too little of every rule weighs, in cents.
    weights: Vec<f64>,
    uses: Vec<f64>,
    surplus: f64,
}

impl<'a> Drift<'a> {
    fn new(problem: &'a Problem<'a>, prices: &ExactPrices) -> Self {
        let Rates { prices, penalties, .. } = Rates::new(problem, prices);
        Self { problem, prices, weights: penalties, uses: vec![0.0; problem.limits.len()], surplus: 0.0 }
    }

    /// A customer's different choices.
    fn options(&self, customer: usize, choices: impl Iterator<Item = (u32, f64)>) -> Vec<Choice> {
        let mut options: Vec<Choice> = Vec::new();
        for (offer, share) in choices {
            match options.iter_mut().find(|option| option.offer == offer) {
                Some(option) => option.share += share,
                None => {
                    let (adds, value) = self.problem.adds(customer, offer);
                    let adds: Vec<f64> = adds.into_iter().map(|add| add as f64).collect();
                    let charged: f64 = adds.iter().zip(&self.prices).map(|(add, price)| add * price).sum();
                    options.push(Choice { offer, share, adds, surplus: value as f64 - charged });
                }
            }
        }
        options
    }

    /// How far the options move the rules at most.
    fn reach(&self, options: &[Choice]) -> f64 {
        let reach =
            |option: &Choice| self.weights.iter().zip(&option.adds).map(|(weight, add)| (weight * add).abs()).sum();
        options.iter().map(reach).fold(0.0, f64::max)
    }

    /// Of the options the one that brings the sum nearest to the mixture.
    fn choose(&mut self, options: &[Choice]) -> u32 {
        for option in options {
            self.uses.iter_mut().zip(&option.adds).for_each(|(used, add)| *used -= option.share * add);
            self.surplus -= option.share * option.surplus;
        }
        let distance = |option: &Choice| {
            let off = self.uses.iter().zip(&option.adds).zip(&self.weights);
            let lost = (self.surplus + option.surplus).min(0.0);
            off.map(|((used, add), weight)| ((used + add) * weight).powi(2)).sum::<f64>() + lost * lost
        };
        let nearest = options.iter().min_by(|left, right| distance(left).total_cmp(&distance(right)));
        let Some(nearest) = nearest else { return NONE };
        self.uses.iter_mut().zip(&nearest.adds).for_each(|(used, add)| *used += add);
        self.surplus += nearest.surplus;
        nearest.offer
    }
}

#[cfg(test)]
mod tests {
    use mainstay_schema::plan::Rule;

    use super::*;
    use crate::problem::Holdings;
    use crate::test_instances::offers_of;

    /// At a price of 2 it is undecided whether the offer pays: at a bit less everybody takes it, at a bit more nobody does.
    #[test]
    fn gives_as_many_as_the_mixture_has_on_average() {
        let menus = vec![(0, vec![Some((10, 5))]); 1_000];
        let offers = offers_of(&menus);
        let problem = Problem::new(&offers, &[Rule::budget(1_500)]);
        let mixture = [Part { share: 0.3, prices: vec![1.9] }, Part { share: 0.7, prices: vec![2.1] }];
        let chosen = rounded(&problem, &mixture, &ExactPrices::nearest(&[2.0]));
        assert_eq!(Holdings::of(&problem, chosen).uses, [1_500]);
    }

    #[test]
    fn what_all_plans_agree_on_stays() {
        let menus = [(0, vec![Some((100, 5)), Some((1, 5))]), (1, vec![Some((1, 5))]), (0, vec![])];
        let offers = offers_of(&menus);
        let problem = Problem::new(&offers, &[Rule::budget(5)]);
        let mixture = [Part { share: 0.5, prices: vec![1.0] }, Part { share: 0.5, prices: vec![3.0] }];
        assert_eq!(rounded(&problem, &mixture, &ExactPrices::nearest(&[2.0])), [0, NONE, NONE]);
    }
}
