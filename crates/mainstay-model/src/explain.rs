//! Exact Shapley values of a row, path dependent: the TreeSHAP of Lundberg et al. 2018 (arXiv 1802.03888).
//!
//! The value of a set of features S is the margin when only S is known: a row follows its values at splits on S, and goes both
//! ways by the shares of cover at the others. For one leaf of value v with the k distinct features F of its path, each with the
//! share z of rows that the path keeps at its splits and o = 1 where this row's value satisfies them (else 0), the value of S
//! is v · prod_{S} o · prod_{F \ S} z, and so
//!
//! phi_i = v · (o_i - z_i) · sum over S in F \ i of |S|! (k - |S| - 1)! / k! · prod_{S} o · prod_{F \ S \ i} z.
//!
//! Only sets of satisfied features count in the sum, all others give 0; the products over the rest are symmetric polynomials.
//! Every term of the sum is positive: nothing cancels, whatever the depth.

use crate::ensemble::Ensemble;
use crate::error::ModelError;
use crate::tree::{MAX_DEPTH, Tree};

/// The splits of a path on one feature, taken together.
#[derive(Debug, Clone, Copy)]
struct PathFeature {
    feature: usize,
    /// The share of training rows that these splits let through.
    share: f64,
    /// Whether this row is let through by all of them.
    satisfied: bool,
}

impl Ensemble {
    /// Writes how much each feature moves the raw score of one row into `out`, and returns what they start from: the
    /// expected margin. Start and contributions sum to the raw score, up to rounding.
    ///
    /// `row` and `out` are in the order of the features; NaN is a missing value.
    ///
    /// # Errors
    /// Where `row` or `out` is not of the model's length, a value is infinite, or the model has no covers.
    pub fn contributions(&self, row: &[f64], out: &mut [f64]) -> Result<f64, ModelError> {
        let expected_margin = self.expected_margin()?;
        self.check_row(row)?;
        if out.len() != row.len() {
            return Err(ModelError::ColumnCount { expected: row.len(), found: out.len() });
        }
        out.fill(0.0);
        let mut path = Vec::with_capacity(MAX_DEPTH);
        for tree in self.trees() {
            descend(tree, 0, row, &mut path, out);
        }
        for term in self.terms() {
            out[term.feature as usize] += term.contribution(row[term.feature as usize]);
        }
        Ok(expected_margin)
    }
}

/// Visits every leaf below `node`; the recursion is bounded by the depth of a sound tree.
fn descend(tree: &Tree, node: usize, row: &[f64], path: &mut Vec<PathFeature>, out: &mut [f64]) {
    if tree.is_leaf(node) {
        attribute_leaf(tree.value(node), path, out);
        return;
    }
    let feature = tree.feature(node);
    let taken = tree.child_taken(node, row[feature]);
    let earlier = path.iter().position(|on_path| on_path.feature == feature);
    for (child, share) in tree.children(node).into_iter().zip(tree.child_shares(node)) {
        let satisfied = child == taken;
        match earlier {
            Some(at) => {
                let before = path[at];
                path[at] =
                    PathFeature { feature, share: before.share * share, satisfied: before.satisfied && satisfied };
                descend(tree, child, row, path, out);
                path[at] = before;
            }
            None => {
                path.push(PathFeature { feature, share, satisfied });
                descend(tree, child, row, path, out);
                path.pop();
            }
        }
    }
}

/// Adds one leaf's part of every contribution.
fn attribute_leaf(value: f64, path: &[PathFeature], out: &mut [f64]) {
    let k = path.len();
    let satisfied = || path.iter().filter(|on_path| on_path.satisfied);
    let kept: f64 = path.iter().filter(|on_path| !on_path.satisfied).map(|on_path| on_path.share).product();
    let of_unsatisfied = -value * kept * weighted_sets(satisfied().map(|on_path| on_path.share), k);
    for on_path in path {
        out[on_path.feature] += if on_path.satisfied {
            let others = satisfied().filter(|other| other.feature != on_path.feature);
            value * kept * (1.0 - on_path.share) * weighted_sets(others.map(|other| other.share), k)
        } else {
            of_unsatisfied
        };
    }
}

/// Sum over the subsets S of some features, fewer than `k`, of |S|! (k - |S| - 1)! / k! times the product of the shares outside S.
fn weighted_sets(shares: impl Iterator<Item = f64>, k: usize) -> f64 {
    // products[r]: the sum, over all sets of r of the features, of the product of their shares.
    let mut products = [0.0; MAX_DEPTH + 1];
    products[0] = 1.0;
    let mut count = 0;
    for share in shares {
        count += 1;
        for r in (1..=count).rev() {
            products[r] += products[r - 1] * share;
        }
    }
    let mut sum = 0.0;
    let mut weight = 1.0 / k as f64;
    for size in 0..=count {
        sum += weight * products[count - size];
        if size < count {
            weight *= (size + 1) as f64 / (k - size - 1) as f64;
        }
    }
    sum
}

