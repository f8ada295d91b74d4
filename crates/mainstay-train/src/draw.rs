//! Draws by hash: the same seed draws the same rows and customers on every machine and in every order.

use mainstay_schema::DigestHasher;

/// The part of the customers, from 0, that a customer belongs to, at every cut.
pub(crate) fn fold(key: &str, seed: u64, folds: usize) -> usize {
    let digest = DigestHasher::new().frame(b"fold").frame(&seed.to_le_bytes()).frame(key.as_bytes()).finish();
    (mix(digest.leading_u64()) % folds.max(1) as u64) as usize
}

/// The draws of one tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TreeDraw {
    rows: u64,
    columns: u64,
}

impl TreeDraw {
    /// The draws of the tree at this position of the model.
    pub(crate) fn new(seed: u64, tree: usize) -> Self {
        let rows = mix(mix(seed) ^ tree as u64);
        Self { rows, columns: mix(!rows) }
    }

    /// Rows, ascending: each of `rows` with the chance `wanted / rows`, all where `wanted` is no less.
    pub(crate) fn rows(&self, rows: usize, wanted: usize) -> Vec<usize> {
        let chance = wanted as f64 / rows as f64;
        (0..rows).filter(|&row| unit(mix(self.rows ^ row as u64)) < chance).collect()
    }

    /// The share of the features, ascending and at least one, each with a number that decides between its columns.
    pub(crate) fn features(&self, features: usize, share: f64) -> Vec<(usize, u64)> {
        let wanted = ((share * features as f64).round() as usize).max(1);
        let mut drawn: Vec<(u64, usize)> = (0..features).map(|f| (mix(self.columns ^ f as u64), f)).collect();
        drawn.sort_unstable();
        drawn.truncate(wanted);
        let mut chosen: Vec<(usize, u64)> = drawn.into_iter().map(|(hash, feature)| (feature, mix(hash))).collect();
        chosen.sort_unstable();
        chosen
    }
}

impl TreeDraw {
    /// Columns of the share of the features: of one with missing values one column, in which they lie low or high.
    pub(crate) fn columns(&self, of_features: &[Vec<usize>], share: f64) -> Vec<usize> {
        if of_features.is_empty() {
            return Vec::new();
        }
        let column = |(feature, hash): (usize, u64)| of_features[feature][hash as usize % of_features[feature].len()];
        self.features(of_features.len(), share).into_iter().map(column).collect()
    }
}

/// A hash as a number in [0, 1).
pub(crate) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// The mixer of SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_customers_into_folds_of_one_size_that_last() {
        let mut counts = [0; 5];
        for key in (0..20_000).map(|i| format!("C{i}")) {
            counts[fold(&key, 1, 5)] += 1usize;
            assert_eq!(fold(&key, 1, 5), fold(&key, 1, 5));
        }
        assert!(counts.iter().all(|count| count.abs_diff(4_000) < 250), "{counts:?}");
    }

    #[test]
    fn seeds_part_customers_independently() {
        let keys = (0..20_000).map(|i| format!("C{i}"));
        let same = keys.filter(|key| fold(key, 1, 5) == fold(key, 2, 5)).count();
        assert!(same.abs_diff(4_000) < 250, "{same}");
    }

    #[test]
    fn trees_draw_their_own_rows() {
        let (first, second) = (TreeDraw::new(7, 0), TreeDraw::new(7, 1));
        let rows = |draw: TreeDraw| draw.rows(10_000, 2_000);
        assert!(rows(first).len().abs_diff(2_000) < 200 && rows(second).len().abs_diff(2_000) < 200);
        assert_ne!(rows(first), rows(second));
        assert_eq!(rows(first), rows(TreeDraw::new(7, 0)));
        assert_eq!(first.rows(100, 100), (0..100).collect::<Vec<_>>());
        assert_eq!(first.rows(100, 500).len(), 100);
    }

    #[test]
    fn trees_draw_their_own_features() {
        let draws: Vec<_> = (0..200).map(|tree| TreeDraw::new(7, tree).features(20, 0.3)).collect();
        for draw in &draws {
            assert_eq!(draw.len(), 6);
            assert!(draw.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        for feature in 0..20 {
            let drawn: Vec<u64> =
                draws.iter().flatten().filter(|(f, _)| *f == feature).map(|(_, hash)| *hash).collect();
            assert!(drawn.len().abs_diff(60) < 30, "feature {feature} in {} of 200", drawn.len());
            let even = drawn.iter().filter(|hash| hash.is_multiple_of(2)).count();
            assert!(even > drawn.len() / 5 && even < drawn.len() * 4 / 5, "both columns have their turn");
        }
        assert_eq!(TreeDraw::new(7, 0).features(20, 1.0).len(), 20);
        assert_eq!(TreeDraw::new(7, 0).features(20, 0.001).len(), 1, "never none");
    }
}
