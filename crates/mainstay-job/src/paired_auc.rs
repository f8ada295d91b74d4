//! How far apart the areas under two ROC curves on the same rows are, and how far chance could have put them.
//!
//! DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves" (1988), with the midranks of Sun and
//! Xu (2014): a share of pairs won is a mean of placements, and the placements of the same row under both scores vary together.

/// Half the width of a 95 % interval of a normal distribution, in standard deviations.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

/// The 95 % interval of the second area less the first. `None` with fewer than two rows of either outcome.
pub(crate) fn difference_interval(first: &[f64], second: &[f64], labels: &[bool]) -> Option<[f64; 2]> {
    let (first, second) = (Placements::of(first, labels), Placements::of(second, labels));
    let difference = mean(&second.positives) - mean(&first.positives);
    let variance =
        variance_of_mean(&first.positives, &second.positives)? + variance_of_mean(&first.negatives, &second.negatives)?;
    let half = TWO_SIDED_95 * variance.sqrt();
    Some([difference - half, difference + half])
}

/// For each row the share of the rows of the other outcome that it is on the right side of, ties counted half.
struct Placements {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    fn of(scores: &[f64], labels: &[bool]) -> Self {
        let of = |outcome: bool| {
            let rows = scores.iter().zip(labels).filter(move |(_, label)| **label == outcome);
            rows.map(|(score, _)| *score).collect::<Vec<f64>>()
        };
        let (positives, negatives) = (of(true), of(false));
        let all = [&positives[..], &negatives[..]].concat();
        let ranks = midranks(&all);
        let (among_positives, among_negatives) = (midranks(&positives), midranks(&negatives));
        let won = |ranks: &[f64], own: &[f64], others: usize| -> Vec<f64> {
            ranks.iter().zip(own).map(|(rank, own)| (rank - own) / others as f64).collect()
        };
        let (of_positives, of_negatives) = ranks.split_at(positives.len());
        let below_negatives = won(of_negatives, &among_negatives, positives.len());
        Self {
            positives: won(of_positives, &among_positives, negatives.len()),
            negatives: below_negatives.into_iter().map(|share| 1.0 - share).collect(),
        }
    }
}

/// The rank of each value from 1, equal values sharing the mean of their ranks.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|row| ranks[*row] = rank);
        before += tied.len();
    }
    ranks
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of the mean of the differences of pairs.
fn variance_of_mean(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() < 2 {
        return None;
    }
    let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
    let mean = mean(&differences);
    let squares: f64 = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum();
    let rows = differences.len() as f64;
    Some(squares / (rows - 1.0) / rows)
}

#[cfg(test)]
mod tests {
    use mainstay_train::evaluate::rank;

    use super::*;

    /// A number in [0, 1) that looks drawn.
    fn uniform(seed: u64) -> f64 {
        let mixed = mainstay_schema::Digest::of(&seed.to_le_bytes()).short();
        u64::from_str_radix(&mixed, 16).unwrap() as f64 / 16f64.powi(mixed.len() as i32)
    }

    /// Scores of rows that know their label more or less.
    fn drawn(rows: u64, seed: u64, knows: [f64; 2]) -> ([Vec<f64>; 2], Vec<bool>) {
        let labels: Vec<bool> = (0..rows).map(|row| uniform(seed + 10 * row) < 0.4).collect();
        let score = |of: u64, knows: f64| {
            let rows = labels.iter().zip(0..rows);
            rows.map(|(label, row)| knows * f64::from(u8::from(*label)) + uniform(seed + 10 * row + of)).collect()
        };
        ([score(1, knows[0]), score(2, knows[1])], labels)
    }

    #[test]
    fn agrees_with_pairs_counted_by_hand() {
        let labels = [true, true, false, false];
        let placements = Placements::of(&[0.9, 0.4, 0.4, 0.1], &labels);
        assert_eq!(placements.positives, [1.0, 0.75]);
        assert_eq!(placements.negatives, [0.75, 1.0]);
        assert_eq!(midranks(&[3.0, 1.0, 3.0]), [2.5, 1.0, 2.5]);
    }

    #[test]
    fn the_middle_is_the_difference_of_the_areas() {
        let ([first, second], labels) = drawn(300, 7, [0.2, 0.5]);
        let [low, high] = difference_interval(&first, &second, &labels).unwrap();
        let expected = rank(&second, &labels).unwrap().auc - rank(&first, &labels).unwrap().auc;
        assert!(((low + high) / 2.0 - expected).abs() < 1e-12);
        assert!(low > 0.0, "a better score is told from chance: {low}");
        let same = difference_interval(&first, &first, &labels).unwrap();
        assert!(same.iter().all(|bound| bound.abs() < 1e-15), "{same:?}");
    }

    #[test]
    fn chance_stays_within_the_interval_nineteen_times_in_twenty() {
        let covered = (0..400u64).filter(|sample| {
            let ([first, second], labels) = drawn(120, 1_000_000 * (sample + 1), [0.3, 0.3]);
            let [low, high] = difference_interval(&first, &second, &labels).unwrap();
            low <= 0.0 && 0.0 <= high
        });
        let covered = covered.count() as f64 / 400.0;
        assert!((0.92..=0.98).contains(&covered), "{covered}");
    }

    #[test]
    fn too_few_rows_of_an_outcome_have_no_interval() {
        assert_eq!(difference_interval(&[0.1, 0.2, 0.3], &[0.1, 0.2, 0.3], &[true, false, false]), None);
    }
}
