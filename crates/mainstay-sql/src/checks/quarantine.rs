//! The rows and values that broke their contract, with the reason.

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

use crate::contract::rules::{self, Rule};
use crate::error::FeatureError;
use crate::visible::moment::Bounds;
use crate::visible::relation::Relation;
use crate::visible::rows_in_memory;
use crate::visible::sources::Sources;
use crate::visible::table::VisibleTable;

/// Stands in the place of personal data and protected attributes.
pub const REDACTED: &str = "[redacted]";
const REASON: &str = "quarantine reason";

impl Sources {
    /// The rows before `as_of` that break their contract, as batches of `source`, `reason` and `row`.
    ///
    /// `source` is `source.table`, `reason` the first rule that the row breaks, such as `net_amount is below 0` (it names
    /// columns and tables, never a value), and `row` the row as a JSON object in which personal and protected columns read
    /// [`REDACTED`].
    /// A row that is seen, but for a value that came later and breaks a rule, stands here once for every such value, with a
    /// reason such as `satisfaction is below 1: read as null`. Conflicts between rows are those that
    /// [`Sources::refuse_conflicts`] found. Few passes a table, and where the statistics of a file show that no row can
    /// break a rule, none. No batch where nothing is refused.
    pub async fn quarantine(&self, ctx: &SessionContext, as_of: Timestamp) -> Result<Vec<RecordBatch>, FeatureError> {
        let mut refused = Vec::new();
        for table in &self.tables {
            let table = QuarantinedTable { ctx, table, as_of };
            refused.extend(table.rows_that_break_rules().await?);
            refused.extend(table.rows_in_conflict().await?);
            refused.extend(table.values_that_break_rules().await?);
        }
        Ok(refused)
    }
}

/// A table whose refused rows before `as_of` are reported.
struct QuarantinedTable<'a> {
    ctx: &'a SessionContext,
    table: &'a VisibleTable,
    as_of: Timestamp,
}

impl QuarantinedTable<'_> {
    async fn rows_that_break_rules(&self) -> Result<Vec<RecordBatch>, FeatureError> {
        let rules = self.table.relation.rules()?;
        let Some(broken) = rules::any_broken(&rules) else { return Ok(Vec::new()) };
        let rows = self.table.relation.read(self.ctx)?.filter(broken)?;
        self.described(self.not_later(rows)?, first_reason(&rules, "")?).await
    }

    async fn rows_in_conflict(&self) -> Result<Vec<RecordBatch>, FeatureError> {
        let mut refused = Vec::new();
        for broken in self.table.conflicts.broken() {
            let rows = self.ctx.read_table(Arc::clone(&broken.rows) as _)?;
            refused.extend(self.described(self.not_later(rows)?, lit(broken.reason.as_str())).await?);
        }
        if let Some(duplicates) = self.table.conflicts.duplicate_keys() {
            let copies = duplicates.copies(&self.table.relation, self.as_of)?.build()?;
            let copies = DataFrame::new(self.ctx.state(), copies);
            refused.extend(self.described(copies, lit(duplicates.reason())).await?);
        }
        Ok(refused)
    }

    async fn values_that_break_rules(&self) -> Result<Vec<RecordBatch>, FeatureError> {
        let values = rules::values_before(&self.table.relation.table, self.as_of)?;
        let Some(broken) = values.iter().filter_map(|value| rules::any_broken(&value.rules)).reduce(Expr::or) else {
            return Ok(Vec::new());
        };
        let rows = self.table.rows_before(self.as_of)?.filter(broken)?;
        let Some(rows) = rows_in_memory::collect(self.ctx, rows.build()?).await? else { return Ok(Vec::new()) };
        let mut refused = Vec::new();
        for value in &values {
            let Some(broken) = rules::any_broken(&value.rules) else { continue };
            let rows = self.ctx.read_table(Arc::clone(&rows) as _)?.filter(broken)?;
            refused.extend(self.described(rows, first_reason(&value.rules, ": read as null")?).await?);
        }
        Ok(refused)
    }

    fn not_later(&self, rows: DataFrame) -> Result<DataFrame, FeatureError> {
        let conditions = self.table.relation.not_later(Bounds::at(self.as_of))?;
        conditions.into_iter().try_fold(rows, |rows, condition| Ok(rows.filter(condition)?))
    }

    /// The rows as they were before as-of: what comes later is null here too.
    async fn described(&self, rows: DataFrame, reason: Expr) -> Result<Vec<RecordBatch>, FeatureError> {
        let values = rules::values_before(&self.table.relation.table, self.as_of)?;
        let stated = values.iter().map(|value| Ok(value.as_stated()?.alias(&value.declared.name)));
        let columns = stated.chain([Ok(reason.alias(REASON))]).collect::<Result<Vec<_>, FeatureError>>()?;
        let stream = rows.select(columns)?.execute_stream().await?;
        let batches = stream.map_err(FeatureError::from);
        let batches = batches.and_then(|batch| futures::future::ready(describe(&self.table.relation, &batch)));
        batches.try_filter(|batch| futures::future::ready(batch.num_rows() > 0)).try_collect().await
    }
}

fn first_reason(rules: &[Rule], consequence: &str) -> Result<Expr, FeatureError> {
    let reason = |rule: &Rule| lit(format!("{}{consequence}", rule.reason));
    let Some((first, rest)) = rules.split_first() else {
        return Ok(lit(""));
    };
    let mut reasons = when(first.broken.clone(), reason(first));
    for rule in rest {
        reasons = reasons.when(rule.broken.clone(), reason(rule));
    }
    Ok(reasons.otherwise(lit(""))?)
}

fn describe(relation: &Relation, batch: &RecordBatch) -> Result<RecordBatch, FeatureError> {
    let rows = json_rows(relation, batch).map_err(datafusion::error::DataFusionError::from)?;
    let source: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(relation.name(), rows.len())));
    let row: ArrayRef = Arc::new(StringArray::from_iter_values(rows));
    let reason = batch.column_by_name(REASON).cloned().unwrap_or_else(|| Arc::clone(&source));
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![text("source"), text("reason"), text("row")]));
    let described = RecordBatch::try_new(schema, vec![source, reason, row]);
    Ok(described.map_err(datafusion::error::DataFusionError::from)?)
}

fn json_rows(relation: &Relation, batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    let mut rows = vec![Map::new(); batch.num_rows()];
    for declared in &relation.table.columns {
        let Some(values) = batch.column_by_name(&declared.name) else {
            continue;
        };
        let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
        let texts = ArrayFormatter::try_new(values, &options)?;
        for (index, row) in rows.iter_mut().enumerate() {
            let value = match values.is_null(index) {
                true => Value::Null,
                false if declared.guard().is_some() => Value::from(REDACTED),
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
