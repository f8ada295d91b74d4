//! The tests that descriptions declare, run as queries.

use std::fmt;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::string::expr_fn::concat;
use datafusion::functions_aggregate::expr_fn::{count, min, sum};
use datafusion::logical_expr::{Expr, cast, lit, when};
use datafusion::prelude::{DataFrame, SessionContext};
use serde::{Deserialize, Serialize};

use crate::contract::column;
use crate::error::FeatureError;
use crate::graph;
use crate::model::{AcceptedValue, ColumnTest, Model};
use crate::moment::Moment;
use crate::project::SqlProject;
use crate::source::Sources;

const OCCURRENCES: &str = "occurrences of the key";
const EXAMPLE: &str = "key as text";

/// The outcome of one declared test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The model.
    pub model: String,
    /// The test, such as `status accepted_values` or `grain (order_id, line_number)`.
    pub test: String,
    /// Rows that fail it; for `unique` and `grain`, values that stand more than once.
    pub failures: u64,
    /// The least key of what fails, such as `order_id = o1`; `None` where nothing does or the model states no grain.
    pub example: Option<String>,
}

impl TestResult {
    /// Whether nothing fails it.
    pub fn is_passed(&self) -> bool {
        self.failures == 0
    }
}

impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, test, failures, example } = self;
        let times = if *failures == 1 { "once".to_owned() } else { format!("{failures} times") };
        write!(f, "model {model}: {test} fails {times}")?;
        match example {
            Some(example) => write!(f, ", such as at {example}"),
            None => Ok(()),
        }
    }
}

impl SqlProject {
    /// The named models and all that they build on, each once and behind what it builds on.
    pub fn lineage(&self, names: &[&str]) -> Result<Vec<&Model>, FeatureError> {
        let named = names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(graph::in_order(self.models_by_name(), named))
    }

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
    /// One query for the grain and all rules on single rows, which reads the columns of these alone, and one for each other
    /// rule of uniqueness. The rows must have the columns that are tested.
    pub async fn test_rows(&self, model: &str, rows: DataFrame) -> Result<Vec<TestResult>, FeatureError> {
        let model = self.find(model)?;
        let mut checks = row_checks(model)?;
        let of_rows = checks.len();
        let sets = unique_sets(model);
        let (grain, others): (Vec<_>, Vec<_>) = sets.into_iter().partition(|(_, columns)| *columns == model.grain);
        checks.extend(grain.into_iter().map(|(test, columns)| Check::Unique { test, is_key: is_whole(&columns) }));
        let mut results = run(model, &model.grain, checks, rows.clone()).await?;
        let of_grain = results.split_off(of_rows);
        for (test, columns) in others {
            let is_key = is_whole(&columns);
            results.extend(run(model, &columns, vec![Check::Unique { test, is_key }], rows.clone()).await?);
        }
        results.extend(of_grain);
        Ok(results)
    }
}

/// What is asked of a model.
enum Check {
    /// Of every row; `failing` is true where one fails, and null counts as false.
    Row { test: String, failing: Expr },
    /// Of every key: that it stands once. `is_key` is true for one that counts.
    Unique { test: String, is_key: Expr },
}

fn row_checks(model: &Model) -> Result<Vec<Check>, FeatureError> {
    let mut checks = Vec::new();
    for declared in &model.columns {
        for test in &declared.tests {
            let (name, failing) = match test {
                ColumnTest::NotNull => ("not_null", column(&declared.name).is_null()),
                ColumnTest::AcceptedValues(values) => {
                    ("accepted_values", column(&declared.name).in_list(values.iter().map(literal).collect(), true))
                }
                ColumnTest::Unique => continue,
            };
            checks.push(Check::Row { test: format!("{} {name}", declared.name), failing });
        }
    }
    Ok(checks)
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

/// Whether no column of a key is null.
fn is_whole(key: &[String]) -> Expr {
    key.iter().map(|name| column(name).is_not_null()).reduce(Expr::and).unwrap_or(lit(true))
}

/// Runs all checks in one query: what fails is counted for each key, and then for all of them.
async fn run(
    model: &Model,
    key: &[String],
    checks: Vec<Check>,
    rows: DataFrame,
) -> Result<Vec<TestResult>, FeatureError> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let mut of_key = vec![count(lit(1_i64)).alias(OCCURRENCES)];
    let mut of_all = Vec::new();
    let mut tests = Vec::new();
    for (index, check) in checks.into_iter().enumerate() {
        let failures = format!("failures {index}");
        let counted = match check {
            Check::Row { test, failing } => {
                tests.push(test);
                of_key.push(sum(when(failing, lit(1_i64)).otherwise(lit(0_i64))?).alias(&failures));
                column(&failures)
            }
            Check::Unique { test, is_key } => {
                tests.push(test);
                when(is_key.and(column(OCCURRENCES).gt(lit(1_i64))), lit(1_i64)).otherwise(lit(0_i64))?
            }
        };
        let example = when(counted.clone().gt(lit(0_i64)), column(EXAMPLE)).end()?;
        of_all.extend([sum(counted).alias(&failures), min(example).alias(format!("example {index}"))]);
    }
    let keys: Vec<Expr> = key.iter().map(|name| column(name)).collect();
    let counted = rows.aggregate(keys, of_key)?.with_column(EXAMPLE, key_text(key))?;
    let outcomes = first_row(counted.aggregate(vec![], of_all)?).await?;
    let results = tests.into_iter().zip(outcomes);
    let result = |(test, (failures, example))| TestResult { model: model.name.clone(), test, failures, example };
    Ok(results.map(result).collect())
}

/// A key as `order_id = o1, line_number = 2`, null without one.
fn key_text(key: &[String]) -> Expr {
    let parts = key.iter().enumerate().flat_map(|(index, name)| {
        let separator = if index == 0 { "" } else { ", " };
        let value = coalesce(vec![cast(column(name), DataType::Utf8), lit("null")]);
        [lit(format!("{separator}{name} = ")), value]
    });
    match key.is_empty() {
        true => cast(lit(datafusion::common::ScalarValue::Null), DataType::Utf8),
        false => concat(parts.collect()),
    }
}

/// The counts of the first row, each with its example; null, the sum of no rows, counts as 0.
async fn first_row(outcomes: DataFrame) -> Result<Vec<(u64, Option<String>)>, FeatureError> {
    let batches = outcomes.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(Vec::new());
    };
    let outcome = |pair: &[ArrayRef]| {
        let count = pair.first()?.as_primitive_opt::<Int64Type>()?.iter().next()?;
        let example = pair.get(1)?.as_string_opt::<i32>()?.iter().next()?;
        Some((count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(), example.map(str::to_owned)))
    };
    Ok(batch.columns().chunks(2).filter_map(outcome).collect())
}

fn literal(value: &AcceptedValue) -> Expr {
    match value {
        AcceptedValue::Boolean(value) => lit(*value),
        AcceptedValue::Integer(value) => lit(*value),
        AcceptedValue::Text(value) => lit(value.as_str()),
    }
}
