//! Keys that stand for more than one row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::Column;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::greatest;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;
use jiff::Timestamp;

use crate::contract;
use crate::error::FeatureError;
use crate::side_by_side::side_by_side;
use crate::visible::references::LateReference;
use crate::visible::relation::{Relation, filter};
use crate::visible::rows_in_memory;
use crate::visible::versions;

/// The relation of the rows with duplicate keys, and the column that says from when each is seen.
const DUPLICATES: &str = "duplicates";
const SEEN_FROM: &str = "row is seen from";

/// Fingerprints are held against each other in so many buckets, so that what is known of one of them stays in the cache.
const BUCKETS: usize = 1 << BUCKET_BITS;
const BUCKET_BITS: u32 = 8;
const BUCKET_SHIFT: u32 = u64::BITS - BUCKET_BITS;

/// The rows of a table whose key stands for more than one of them.
#[derive(Debug, Clone)]
pub(crate) struct DuplicateKeys {
    key: Vec<String>,
    /// The keys, in columns named by their position.
    keys: Arc<MemTable>,
    /// Their rows, with the instant from which each is seen.
    rows: Arc<MemTable>,
}

impl DuplicateKeys {
    /// Finds the `rows` of a table with duplicate keys; a key with a null in it is none. A row that names a late one is seen
    /// with that.
    ///
    /// One query over the columns of the key, and few over the rows where it leaves a suspicion.
    pub(crate) async fn find(
        ctx: &SessionContext,
        relation: &Relation,
        rows: LogicalPlanBuilder,
        late: &[LateReference],
    ) -> Result<Option<Self>, FeatureError> {
        let key = &relation.table.key;
        let suspects = duplicate_fingerprints(ctx, relation).await?;
        if suspects.is_empty() {
            return Ok(None);
        }
        let Some(suspected) = suspected_rows(ctx, filter(rows, whole(key))?, key, &suspects).await? else {
            return Ok(None);
        };
        let Some(rows) = rows_in_memory::collect(ctx, with_seen_from(relation, &suspected, late)?.build()?).await?
        else {
            return Ok(None);
        };
        let named = key.iter().enumerate().map(|(index, name)| contract::column(name).alias(index.to_string()));
        let keys = rows_in_memory::scan(DUPLICATES, &rows)?.project(named)?.distinct()?;
        let keys = rows_in_memory::collect(ctx, keys.build()?).await?;
        Ok(keys.map(|keys| Self { key: key.clone(), keys, rows }))
    }

    /// The rows before `bound`, of those with the same key the first alone.
    pub(crate) fn keep_first(
        &self,
        relation: &Relation,
        rows: LogicalPlanBuilder,
        bound: Timestamp,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let duplicates = (0..self.key.len()).map(|index| Column::new(Some(DUPLICATES), index.to_string())).collect();
        let key = self.key.iter().map(Column::new_unqualified).collect();
        let keys = rows_in_memory::scan(DUPLICATES, &self.keys)?;
        let others = keys.join(rows.build()?, JoinType::RightAnti, (duplicates, key), None)?;
        let first = self.ranked(relation, bound)?.filter(versions::is_first())?.project(relation.columns())?;
        Ok(others.union(first.build()?)?)
    }

    /// The rows before `bound` that are copies of one that is seen before them.
    pub(crate) fn copies(&self, relation: &Relation, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        Ok(self.ranked(relation, bound)?.filter(versions::is_copy())?.project(relation.columns())?)
    }

    /// Why a copy is refused.
    pub(crate) fn reason(&self) -> String {
        format!("duplicate key ({})", self.key.join(", "))
    }

    /// The rows before `bound` by when they are seen, so that the first is so on every later day too.
    fn ranked(&self, relation: &Relation, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        let seen_from = contract::column(SEEN_FROM);
        let seen =
            rows_in_memory::scan(DUPLICATES, &self.rows)?.filter(seen_from.clone().lt(contract::instant(bound)))?;
        let times = [seen_from].into_iter().chain(relation.known()?).chain(relation.event_time()?);
        versions::ranked(relation, seen, times.map(|time| time.sort(true, true)), bound)
    }
}

fn with_seen_from(
    relation: &Relation,
    rows: &Arc<MemTable>,
    late: &[LateReference],
) -> Result<LogicalPlanBuilder, FeatureError> {
    let mut rows = rows_in_memory::scan(DUPLICATES, rows)?;
    let mut times = vec![relation.seen_from()?];
    for (index, reference) in late.iter().enumerate() {
        let name = format!("reference {index} is seen from");
        rows = reference.beside(rows, &name)?;
        times.push(contract::column(&name));
    }
    let seen_from = match times.len() {
        1 => relation.seen_from()?,
        _ => greatest(times),
    };
    Ok(rows.project(relation.columns().chain([seen_from.alias(SEEN_FROM)]))?)
}

