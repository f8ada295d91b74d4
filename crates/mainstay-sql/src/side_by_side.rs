//! Work on several partitions, or tables, at the same time.

use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;

use crate::error::FeatureError;

/// What the tasks give, in their order. They run on the threads of the runtime.
pub(crate) async fn side_by_side<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Result<Vec<T>, FeatureError> {
    let running: Vec<_> = tasks.into_iter().map(SpawnedTask::spawn).collect();
    let mut given = Vec::with_capacity(running.len());
    for task in running {
        given.push(task.join().await.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?);
    }
    Ok(given)
}
