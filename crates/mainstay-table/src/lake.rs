//! A target: the place, below one URL, where all tables and small records of a project live.

use std::path::Path as FilePath;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{TryStreamExt, future};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode};
use url::Url;

use crate::error::TableError;

const PROBE: &str = ".mainstay-probe";

/// What became of a create-if-absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is ours.
    Created,
    /// Somebody had created it before.
    Exists,
}

/// A target's path and the object store behind it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lake {
    url: Url,
    location: String,
    root: Arc<dyn ObjectStore>,
    store: Arc<dyn ObjectStore>,
}

impl Lake {
    /// Opens a folder or `file://` URL for writing: creates the folder where absent, and writes and deletes a probe.
    ///
    /// Errors: [`TableError::Location`] for a location of another kind, [`TableError::CannotWrite`] where the probe fails.
    pub async fn open(location: &str) -> Result<Self, TableError> {
        let url = folder_url(location)?;
        let folder = folder_path(location, &url)?;
        std::fs::create_dir_all(&folder).map_err(|source| cannot_write(location, source))?;
        let url = canonical(location, &folder)?;
        let lake = Self { location: location.to_owned(), ..Self::new(url, Arc::new(LocalFileSystem::new()))? };
        lake.probe().await?;
        Ok(lake)
    }

    /// Opens a folder or `file://` URL for reading; it must exist.
    pub fn open_existing(location: &str) -> Result<Self, TableError> {
        let url = folder_url(location)?;
        if !folder_path(location, &url)?.is_dir() {
            return Err(bad_location(
                location,
                "there is no such folder; run the job first, or correct the target's path",
            ));
        }
        let url = canonical(location, &folder_path(location, &url)?)?;
        Ok(Self { location: location.to_owned(), ..Self::new(url, Arc::new(LocalFileSystem::new()))? })
    }

    /// A target at `url` on a store whose root is the root of the URL's scheme and host.
    pub fn new(mut url: Url, root: Arc<dyn ObjectStore>) -> Result<Self, TableError> {
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let prefix = Path::from_url_path(url.path()).map_err(|error| bad_location(url.as_str(), error))?;
        let store = Arc::new(PrefixStore::new(root.clone(), prefix));
        Ok(Self { location: url.to_string(), url, root, store })
    }

    /// The URL of the target, with a slash at its end.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The target as it was given, for messages.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The store with its root at the target.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The store with its root at the root of the URL's scheme and host, as DataFusion and delta-rs want it.
    pub fn root_store(&self) -> &Arc<dyn ObjectStore> {
        &self.root
    }

    /// The URL of a table's folder, with a slash at its end.
    pub fn table_url(&self, table: &str) -> Result<Url, TableError> {
        self.object_url(&format!("{table}/"))
    }

    /// The URL of an object below the target.
    pub fn object_url(&self, path: &str) -> Result<Url, TableError> {
        self.url.join(path).map_err(|error| bad_location(path, error))
    }

    /// Writes an object that must not exist yet: of many callers, one creates it.
    pub async fn put_new(&self, path: &str, content: impl Into<Bytes>) -> Result<PutOutcome, TableError> {
        match self.store.put_opts(&Path::from(path), content.into().into(), PutMode::Create.into()).await {
            Ok(_) => Ok(PutOutcome::Created),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(PutOutcome::Exists),
            Err(source) => Err(TableError::store("create", path)(source)),
        }
    }

    /// Writes an object, over the one that may be there.
    pub async fn put(&self, path: &str, content: impl Into<Bytes>) -> Result<(), TableError> {
        let written = self.store.put(&Path::from(path), content.into().into()).await;
        written.map(|_| ()).map_err(TableError::store("write", path))
    }

    /// Reads an object, `None` where there is none.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, TableError> {
        let read = async { self.store.get(&Path::from(path)).await?.bytes().await };
        match read.await {
            Ok(content) => Ok(Some(content)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(TableError::store("read", path)(source)),
        }
    }

    /// Size and time of an object, `None` where there is none.
    pub async fn head(&self, path: &str) -> Result<Option<ObjectMeta>, TableError> {
        match self.store.head(&Path::from(path)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(TableError::store("read", path)(source)),
        }
    }

