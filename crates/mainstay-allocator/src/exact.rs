//! The best plan of a core, by depth first search with the Lagrangian bound.
//!
//! For every plan, value = L(p) - (what its customers lose against their best at the prices) - (the price of what it leaves unused).
//! So a plan is better than the one known only if losses and unused room cost less than the gap, and a branch ends as soon as they
//! cost more, or as soon as some rule can no longer be kept. With small gaps next to nothing is left to search.

use crate::core::Member;

/// What the search may look at before it gives up, in branches.
pub(crate) const MOST_BRANCHES: u64 = 3_000_000;

/// The setting of a search.
pub(crate) struct Search<'a> {
    /// Prices of the rules, times their denominator.
    pub(crate) prices: &'a [i64],
    pub(crate) denominator: i64,
    /// L at the prices, less what all who are not members lose, times the denominator.
    pub(crate) bound: i128,
    /// Limits of the rules less what all who are not members use.
    pub(crate) room: &'a [i64],
    /// The value of all who are not members.
    pub(crate) rest: i64,
    pub(crate) most_branches: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The value of the best plan and what each member holds in it; `None` where none is better than the one known.
    pub(crate) best: Option<(i64, Vec<usize>)>,
    /// Whether everything was looked at, so that nothing is better.
    pub(crate) is_complete: bool,
}

/// A member's choice within the search: cut to those that can still pay.
struct Branch {
    choice: usize,
    loss: i128,
    value: i64,
    adds: Vec<i64>,
}

struct Walk<'a> {
    search: &'a Search<'a>,
    levels: Vec<Vec<Branch>>,
    /// The least and the most that the levels from each on can add to every rule.
    least: Vec<Vec<i64>>,
    most: Vec<Vec<i64>>,
    uses: Vec<i64>,
    picks: Vec<usize>,
    best: Option<Vec<usize>>,
    best_value: Option<i64>,
    branches: u64,
}

impl Search<'_> {
    /// Looks for a plan that is worth more than `known`, if there is one; for any plan where none is known.
    pub(crate) fn run(&self, members: &[Member], known: Option<i64>) -> Found {
        let gap = known.map(|known| self.bound - (i128::from(known) + 1) * i128::from(self.denominator));
        if gap.is_some_and(|gap| gap < 0) {
            return Found { best: None, is_complete: true };
        }
        // Those who are surest come first: below them the search goes through what costs least.
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(members[at].margin()));
        let levels: Vec<Vec<Branch>> = order
            .iter()
            .map(|&at| {
                let choices = members[at].choices.iter().enumerate();
                choices
                    .filter(|(_, choice)| gap.is_none_or(|gap| choice.loss <= gap))
                    .map(|(choice, each)| Branch {
                        choice,
                        loss: each.loss,
                        value: each.value,
                        adds: each.adds.clone(),
                    })
                    .collect()
            })
            .collect();
        let (least, most) = reaches(&levels, self.room.len());
        let mut walk = Walk {
            search: self,
            uses: vec![0; self.room.len()],
            picks: vec![0; levels.len()],
            levels,
            least,
            most,
            best: None,
            best_value: known,
            branches: 0,
        };
        walk.descend(0, 0, self.rest);
        let is_complete = walk.branches < self.most_branches;
        let best = walk.best.zip(walk.best_value).map(|(picks, value)| {
            let mut held = vec![0; members.len()];
            order.iter().zip(picks).for_each(|(&at, pick)| held[at] = pick);
            (value, held)
        });
        Found { best, is_complete }
    }
}

fn reaches(levels: &[Vec<Branch>], rules: usize) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let mut least = vec![vec![0; rules]; levels.len() + 1];
    let mut most = least.clone();
    for (level, branches) in levels.iter().enumerate().rev() {
        for rule in 0..rules {
            let adds = || branches.iter().map(|branch| branch.adds[rule]);
            least[level][rule] = least[level + 1][rule] + adds().min().unwrap_or_default();
            most[level][rule] = most[level + 1][rule] + adds().max().unwrap_or_default();
        }
    }
    (least, most)
}

impl Walk<'_> {
    fn descend(&mut self, level: usize, loss: i128, value: i64) {
        if self.branches >= self.search.most_branches || !self.can_pay(level, loss) {
            return;
        }
        if level == self.levels.len() {
            if self.best_value.is_none_or(|best| value > best) {
                self.best_value = Some(value);
                self.best = Some(self.picks.clone());
            }
            return;
        }
        for at in 0..self.levels[level].len() {
            self.branches += 1;
            let Branch { choice, loss: own, value: worth, .. } = self.levels[level][at];
            self.picks[level] = choice;
            self.shift(level, at, 1);
            self.descend(level + 1, loss + own, value + worth);
            self.shift(level, at, -1);
        }
    }

    fn shift(&mut self, level: usize, at: usize, direction: i64) {
        let adds = &self.levels[level][at].adds;
        self.uses.iter_mut().zip(adds).for_each(|(used, add)| *used += direction * add);
    }

    /// Whether the levels below may still keep every rule and end above the best plan known.
    fn can_pay(&self, level: usize, loss: i128) -> bool {
        let mut cost = loss;
        for (rule, (&used, &room)) in self.uses.iter().zip(self.search.room).enumerate() {
            if used + self.least[level][rule] > room {
                return false;
            }
            let unused = room - used - self.most[level][rule];
            if unused > 0 {
                cost += i128::from(unused) * i128::from(self.search.prices[rule]);
            }
        }
        let denominator = i128::from(self.search.denominator);
        self.best_value.is_none_or(|best| cost <= self.search.bound - (i128::from(best) + 1) * denominator)
    }
}