/// The mean value of a tree over its training rows, by the shares of cover: it needs covers.
pub(crate) fn expected_value(tree: &Tree) -> f64 {
    expected_below(tree, 0)
}

fn expected_below(tree: &Tree, node: usize) -> f64 {
    if tree.is_leaf(node) {
        return tree.value(node);
    }
    let [left, right] = tree.children(node).map(|child| expected_below(tree, child));
    let [left_share, right_share] = tree.child_shares(node);
    left_share * left + right_share * right
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_models::{random_ensemble, random_row};

    /// The margin when only the features of `known` (bits) are known, straight from the definition.
    fn conditional_expectation(tree: &Tree, node: usize, row: &[f64], known: u32) -> f64 {
        if tree.is_leaf(node) {
            return tree.value(node);
        }
        if known >> tree.feature(node) & 1 == 1 {
            return conditional_expectation(tree, tree.child_taken(node, row[tree.feature(node)]), row, known);
        }
        let [left, right] = tree.children(node).map(|child| conditional_expectation(tree, child, row, known));
        let [left_share, right_share] = tree.child_shares(node);
        left_share * left + right_share * right
    }

    /// Shapley values over all subsets of features.
    fn brute_force(model: &Ensemble, row: &[f64]) -> Vec<f64> {
        let n = row.len() as u32;
        let worth =
            |known: u32| -> f64 { model.trees().iter().map(|tree| conditional_expectation(tree, 0, row, known)).sum() };
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        (0..n)
            .map(|i| {
                let without = (0..1u32 << n).filter(|set| set >> i & 1 == 0);
                without
                    .map(|set| {
                        let size = set.count_ones();
                        let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
                        weight * (worth(set | 1 << i) - worth(set))
                    })
                    .sum()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn equals_the_definition(seed: u64, features in 1usize..7, depth in 0usize..7) {
            let model = random_ensemble(seed, features, 3, depth);
            let row = random_row(seed, features);
            let mut phi = vec![f64::NAN; features];
            model.contributions(&row, &mut phi).unwrap();
            for (phi, expected) in phi.iter().zip(brute_force(&model, &row)) {
                prop_assert!((phi - expected).abs() < 1e-12, "{phi} {expected}");
            }
        }

        #[test]
        fn sums_to_the_raw_score(seed: u64, depth in 0usize..14) {
            let model = random_ensemble(seed, 9, 30, depth);
            let row = random_row(seed, 9);
            let mut phi = vec![f64::NAN; 9];
            let start = model.contributions(&row, &mut phi).unwrap();
            let columns: Vec<&[f64]> = row.chunks(1).collect();
            let mut raw = [0.0];
            model.raw_scores(&columns, &mut raw).unwrap();
            let sum = start + phi.iter().sum::<f64>();
            prop_assert!((sum - raw[0]).abs() <= 1e-9 * raw[0].abs().max(1.0), "{sum} {}", raw[0]);
        }
    }

    /// A chain of 64 splits on 64 features: the deepest path there may be.
    #[test]
    fn is_exact_at_the_greatest_depth() {
        use crate::{Calibration, Condition, EnsembleParts, Feature, Link, Missing, Node};
        let mut nodes = Vec::new();
        for level in 0..64u32 {
            let (left, right, cover) = (2 * level + 1, 2 * level + 2, f64::from(65 - level));
            nodes.push(Node::Split {
                feature: level,
                condition: Condition::Below(0.0),
                missing: Missing::Nan,
                default_left: true,
                left,
                right,
                cover,
            });
            nodes.push(Node::Leaf { value: f64::from(level % 7), cover: 1.0 });
        }
        nodes.push(Node::Leaf { value: -3.0, cover: 1.0 });
        let model = Ensemble::new(EnsembleParts {
            features: (0..64).map(|i| Feature::new(i.to_string())).collect(),
            trees: vec![Tree::new(&nodes).unwrap()],
            bias: 0.0,
            link: Link::Logistic,
            calibration: Calibration::Identity,
        })
        .unwrap();
        let mut phi = [0.0; 64];
        let start = model.contributions(&[1.0; 64], &mut phi).unwrap();
        assert!((start + phi.iter().sum::<f64>() + 3.0).abs() < 1e-12);
    }

    #[test]
    fn refuses_a_row_that_does_not_fit() {
        let model = random_ensemble(3, 2, 2, 2);
        assert!(matches!(model.contributions(&[1.0], &mut [0.0; 2]), Err(ModelError::ColumnCount { .. })));
        assert!(matches!(model.contributions(&[1.0; 2], &mut [0.0]), Err(ModelError::ColumnCount { .. })));
        assert!(matches!(model.contributions(&[1.0, f64::INFINITY], &mut [0.0; 2]), Err(ModelError::Infinite { .. })));
    }
}
