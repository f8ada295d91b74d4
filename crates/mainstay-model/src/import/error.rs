//! Why a file of another library was refused.

use std::error::Error;
use std::fmt;

use mainstay_schema::FileFormat;

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

impl Format {
    /// Whether a file that looks like this may be one of the format, damaged or not.
    pub(super) fn may_be(self, found: FileFormat, bytes: &[u8]) -> bool {
        match self {
            Self::XgboostJson => {
                found == FileFormat::Json || (found == FileFormat::Text && bytes.trim_ascii_start().starts_with(b"{"))
            }
            Self::XgboostUbjson => matches!(found, FileFormat::Ubjson | FileFormat::Json),
            Self::LightgbmText => found == FileFormat::LightgbmText,
            Self::Onnx => found == FileFormat::Onnx,
        }
    }
}

/// What to do with a file of another format.
fn advice(found: FileFormat) -> &'static str {
    match found {
        FileFormat::XgboostBinary => {
            "load it with the XGBoost that wrote it, and save it anew with `booster.save_model(\"model.json\")`"
        }
        FileFormat::Pickle | FileFormat::Zlib => {
            "load it where it was made and save the model itself, with `save_model(\"model.json\")` of XGBoost or \
             `booster_.save_model(\"model.txt\")` of LightGBM"
        }
        FileFormat::Gzip | FileFormat::Zstd | FileFormat::Bzip2 | FileFormat::Zip => "unpack it first",
        FileFormat::Ubjson => "import it with `--format xgboost`",
        FileFormat::Json => {
            "import it with `--format xgboost` if XGBoost wrote it; of LightGBM take what `save_model` writes, not `dump_model`"
        }
        FileFormat::LightgbmText => "import it with `--format lightgbm`",
        FileFormat::Onnx => "import it with `--format onnx`",
        FileFormat::Empty => "save the model anew",
        _ => "give the file that `save_model` of XGBoost or LightGBM wrote, or an ONNX file",
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
    /// The file is of another format, which is known.
    #[error("the file is {found}, no {format} model: {}", advice(*found))]
    Foreign {
        /// The format as which it was read.
        format: Format,
        /// What it is.
        found: FileFormat,
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
    /// The model that the file describes is unsound.
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