/// The fingerprints of keys that more than one of all rows has, ascending. Eight bytes a row are held.
///
/// Every partition throws its fingerprints into the same buckets, by their highest bits; then the buckets are gone through side by side.
async fn duplicate_fingerprints(ctx: &SessionContext, relation: &Relation) -> Result<Vec<u64>, FeatureError> {
    let key = &relation.table.key;
    let nullable: Vec<String> = key.iter().filter(|name| !relation.keeps_values_in(name)).cloned().collect();
    let keys = filter(relation.scan()?, whole(&nullable))?.project(key.iter().map(|name| contract::column(name)))?;
    let partitions = DataFrame::new(ctx.state(), keys.build()?).execute_stream_partitioned().await?;
    let mut buckets = vec![Vec::new(); BUCKETS];
    for partition in side_by_side(partitions.into_iter().map(fingerprints_in_buckets)).await? {
        buckets.iter_mut().zip(partition?).for_each(|(bucket, found)| bucket.push(found));
    }
    let duplicates = buckets.into_iter().map(|bucket| async move { duplicates(&bucket) });
    let mut duplicates = side_by_side(duplicates).await?.concat();
    duplicates.sort_unstable();
    Ok(duplicates)
}

async fn fingerprints_in_buckets(mut keys: SendableRecordBatchStream) -> Result<Vec<Vec<u64>>, FeatureError> {
    let mut buckets = vec![Vec::new(); BUCKETS];
    while let Some(batch) = keys.try_next().await? {
        for fingerprint in fingerprints(batch.columns())? {
            if let Some(bucket) = buckets.get_mut((fingerprint >> BUCKET_SHIFT) as usize) {
                bucket.push(fingerprint);
            }
        }
    }
    Ok(buckets)
}

/// The values that stand more than once in a bucket, ascending and each once.
///
/// Only what may be a duplicate is sorted: values whose bit another one has set.
fn duplicates(bucket: &[Vec<u64>]) -> Vec<u64> {
    let count = bucket.iter().map(Vec::len).sum();
    let (mut seen, mut seen_again) = (Bits::of_values(count), Bits::of_values(count));
    for &value in bucket.iter().flatten() {
        if seen.set(value) {
            seen_again.set(value);
        }
    }
    let mut suspects: Vec<u64> = bucket.iter().flatten().copied().filter(|&value| seen_again.has(value)).collect();
    suspects.sort_unstable();
    let pairs = suspects.array_windows().filter(|[first, second]| first == second);
    let mut duplicates: Vec<u64> = pairs.map(|[first, _]| *first).collect();
    duplicates.dedup();
    duplicates
}

/// A bit for each of the lowest bits of a value.
struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// About one bit in sixteen is set by so many values.
    fn of_values(count: usize) -> Self {
        Self { words: vec![0; (count / 4).next_power_of_two()] }
    }

    /// Sets the bit of a value, and says whether it was set.
    fn set(&mut self, value: u64) -> bool {
        let (word, bit) = self.place(value);
        let was_set = self.words[word] & bit != 0;
        self.words[word] |= bit;
        was_set
    }

    fn has(&self, value: u64) -> bool {
        let (word, bit) = self.place(value);
        self.words[word] & bit != 0
    }

    fn place(&self, value: u64) -> (usize, u64) {
        ((value >> 6) as usize & (self.words.len() - 1), 1 << (value & 63))
    }
}

/// What holds for a key without a null.
fn whole(key: &[String]) -> impl Iterator<Item = Expr> {
    key.iter().map(|name| contract::column(name).is_not_null())
}

/// The rows with one of these fingerprints. Two keys may share one, so these are more than the rows with duplicate keys.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::duplicates;

    proptest! {
        #[test]
        fn duplicates_are_those_of_the_obvious_count(
            bucket in prop::collection::vec(prop::collection::vec(prop_oneof![0..64_u64, any::<u64>()], 0..200), 0..4),
        ) {
            let mut times = std::collections::BTreeMap::new();
            for &value in bucket.iter().flatten() {
                *times.entry(value).or_insert(0) += 1;
            }
            let expected: Vec<u64> = times.into_iter().filter(|&(_, times)| times > 1).map(|(value, _)| value).collect();
            prop_assert_eq!(duplicates(&bucket), expected);
        }
    }
}
