//! The tests that descriptions declare, run as queries.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, lit, when};
use datafusion::prelude::{DataFrame, SessionContext};
use serde::{Deserialize, Serialize};

use crate::contract::column;
use crate::error::FeatureError;
use crate::model::{AcceptedValue, ColumnTest, Model};
use crate::moment::Moment;
use crate::project::SqlProject;
use crate::source::Sources;

/// The outcome of one declared test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The model.
    pub model: String,
    /// The test, such as `status accepted_values` or `grain (order_id, line_number)`.
    pub test: String,
    /// Rows that fail it; for `unique` and `grain`, values that stand more than once.
    pub failures: u64,
}

impl TestResult {
    /// Whether nothing fails it.
    pub fn is_passed(&self) -> bool {
        self.failures == 0
    }
}

impl SqlProject {
    /// Runs the tests of the named models as of a moment: their columns' and that the grain is unique.
    pub async fn run_tests(
        &self,
        ctx: &SessionContext,
        sources: &Sources,
        models: &[&str],
        moment: &Moment,
    ) -> Result<Vec<TestResult>, FeatureError> {
        let mut results = Vec::new();
        for name in models {
            let rows = self.model(ctx, sources, name, moment).await?;
            results.extend(self.test_rows(name, rows).await?);
        }
        Ok(results)
    }

    /// Runs the tests of a model on rows that it gave earlier, such as its staged table.
    ///
    /// One query for all rules on single rows, one for each rule of uniqueness. The rows must have the columns that are
    /// tested.
    pub async fn test_rows(&self, model: &str, rows: DataFrame) -> Result<Vec<TestResult>, FeatureError> {
        let model = self.find(model)?;
        let mut results = test_single_rows(model, &rows).await?;
        for (test, columns) in unique_sets(model) {
            let failures = count_repeated(rows.clone(), &columns).await?;
            results.push(TestResult { model: model.name.clone(), test, failures });
        }
        Ok(results)
    }
}

async fn test_single_rows(model: &Model, rows: &DataFrame) -> Result<Vec<TestResult>, FeatureError> {
    let mut names = Vec::new();
    let mut sums = Vec::new();
    for declared in &model.columns {
        for test in &declared.tests {
            let (name, failing) = match test {
                ColumnTest::NotNull => ("not_null", column(&declared.name).is_null()),
                ColumnTest::AcceptedValues(values) => {
                    ("accepted_values", column(&declared.name).in_list(values.iter().map(literal).collect(), true))
                }
                ColumnTest::Unique => continue,
            };
            names.push(format!("{} {name}", declared.name));
            sums.push(sum(when(failing, lit(1_i64)).otherwise(lit(0_i64))?).alias(format!("failures {}", sums.len())));
        }
    }
    if sums.is_empty() {
        return Ok(Vec::new());
    }
    let failures = first_row(rows.clone().aggregate(vec![], sums)?).await?;
    let results = names.into_iter().zip(failures);
    Ok(results.map(|(test, failures)| TestResult { model: model.name.clone(), test, failures }).collect())
}

fn unique_sets(model: &Model) -> Vec<(String, Vec<String>)> {
    let single = model.columns.iter().filter(|declared| declared.tests.contains(&ColumnTest::Unique));
    let mut sets: Vec<_> =
        single.map(|declared| (format!("{} unique", declared.name), vec![declared.name.clone()])).collect();
    let is_tested = sets.iter().any(|(_, columns)| *columns == model.grain);
    if !model.grain.is_empty() && !is_tested {
        sets.push((format!("grain ({})", model.grain.join(", ")), model.grain.clone()));
    }
    sets
}

async fn count_repeated(rows: DataFrame, columns: &[String]) -> Result<u64, FeatureError> {
    let keys: Vec<Expr> = columns.iter().map(|name| column(name)).collect();
    let is_complete = keys.iter().cloned().map(Expr::is_not_null).reduce(Expr::and).unwrap_or(lit(true));
    let counted = rows.filter(is_complete)?.aggregate(keys, vec![count(lit(1_i64)).alias("occurrences")])?;
    let repeated = counted.filter(column("occurrences").gt(lit(1_i64)))?;
    let failures = first_row(repeated.aggregate(vec![], vec![count(lit(1_i64)).alias("failures")])?).await?;
    Ok(failures.first().copied().unwrap_or_default())
}

/// The counts in the first row; null, the sum of no rows, counts as 0.
async fn first_row(counts: DataFrame) -> Result<Vec<u64>, FeatureError> {
    let batches = counts.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(Vec::new());
    };
    let first = |values: &datafusion::arrow::array::ArrayRef| {
        let count = values.as_primitive_opt::<Int64Type>().and_then(|values| values.iter().next().flatten());
        count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
    };
    Ok(batch.columns().iter().map(first).collect())
}

fn literal(value: &AcceptedValue) -> Expr {
    match value {
        AcceptedValue::Boolean(value) => lit(*value),
        AcceptedValue::Integer(value) => lit(*value),
        AcceptedValue::Text(value) => lit(value.as_str()),
    }
}
