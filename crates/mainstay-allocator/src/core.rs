//! The customers whose choice is worth thinking about, with all that they may be given.

use crate::problem::{ExactPrices, Holdings, Problem};

/// Something that a customer of the core may be given.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Position of the offer, or `NONE`.
    pub(crate) offer: u32,
    /// The cell of the offer; none for no offer.
    pub(crate) cell: Option<usize>,
    pub(crate) value: i64,
    /// How much worse than the customer's best it is at the prices, times their denominator.
    pub(crate) loss: i128,
    /// What it adds to every rule.
    pub(crate) adds: Vec<i64>,
}

/// A customer of the core.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) customer: usize,
    /// By rising loss; at least one.
    pub(crate) choices: Vec<Choice>,
    /// Which of them it holds.
    pub(crate) held: usize,
}

impl Member {
    pub(crate) fn held(&self) -> &Choice {
        &self.choices[self.held]
    }

    /// What the second best costs at the prices.
    pub(crate) fn margin(&self) -> i128 {
        self.choices.get(1).map_or(i128::MAX, |second| second.loss)
    }
}

/// Lists the choices of these customers, with what they hold now.
pub(crate) fn members(
    problem: &Problem<'_>,
    holdings: &Holdings,
    prices: &ExactPrices,
    customers: &[u32],
) -> Vec<Member> {
    let member = |&customer: &u32| {
        let customer = customer as usize;
        let mut choices: Vec<(i128, Choice)> = problem
            .options(customer)
            .map(|offer| {
                let (adds, value) = problem.adds(customer, offer);
                let charged =
                    adds.iter().zip(&prices.numerators).map(|(&add, &price)| i128::from(add) * i128::from(price));
                let surplus = i128::from(value) * i128::from(prices.denominator) - charged.sum::<i128>();
                let cell = problem.offer(customer, offer).map(|(_, cell)| cell);
                (surplus, Choice { offer, cell, value, loss: 0, adds })
            })
            .collect();
        choices.sort_by_key(|choice| std::cmp::Reverse(choice.0));
        let best = choices.first().map_or(0, |first| first.0);
        let choices: Vec<Choice> =
            choices.into_iter().map(|(surplus, choice)| Choice { loss: best - surplus, ..choice }).collect();
        let held = choices.iter().position(|choice| choice.offer == holdings.choices[customer]).unwrap_or(0);
        Member { customer, choices, held }
    };
    customers.iter().map(member).collect()
}

/// Writes what the members hold back into the plan.
pub(crate) fn write_back(problem: &Problem<'_>, holdings: &mut Holdings, members: &[Member]) {
    for member in members {
        if holdings.choices[member.customer] != member.held().offer {
            holdings.switch(problem, member.customer, member.held().offer);
        }
    }
}
