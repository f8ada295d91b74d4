//! The tests that descriptions declare, run as queries.

use std::fmt;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::DFSchema;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::string::expr_fn::concat;
use datafusion::functions_aggregate::expr_fn::{count, min, sum};
use datafusion::logical_expr::{Expr, cast, lit, when};
use datafusion::prelude::{DataFrame, SessionContext};
use serde::{Deserialize, Serialize};

use crate::checks::proof::{Bound, Proof};
use crate::contract::column;
use crate::error::FeatureError;
use crate::plan::inputs::ModelInputs;
use crate::project::SqlProject;
use crate::project::model::{AcceptedValue, ColumnDoc, ColumnTest, Model};
use crate::visible::moment::Moment;

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
    /// Runs the tests of the named models as of a moment: their columns' and that the grain is unique.
    pub async fn run_tests<'a>(
        &self,
        ctx: &SessionContext,
        inputs: impl Into<ModelInputs<'a>>,
        models: &[&str],
        moment: &Moment,
    ) -> Result<Vec<TestResult>, FeatureError> {
        let inputs = inputs.into();
        let mut results = Vec::new();
        for name in models {
            let rows = self.model(ctx, inputs, name, moment).await?;
            let computed = inputs.materialised.find_at(name, moment);
            let plan = computed.map_or_else(|| rows.logical_plan().clone(), |computed| computed.plan.clone());
            results.extend(self.test(name, rows, Some(&Proof::new(inputs.sources, &plan))).await?);
        }
        Ok(results)
    }

    /// Runs the tests of a model on rows that it gave earlier, such as its staged table.
    ///
    /// One query for the grain and all rules on single rows, which reads the columns of these alone, and one for each other
    /// rule of uniqueness. The rows must have the columns that are tested.
    pub async fn test_rows(&self, model: &str, rows: DataFrame) -> Result<Vec<TestResult>, FeatureError> {
        self.test(model, rows, None).await
    }

    /// What the plan of the rows proves is not looked for among them.
    async fn test(
        &self,
        model: &str,
        rows: DataFrame,
        proof: Option<&Proof<'_>>,
    ) -> Result<Vec<TestResult>, FeatureError> {
        let model = self.find(model)?;
        let mut checks = row_checks(model, rows.schema());
        let of_rows = checks.len();
        let (grain, others): (Vec<_>, Vec<_>) = unique_keys(model).into_iter().partition(|key| *key == model.grain);
        checks.extend(grain.into_iter().map(|key| unique_check(model, key)));
        let mut results = run(model, &model.grain, checks, rows.clone(), proof).await?;
        let of_grain = results.split_off(of_rows);
        for key in others {
            let check = unique_check(model, key.clone());
            results.extend(run(model, &key, vec![check], rows.clone(), proof).await?);
        }
        results.extend(of_grain);
        Ok(results)
    }
}

/// What is asked of a model.
enum Check {
    /// That no row has a null in the column.
    NotNull { test: String, column: String },
    /// That every value of the column that is not null is one of these.
    Accepted { test: String, column: String, values: Vec<Expr> },
    /// That no value of the column lies beyond the bound.
    Bound { test: String, column: String, bound: Bound },
    /// That every key stands once; one with a null in it is none.
    Unique { test: String, key: Vec<String> },
}

impl Check {
    fn is_shown_by(&self, proof: &Proof<'_>) -> bool {
        match self {
            Self::NotNull { column, .. } => proof.is_never_null(column),
            Self::Accepted { .. } => false,
            Self::Bound { column, bound, .. } => proof.keeps(column, *bound),
            Self::Unique { key, .. } => proof.is_unique(key),
        }
    }

    fn into_test(self) -> String {
        match self {
            Self::NotNull { test, .. }
            | Self::Accepted { test, .. }
            | Self::Bound { test, .. }
            | Self::Unique { test, .. } => test,
        }
    }
}

fn row_checks(model: &Model, schema: &DFSchema) -> Vec<Check> {
    let mut checks = Vec::new();
    let is_there =
        |declared: &&ColumnDoc| !declared.optional || schema.has_column_with_unqualified_name(&declared.name);
    for declared in model.columns.iter().filter(is_there) {
        let (name, column) = (&declared.name, declared.name.clone());
        for test in &declared.tests {
            checks.push(match test {
                ColumnTest::NotNull => Check::NotNull { test: format!("{name} not_null"), column: column.clone() },
                ColumnTest::AcceptedValues(values) => Check::Accepted {
                    test: format!("{name} accepted_values"),
                    column: column.clone(),
                    values: values.iter().map(literal).collect(),
                },
                ColumnTest::Minimum(least) => Check::Bound {
                    test: format!("{name} minimum {least}"),
                    column: column.clone(),
                    bound: Bound::Minimum(*least),
                },
                ColumnTest::Maximum(most) => Check::Bound {
                    test: format!("{name} maximum {most}"),
                    column: column.clone(),
                    bound: Bound::Maximum(*most),
                },
                ColumnTest::Unique => continue,
            });
        }
    }
    checks
}

/// The sets of columns that are declared unique, each once.
fn unique_keys(model: &Model) -> Vec<Vec<String>> {
    let single = model.columns.iter().filter(|declared| declared.tests.contains(&ColumnTest::Unique));
    let mut keys: Vec<_> = single.map(|declared| vec![declared.name.clone()]).collect();
    if !model.grain.is_empty() && !keys.contains(&model.grain) {
        keys.push(model.grain.clone());
    }
    keys
}

