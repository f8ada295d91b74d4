//! What can go wrong with the registry.

use mainstay_model::ModelError;
use mainstay_schema::Digest;

/// Why the registry could not do or report something.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name that is no part of a path.
    #[error("`{name}` is not a name of {what}: use 1 to 64 small letters, digits, `_` and `-`")]
    Name {
        /// `a model` or `an alias`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Nothing is registered under the name.
    #[error("there is no registered model `{name}`: train one, or check the name in the job")]
    UnknownModel {
        /// The name.
        name: String,
    },
    /// The model has other versions.
    #[error("model `{name}` has no version `{version}`: it has {known}")]
    UnknownVersion {
        /// The model.
        name: String,
        /// The version asked for.
        version: String,
        /// The versions that there are, in words.
        known: String,
    },
    /// The model has versions, but none that goes by the alias.
    #[error("model `{name}` has no alias `{alias}`: promote one of its versions ({known}) to it")]
    UnknownAlias {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
        /// The versions that there are, in words.
        known: String,
    },
    /// Somebody else moved the alias in the meantime; their change stands.
    #[error(
        "alias `{alias}` of model `{name}` was not set to version {wanted}: {by} set it to version {current} at the same time; \
         look at that change, then set it again if it is still right"
    )]
    Conflict {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
        /// The version that it was to point to.
        wanted: String,
        /// The version that it points to.
        current: String,
        /// Who moved it.
        by: String,
    },
    /// Version numbers were claimed by others, time after time.
    #[error("model `{name}` was not registered: others kept claiming its version numbers; try again")]
    Busy {
        /// The model.
        name: String,
    },
    /// The model's bytes are gone.
    #[error("model file `{object}` is missing: restore it from a backup, or train and register the model again")]
    Missing {
        /// The object.
        object: String,
    },
    /// The model's bytes are not those that were registered.
    #[error(
        "model file `{object}` is damaged: its content has the digest {found}, expected {expected}; restore it from a backup, or \
         train and register the model again"
    )]
    Damaged {
        /// The object.
        object: String,
        /// Digest that was registered.
        expected: Digest,
        /// Digest of what is there.
        found: Digest,
    },
    /// The bytes are the right ones, but this program cannot read them as a model.
    #[error("`{object}` is not a model that this program can read")]
    Model {
        /// The object.
        object: String,
        /// What the model crate says.
        source: ModelError,
    },
    /// A record of the registry is not what was written.
    #[error("`{object}` is not a record of the registry: restore it from a backup")]
    Record {
        /// The object.
        object: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The object store failed.
    #[error("cannot {action} `{object}`")]
    Store {
        /// What was tried.
        action: &'static str,
        /// On which object.
        object: String,
        /// What the store says.
        source: object_store::Error,
    },
}

impl RegistryError {
    /// Whether the same call may succeed later without anybody mending anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Store { source, .. } => matches!(source, object_store::Error::Generic { .. }),
            _ => false,
        }
    }
}
