//! The rows that broke their contract, with the reason.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::logical_expr::{Expr, lit, when};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::conflicts;
use crate::contract::{self, Rule};
use crate::error::FeatureError;
use crate::source::{OpenTable, Sources};

/// Stands in the place of personal data.
const REDACTED: &str = "[redacted]";
const REASON: &str = "quarantine reason";

impl Sources {
    /// The rows before `as_of` that break their contract, as batches of `source`, `reason` and `row`.
    ///
    /// `source` is `source.table`, `reason` the first rule that the row breaks, such as `net_amount is below 0` (it names
    /// columns and tables, never a value), and `row` the row as a JSON object in which personal columns read `[redacted]`.
    /// Conflicts between rows are those that [`Sources::refuse_conflicts`] found. One pass a table, and where the
    /// statistics of a file show that no row can break a rule, none. No batch where no row is refused.
    pub async fn quarantine(&self, ctx: &SessionContext, as_of: Timestamp) -> Result<Vec<RecordBatch>, FeatureError> {
        let mut refused = Vec::new();
        for open in &self.tables {
            refused.extend(quarantine_table(ctx, open, as_of).await?);
        }
        Ok(refused)
    }
}

async fn quarantine_table(
    ctx: &SessionContext,
    open: &OpenTable,
    as_of: Timestamp,
) -> Result<Vec<RecordBatch>, FeatureError> {
    let rules = contract::rules(&open.table);
    let mut refused = Vec::new();
    if let Some(broken) = rules.iter().map(|rule| rule.broken.clone()).reduce(Expr::or) {
        let rows = open.read(ctx)?.filter(broken)?;
        refused.extend(described(open, rows, first_reason(&rules)?, as_of).await?);
    }
    for conflict in open.conflicts.refused() {
        let rows = ctx.read_table(Arc::clone(&conflict.rows) as _)?;
        refused.extend(described(open, rows, lit(conflict.reason.as_str()), as_of).await?);
    }
    Ok(refused)
}

async fn described(
    open: &OpenTable,
    mut rows: DataFrame,
    reason: Expr,
    as_of: Timestamp,
) -> Result<Vec<RecordBatch>, FeatureError> {
    for condition in open.not_later(as_of)? {
        rows = rows.filter(condition)?;
    }
    let columns: Vec<Expr> = conflicts::declared(open).chain([reason.alias(REASON)]).collect();
    let stream = rows.select(columns)?.execute_stream().await?;
    let batches = stream.map_err(FeatureError::from).and_then(|batch| async move { describe(open, &batch) });
    batches.try_filter(|batch| futures::future::ready(batch.num_rows() > 0)).try_collect().await
}

fn first_reason(rules: &[Rule]) -> Result<Expr, FeatureError> {
    let Some((first, rest)) = rules.split_first() else {
        return Ok(lit(""));
    };
    let mut reason = when(first.broken.clone(), lit(first.reason.as_str()));
    for rule in rest {
        reason = reason.when(rule.broken.clone(), lit(rule.reason.as_str()));
    }
    Ok(reason.otherwise(lit(""))?)
}

fn describe(open: &OpenTable, batch: &RecordBatch) -> Result<RecordBatch, FeatureError> {
    let rows = json_rows(open, batch).map_err(datafusion::error::DataFusionError::from)?;
    let source: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(open.name(), rows.len())));
    let row: ArrayRef = Arc::new(StringArray::from_iter_values(rows));
    let reason = batch.column_by_name(REASON).cloned().unwrap_or_else(|| Arc::clone(&source));
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![text("source"), text("reason"), text("row")]));
    let described = RecordBatch::try_new(schema, vec![source, reason, row]);
    Ok(described.map_err(datafusion::error::DataFusionError::from)?)
}

fn json_rows(open: &OpenTable, batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    let mut rows = vec![Map::new(); batch.num_rows()];
    for declared in &open.table.columns {
        let Some(values) = batch.column_by_name(&declared.name) else {
            continue;
        };
        let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
        let texts = ArrayFormatter::try_new(values, &options)?;
        for (index, row) in rows.iter_mut().enumerate() {
            let value = match values.is_null(index) {
                true => Value::Null,
                false if declared.personal => Value::from(REDACTED),
                false => json_value(values, index, || texts.value(index).to_string()),
            };
            row.insert(declared.name.clone(), value);
        }
    }
    Ok(rows.into_iter().map(|row| Value::Object(row).to_string()).collect())
}

/// Numbers and booleans as such, all else (money too, which JSON would make a float) as text.
fn json_value(values: &ArrayRef, index: usize, text: impl FnOnce() -> String) -> Value {
    match values.data_type() {
        DataType::Boolean => Value::from(values.as_boolean().value(index)),
        DataType::Int32 => Value::from(values.as_primitive::<Int32Type>().value(index)),
        DataType::Int64 => Value::from(values.as_primitive::<Int64Type>().value(index)),
        DataType::Float64 => match values.as_primitive::<Float64Type>().value(index) {
            number if number.is_finite() => Value::from(number),
            _ => Value::from(text()),
        },
        _ => Value::from(text()),
    }
}
