//! What a project promises the models of the one that it extends.

use mainstay_config::Project;

use super::fixture::{Fixture, at};
use crate::{SqlProject, TestResult};

const CONTRACT: &str = "
name: stg_sales
description: Sales.
grain: [sale_id]
columns:
  - {name: sale_id, type: text, description: x, tests: [not_null, unique]}
  - {name: amount, type: money, description: x, tests: [not_null, {minimum: 0}]}
  - {name: pieces, type: integer, description: x, tests: [{maximum: 100}]}
  - {name: sold_at, type: timestamp, description: x}
  - {name: channel, type: text, description: x, tests: [{accepted_values: [web, shop]}]}
  - {name: gender, type: text, optional: true, description: x, tests: [not_null]}
";
const SQL: &str = "select column1 as sale_id, cast(column2 as decimal(30, 2)) as amount, column3 as pieces,
    timestamp '2025-01-01T00:00:00' as sold_at, column4 as channel from (values ('s1', 2.5, 3, 'web'), ('s2', 0.5, 4, null))";

/// A project that extends another, whose staging model is described, with SQL of its own.
fn extended(sql: &str, yml: Option<&str>) -> Fixture {
    let base = Fixture::with_staging();
    base.write(
        "sql/staging/stg_sales.sql",
        "select order_id as sale_id, net_amount as amount, 1 as pieces, ordered_at as sold_at,
        'web' as channel from {{ source('shop', 'orders') }}",
    );
    base.write("sql/staging/stg_sales.yml", CONTRACT);
    base.write(
        "sql/features/feat_sales.sql",
        "select sale_id, amount, pieces, sold_at, 1 as one from {{ ref('stg_sales') }}",
    );
    base.write("sql/features/feat_sales.yml", "{name: feat_sales, description: Of the base., grain: [sale_id], columns: [
        {name: one, description: x, reason: '{value}', tests: [not_null]}, {name: pieces, description: x, tests: [not_null]}]}");
    base.write("own/mainstay.yml", "name: own\ntime_zone: UTC\nextends: ..\n");
    base.write("own/sql/staging/stg_sales.sql", sql);
    if let Some(yml) = yml {
        base.write("own/sql/staging/stg_sales.yml", yml);
    }
    base
}

async fn load(fixture: &Fixture) -> Result<SqlProject, String> {
    let project = Project::load(&fixture.path("own"), &Default::default(), None).unwrap();
    SqlProject::load(&fixture.ctx, &project).await.map_err(|error| fixture.message(&error))
}

async fn refused(sql: &str, yml: Option<&str>) -> String {
    load(&extended(sql, yml)).await.unwrap_err()
}

async fn failures(sql: &str, yml: Option<&str>) -> Vec<String> {
    let fixture = extended(sql, yml);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let (project, sources) = (load(&fixture).await.unwrap(), fixture.sources().await);
    let results = project.run_tests(&fixture.ctx, &sources, &["stg_sales"], &at("2025-02-01T00:00:00Z")).await.unwrap();
    let failed = results.iter().filter(|result| !result.is_passed());
    failed.map(TestResult::to_string).collect()
}

#[tokio::test]
async fn sql_of_the_same_kinds_is_taken_in_the_declared_types() {
    let fixture = extended(SQL, None);
    let project = load(&fixture).await.unwrap();
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let sources = fixture.sources().await;
    let rows = project.model(&fixture.ctx, &sources, "feat_sales", &at("2025-02-01T00:00:00Z")).await.unwrap();
    let types: Vec<String> = rows.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types[1..4], ["Decimal128(18, 2)", "Int32", "Timestamp(\u{b5}s, \"UTC\")"]);
    assert!(failures(SQL, None).await.is_empty());
    assert_eq!(project.find("stg_sales").unwrap().grain, ["sale_id"]);
}

#[tokio::test]
async fn the_tests_of_the_extended_project_hold_without_a_yml() {
    let repeated =
        "select 's1' as sale_id, column1 as amount, column2 as pieces, timestamp '2025-01-01T00:00:00' as sold_at,
        'mail' as channel from (values (cast(-2.50 as decimal(12, 2)), 3), (null, 101))";
    insta::assert_snapshot!(failures(repeated, None).await.join("\n"), @r#"
model stg_sales: amount not_null fails once, such as at sale_id = s1
model stg_sales: amount minimum 0 fails once, such as at sale_id = s1
model stg_sales: pieces maximum 100 fails once, such as at sale_id = s1
model stg_sales: channel accepted_values fails 2 times, such as at sale_id = s1
model stg_sales: sale_id unique fails once, such as at sale_id = s1
"#);
}

#[tokio::test]
async fn a_yml_of_its_own_adds_to_them_and_lists_its_own_values() {
    let yml = "{name: stg_sales, description: Own., columns: [
        {name: channel, description: x, tests: [not_null, {accepted_values: [mail]}]}]}";
    let sql = SQL.replace("'web'", "'mail'").replace("'s2', 0.5", "'s2', -0.5");
    insta::assert_snapshot!(failures(&sql, Some(yml)).await.join("\n"), @r#"
model stg_sales: channel not_null fails once, such as at sale_id = s2
model stg_sales: amount minimum 0 fails once, such as at sale_id = s2
"#);
    let other_type = "{name: stg_sales, description: Own., columns: [{name: amount, type: double, description: x}]}";
    insta::assert_snapshot!(refused(SQL, Some(other_type)).await, @"sql/staging/stg_sales.yml: column `amount` is declared double here and money in `sql/staging/stg_sales.yml`, whose models read it: leave the type out");
    let other_grain = "{name: stg_sales, description: Own., grain: [sale_id, channel]}";
    insta::assert_snapshot!(refused(SQL, Some(other_grain)).await, @"sql/staging/stg_sales.yml: the grain is (sale_id, channel) here and (sale_id) in `sql/staging/stg_sales.yml`, whose models join on it: give one row for each (sale_id)");
}

