//! The only builder of DataFusion contexts: one set of options, one list of functions, for every plan of Mainstay.
//!
//! Options that touch a result are fixed here and nowhere else; what a user may change (partitions, batch size, memory) must
//! not change a result.

mod optimizer;
mod physical_optimizer;

use std::sync::Arc;

use datafusion::catalog::MemoryCatalogProviderList;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use mainstay_functions::ModelCache;

/// What a user may choose of a session, none of which changes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// Partitions that a plan runs in parallel, at least 1.
    pub partitions: usize,
    /// Rows of a batch, at least 1.
    pub batch_size: usize,
    /// Bytes that plans may hold before they spill; no limit where absent.
    pub memory_limit_bytes: Option<usize>,
}

impl Default for SessionSettings {
    /// As many partitions as the machine runs threads.
    fn default() -> Self {
        let partitions = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { partitions, batch_size: 8192, memory_limit_bytes: None }
    }
}

/// A context with our options and functions; `models` backs `predict()` and `explain()`.
pub fn build(settings: &SessionSettings, models: &ModelCache) -> Result<SessionContext> {
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = settings.memory_limit_bytes {
        runtime = runtime.with_memory_limit(bytes, 1.0);
    }
    let state = SessionStateBuilder::new()
        .with_config(config(settings))
        .with_runtime_env(runtime.build_arc()?)
        .with_default_features()
        .with_optimizer_rules(optimizer::rules())
        .with_physical_optimizer_rules(physical_optimizer::rules())
        .build();
    let context = SessionContext::new_with_state(state);
    for function in mainstay_functions::scalar_functions(models) {
        context.register_udf(Arc::unwrap_or_clone(function));
    }
    for function in mainstay_functions::aggregate_functions() {
        context.register_udaf(Arc::unwrap_or_clone(function));
    }
    Ok(context)
}

/// A context with the options, functions and memory of another one, and no table of it: what is registered in it is seen by its own
/// queries alone.
pub fn private(context: &SessionContext) -> SessionContext {
    let state = context.state();
    let config = state.config().clone().with_create_default_catalog_and_schema(true);
    let own = SessionStateBuilder::new_from_existing(state)
        .with_config(config)
        .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()));
    SessionContext::new_with_state(own.build())
}

fn config(settings: &SessionSettings) -> SessionConfig {
    SessionConfig::new()
        // Pushing reads of struct fields down gives two projections one name (`__common_expr_5`) and so refuses a plan that is
        // sound; no table of ours has structs to gain from it.
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
        .with_target_partitions(settings.partitions.max(1))
        .with_batch_size(settings.batch_size.max(1))
        .with_information_schema(false)
        .set_str("datafusion.execution.time_zone", "+00:00")
        // Text is Utf8, as contracts of tables compare types exactly; that of source tables says itself that it is read as views.
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        // What is asked of a scan is mostly a span of time that whole files lie in or out of, which the statistics of row groups
        // settle: deciding row by row before decoding, and reading indexes of pages and bloom filters for it, took 15 % of the time
        // of the three largest models of the reference project.
        .set_bool("datafusion.execution.parquet.pushdown_filters", false)
        .set_bool("datafusion.execution.parquet.enable_page_index", false)
        .set_bool("datafusion.execution.parquet.bloom_filter_on_read", false)
        // DataFusion 55 takes a column of floats with equal minimum and maximum for a constant, and so reads that value
        // where a file has NaN, which statistics leave out.
        .with_collect_statistics(false)
}

#[cfg(test)]
mod tests;
