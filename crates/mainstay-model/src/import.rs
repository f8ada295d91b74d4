//! Reading the model files of other libraries. Pure: bytes in, a sound [`Ensemble`] out.
//!
//! | library | function | what is read |
//! |---|---|---|
//! | XGBoost 1.3 and later | [`xgboost`] | JSON and UBJSON; boosters `gbtree` and `dart`; numerical and categorical splits |
//! | LightGBM 2 and later | [`lightgbm_text`] | the text file; numerical and categorical splits, all missing types; `gbdt`, `dart`, `rf` |
//! | onnxmltools, skl2onnx | [`onnx`] | `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of `ai.onnx.ml` |
//!
//! Binary classification and regression with an identity link are read, everything else is refused by name. Decisions are the
//! library's own for every finite input (see [`crate::condition`]); sums are kept in double precision where XGBoost and ONNX
//! Runtime add singles. All trees of a file count: where training stopped early, save the best iterations only.
//!
//! A column of categories is given as its codes: for a pandas column the position in the list of its categories.
//!
//! A hostile file ends in an [`ImportError`]: sizes that a file declares are not believed but read up to its end, so that memory stays
//! within a small multiple of the file's size, which is at most [`MAX_BYTES`].

mod error;
mod lightgbm;
mod onnx;
mod ubjson;
mod xgboost;

pub use error::{Format, ImportError};
pub use lightgbm::lightgbm_text;
pub use onnx::onnx;
pub use xgboost::{xgboost, xgboost_json, xgboost_ubjson};

use mainstay_schema::FileFormat;

use crate::condition::Condition;
use crate::ensemble::check_limit;
use crate::error::{ModelError, TreeError};
use crate::tree::{Node, Tree};

/// The greatest size of a file.
pub const MAX_BYTES: usize = 256 << 20;

/// Refuses a file that is too large, or shows in its first bytes that it is of another format.
fn check_file(bytes: &[u8], format: Format) -> Result<(), ImportError> {
    check_limit("bytes", bytes.len(), MAX_BYTES)?;
    match FileFormat::of(bytes) {
        Some(found) if !format.may_be(found, bytes) => Err(ImportError::Foreign { format, found }),
        _ => Ok(()),
    }
}

/// The tree of these nodes. Covers that give no shares of rows (zeros, or no sums) are left out: the tree scores all the same.
fn tree_of(tree: usize, mut nodes: Vec<Node>) -> Result<Tree, ImportError> {
    nodes.iter_mut().for_each(turn_at_infinity);
    let result = match Tree::new(&nodes) {
        Err(TreeError::Cover { .. }) => {
            nodes.iter_mut().for_each(Node::forget_cover);
            Tree::new(&nodes)
        }
        result => result,
    };
    Ok(result.map_err(|source| ModelError::in_tree(tree, source))?)
}

/// A split of all numbers to the left ("missing or not", which LightGBM makes) becomes one of all numbers to the right: nothing is below
/// the lowest number.
fn turn_at_infinity(node: &mut Node) {
    if let Node::Split { condition: Condition::Below(threshold), default_left, left, right, .. } = node
        && *threshold == f64::INFINITY
    {
        *threshold = f64::MIN;
        *default_left = !*default_left;
        std::mem::swap(left, right);
    }
}

/// The nodes that the root reaches, parents first: some libraries leave others in their arrays.
fn reached_from_root(tree: usize, nodes: Vec<Node>) -> Result<Vec<Node>, ImportError> {
    let unsound = |source| ImportError::Model(ModelError::Tree { tree, source });
    let mut file_nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    let mut reached: Vec<Node> = Vec::with_capacity(file_nodes.len());
    // A node of the file, and the split (and its side) that is its parent.
    let mut open: Vec<(u32, Option<(usize, bool)>)> = vec![(0, None)];
    while let Some((at, parent)) = open.pop() {
        let position = reached.len();
        let node = match (file_nodes.get_mut(at as usize).map(Option::take), parent) {
            (Some(Some(node)), _) => node,
            (Some(None), _) => return Err(unsound(TreeError::ReachedTwice { node: at as usize })),
            (None, Some((node, _))) => return Err(unsound(TreeError::ChildOutOfRange { node, child: at })),
            (None, None) => return Err(unsound(TreeError::Empty)),
        };
        if let Some((parent, is_left)) = parent
            && let Some(Node::Split { left, right, .. }) = reached.get_mut(parent)
        {
            *(if is_left { left } else { right }) = position as u32;
        }
        if let Node::Split { left, right, .. } = node {
            open.push((right, Some((position, false))));
            open.push((left, Some((position, true))));
        }
        reached.push(node);
    }
    Ok(reached)
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
