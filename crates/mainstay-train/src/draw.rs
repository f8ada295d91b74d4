//! Draws by hash: the same seed draws the same rows and customers on every machine and in every order.

use mainstay_schema::DigestHasher;

/// What the rows of a customer are used for. A customer is of one role at every cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Trees and calibration are fitted on them; the fold, from 0, says which trees have not seen them when they calibrate.
    Fit {
        /// The fold.
        fold: usize,
    },
    /// Kept out of trees and calibration: what the probabilities are held against.
    Check,
}

impl Role {
    /// The role of a customer where the share `held_back` of all is kept out and the others are parted into `folds`.
    pub fn of(key: &str, seed: u64, held_back: f64, folds: usize) -> Self {
        let digest = DigestHasher::new().frame(b"hold_back").frame(&seed.to_le_bytes()).frame(key.as_bytes()).finish();
        let hash = digest.leading_u64();
        if unit(hash) < held_back {
            return Self::Check;
        }
        Self::Fit { fold: (mix(hash) % folds.max(1) as u64) as usize }
    }

    /// Its name in the table of training rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fit { .. } => "fit",
            Self::Check => "check",
        }
    }

    /// The fold, of rows that are fitted.
    pub fn fold(self) -> Option<usize> {
        match self {
            Self::Fit { fold } => Some(fold),
            Self::Check => None,
        }
    }
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

/// A hash as a number in [0, 1).
fn unit(hash: u64) -> f64 {
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

    fn keys() -> impl Iterator<Item = String> {
        (0..20_000).map(|i| format!("C{i}"))
    }

    #[test]
    fn holds_back_the_share_that_was_asked_for() {
        let held_back = |seed, share| keys().filter(|key| Role::of(key, seed, share, 4) == Role::Check).count();
        assert!(held_back(1, 0.1).abs_diff(2_000) < 200, "{}", held_back(1, 0.1));
        assert_eq!((held_back(1, 0.0), held_back(1, 1.0)), (0, 20_000));
        let both = |key: &String| (1..3).all(|seed| Role::of(key, seed, 0.2, 4) == Role::Check);
        assert!(keys().filter(both).count().abs_diff(800) < 150, "seeds draw independently");
    }

    #[test]
    fn parts_the_others_into_folds_of_one_size() {
        let mut counts = [0; 5];
        for fold in keys().filter_map(|key| Role::of(&key, 1, 0.2, 5).fold()) {
            counts[fold] += 1usize;
        }
        assert!(counts.iter().all(|count| count.abs_diff(3_200) < 250), "{counts:?}");
    }

    #[test]
    fn a_customer_keeps_its_role() {
        assert_eq!(Role::of("C42", 7, 0.5, 4), Role::of("C42", 7, 0.5, 4));
        assert_eq!((Role::Check.as_str(), Role::Fit { fold: 1 }.as_str()), ("check", "fit"));
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
