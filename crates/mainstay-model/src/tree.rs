//! One validated binary tree as a struct of arrays.

use crate::condition::{Condition, Missing};
use crate::error::TreeError;

/// The greatest number of splits from the root to a leaf.
pub const MAX_DEPTH: usize = 64;
/// The greatest number of nodes of all trees together.
pub const MAX_NODES: usize = 50_000_000;
/// The greatest size of a leaf value or a bias, so that no sum over trees can overflow.
pub const MAX_MARGIN: f64 = 1e12;

/// Marks a leaf in `left`: the root is no one's child.
const NO_CHILD: u32 = 0;
/// How far the children's covers may be from the parent's, as a share: other libraries print covers in single precision.
const COVER_TOLERANCE: f64 = 1e-4;

/// One node of a tree. Children are positions in the tree's list of nodes; the root is node 0.
///
/// A tree has covers or has none: then they are 0 in all of its nodes, it can score but not be explained.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Where rows end.
    Leaf {
        /// What the tree adds to the margin.
        value: f64,
        /// Training rows (or their weight) that ended here; 0 in a tree without covers.
        cover: f64,
    },
    /// Where rows part.
    Split {
        /// Position of the feature in the model.
        feature: u32,
        /// Rows that meet it go left, others right.
        condition: Condition,
        /// Which values count as missing.
        missing: Missing,
        /// Where rows whose value is missing go.
        default_left: bool,
        /// The left child.
        left: u32,
        /// The right child.
        right: u32,
        /// Training rows (or their weight) that passed here; 0 in a tree without covers.
        cover: f64,
    },
}

/// A sound tree: every node is reached exactly once from the root, depth is at most [`MAX_DEPTH`], all numbers are finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    feature: Vec<u32>,
    condition: Vec<Condition>,
    missing: Vec<Missing>,
    default_left: Vec<bool>,
    left: Vec<u32>,
    right: Vec<u32>,
    value: Vec<f64>,
    cover: Vec<f64>,
}

impl Tree {
    /// The tree of these nodes, root first.
    ///
    /// # Errors
    /// The first unsoundness found, see [`TreeError`].
    pub fn new(nodes: &[Node]) -> Result<Self, TreeError> {
        check_numbers(nodes)?;
        check_shape(nodes)?;
        if nodes.iter().any(|node| node.cover() != 0.0) {
            check_covers(nodes)?;
        }
        let mut tree = Self::with_capacity(nodes.len());
        for node in nodes {
            tree.push(node);
        }
        Ok(tree)
    }

    fn with_capacity(nodes: usize) -> Self {
        Self {
            feature: Vec::with_capacity(nodes),
            condition: Vec::with_capacity(nodes),
            missing: Vec::with_capacity(nodes),
            default_left: Vec::with_capacity(nodes),
            left: Vec::with_capacity(nodes),
            right: Vec::with_capacity(nodes),
            value: Vec::with_capacity(nodes),
            cover: Vec::with_capacity(nodes),
        }
    }

    fn push(&mut self, node: &Node) {
        match node {
            Node::Leaf { value, cover } => {
                self.push_split(0, Condition::Below(0.0), Missing::Nan, false, [NO_CHILD; 2]);
                self.value.push(*value);
                self.cover.push(*cover);
            }
            Node::Split { feature, condition, missing, default_left, left, right, cover } => {
                self.push_split(*feature, condition.clone(), *missing, *default_left, [*left, *right]);
                self.value.push(0.0);
                self.cover.push(*cover);
            }
        }
    }

    fn push_split(
        &mut self,
        feature: u32,
        condition: Condition,
        missing: Missing,
        default_left: bool,
        children: [u32; 2],
    ) {
        self.feature.push(feature);
        self.condition.push(condition);
        self.missing.push(missing);
        self.default_left.push(default_left);
        self.left.push(children[0]);
        self.right.push(children[1]);
    }

    /// How many nodes there are, at least 1.
    pub fn node_count(&self) -> usize {
        self.feature.len()
    }

    /// How many leaves there are, at least 1.
    pub fn leaf_count(&self) -> usize {
        self.node_count().div_ceil(2)
    }

    /// Whether the tree says how many training rows passed each node: without that it cannot be explained.
    pub fn has_covers(&self) -> bool {
        self.cover[0] != 0.0
    }

