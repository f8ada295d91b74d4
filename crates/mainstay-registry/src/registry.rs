//! The registry's operations.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_model::Ensemble;
use mainstay_schema::{Digest, Gate};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::alias::{AliasChange, AliasEntry};
use crate::error::RegistryError;
use crate::name;
use crate::storage::Storage;
use crate::version::{Candidate, ModelVersion};

/// How often a version number is claimed before giving up: more than writers will ever meet at once.
const CLAIMS: u32 = 100;

/// Registered models on an object store. Cheap to clone; all operations are safe beside those of other processes.
#[derive(Debug, Clone)]
pub struct Registry {
    storage: Storage,
}

impl Registry {
    /// The registry below `prefix`, which need not exist yet.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { storage: Storage::new(store, prefix) }
    }

    /// Registers a model under a name as its next version. A model that is registered already, having learnt from features of the same
    /// definitions and been asked the same gates, keeps its version, and its record stays as it was; its bytes are written again, which mends a damaged file.
    ///
    /// # Errors
    /// Where the name is none, or the store fails.
    pub async fn register(
        &self,
        name: &str,
        model: &Ensemble,
        candidate: Candidate,
    ) -> Result<ModelVersion, RegistryError> {
        name::check("a model", name)?;
        let bytes = Bytes::from(model.to_json());
        let digest = Digest::of(&bytes);
        self.storage.write(&self.blob_path(&digest), bytes).await?;
        for _ in 0..CLAIMS {
            // One listing for both: a number beyond versions that were not looked at could give a model two of them.
            let numbers = self.version_numbers(name).await?;
            let versions = self.read_versions(name, &numbers).await?;
            let is_it = |version: &ModelVersion| {
                let is_model = version.digest == digest && version.definitions == candidate.definitions;
                // The same model under other gates is a version of its own, with their verdict.
                is_model && thresholds(&version.gates) == thresholds(&candidate.gates)
            };
            if let Some(registered) = versions.into_iter().find(is_it) {
                return Ok(registered);
            }
            let number = numbers.last().map_or(1, |last| last + 1);
            let version = ModelVersion::of(candidate.clone(), name, number, digest);
            if self.storage.create_record(&self.version_path(name, number), &version).await? {
                return Ok(version);
            }
        }
        Err(RegistryError::Busy { name: name.to_owned() })
    }

    /// All versions of a model, the oldest first; none where nothing is registered under the name.
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, RegistryError> {
        let numbers = self.version_numbers(name).await?;
        self.read_versions(name, &numbers).await
    }

    /// One version of a model.
    ///
    /// # Errors
    /// [`UnknownModel`](RegistryError::UnknownModel) and [`UnknownVersion`](RegistryError::UnknownVersion), beside failures of the store.
    pub async fn version(&self, name: &str, version: &str) -> Result<ModelVersion, RegistryError> {
        name::check("a model", name)?;
        // Only the canonical text of a number is a version: not `01` or `+1`.
        let number = version.parse::<u32>().ok().filter(|number| number.to_string() == version);
        let found = match number {
            Some(number) => self.storage.read_record(&self.version_path(name, number)).await?,
            None => None,
        };
        match found {
            Some(found) => Ok(found),
            None => Err(RegistryError::UnknownVersion {
                known: self.known_versions(name).await?,
                name: name.to_owned(),
                version: version.to_owned(),
            }),
        }
    }

    /// Points an alias to a version and records by whom and why. Nothing is recorded where it points there already.
    ///
    /// # Errors
    /// [`UnknownVersion`](RegistryError::UnknownVersion); [`Conflict`](RegistryError::Conflict) where somebody else moved it at the
    /// same time.
    pub async fn set_alias(&self, name: &str, alias: &str, change: AliasChange) -> Result<AliasEntry, RegistryError> {
        name::check("an alias", alias)?;
        self.version(name, &change.version).await?;
        let history = self.history(name, alias).await?;
        match history.last() {
            Some(current) if current.version == change.version => Ok(current.clone()),
            _ => self.append_to_history(name, alias, &history, change).await,
        }
    }

    /// Makes a change that was decided on the strength of a history, as the entry right after it: of two that saw the same history,
    /// one is made.
    ///
    /// # Errors
    /// [`UnknownVersion`](RegistryError::UnknownVersion); [`Conflict`](RegistryError::Conflict) where the history has gone on to
    /// another version.
    pub async fn append_to_history(
        &self,
        name: &str,
        alias: &str,
        seen: &[AliasEntry],
        change: AliasChange,
    ) -> Result<AliasEntry, RegistryError> {
        name::check("an alias", alias)?;
        self.version(name, &change.version).await?;
        let from = seen.last().map(|current| current.version.clone());
        let number = seen.len() as u32 + 1;
        let AliasChange { version, at, by, why, overridden, restores } = change;
        let entry = AliasEntry { number, version, at, by, why, from, overridden, restores };
        if self.storage.create_record(&self.alias_path(name, alias, number), &entry).await? {
            return Ok(entry);
        }
        let newest = self.history(name, alias).await?.pop();
        let is_same = |newest: &&AliasEntry| newest.version == entry.version && newest.overridden == entry.overridden;
        if let Some(same) = newest.as_ref().filter(is_same) {
            return Ok(same.clone());
        }
        let (current, by) = newest.map_or_else(Default::default, |newest| (newest.version, newest.by));
        Err(RegistryError::Conflict {
            name: name.to_owned(),
            alias: alias.to_owned(),
            wanted: entry.version,
            current,
            by,
        })
    }

    /// All changes of an alias, the oldest first; none where it was never set.
    pub async fn history(&self, name: &str, alias: &str) -> Result<Vec<AliasEntry>, RegistryError> {
        name::check("a model", name)?;
        name::check("an alias", alias)?;
        let mut history = Vec::new();
        // Entries are numbered without gaps, since each is claimed after the one before was read.
        for number in 1.. {
            match self.storage.read_record::<AliasEntry>(&self.alias_path(name, alias, number)).await? {
                Some(entry) => history.push(AliasEntry { number, ..entry }),
                None => break,
            }
        }
        Ok(history)
    }

    /// The names of all registered models, in order.
    pub async fn models(&self) -> Result<Vec<String>, RegistryError> {
        self.storage.folders(&self.storage.path(&["models"])).await
    }

    /// The aliases of a model that were ever set, in the order of their names.
    pub async fn aliases(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        name::check("a model", name)?;
        self.storage.folders(&self.storage.path(&["models", name, "aliases"])).await
    }

    /// Keeps the card of a version beside it, unless it has one: as JSON for programs and Markdown for people.
    ///
    /// # Errors
    /// [`UnknownVersion`](RegistryError::UnknownVersion), beside failures of the store.
    pub async fn keep_card(&self, of: &ModelVersion, card: &impl Serialize, text: &str) -> Result<(), RegistryError> {
        self.version(&of.name, &of.version).await?;
        // The record last: whoever finds it finds the text as well.
        self.storage.create(&self.card_path(of, "md"), Bytes::from(text.to_owned())).await?;
        self.storage.create_record(&self.card_path(of, "json"), card).await?;
        Ok(())
    }

    /// The card of a version as it was kept; `None` where none was.
    pub async fn card<T: DeserializeOwned>(&self, of: &ModelVersion) -> Result<Option<T>, RegistryError> {
        self.storage.read_record(&self.card_path(of, "json")).await
    }

    /// The version that an alias points to, or `None` where it was never set.
    pub async fn resolve(&self, name: &str, alias: &str) -> Result<Option<ModelVersion>, RegistryError> {
        match self.history(name, alias).await?.pop() {
            Some(current) => self.version(name, &current.version).await.map(Some),
            None => Ok(None),
        }
    }

    /// The version that an alias points to, for callers that cannot do without.
    ///
    /// # Errors
    /// [`UnknownModel`](RegistryError::UnknownModel) and [`UnknownAlias`](RegistryError::UnknownAlias), beside failures of the store.
    pub async fn resolve_required(&self, name: &str, alias: &str) -> Result<ModelVersion, RegistryError> {
        match self.resolve(name, alias).await? {
            Some(version) => Ok(version),
            None => Err(RegistryError::UnknownAlias {
                known: self.known_versions(name).await?,
                name: name.to_owned(),
                alias: alias.to_owned(),
            }),
        }
    }

    /// The model of a version.
    ///
    /// # Errors
    /// As [`load_by_digest`](Self::load_by_digest).
    pub async fn load(&self, version: &ModelVersion) -> Result<Ensemble, RegistryError> {
        self.load_by_digest(&version.digest).await
    }

    /// The model with a digest.
    ///
    /// # Errors
    /// As [`load_bytes_by_digest`](Self::load_bytes_by_digest), and [`Model`](RegistryError::Model) where the format is another.
    pub async fn load_by_digest(&self, digest: &Digest) -> Result<Ensemble, RegistryError> {
        let bytes = self.load_bytes_by_digest(digest).await?;
        Ensemble::from_json(&bytes)
            .map_err(|source| RegistryError::Model { object: self.blob_path(digest).to_string(), source })
    }

    /// The bytes of the model with a digest, after checking that they are the ones.
    ///
    /// # Errors
    /// [`Missing`](RegistryError::Missing) and [`Damaged`](RegistryError::Damaged), beside failures of the store.
    pub async fn load_bytes_by_digest(&self, digest: &Digest) -> Result<Bytes, RegistryError> {
        let blob = self.blob_path(digest);
        let Some(bytes) = self.storage.read(&blob).await? else {
            return Err(RegistryError::Missing { object: blob.to_string() });
        };
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(RegistryError::Damaged { object: blob.to_string(), expected: *digest, found });
        }
        Ok(bytes)
    }

    async fn read_versions(&self, name: &str, numbers: &[u32]) -> Result<Vec<ModelVersion>, RegistryError> {
        let mut versions = Vec::new();
        for &number in numbers {
            versions.extend(self.storage.read_record(&self.version_path(name, number)).await?);
        }
        Ok(versions)
    }

    async fn version_numbers(&self, name: &str) -> Result<Vec<u32>, RegistryError> {
        name::check("a model", name)?;
        self.storage.numbers(&self.storage.path(&["models", name, "versions"])).await
    }

    /// The versions of a model in words, for messages.
    async fn known_versions(&self, name: &str) -> Result<String, RegistryError> {
        match self.version_numbers(name).await?.as_slice() {
            [] => Err(RegistryError::UnknownModel { name: name.to_owned() }),
            [only] => Ok(format!("version {only}")),
            [first, .., last] => Ok(format!("versions {first} to {last}")),
        }
    }

    fn blob_path(&self, digest: &Digest) -> Path {
        self.storage.path(&["blobs", &format!("{}.json", digest.hex())])
    }

    fn version_path(&self, name: &str, number: u32) -> Path {
        self.storage.path(&["models", name, "versions", &format!("{number}.json")])
    }

    fn card_path(&self, of: &ModelVersion, extension: &str) -> Path {
        self.storage.path(&["models", &of.name, "cards", &format!("{}.{extension}", of.version)])
    }

    fn alias_path(&self, name: &str, alias: &str, number: u32) -> Path {
        self.storage.path(&["models", name, "aliases", alias, &format!("{number:06}.json")])
    }
}

/// What is asked of a model.
fn thresholds(gates: &[Gate]) -> Vec<(&str, u64)> {
    gates.iter().map(|gate| (gate.name.as_str(), gate.threshold.to_bits())).collect()
}