/// Named after the column that is declared unique, or else after the grain.
fn unique_check(model: &Model, key: Vec<String>) -> Check {
    let is_declared = |name: &String| {
        model.columns.iter().any(|column| column.name == *name && column.tests.contains(&ColumnTest::Unique))
    };
    let test = match key.as_slice() {
        [name] if is_declared(name) => format!("{name} unique"),
        grain => format!("grain ({})", grain.join(", ")),
    };
    Check::Unique { test, key }
}

/// Whether no column of a key is null.
fn is_whole(key: &[String]) -> Expr {
    key.iter().map(|name| column(name).is_not_null()).reduce(Expr::and).unwrap_or(lit(true))
}

/// Runs the checks that no proof spares, in one query.
async fn run(
    model: &Model,
    key: &[String],
    checks: Vec<Check>,
    rows: DataFrame,
    proof: Option<&Proof<'_>>,
) -> Result<Vec<TestResult>, FeatureError> {
    let is_open = |check: &Check| !proof.is_some_and(|proof| check.is_shown_by(proof));
    let with_openness = |check: Check| {
        let is_open = is_open(&check);
        (check, is_open)
    };
    let checks: Vec<(Check, bool)> = checks.into_iter().map(with_openness).collect();
    let open: Vec<&Check> = checks.iter().filter(|(_, is_open)| *is_open).map(|(check, _)| check).collect();
    let mut outcomes = match open.as_slice() {
        [] => Vec::new(),
        open => query(key, open, rows, proof.is_some_and(|proof| proof.is_unique(key))).await?,
    }
    .into_iter();
    let outcome = |(check, is_open): (Check, bool)| {
        let (failures, example) = if is_open { outcomes.next().unwrap_or_default() } else { (0, None) };
        TestResult { model: model.name.clone(), test: check.into_test(), failures, example }
    };
    Ok(checks.into_iter().map(outcome).collect())
}

/// The failures of each check: counted for each key, and then for all of them. Only where there are any, the least key of them is looked
/// for, as all keys are made text for that.
async fn query(
    key: &[String],
    checks: &[&Check],
    rows: DataFrame,
    is_key_unique: bool,
) -> Result<Vec<(u64, Option<String>)>, FeatureError> {
    let flag = |condition: Expr| when(condition, lit(1_i64)).otherwise(lit(0_i64));
    let mut of_row = Vec::new();
    let mut counted = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let failures = format!("failures {index}");
        // Null counts as sound.
        counted.push(match check {
            Check::NotNull { column: name, .. } => {
                of_row.push((failures.clone(), flag(column(name).is_null())?));
                column(&failures)
            }
            Check::Accepted { column: name, values, .. } => {
                of_row.push((failures.clone(), flag(column(name).in_list(values.clone(), true))?));
                column(&failures)
            }
            Check::Bound { column: name, bound, .. } => {
                let is_beyond = match bound {
                    Bound::Minimum(least) => column(name).lt(lit(*least)),
                    Bound::Maximum(most) => column(name).gt(lit(*most)),
                };
                of_row.push((failures.clone(), flag(is_beyond)?));
                column(&failures)
            }
            Check::Unique { key, .. } => flag(is_whole(key).and(column(OCCURRENCES).gt(lit(1_i64))))?,
        });
    }
    let keys = key.iter().map(|name| column(name));
    let of_keys = if is_key_unique {
        rows.select(keys.chain(of_row.into_iter().map(|(name, failing)| failing.alias(name))).collect::<Vec<_>>())?
    } else {
        let counts = of_row.into_iter().map(|(name, failing)| sum(failing).alias(name));
        rows.aggregate(keys.collect(), [count(lit(1_i64)).alias(OCCURRENCES)].into_iter().chain(counts).collect())?
    };
    let totals =
        counted.iter().enumerate().map(|(index, counted)| sum(counted.clone()).alias(format!("failures {index}")));
    let totals = first_row(of_keys.clone().aggregate(vec![], totals.collect())?).await?;
    // Null is the sum of no rows.
    let total = |total: &ArrayRef| u64::try_from(total.as_primitive_opt::<Int64Type>()?.iter().next()??).ok();
    let failures: Vec<u64> = totals.iter().map(|column| total(column).unwrap_or_default()).collect();
    if failures.iter().all(|failures| *failures == 0) {
        return Ok(failures.into_iter().map(|failures| (failures, None)).collect());
    }
    let example = |(index, counted): (usize, Expr)| {
        let failing = when(counted.gt(lit(0_i64)), column(EXAMPLE)).end()?;
        Ok(min(failing).alias(format!("example {index}")))
    };
    let examples = counted.into_iter().enumerate().map(example).collect::<Result<_, FeatureError>>()?;
    let examples = first_row(of_keys.with_column(EXAMPLE, key_text(key))?.aggregate(vec![], examples)?).await?;
    let text = |example: &ArrayRef| Some(example.as_string_opt::<i32>()?.iter().next()??.to_owned());
    Ok(failures.into_iter().zip(examples.iter().map(text)).collect())
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

/// The columns of the first batch with a row.
async fn first_row(rows: DataFrame) -> Result<Vec<ArrayRef>, FeatureError> {
    let batches = rows.collect().await?;
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(first.map(|batch| batch.columns().to_vec()).unwrap_or_default())
}

fn literal(value: &AcceptedValue) -> Expr {
    match value {
        AcceptedValue::Boolean(value) => lit(*value),
        AcceptedValue::Integer(value) => lit(*value),
        AcceptedValue::Text(value) => lit(value.as_str()),
    }
}
