//! A writer that dies between any two writes, and the next one that finishes its work.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

use super::*;

/// A store that answers no write after the first few: the last one either never arrives, or lands although its writer gets no answer.
#[derive(Debug)]
struct DyingStore {
    inner: Arc<dyn ObjectStore>,
    writes_left: AtomicUsize,
    last_one_lands: bool,
}

impl fmt::Display for DyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dying {}", self.inner)
    }
}

fn died() -> object_store::Error {
    object_store::Error::Generic { store: "dying", source: "the process died".into() }
}

#[async_trait::async_trait]
impl ObjectStore for DyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let left = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.put_opts(location, payload, opts).await,
            Err(_) => {
                if self.last_one_lands {
                    self.inner.put_opts(location, payload, opts).await?;
                }
                Err(died())
            }
        }
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(died())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(died())
    }
}

/// Registers a model, keeps its card and promotes it: four writes and the alias.
async fn register_and_promote(registry: &Registry) -> std::result::Result<(), RegistryError> {
    let version = registry.register("churn", &model(1.0), candidate()).await?;
    registry.keep_card(&version, &json!({"model": "churn"}), "# churn\n").await?;
    let seen = registry.history("churn", "champion").await?;
    if seen.last().is_none_or(|current| current.version != version.version) {
        registry.append_to_history("churn", "champion", &seen, change(&version.version, 3)).await?;
    }
    Ok(())
}

async fn objects(store: &Arc<dyn ObjectStore>) -> Vec<(String, bytes::Bytes)> {
    let listed: Vec<ObjectMeta> = futures::TryStreamExt::try_collect(store.list(None)).await.unwrap();
    let mut objects = Vec::new();
    for object in listed {
        let content = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        objects.push((object.location.to_string(), content));
    }
    objects.sort();
    objects
}

#[tokio::test]
async fn a_crash_between_any_two_writes_is_finished_by_the_next_attempt() {
    let (whole, registry) = filled_with_champion().await;
    register_and_promote(&registry).await.unwrap();
    let expected = objects(&whole).await;
    let mut crashes = 0;
    for last_one_lands in [false, true] {
        for writes in 0..5 {
            let (store, registry) = filled_with_champion().await;
            let writes_left = AtomicUsize::new(writes);
            let dying = Arc::new(DyingStore { inner: store.clone(), writes_left, last_one_lands });
            let error = register_and_promote(&Registry::new(dying, "lake/registry")).await.unwrap_err();
            crashes += usize::from(matches!(error, RegistryError::Store { .. }));

            let champion = registry.resolve("churn", "champion").await.unwrap().unwrap();
            assert!(registry.load(&champion).await.is_ok(), "the champion can be used at any moment");
            register_and_promote(&registry).await.unwrap();
            assert_eq!(objects(&store).await, expected, "after {writes} writes");
        }
    }
    assert_eq!(crashes, 10, "each crash happened");
}

/// A registry in which another version than the one to be registered is champion.
async fn filled_with_champion() -> (Arc<dyn ObjectStore>, Registry) {
    let (store, registry) = registry();
    registry.register("churn", &model(0.0), candidate()).await.unwrap();
    registry.set_alias("churn", "champion", change("1", 2)).await.unwrap();
    (store, registry)
}