    /// All nodes, root first.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        (0..self.node_count()).map(|node| self.node(node))
    }

    fn node(&self, node: usize) -> Node {
        if self.is_leaf(node) {
            return Node::Leaf { value: self.value[node], cover: self.cover[node] };
        }
        Node::Split {
            feature: self.feature[node],
            condition: self.condition[node].clone(),
            missing: self.missing[node],
            default_left: self.default_left[node],
            left: self.left[node],
            right: self.right[node],
            cover: self.cover[node],
        }
    }

    pub(crate) fn splits(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.node_count()).filter(|node| !self.is_leaf(*node))
    }

    /// What the tree adds to the margin of a row, given by a function from feature position to value.
    pub(crate) fn margin(&self, value_of: impl Fn(usize) -> f64) -> f64 {
        let mut node = 0;
        while !self.is_leaf(node) {
            node = self.child_taken(node, value_of(self.feature(node)));
        }
        self.value[node]
    }

    pub(crate) fn is_leaf(&self, node: usize) -> bool {
        self.left[node] == NO_CHILD
    }

    pub(crate) fn feature(&self, node: usize) -> usize {
        self.feature[node] as usize
    }

    pub(crate) fn value(&self, leaf: usize) -> f64 {
        self.value[leaf]
    }

    pub(crate) fn condition(&self, split: usize) -> &Condition {
        &self.condition[split]
    }

    pub(crate) fn missing(&self, split: usize) -> Missing {
        self.missing[split]
    }

    pub(crate) fn default_left(&self, split: usize) -> bool {
        self.default_left[split]
    }

    pub(crate) fn cover(&self, node: usize) -> f64 {
        self.cover[node]
    }

    pub(crate) fn children(&self, split: usize) -> [usize; 2] {
        [self.left[split] as usize, self.right[split] as usize]
    }

    pub(crate) fn child_taken(&self, split: usize, value: f64) -> usize {
        let is_missing = self.missing(split).includes(value);
        let goes_left = if is_missing { self.default_left(split) } else { self.condition(split).holds(value) };
        let [left, right] = self.children(split);
        if goes_left { left } else { right }
    }

    /// The share of a split's rows that go to each child, summing to 1 whatever the parent's cover says. Needs covers.
    pub(crate) fn child_shares(&self, split: usize) -> [f64; 2] {
        let [left, right] = self.children(split).map(|child| self.cover(child));
        [left / (left + right), right / (left + right)]
    }
}

