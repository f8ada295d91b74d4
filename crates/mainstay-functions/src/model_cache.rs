//! Models of this process, by digest.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use mainstay_model::{Ensemble, Explainer, ModelError, Scorer};
use mainstay_schema::Digest;

/// A model under way from storage.
pub type ModelFuture = Pin<Box<dyn Future<Output = Result<Ensemble, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

type Load = dyn Fn(Digest) -> ModelFuture + Send + Sync;

/// A model and what scores and explains with it, made once because that takes longer than scoring a batch.
#[derive(Debug)]
pub struct CachedModel {
    /// The model.
    pub ensemble: Ensemble,
    /// Scores rows.
    pub scorer: Scorer,
    explainer: OnceLock<Explainer>,
}

impl CachedModel {
    /// What explains rows, made when it is first asked for: a model without covers scores, but cannot be explained.
    ///
    /// # Errors
    /// Where the model has no covers.
    pub fn explainer(&self) -> Result<&Explainer, ModelError> {
        match self.explainer.get() {
            Some(explainer) => Ok(explainer),
            // Of two threads that make one, the first one's stays.
            None => Explainer::new(&self.ensemble).map(|explainer| self.explainer.get_or_init(|| explainer)),
        }
    }
}

impl From<Ensemble> for CachedModel {
    fn from(ensemble: Ensemble) -> Self {
        Self { scorer: Scorer::new(&ensemble), explainer: OnceLock::new(), ensemble }
    }
}

/// Loads each model once per process and keeps it. Clones share their content.
#[derive(Clone)]
pub struct ModelCache {
    inner: Arc<Inner>,
}

struct Inner {
    load: Box<Load>,
    models: Mutex<BTreeMap<Digest, Arc<CachedModel>>>,
}

impl ModelCache {
    /// A cache that fetches what it does not hold with `load`.
    pub fn new(load: impl Fn(Digest) -> ModelFuture + Send + Sync + 'static) -> Self {
        Self { inner: Arc::new(Inner { load: Box::new(load), models: Mutex::default() }) }
    }

    /// Holds `model` from now on, so that it is not fetched.
    pub fn insert(&self, digest: Digest, model: Ensemble) {
        self.models().insert(digest, Arc::new(model.into()));
    }

    /// The model of a digest.
    ///
    /// A SQL function is synchronous and runs on a worker of the async runtime, where waiting for I/O would deadlock: the fetch
    /// runs on a thread of its own with a runtime of its own.
    pub fn get(&self, digest: Digest) -> Result<Arc<CachedModel>> {
        let mut models = self.models();
        if let Some(model) = models.get(&digest) {
            return Ok(Arc::clone(model));
        }
        let pending = (self.inner.load)(digest);
        let fetched = thread::scope(|scope| scope.spawn(|| fetch(pending)).join())
            .map_err(|_| exec_datafusion_err!("loading model {digest} ended in a panic"))?;
        let model = Arc::new(CachedModel::from(fetched?));
        models.insert(digest, Arc::clone(&model));
        Ok(model)
    }

    fn models(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, Arc<CachedModel>>> {
        // A panic while the map was held cannot leave it half changed: an insert is its only change.
        self.inner.models.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn fetch(pending: ModelFuture) -> Result<Ensemble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(pending).map_err(DataFusionError::External)
}

impl fmt::Debug for ModelCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelCache").field("models", &self.models().keys().collect::<Vec<_>>()).finish()
    }
}

// Two functions are the same expression where they share a cache.
impl PartialEq for ModelCache {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for ModelCache {}

impl Hash for ModelCache {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.inner).hash(state);
    }
}
