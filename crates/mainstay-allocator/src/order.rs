//! Which customers to look at first: those whose choice is the least sure at the prices.

use std::collections::BTreeMap;

use crate::relaxation::Best;

/// The customers with the smallest margins, at most `most`, by rising margin; of equal ones the first customer comes first.
pub(crate) fn least_sure(choices: &[Best], most: usize) -> Vec<u32> {
    let mut order: Vec<u32> =
        (0u32..).zip(choices).filter(|(_, best)| best.margin.is_finite()).map(|(at, _)| at).collect();
    let by_margin = |left: &u32, right: &u32| {
        let margin = |customer: u32| choices[customer as usize].margin;
        margin(*left).total_cmp(&margin(*right)).then(left.cmp(right))
    };
    if order.len() > most {
        order.select_nth_unstable_by(most, by_margin);
        order.truncate(most);
    }
    order.sort_unstable_by(by_margin);
    order
}

/// Keeps about `most` of what comes by rising cost, with an equal share for every class, and more of the first where classes are small.
pub(crate) fn some_of_each<T, C: Ord>(sorted: &mut Vec<T>, most: usize, class: impl Fn(&T) -> C) {
    let mut of_class: BTreeMap<C, usize> = BTreeMap::new();
    sorted.iter().for_each(|each| *of_class.entry(class(each)).or_default() += 1);
    let share = most.div_ceil(of_class.len().max(1));
    let mut left = of_class.values().fold(most, |left, &count| left.saturating_sub(count.min(share)));
    let mut taken: BTreeMap<C, usize> = BTreeMap::new();
    sorted.retain(|each| {
        let taken = taken.entry(class(each)).or_default();
        *taken += 1;
        let is_extra = *taken > share && left > 0;
        left -= usize::from(is_extra);
        *taken <= share || is_extra
    });
}
