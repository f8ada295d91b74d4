//! Why a file of another library was refused.

use std::error::Error;
use std::fmt;

use crate::error::ModelError;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `Booster.save_model("model.json")` of XGBoost.
    XgboostJson,
    /// `Booster.save_model("model.ubj")` of XGBoost.
    XgboostUbjson,
    /// `Booster.save_model("model.txt")` of LightGBM.
    LightgbmText,
    /// A protobuf file of ONNX.
    Onnx,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XgboostJson => "XGBoost JSON",
            Self::XgboostUbjson => "XGBoost UBJSON",
            Self::LightgbmText => "LightGBM text",
            Self::Onnx => "ONNX",
        })
    }
}

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The bytes are not of the format: cut off, damaged or foreign.
    #[error("the file is no {format} model that can be read: it is damaged or of another format, save the model anew")]
    Unreadable {
        /// The format as which it was read.
        format: Format,
        /// What the reader met.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file is of the format, but its parts do not fit together.
    #[error("{place} of the {format} model {problem}: the file is damaged, save the model anew")]
    Malformed {
        /// The format.
        format: Format,
        /// Where: `the header`, `tree 3` ...
        place: String,
        /// What is wrong, as the rest of a sentence.
        problem: String,
    },
    /// A sound file of a kind of model that is not read.
    #[error("the {format} model has {what}, which is not supported: {advice}")]
    Unsupported {
        /// The format.
        format: Format,
        /// What it has.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// The model that the file tells is unsound.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ImportError {
    pub(super) fn unreadable(format: Format, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreadable { format, source: source.into() }
    }

    pub(super) fn in_tree(format: Format, tree: usize, problem: String) -> Self {
        Self::Malformed { format, place: format!("tree {tree}"), problem }
    }

    /// An array of a tree that has not one entry for each node.
    pub(super) fn length(format: Format, tree: usize, array: &str, [found, expected]: [usize; 2]) -> Self {
        Self::in_tree(format, tree, format!("has {found} entries in `{array}`, expected {expected}"))
    }
}

/// The start of a text of the file, for a message: it may be as long as the file.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