    /// Deletes an object; one that is gone already is no error.
    pub async fn delete(&self, path: &str) -> Result<(), TableError> {
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(TableError::store("delete", path)(source)),
        }
    }

    /// Paths of all objects below a folder, sorted.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, TableError> {
        let found: Result<Vec<ObjectMeta>, _> = self.store.list(Some(&Path::from(folder))).try_collect().await;
        let found = found.map_err(TableError::store("list", folder))?;
        let mut paths: Vec<String> = found.into_iter().map(|meta| meta.location.to_string()).collect();
        paths.sort();
        Ok(paths)
    }

    /// Whether there is no object at all, but for the probe of whoever opens it right now.
    pub async fn is_empty(&self) -> Result<bool, TableError> {
        let others = self.store.list(None).try_filter(|object| future::ready(object.location.as_ref() != PROBE));
        let first = pin!(others).try_next().await;
        Ok(first.map_err(TableError::store("list", &self.location))?.is_none())
    }

    /// Names of the folders directly below a folder, sorted.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, TableError> {
        let found = self.store.list_with_delimiter(Some(&Path::from(folder))).await;
        let found = found.map_err(TableError::store("list", folder))?;
        let mut names: Vec<String> =
            found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    async fn probe(&self) -> Result<(), TableError> {
        let written = self.store.put(&Path::from(PROBE), Bytes::from_static(b"mainstay").into()).await;
        written.map_err(|source| cannot_write(&self.location, source))?;
        self.delete(PROBE).await
    }
}

fn folder_url(location: &str) -> Result<Url, TableError> {
    if location.contains("://") {
        let url = Url::parse(location).map_err(|error| bad_location(location, error))?;
        return match url.scheme() {
            "file" => Ok(url),
            scheme => Err(bad_location(location, format!("this build has no store for `{scheme}`; give a folder"))),
        };
    }
    let absolute = std::path::absolute(FilePath::new(location)).map_err(|error| bad_location(location, error))?;
    Url::from_directory_path(absolute).map_err(|()| bad_location(location, "not a path of this system"))
}

/// The folder's URL without `..` and links, which object stores do not understand.
fn canonical(location: &str, folder: &FilePath) -> Result<Url, TableError> {
    let folder = folder.canonicalize().map_err(|error| bad_location(location, error))?;
    Url::from_directory_path(folder).map_err(|()| bad_location(location, "not a path of this system"))
}

fn folder_path(location: &str, url: &Url) -> Result<std::path::PathBuf, TableError> {
    url.to_file_path().map_err(|()| bad_location(location, "not a path of this system"))
}

fn bad_location(location: &str, reason: impl std::fmt::Display) -> TableError {
    TableError::Location { location: location.to_owned(), reason: reason.to_string() }
}

fn cannot_write(location: &str, source: impl std::error::Error + Send + Sync + 'static) -> TableError {
    TableError::CannotWrite { location: location.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_created_and_left_clean() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new/target");
        let lake = Lake::open(target.to_str().unwrap()).await.unwrap();
        assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
        assert!(lake.is_empty().await.unwrap());
        assert!(lake.url().as_str().ends_with("/new/target/"));
        let by_url = Lake::open(lake.url().as_str()).await.unwrap();
        assert_eq!(by_url.url(), lake.url());
    }

    #[tokio::test]
    async fn a_path_below_a_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let target = file.join("target");
        let error = Lake::open(target.to_str().unwrap()).await.unwrap_err();
        assert!(matches!(error, TableError::CannotWrite { .. }));
        let message = error.to_string();
        assert!(message.starts_with(&format!("cannot write to {}: ", target.display())), "{message}");
        assert!(
            message.ends_with("check that it is a folder that this user may write to, with space left"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn unknown_stores_and_absent_folders_are_refused() {
        let error = Lake::open("s3://bucket/path").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot open `s3://bucket/path`: this build has no store for `s3`; give a folder"
        );
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let error = Lake::open_existing(absent.to_str().unwrap()).unwrap_err();
        assert!(error.to_string().contains("there is no such folder"), "{error}");
    }

    #[tokio::test]
    async fn one_of_many_creates() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
        let attempts = (0..8).map(|writer| {
            let lake = lake.clone();
            async move { lake.put_new("a/b.json", format!("{writer}")).await.unwrap() }
        });
        let outcomes = futures::future::join_all(attempts).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == PutOutcome::Created).count(), 1);
        assert_eq!(lake.list("a").await.unwrap(), ["a/b.json"]);
        assert!(!lake.is_empty().await.unwrap());
        assert_eq!(lake.get("a/none.json").await.unwrap(), None);
    }
}
