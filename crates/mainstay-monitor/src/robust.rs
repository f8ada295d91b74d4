//! Middles and spreads that a few days of an outage do not move.

/// Makes the median absolute deviation of normal values their standard deviation.
const NORMAL: f64 = 1.4826;

/// The median, the mean of the middle two where there is an even number; `None` of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values.get(middle.wrapping_sub(1)).map(|lower| f64::midpoint(*lower, upper))
}

/// The standard deviation that differences from the usual speak for.
pub(crate) fn spread(differences: impl IntoIterator<Item = f64>) -> Option<f64> {
    median(differences.into_iter().map(f64::abs).collect()).map(|deviation| NORMAL * deviation)
}

/// Counts on a scale on which chance spreads all of them by about a half (Anscombe 1948, without its factor 2).
pub(crate) fn root(count: f64) -> f64 {
    (count + 0.375).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_three_in_eight_moves_neither() {
        assert_eq!(median(vec![100.0, 0.0, 102.0, 98.0, 0.0, 101.0, 0.0, 99.0]), Some(98.5));
        assert_eq!(median(Vec::new()), None);
        assert!(spread([1.0, -1.0, 50.0]).unwrap() < 1.5);
    }
}
