//! Keys that stand for more than one row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::Column;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::greatest;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, ExprFunctionExt, JoinType, LogicalPlanBuilder, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;

use crate::conflicts::{self, RefusedRows};
use crate::contract;
use crate::error::FeatureError;
use crate::source::{self, OpenTable};

/// The relation of the keys that repeat.
const REPEATED: &str = "repeated";
const POSITION: &str = "position of the row";

/// The rows of a table whose key stands for more than one of them.
#[derive(Debug, Clone)]
pub(crate) struct RepeatedKeys {
    key: Vec<String>,
    /// The keys, in columns named by their position.
    keys: Arc<MemTable>,
    /// The row of each that could be seen first, which stays.
    first: Arc<MemTable>,
    pub(crate) refused: RefusedRows,
}

impl RepeatedKeys {
    /// Finds the `rows` of a table whose keys repeat; a key with a null in it is none.
    ///
    /// One query over the columns of the key, and one over the rows where it leaves a suspicion.
    pub(crate) async fn find(
        ctx: &SessionContext,
        open: &OpenTable,
        rows: LogicalPlanBuilder,
    ) -> Result<Option<Self>, FeatureError> {
        let key = &open.table.key;
        let suspects = repeated_fingerprints(ctx, open).await?;
        if suspects.is_empty() {
            return Ok(None);
        }
        let Some(suspected) = suspected_rows(ctx, source::filter(rows, whole(key))?, key, &suspects).await? else {
            return Ok(None);
        };
        let ranked = ranked(open, &suspected)?;
        let position = contract::column(POSITION);
        let first = ranked.clone().filter(position.clone().eq(lit(1_u64)))?;
        let copies = ranked.filter(position.gt(lit(1_u64)))?.project(conflicts::declared(open))?;
        let named = key.iter().enumerate().map(|(index, name)| contract::column(name).alias(index.to_string()));
        let keys = conflicts::hold(ctx, first.clone().project(named)?.build()?).await?;
        let first = conflicts::hold(ctx, first.project(conflicts::declared(open))?.build()?).await?;
        let copies = conflicts::hold(ctx, copies.build()?).await?;
        let (Some(keys), Some(first), Some(rows)) = (keys, first, copies) else {
            return Ok(None);
        };
        let reason = format!("duplicate key ({})", key.join(", "));
        Ok(Some(Self { key: key.clone(), keys, first, refused: RefusedRows { reason, rows } }))
    }

    /// The rows, of those with the same key the first alone.
    pub(crate) fn keep_first(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, FeatureError> {
        let repeated = (0..self.key.len()).map(|index| Column::new(Some(REPEATED), index.to_string())).collect();
        let key = self.key.iter().map(Column::new_unqualified).collect();
        let keys = conflicts::scan(REPEATED, &self.keys)?;
        let others = keys.join(rows.build()?, JoinType::RightAnti, (repeated, key), None)?;
        Ok(others.union(conflicts::scan(REPEATED, &self.first)?.build()?)?)
    }
}

/// The rows with their position among those with the same key.
fn ranked(open: &OpenTable, rows: &Arc<MemTable>) -> Result<LogicalPlanBuilder, FeatureError> {
    let key = open.table.key.iter().map(|name| contract::column(name)).collect();
    let position = row_number().partition_by(key).order_by(by_first_seen(open)?).build()?.alias(POSITION);
    Ok(conflicts::scan(REPEATED, rows)?.window([position])?)
}

/// The order in which rows with the same key could be seen, and a total one among those that could at once. The first
/// row is seen whenever any is.
fn by_first_seen(open: &OpenTable) -> Result<Vec<Sort>, FeatureError> {
    let times: Vec<Expr> = open.known()?.into_iter().chain(open.event_time()?).collect();
    let seen_from = (times.len() > 1).then(|| greatest(times.clone()));
    let order = seen_from.into_iter().chain(times).chain(conflicts::declared(open));
    Ok(order.map(|value| value.sort(true, true)).collect())
}

/// The fingerprints of keys that more than one of all rows has, ascending. Eight bytes a row are all that is held.
async fn repeated_fingerprints(ctx: &SessionContext, open: &OpenTable) -> Result<Vec<u64>, FeatureError> {
    let key = &open.table.key;
    let keys =
        source::filter(open.scan()?, whole(key))?.project(key.iter().map(|name| contract::column(name)))?.build()?;
    let mut stream = DataFrame::new(ctx.state(), keys).execute_stream().await?;
    let mut all = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        all.extend(fingerprints(batch.columns())?);
    }
    all.sort_unstable();
    let mut repeated: Vec<u64> =
        all.windows(2).filter_map(|pair| pair.first().filter(|&first| pair.last() == Some(first)).copied()).collect();
    repeated.dedup();
    Ok(repeated)
}

/// What holds for a key without a null.
fn whole(key: &[String]) -> impl Iterator<Item = Expr> {
    key.iter().map(|name| contract::column(name).is_not_null())
}

/// The rows with one of these fingerprints. Two keys may share one, so these are more than the rows that repeat.
async fn suspected_rows(
    ctx: &SessionContext,
    rows: LogicalPlanBuilder,
    key: &[String],
    suspects: &[u64],
) -> Result<Option<Arc<MemTable>>, FeatureError> {
    let rows = DataFrame::new(ctx.state(), rows.build()?);
    let schema = Arc::clone(rows.schema().inner());
    let mut stream = rows.execute_stream().await?;
    let mut suspected = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        let columns: Vec<ArrayRef> = key.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        let is_suspect = fingerprints(&columns)?.into_iter().map(|found| Some(suspects.binary_search(&found).is_ok()));
        let found = filter_record_batch(&batch, &BooleanArray::from_iter(is_suspect)).map_err(DataFusionError::from)?;
        if found.num_rows() > 0 {
            suspected.push(found);
        }
    }
    match suspected.is_empty() {
        true => Ok(None),
        false => Ok(Some(Arc::new(MemTable::try_new(schema, vec![suspected])?))),
    }
}

fn fingerprints(columns: &[ArrayRef]) -> Result<Vec<u64>, FeatureError> {
    let mut hashes = vec![0; columns.first().map_or(0, |column| column.len())];
    create_hashes(columns, &RandomState::default(), &mut hashes)?;
    Ok(hashes)
}
