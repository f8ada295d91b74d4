//! Records and bytes as objects below the registry's prefix.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RegistryError;

/// The part of an object store that belongs to the registry.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Storage {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: Path::from(prefix) }
    }

    /// The object at some steps below the prefix.
    pub(crate) fn path(&self, steps: &[&str]) -> Path {
        steps.iter().fold(self.prefix.clone(), |path, &step| path.join(step))
    }

    /// The bytes of an object, or `None` where there is none.
    pub(crate) async fn read(&self, path: &Path) -> Result<Option<Bytes>, RegistryError> {
        let result = match self.store.get(path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match result {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(store_error("read", path, source)),
        }
    }

    /// A record, or `None` where there is none.
    pub(crate) async fn read_record<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, RegistryError> {
        let Some(bytes) = self.read(path).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| RegistryError::Record { object: path.to_string(), source })
    }

    /// Writes bytes, over what may be there.
    pub(crate) async fn write(&self, path: &Path, bytes: Bytes) -> Result<(), RegistryError> {
        self.store.put(path, bytes.into()).await.map_err(|source| store_error("write", path, source))?;
        Ok(())
    }

    /// Writes a record where there is none; false where there is one.
    pub(crate) async fn create_record<T: Serialize>(&self, path: &Path, record: &T) -> Result<bool, RegistryError> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|source| RegistryError::Record { object: path.to_string(), source })?;
        self.create(path, Bytes::from(text)).await
    }

    /// Writes bytes where there is nothing; false where there is something.
    pub(crate) async fn create(&self, path: &Path, bytes: Bytes) -> Result<bool, RegistryError> {
        match self.store.put_opts(path, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(store_error("create", path, source)),
        }
    }

    /// The names of the folders right below a folder, in order.
    pub(crate) async fn folders(&self, folder: &Path) -> Result<Vec<String>, RegistryError> {
        let listed = self.store.list_with_delimiter(Some(folder)).await;
        let listed = listed.map_err(|source| store_error("list", folder, source))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The numbers of the objects `<number>.json` right below a folder, ascending. Anything else there is not ours.
    pub(crate) async fn numbers(&self, folder: &Path) -> Result<Vec<u32>, RegistryError> {
        let listed: Vec<_> =
            self.store.list(Some(folder)).try_collect().await.map_err(|source| store_error("list", folder, source))?;
        let mut numbers: Vec<u32> = listed
            .iter()
            .filter_map(|object| object.location.filename()?.strip_suffix(".json")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn store_error(action: &'static str, path: &Path, source: object_store::Error) -> RegistryError {
    RegistryError::Store { action, object: path.to_string(), source }
}
