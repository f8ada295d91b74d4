//! The SQL functions of Mainstay: `predict()`, `raw_score()`, `explain()` and `uniform_hash()`, exact aggregates in the place of the
//! built-in ones, `count_each()`, `gap_stats()` and `distinct_stats()`.
//!
//! A function of a model takes the model as its first argument, a digest literal: its state does not travel with a plan, and a promotion in
//! the middle of a run must not mix two models. The driver resolves an alias to the digest before it plans; each process loads
//! the model once and keeps it in a [`ModelCache`].
//!
//! Not here: the kernels (`mainstay-model`), contexts (`mainstay-session`), where models are stored (`mainstay-registry`).

mod arguments;
mod by_group;
mod count_each;
mod distinct_stats;
mod exact;
mod explain;
mod gap_stats;
mod kept_rows;
mod model_cache;
mod predict;
mod uniform_hash;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub use count_each::CountEach;
pub use distinct_stats::DistinctStats;
pub use explain::{Explain, REASON_FIELDS};
pub use gap_stats::GapStats;
pub use model_cache::{CachedModel, ModelCache, ModelFuture};
pub use predict::{Predict, Score};
pub use uniform_hash::{UniformHash, uniform_hash};

/// Every scalar function of ours: the one list for client, scheduler, executor and tests.
pub fn scalar_functions(models: &ModelCache) -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(Predict::new(Score::Probability, models.clone()))),
        Arc::new(ScalarUDF::from(Predict::new(Score::Raw, models.clone()))),
        Arc::new(ScalarUDF::from(Explain::new(models.clone()))),
        Arc::new(ScalarUDF::from(UniformHash::default())),
    ]
}

/// Every aggregate function of ours: the one list for client, scheduler, executor and tests.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    let own = [
        AggregateUDF::from(CountEach::default()),
        AggregateUDF::from(GapStats::default()),
        AggregateUDF::from(DistinctStats::default()),
    ];
    exact::aggregate_functions().into_iter().chain(own.map(Arc::new)).collect()
}

#[cfg(test)]
mod sql_answers;
#[cfg(test)]
mod tests;
