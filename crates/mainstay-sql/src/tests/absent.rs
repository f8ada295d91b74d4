//! Staging models of sources that a project does not have.

use super::fixture::{Fixture, at};
use crate::TestResult;

const SQL: &str = "select event_id, device from {{ source('shop', 'web_events') }}";
const YML: &str = "
name: stg_web_events
description: x
grain: [event_id]
when_absent: empty
columns:
  - {name: event_id, type: bigint, description: x, tests: [not_null]}
  - {name: device, type: text, description: x}
";
const WEB_EVENTS: &str = "
      - name: web_events
        path: web_events
        event_time: occurred_at
        key: [event_id]
        columns:
          - {name: event_id, type: bigint, nullable: false}
          - {name: occurred_at, type: timestamp, nullable: false}
          - {name: device, type: text}
";

fn add_model(fixture: &Fixture, sql: &str, yml: &str) {
    fixture.write("sql/staging/stg_web_events.sql", sql);
    fixture.write("sql/staging/stg_web_events.yml", yml);
}

async fn message(tables: &str, sql: &str, yml: &str) -> String {
    let fixture = Fixture::with_tables(tables);
    add_model(&fixture, sql, yml);
    fixture.load_error().await
}

#[tokio::test]
async fn a_model_without_its_source_is_a_table_without_rows() {
    let fixture = Fixture::with_staging();
    add_model(&fixture, SQL, YML);
    fixture.write(
        "sql/features/feat_events.sql",
        "select order_id, count(event_id) as events, max(event_id) as newest, max(upper(device)) as device
         from {{ ref('stg_orders') }} left join {{ ref('stg_web_events') }} on device = order_id group by order_id",
    );
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let moment = at("2025-02-01T00:00:00Z");
    assert_eq!(fixture.rows("feat_events", &moment).await, ["o1 | 0 |  | "]);
    assert_eq!(fixture.rows("stg_web_events", &moment).await, [""; 0]);
    let project = fixture.load().await.unwrap();
    assert_eq!(project.absent().collect::<Vec<_>>(), ["stg_web_events"]);
    let tests = project.run_tests(&fixture.ctx, &fixture.sources().await, &["stg_web_events"], &moment).await.unwrap();
    assert!(tests.len() == 2 && tests.iter().all(TestResult::is_passed), "{tests:?}");
}

#[tokio::test]
async fn the_digest_follows_what_is_absent() {
    let digest = async |tables: &str, yml: &str| {
        let fixture = Fixture::with_tables(tables);
        add_model(&fixture, SQL, yml);
        fixture.load().await.unwrap().digest()
    };
    let absent = digest("", YML).await;
    assert_eq!(digest("", &YML.replace("description: x", "description: y")).await, absent);
    assert_ne!(digest("", &YML.replace("bigint", "integer")).await, absent);
    assert_ne!(digest(WEB_EVENTS, YML).await, absent);
}

#[tokio::test]
async fn with_its_source_a_model_is_what_its_description_states() {
    let fixture = Fixture::with_tables(WEB_EVENTS);
    add_model(&fixture, SQL, YML);
    assert_eq!(fixture.load().await.unwrap().absent().count(), 0);
    insta::assert_snapshot!(message(WEB_EVENTS, SQL, &YML.replace("bigint", "text")).await, @"sql/staging/stg_web_events.sql: column `event_id` is Int64, declared text: write `cast(event_id as varchar) as event_id`, as the types of `sql/staging/stg_web_events.yml` hold");
    insta::assert_snapshot!(message(WEB_EVENTS, &SQL.replace("device", "device, occurred_at"), YML).await, @"sql/staging/stg_web_events.yml: column `occurred_at` is not described: `when_absent: empty` needs every column with its type");
}

#[tokio::test]
async fn slips_are_refused() {
    insta::assert_snapshot!(message("", SQL, &YML.replace("when_absent: empty", "")).await, @"sql/staging/stg_web_events.sql:1: unknown source `shop.web_events` (known sources: shop.orders)");
    let two = format!("{SQL} union all select order_id, email from {{{{ source('shop', 'orders') }}}}");
    insta::assert_snapshot!(message("", &two, YML).await, @"sql/staging/stg_web_events.sql:1: unknown source `shop.web_events` (known sources: shop.orders)");
    insta::assert_snapshot!(message("", SQL, &YML.replace("type: text, ", "")).await, @"sql/staging/stg_web_events.yml: column `device` has no type: `when_absent: empty` needs one for every column, such as `type: text`");
    insta::assert_snapshot!(message("", SQL, "name: stg_web_events\ndescription: x\nwhen_absent: empty\n").await, @"sql/staging/stg_web_events.yml: `when_absent: empty` needs the columns of the model, each with its type");
    insta::assert_snapshot!(message("", SQL, &YML.replace("empty", "nothing")).await, @"sql/staging/stg_web_events.yml:5:14: unknown value `nothing` (known values: empty)");
    insta::assert_snapshot!(message("", SQL, &YML.replace("bigint", "bigInt")).await, @"sql/staging/stg_web_events.yml:7:28: unknown type `bigInt`, did you mean `bigint`? (known types: text, integer, bigint, double, boolean, date, timestamp, money)");
    insta::assert_snapshot!(message("", "select cast(1 as bigint) as event_id, 'x' as device", YML).await, @"sql/staging/stg_web_events.yml: `when_absent`, but the model names no source that could be absent: leave it out");
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_a.sql", "select order_id from {{ ref('stg_orders') }}");
    fixture.write("sql/features/feat_a.yml", "name: feat_a\ndescription: x\nwhen_absent: empty\n");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_a.yml: `when_absent` on a feature: only staging reads sources, which may be absent; leave it out");
}

#[tokio::test]
async fn a_slip_in_the_name_of_a_source_does_not_leave_a_model_empty() {
    let slip = SQL.replace("web_events", "web_event");
    insta::assert_snapshot!(message(WEB_EVENTS, &slip, YML).await, @"sql/staging/stg_web_events.sql: source `shop.web_event` is not declared, did you mean `shop.web_events`, which no model reads? `when_absent: empty` is for a source that the project does not have: correct the name here or in mainstay.yml");
    insta::assert_snapshot!(message(WEB_EVENTS, &SQL.replace("'shop'", "'shpo'"), YML).await, @"sql/staging/stg_web_events.sql: source `shpo.web_events` is not declared, did you mean `shop.web_events`, which no model reads? `when_absent: empty` is for a source that the project does not have: correct the name here or in mainstay.yml");
    let fixture = Fixture::with_tables(WEB_EVENTS);
    add_model(&fixture, &slip, YML);
    fixture.write("sql/staging/stg_clicks.sql", SQL);
    assert_eq!(fixture.load().await.unwrap().absent().count(), 1, "a table that is read is no slip");
}