fn check_numbers(nodes: &[Node]) -> Result<(), TreeError> {
    if nodes.len() > MAX_NODES {
        return Err(TreeError::TooManyNodes { found: nodes.len(), limit: MAX_NODES });
    }
    for (node, of) in nodes.iter().enumerate() {
        match of {
            Node::Leaf { value, .. } if !is_margin(*value) => return Err(TreeError::Value { node, value: *value }),
            Node::Split { condition: Condition::Below(threshold), .. } if !threshold.is_finite() => {
                return Err(TreeError::Threshold { node, threshold: *threshold });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a number can be added to a margin.
pub(crate) fn is_margin(value: f64) -> bool {
    value.abs() <= MAX_MARGIN
}

/// Walks from the root. Each node is entered at most once, so that a cycle ends the walk.
fn check_shape(nodes: &[Node]) -> Result<(), TreeError> {
    let mut reached = vec![false; nodes.len()];
    let mut open = vec![(0usize, 0usize)];
    if nodes.is_empty() {
        return Err(TreeError::Empty);
    }
    while let Some((node, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(TreeError::TooDeep { node, limit: MAX_DEPTH });
        }
        if std::mem::replace(&mut reached[node], true) {
            return Err(TreeError::ReachedTwice { node });
        }
        if let Node::Split { left, right, .. } = nodes[node] {
            for child in [left, right] {
                if child as usize >= nodes.len() {
                    return Err(TreeError::ChildOutOfRange { node, child });
                }
                open.push((child as usize, depth + 1));
            }
        }
    }
    match reached.iter().position(|reached| !reached) {
        Some(node) => Err(TreeError::NotReached { node }),
        None => Ok(()),
    }
}

fn check_covers(nodes: &[Node]) -> Result<(), TreeError> {
    for (node, of) in nodes.iter().enumerate() {
        let cover = of.cover();
        let is_sound = match of {
            Node::Leaf { .. } => true,
            Node::Split { left, right, .. } => {
                let below = nodes[*left as usize].cover() + nodes[*right as usize].cover();
                (below - cover).abs() <= COVER_TOLERANCE * cover
            }
        };
        if !(cover.is_finite() && cover > 0.0 && is_sound) {
            return Err(TreeError::Cover { node, cover });
        }
    }
    Ok(())
}

impl Node {
    pub(crate) fn forget_cover(&mut self) {
        match self {
            Self::Leaf { cover, .. } | Self::Split { cover, .. } => *cover = 0.0,
        }
    }

    fn cover(&self) -> f64 {
        match *self {
            Self::Leaf { cover, .. } | Self::Split { cover, .. } => cover,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::CategorySet;

    fn leaf(value: f64) -> Node {
        Node::Leaf { value, cover: 1.0 }
    }

    fn split(left: u32, right: u32, cover: f64) -> Node {
        let condition = Condition::Below(5.0);
        Node::Split { feature: 0, condition, missing: Missing::Nan, default_left: true, left, right, cover }
    }

    #[test]
    fn below_the_threshold_and_missing_go_where_stated() {
        let tree = Tree::new(&[split(1, 2, 2.0), leaf(-1.0), leaf(1.0)]).unwrap();
        let margin = |value| tree.margin(|_| value);
        assert_eq!([margin(4.9), margin(5.0), margin(f64::NAN)], [-1.0, 1.0, -1.0]);
        assert_eq!((tree.node_count(), tree.leaf_count()), (3, 2));
    }

    #[test]
    fn gives_back_its_nodes() {
        let nodes = [split(2, 1, 3.0), leaf(1.0), split(3, 4, 2.0), leaf(2.0), leaf(3.0)];
        assert_eq!(Tree::new(&nodes).unwrap().nodes().collect::<Vec<_>>(), nodes);
    }

    #[test]
    fn refuses_an_unsound_shape() {
        let cases: [(&[Node], TreeError); 7] = [
            (&[], TreeError::Empty),
            (&[split(1, 2, 2.0), leaf(0.0)], TreeError::ChildOutOfRange { node: 0, child: 2 }),
            (&[split(1, u32::MAX, 2.0), leaf(0.0)], TreeError::ChildOutOfRange { node: 0, child: u32::MAX }),
            (&[split(1, 1, 2.0), leaf(0.0)], TreeError::ReachedTwice { node: 1 }),
            (&[split(1, 0, 2.0), leaf(0.0)], TreeError::ReachedTwice { node: 0 }),
            (&[split(1, 2, 2.0), leaf(0.0), split(1, 2, 2.0)], TreeError::ReachedTwice { node: 2 }),
            (&[leaf(0.0), leaf(1.0)], TreeError::NotReached { node: 1 }),
        ];
        for (nodes, expected) in cases {
            assert_eq!(Tree::new(nodes).unwrap_err(), expected);
        }
    }

    /// A chain of `depth` splits, each with one leaf.
    fn chain(depth: u32) -> Vec<Node> {
        let mut nodes = Vec::new();
        for level in 0..depth {
            nodes.push(split(2 * level + 2, 2 * level + 1, f64::from(depth - level + 1)));
            nodes.push(leaf(0.0));
        }
        nodes.push(leaf(1.0));
        nodes
    }

    #[test]
    fn refuses_a_tree_that_is_too_deep() {
        assert!(Tree::new(&chain(64)).is_ok());
        assert_eq!(Tree::new(&chain(65)).unwrap_err(), TreeError::TooDeep { node: 129, limit: 64 });
        assert!(matches!(Tree::new(&chain(1_000_000)).unwrap_err(), TreeError::TooDeep { limit: 64, .. }));
    }

    #[test]
    fn refuses_numbers_that_are_no_use() {
        for value in [f64::NAN, f64::INFINITY, -1e13] {
            assert!(matches!(Tree::new(&[leaf(value)]).unwrap_err(), TreeError::Value { node: 0, .. }), "{value}");
        }
        for threshold in [f64::NAN, f64::NEG_INFINITY] {
            let mut root = split(1, 2, 2.0);
            let Node::Split { condition, .. } = &mut root else { unreachable!() };
            *condition = Condition::Below(threshold);
            let error = Tree::new(&[root, leaf(0.0), leaf(0.0)]).unwrap_err();
            assert!(matches!(error, TreeError::Threshold { node: 0, .. }), "{threshold}");
        }
        for cover in [-1.0, f64::NAN, f64::INFINITY] {
            let error = Tree::new(&[Node::Leaf { value: 0.0, cover }]).unwrap_err();
            assert!(matches!(error, TreeError::Cover { node: 0, .. }), "{cover}");
        }
        assert_eq!(
            Tree::new(&[split(1, 2, 2.1), leaf(0.0), leaf(0.0)]).unwrap_err(),
            TreeError::Cover { node: 0, cover: 2.1 }
        );
    }

    #[test]
    fn has_covers_in_all_of_its_nodes_or_in_none() {
        let bare = || Node::Leaf { value: 1.0, cover: 0.0 };
        assert!(Tree::new(&[split(1, 2, 2.0), leaf(0.0), leaf(1.0)]).unwrap().has_covers());
        let without = Tree::new(&[split(1, 2, 0.0), bare(), bare()]).unwrap();
        assert!(!without.has_covers());
        assert_eq!(without.margin(|_| 0.0), 1.0);
        for (nodes, node) in [([split(1, 2, 1.0), leaf(0.0), bare()], 2), ([split(1, 2, 0.0), leaf(0.0), leaf(0.0)], 0)]
        {
            assert_eq!(Tree::new(&nodes).unwrap_err(), TreeError::Cover { node, cover: 0.0 });
        }
    }

    #[test]
    fn categories_and_zeros_go_where_stated() {
        let root = |condition, missing| Node::Split {
            feature: 0,
            condition,
            missing,
            default_left: false,
            left: 1,
            right: 2,
            cover: 2.0,
        };
        let margins = |root, values: [f64; 5]| {
            let tree = Tree::new(&[root, leaf(-1.0), leaf(1.0)]).unwrap();
            values.map(|value| tree.margin(|_| value))
        };
        let codes = Condition::OneOf(CategorySet::new([1, 3]).unwrap());
        assert_eq!(margins(root(codes, Missing::Nan), [1.0, 2.0, 3.0, -1.0, f64::NAN]), [-1.0, 1.0, -1.0, 1.0, 1.0]);
        let below = Condition::Below(0.5);
        assert_eq!(
            margins(root(below, Missing::NanOrZero), [-1.0, -0.0, 0.1, 0.5, f64::NAN]),
            [-1.0, 1.0, -1.0, 1.0, 1.0]
        );
    }
}
