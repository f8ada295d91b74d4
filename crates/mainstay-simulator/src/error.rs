//! Why data could not be generated.

use std::io;
use std::path::PathBuf;

/// Why [`generate`](crate::generate) gave up. A folder that it leaves unfinished is taken up again by the same settings.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Somebody else's files are in the way.
    #[error("`{}` is not empty and was not made by the simulator: name an empty folder, or one that does not exist yet", folder.display())]
    Foreign {
        /// The output folder.
        folder: PathBuf,
    },
    /// The folder holds another retailer, whole or in part.
    #[error("`{}` holds simulated data of other settings ({found}): remove it to have {wanted}, or name another folder", folder.display())]
    OtherSettings {
        /// The output folder.
        folder: PathBuf,
        /// The settings of what is there.
        found: String,
        /// The settings asked for.
        wanted: String,
    },
    /// The marker that says how a folder was made is damaged.
    #[error("`{}` does not say how the data beside it were made: remove the folder and generate anew", path.display())]
    Marker {
        /// The marker.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The disk or its permissions.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The disk, as seen while a Parquet file is written.
    #[error("cannot write Parquet to `{}`", path.display())]
    Parquet {
        /// The file under its final name.
        path: PathBuf,
        /// What the Parquet writer says.
        source: parquet::errors::ParquetError,
    },
    /// A bug: rows that do not fit their schema.
    #[error("simulated rows do not fit their schema")]
    Rows(#[from] arrow::error::ArrowError),
}
