//! Chains of questions for one code each, as which converters write a split on a set of categories: `x == 1 ? a : x == 2 ? a : b`,
//! where both `a` are the same node.

use super::malformed;
use crate::condition::{CategorySet, Condition};
use crate::import::error::ImportError;
use crate::tree::Node;

/// Makes one split of every chain; its other links are no longer reached.
///
/// Each node is taken into a chain at most once, so that the work grows with the nodes, whatever they say.
pub(super) fn merge_chains(nodes: &mut [Node]) -> Result<(), ImportError> {
    let mut is_link = vec![false; nodes.len()];
    for node in nodes.iter() {
        if let Some(next) = next_link(nodes, node) {
            is_link[next] = true;
        }
    }
    let mut is_taken = vec![false; nodes.len()];
    for head in (0..nodes.len()).filter(|node| !is_link[*node]) {
        let mut last = head;
        let mut codes = Vec::new();
        let mut default_goes_left = false;
        while let Some(next) = next_link(nodes, &nodes[last]).filter(|next| !is_taken[*next]) {
            is_taken[next] = true;
            last = next;
            if let Node::Split { condition: Condition::OneOf(set), default_left, .. } = &nodes[next] {
                codes.extend(set.codes());
                default_goes_left |= *default_left;
            }
        }
        let Node::Split { right: end, .. } = nodes[last] else { continue };
        if let Node::Split { condition: Condition::OneOf(set), default_left, right, .. } = &mut nodes[head]
            && last != head
        {
            *set = CategorySet::new(codes.into_iter().chain(set.codes()))
                .map_err(|source| malformed(format!("has a chain of categories of no use ({source})")))?;
            *default_left |= default_goes_left;
            *right = end;
        }
    }
    Ok(())
}

/// The next link behind a node: its right child, where that asks the same feature for another code and has the same left child.
fn next_link(nodes: &[Node], node: &Node) -> Option<usize> {
    let Node::Split { condition: Condition::OneOf(_), feature, left, right, .. } = node else { return None };
    let next = *right as usize;
    match nodes.get(next)? {
        Node::Split { condition: Condition::OneOf(_), feature: of_next, left: left_of_next, .. }
            if of_next == feature && left_of_next == left =>
        {
            Some(next)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Missing;

    fn asks(code: u32, feature: u32, default_left: bool, [left, right]: [u32; 2]) -> Node {
        let condition = Condition::OneOf(CategorySet::new([code]).unwrap());
        Node::Split { feature, condition, missing: Missing::Nan, default_left, left, right, cover: 0.0 }
    }

    fn leaf() -> Node {
        Node::Leaf { value: 0.0, cover: 0.0 }
    }

    fn merged(mut nodes: Vec<Node>) -> Vec<Node> {
        merge_chains(&mut nodes).unwrap();
        nodes
    }

    #[test]
    fn a_chain_becomes_a_set() {
        let nodes = vec![
            asks(4, 0, false, [3, 1]),
            asks(2, 0, true, [3, 2]),
            asks(9, 0, false, [3, 4]),
            leaf(),
            // Another answer, then another feature: no links.
            asks(5, 0, false, [5, 6]),
            leaf(),
            asks(5, 1, false, [5, 5]),
        ];
        let expected = Node::Split {
            feature: 0,
            condition: Condition::OneOf(CategorySet::new([2, 4, 9]).unwrap()),
            missing: Missing::Nan,
            default_left: true,
            left: 3,
            right: 4,
            cover: 0.0,
        };
        let found = merged(nodes.clone());
        assert_eq!(found[0], expected);
        assert_eq!(found[1..], nodes[1..]);
    }

    #[test]
    fn circles_and_shared_chains_end() {
        let circle = vec![asks(1, 0, false, [3, 1]), asks(2, 0, false, [3, 2]), asks(3, 0, false, [3, 0]), leaf()];
        assert_eq!(merged(circle.clone()), circle);
        let own = vec![asks(1, 0, false, [1, 0]), leaf()];
        assert_eq!(merged(own.clone()), own);
        let heads = (0..50_000).map(|_| asks(1, 0, false, [100_000, 50_000]));
        let links = (50_001..100_000).map(|next| asks(2, 0, false, [100_000, next]));
        let nodes: Vec<Node> = heads.chain(links).chain([asks(3, 0, false, [100_000, 100_000]), leaf()]).collect();
        assert_eq!(merged(nodes).len(), 100_001);
    }
}
