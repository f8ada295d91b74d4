//! Common table expressions that give a name anew.

use super::fixture::{Fixture, at, lines};

async fn rows(sql: &str) -> Vec<String> {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_x.sql", sql);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let project = fixture.load().await.unwrap_or_else(|error| panic!("{sql}: {}", fixture.message(&error)));
    lines(project.model(&fixture.ctx, &fixture.sources().await, "feat_x", &at("2025-02-01T00:00:00Z")).await.unwrap())
        .await
}

#[tokio::test]
async fn an_inner_query_means_its_own() {
    let nested =
        "with a as (select 1 as x) select b.x, a.x as outer_x from (with a as (select 2 as x) select a.x from a) b, a";
    assert_eq!(rows(nested).await, ["2 | 1"]);
    let in_condition = "with a as (select 1 as x) select x from a where exists (with a as (select 5 as y) select * from a where a.y = 5)";
    assert_eq!(rows(in_condition).await, ["1"]);
    let in_sides = "with a as (select 1 as x) (with a as (select 2 as x) select x from a) union all (with \"a\" as (select 3 as x) select A.x from A)";
    assert_eq!(rows(in_sides).await, ["2", "3"]);
}

#[tokio::test]
async fn an_expression_sees_what_stands_before_it() {
    let over_outer =
        "with a as (select 1 as x) select x from (with a as (select x + 10 as x from a) select x from a) b";
    assert_eq!(rows(over_outer).await, ["11"], "not itself, but the one around");
    let in_expression =
        "with a as (with b as (select 1 as x) select x from b), b as (select x + 1 as x from a) select b.x from b";
    assert_eq!(rows(in_expression).await, ["2"]);
    let recursive = "with recursive n as (select 7 as x) select x from (
        with recursive n as (select 1 as x union all select x + 1 from n where x < 3) select n.x from n) as m";
    assert_eq!(rows(recursive).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn two_of_one_name_in_one_clause_are_refused_with_their_place() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_x.sql", "with a as (select 1 as x),\n\nA as (select 2 as x)\nselect x from a");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_x.sql:3:1: `A` is given twice in one `with`: rename one of them");
}

#[tokio::test]
async fn the_mark_that_windows_editors_write_is_no_part_of_the_sql() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_x.sql", "\u{feff}select order_id from {{ ref('stg_orders') }}");
    fixture.write("sql/features/feat_x.yml", "\u{feff}name: feat_x\ndescription: x\ngrain: [order_id]\n");
    let project = fixture.load().await.unwrap();
    assert_eq!(project.find("feat_x").unwrap().grain, ["order_id"]);
    fixture.write("sql/features/feat_x.sql", b"select 1 as a -- f\xfcr\n");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_x.sql:1:19: is not written in UTF-8: the byte 0xFC belongs to another encoding, such as Latin-1 or Windows-1252; save it as UTF-8");
    // As text editors and the web have it between words.
    fixture.write("sql/features/feat_x.sql", "select order_id\u{a0}from {{ ref('stg_orders') }}");
    assert!(fixture.load().await.is_ok());
}