#[tokio::test]
async fn other_columns_and_kinds_are_refused_all_at_once() {
    let doubles =
        SQL.replace("cast(column2 as decimal(30, 2))", "cast(column2 as double)").replace("column3 as", "'3' as");
    insta::assert_snapshot!(refused(&doubles, None).await, @"sql/staging/stg_sales.sql: column `amount` is Float64, declared money: write `cast(amount as decimal(18, 2)) as amount`; column `pieces` is Utf8, declared integer: write `cast(pieces as int) as pieces`, as the types of `sql/staging/stg_sales.yml` hold");
    insta::assert_snapshot!(refused("select 's1' as sale_id, 1 as pieces, 'web' as channel", None).await, @"sql/staging/stg_sales.sql: lacks `amount` (money), `sold_at` (timestamp), which `sql/staging/stg_sales.yml` declares and other models read: give them, if only as `cast(null as decimal(18, 2)) as amount` where it is not tested for null");
    let fractions = SQL.replace("decimal(30, 2)", "decimal(30, 3)");
    insta::assert_snapshot!(refused(&fractions, None).await, @"sql/staging/stg_sales.sql: column `amount` is Decimal128(30, 3), declared money: write `cast(amount as decimal(18, 2)) as amount`, as the types of `sql/staging/stg_sales.yml` hold");
}

#[tokio::test]
async fn a_value_beyond_the_declared_type_is_an_error_that_names_the_model() {
    let fixture = extended(&SQL.replace("'s2', 0.5, 4", "'s2', 0.5, 4000000000"), None);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let (project, sources, moment) =
        (load(&fixture).await.unwrap(), fixture.sources().await, at("2025-02-01T00:00:00Z"));
    let rows = project.model(&fixture.ctx, &sources, "feat_sales", &moment).await.unwrap();
    assert!(rows.collect().await.unwrap_err().to_string().contains("4000000000"));
    let fault = project.failing_model(&fixture.ctx, &sources, &["feat_sales"], &moment).await.unwrap();
    let message = fixture.message(&fault);
    assert!(message.starts_with("sql/staging/stg_sales.sql: a value cannot be cast in some row ("), "{message}");
}

#[tokio::test]
async fn a_constant_beyond_the_declared_type_is_refused_as_the_model_is_loaded() {
    let message = refused(&SQL.replace("column3 as", "4000000000 as"), None).await;
    assert!(message.starts_with("sql/staging/stg_sales.sql: a value cannot be cast"), "{message}");
}

#[tokio::test]
async fn a_source_that_only_the_extended_project_has_is_to_be_written() {
    let fixture = extended(SQL, None);
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    let sources = yml.split_once("sources:").unwrap().1.replace("shop", "own").replace("path: data", "path: ../data");
    fixture.write("own/mainstay.yml", format!("name: own\ntime_zone: UTC\nextends: ..\nsources:{sources}"));
    fixture.write("own/sql/staging/stg_orders.sql", "select 1 as a");
    assert!(load(&fixture).await.is_ok());
    std::fs::remove_file(fixture.path("own/sql/staging/stg_sales.sql")).unwrap();
    insta::assert_snapshot!(load(&fixture).await.unwrap_err(), @"sql/staging/stg_sales.sql: reads the source shop.orders, which this project does not have: write sql/staging/stg_sales.sql with the columns `sale_id` (text), `amount` (money), `pieces` (integer), `sold_at` (timestamp), `channel` (text), or declare the table in mainstay.yml");
}

#[tokio::test]
async fn a_feature_without_a_yml_keeps_what_is_said_of_the_columns_that_it_has() {
    let fixture = extended(SQL, None);
    fixture.write(
        "own/sql/features/feat_sales.sql",
        "select sale_id, cast(null as int) as one from {{ ref('stg_sales') }}",
    );
    let project = load(&fixture).await.unwrap();
    assert_eq!(project.column("feat_sales", "one").unwrap().reason.as_deref(), Some("{value}"));
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let sources = fixture.sources().await;
    let results =
        project.run_tests(&fixture.ctx, &sources, &["feat_sales"], &at("2025-02-01T00:00:00Z")).await.unwrap();
    let shown: Vec<_> = results.iter().map(|result| (result.test.as_str(), result.failures)).collect();
    assert_eq!(shown, [("one not_null", 2), ("grain (sale_id)", 0)]);
    fixture.write("own/sql/features/feat_sales.yml", "{name: feat_sales, description: Own.}");
    assert!(load(&fixture).await.unwrap().find("feat_sales").unwrap().columns.is_empty());
}
