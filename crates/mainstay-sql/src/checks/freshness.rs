//! How old the newest row of a source is.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_schema::date::Ds;
use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::visible::sources::Sources;
use crate::visible::table::VisibleTable;

const SECONDS_PER_HOUR: i64 = 3600;

/// How a table stands against its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessStatus {
    /// Within all limits.
    Pass,
    /// Older than `warn_after_hours`.
    Warn,
    /// Older than `error_after_hours`, or without any row.
    Error,
}

/// How fresh a source table is as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// `source.table`.
    pub table: String,
    /// The newest event time that may be seen; absent where no row may be seen.
    pub newest: Option<Timestamp>,
    /// Whole hours from the newest row to as-of, rounded down.
    pub age_hours: Option<i64>,
    /// How it stands.
    pub status: FreshnessStatus,
    /// What to say to the user where it does not pass.
    pub message: Option<String>,
}

impl Sources {
    /// How fresh the tables with a limit are, among the rows that may be seen before `as_of` and keep their contract.
    /// One aggregate query a table.
    pub async fn freshness(&self, ctx: &SessionContext, as_of: Timestamp) -> Result<Vec<Freshness>, FeatureError> {
        let mut all = Vec::new();
        for table in &self.tables {
            if let Some(limits) = table.relation.table.freshness {
                let newest = newest(ctx, table, as_of).await?;
                all.push(judge(table.name(), limits, newest, as_of, &self.time_zone));
            }
        }
        Ok(all)
    }

    /// The day, in the project's time zone, of the newest row of all tables with a freshness limit (of all tables where
    /// none has one) but timeless ones, whether it may be seen or not. `None` without rows. The day after it is the latest that a run can
    /// decide for.
    pub async fn last_complete_day(&self, ctx: &SessionContext) -> Result<Option<Ds>, FeatureError> {
        let has_limit = |table: &VisibleTable| table.relation.table.freshness.is_some();
        let has_limits = self.tables.iter().any(has_limit);
        let mut latest = None;
        for table in self.tables.iter().filter(|table| !has_limits || has_limit(table)) {
            latest = latest.max(newest(ctx, table, Timestamp::MAX).await?);
        }
        Ok(latest.map(|instant| Ds::of(instant, &self.time_zone)))
    }
}

/// Refuses to go on where a table is older than its `error_after_hours`.
pub fn refuse_stale(freshness: &[Freshness]) -> Result<(), FeatureError> {
    let stale = freshness.iter().filter(|table| table.status == FreshnessStatus::Error);
    match stale.filter_map(|table| table.message.as_deref()).collect::<Vec<_>>() {
        messages if messages.is_empty() => Ok(()),
        messages => Err(FeatureError::Stale(messages.join("; "))),
    }
}

/// The newest event time of the rows before `bound` that keep their contract. `None` without rows or times.
async fn newest(
    ctx: &SessionContext,
    table: &VisibleTable,
    bound: Timestamp,
) -> Result<Option<Timestamp>, FeatureError> {
    let Some(event_time) = table.relation.event_time()? else { return Ok(None) };
    let newest = table.rows_before(bound)?.aggregate(Vec::<Expr>::new(), [max(event_time)])?.build()?;
    let batches = DataFrame::new(ctx.state(), newest).collect().await?;
    let newest = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let column = batch.column(0).as_primitive_opt::<TimestampMicrosecondType>()?;
        column.iter().next().flatten()
    });
    Ok(newest.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()))
}

fn judge(
    table: String,
    limits: mainstay_config::source::Freshness,
    newest: Option<Timestamp>,
    as_of: Timestamp,
    time_zone: &TimeZone,
) -> Freshness {
    let Some(newest_at) = newest else {
        let as_of = shown(as_of, time_zone);
        let message = format!("source {table}: no row before the as-of {as_of}: load data, or run for a later date");
        return Freshness { table, newest, age_hours: None, status: FreshnessStatus::Error, message: Some(message) };
    };
    let age_hours = (as_of.as_second() - newest_at.as_second()).div_euclid(SECONDS_PER_HOUR);
    let exceeded = |limit: Option<u32>| limit.filter(|&limit| age_hours >= i64::from(limit));
    let (status, limit) = match (exceeded(limits.error_after_hours), exceeded(limits.warn_after_hours)) {
        (Some(limit), _) => (FreshnessStatus::Error, Some(("error_after_hours", limit))),
        (None, Some(limit)) => (FreshnessStatus::Warn, Some(("warn_after_hours", limit))),
        (None, None) => (FreshnessStatus::Pass, None),
    };
    let message = limit.map(|(key, limit)| {
        let (newest, as_of) = (shown(newest_at, time_zone), shown(as_of, time_zone));
        format!(
            "source {table}: newest row is of {newest}, {age_hours} hours before the as-of {as_of}; the limit is {limit} \
             (freshness.{key} in mainstay.yml): load the missing days, or run for an earlier date"
        )
    });
    Freshness { table, newest, age_hours: Some(age_hours), status, message }
}

fn shown(instant: Timestamp, time_zone: &TimeZone) -> String {
    instant.to_zoned(time_zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}
