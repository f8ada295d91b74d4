//! Which customers to look at first: those whose choice is the least sure at the prices.

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
