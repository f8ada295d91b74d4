//! Keys that stand twice and references that name nothing.

use std::collections::BTreeMap;

use super::fixture::{Fixture, at, lines};
use crate::Sources;

const LINES: &str = "
      - name: lines
        path: lines
        event_time: ordered_at
        key: [order_id, line_number]
        references: [{column: order_id, table: orders, key: order_id}]
        columns:
          - {name: order_id, type: text}
          - {name: line_number, type: integer, nullable: false}
          - {name: ordered_at, type: timestamp, nullable: false}
          - {name: price, type: double, minimum: 0}
";

/// Orders, and lines given as rows of order_id, line_number and price.
async fn with_lines(orders: &str, rows: &str) -> Fixture {
    let fixture = Fixture::with_tables(LINES);
    fixture.write_orders("a.parquet", orders).await;
    let sql = format!(
        "select cast(column1 as varchar) as order_id, cast(column2 as integer) as line_number,
            arrow_cast('2025-01-01T10:00:00', 'Timestamp(Microsecond, None)') as ordered_at,
            cast(column3 as double) as price from (values {rows})"
    );
    fixture.write_query("data/lines/a.parquet", &sql).await;
    fixture
        .write("sql/staging/stg_lines.sql", "select order_id, line_number, price from {{ source('shop', 'lines') }}");
    fixture.write("sql/staging/stg_ids.sql", "select order_id, net_amount from {{ source('shop', 'orders') }}");
    fixture
}

const NEVER: &str = "2026-01-01T00:00:00Z";

#[tokio::test]
async fn of_rows_with_one_key_the_first_known_stays() {
    let orders = "
        ('once', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00),
        ('copied', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00),
        ('copied', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00),
        ('copied', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 2.00),
        ('changed', '2025-01-01T10:00:00', '2025-01-03T00:00:00', 3.00),
        ('changed', '2025-01-01T10:00:00', '2025-01-02T00:00:00', 4.00),
        ('bad', '2025-01-01T10:00:00', '2025-01-01T11:00:00', -1.00),
        ('bad', '2025-01-01T10:00:00', '2025-01-02T00:00:00', 5.00)";
    let fixture = with_lines(orders, "('once', 1, 1)").await;
    let ids = async |as_of: &str| fixture.rows("stg_ids", &at(as_of)).await;
    assert_eq!(ids("2025-01-02T00:00:00Z").await, ["copied | 2.00", "once | 1.00"]);
    let all = ["bad | 5.00", "changed | 4.00", "copied | 2.00", "once | 1.00"];
    assert_eq!(ids("2025-01-03T00:00:00Z").await, all);
    assert_eq!(ids(NEVER).await, all, "a copy that comes later changes nothing");
    let copied = "shop.orders | duplicate key (order_id)".to_owned();
    let below = "shop.orders | net_amount is below 0".to_owned();
    let refused = async |as_of: &str| fixture.refused(&at(as_of)).await;
    assert_eq!(refused("2025-01-03T00:00:00Z").await, [copied.clone(), copied.clone(), below.clone()]);
    assert_eq!(refused(NEVER).await, [copied.clone(), copied.clone(), copied, below]);
}

#[tokio::test]
async fn a_quarantined_copy_shows_nothing_personal_or_protected() {
    let one = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)";
    let fixture = with_lines(&format!("{one}, {one}"), "('o1', 1, 1)").await;
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    let personal = "{name: order_id, type: text, nullable: false, personal: true}";
    fixture.write("mainstay.yml", yml.replacen("{name: order_id, type: text, nullable: false}", personal, 1));
    let refused = fixture.sources().await.quarantine(&fixture.ctx, NEVER.parse().unwrap()).await.unwrap();
    insta::assert_snapshot!(lines(fixture.ctx.read_batches(refused).unwrap()).await.join("\n"), @r#"shop.orders | duplicate key (order_id) | {"order_id":"[redacted]","email":"[redacted]","gender":"[redacted]","ordered_at":"2025-01-01T10:00:00Z","loaded_at":"2025-01-01T11:00:00Z","net_amount":"1.00","Weight kg":1.5}"#);
}

#[tokio::test]
async fn a_reference_that_names_no_row_is_refused() {
    let orders = "
        ('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00),
        ('late', '2025-01-01T10:00:00', '2025-06-01T00:00:00', 1.00),
        ('bad', '2025-01-01T10:00:00', '2025-01-01T11:00:00', -1.00)";
    let rows =
        "('o1', 1, 1), ('late', 1, 1), (null, 1, 1), (null, 1, 1), ('bad', 1, 1), ('gone', 1, 1), ('gone', 1, 1)";
    let fixture = with_lines(orders, rows).await;
    let lines = async |as_of: &str| fixture.rows("stg_lines", &at(as_of)).await;
    let gone = "shop.lines | order_id names no row of shop.orders";
    let refused = [gone, gone, gone, "shop.orders | net_amount is below 0"];
    assert_eq!(lines("2025-06-01T00:00:00Z").await, [" | 1 | 1.0", " | 1 | 1.0", "o1 | 1 | 1.0"]);
    assert_eq!(fixture.refused(&at("2025-06-01T00:00:00Z")).await, refused);
    let with_late = [" | 1 | 1.0", " | 1 | 1.0", "late | 1 | 1.0", "o1 | 1 | 1.0"];
    assert_eq!(lines("2025-06-01T00:00:01Z").await, with_late, "a line is seen once its order is");
    assert_eq!(fixture.refused(&at("2025-06-01T00:00:01Z")).await, refused);
}

#[tokio::test]
async fn a_row_is_refused_once_for_its_first_reason() {
    let orders = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)";
    let rows = "
        ('o1', 1, '1'), ('o1', 1, '2'), ('o1', 2, 'NaN'), ('o1', 2, 'inf'), ('gone', 1, '-inf'), ('gone', 1, '3'),
        ('gone', 1, '3')";
    let fixture = with_lines(orders, rows).await;
    let moment = at(NEVER);
    assert_eq!(fixture.rows("stg_lines", &moment).await, ["o1 | 1 | 1.0"]);
    insta::assert_snapshot!(fixture.refused(&moment).await.join("\n"), @r"
    shop.lines | duplicate key (order_id, line_number)
    shop.lines | order_id names no row of shop.orders
    shop.lines | order_id names no row of shop.orders
    shop.lines | price is infinite
    shop.lines | price is infinite
    shop.lines | price is not a number
    ");
}

#[tokio::test]
async fn an_order_that_stands_twice_is_named_from_its_first_row_on() {
    let orders = "
        ('o1', '2025-01-01T10:00:00', '2025-06-01T00:00:00', 1.00),
        ('o1', '2025-01-01T10:00:00', '2025-03-01T00:00:00', 1.00)";
    let fixture = with_lines(orders, "('o1', 1, 1)").await;
    let lines = async |as_of: &str| fixture.rows("stg_lines", &at(as_of)).await.len();
    assert_eq!((lines("2025-03-01T00:00:00Z").await, lines("2025-03-01T00:00:01Z").await), (0, 1));
}

/// A copy whose two references come late is seen after one that was loaded later: the other one is first, and stays so.
#[tokio::test]
async fn a_copy_that_waits_for_what_it_names_is_not_the_first() {
    let calls = "
      - name: calls
        path: calls
        event_time: called_at
        key: [call_id]
        references:
          - {column: order_id, table: orders, key: order_id}
          - {column: return_id, table: orders, key: order_id}
        columns:
          - {name: call_id, type: text, nullable: false}
          - {name: called_at, type: timestamp, nullable: false}
          - {name: order_id, type: text}
          - {name: return_id, type: text}
";
    let fixture = Fixture::with_tables(calls);
    let orders = "
        ('early', '2025-01-01T00:00:00', '2025-01-01T00:00:00', 1.00),
        ('late', '2025-01-01T00:00:00', '2025-01-05T00:00:00', 1.00),
        ('later', '2025-01-01T00:00:00', '2025-01-07T00:00:00', 1.00)";
    fixture.write_orders("a.parquet", orders).await;
    fixture
        .write_query(
            "data/calls/a.parquet",
            "select column1 as call_id, arrow_cast(column2, 'Timestamp(Microsecond, None)') as called_at,
                column3 as order_id, column4 as return_id
             from (values ('c1', '2025-01-02T00:00:00', 'late', 'later'), ('c1', '2025-01-03T00:00:00', 'early', null))",
        )
        .await;
    fixture.write("sql/staging/stg_calls.sql", "select order_id from {{ source('shop', 'calls') }}");
    let calls = async |as_of: &str| fixture.rows("stg_calls", &at(as_of)).await.join(", ");
    assert_eq!(calls("2025-01-03T00:00:00Z").await, "");
    for day in [4, 6, 8] {
        assert_eq!(calls(&format!("2025-01-{day:02}T00:00:00Z")).await, "early", "day {day}");
    }
    assert_eq!(fixture.refused(&at("2025-01-07T00:00:00Z")).await, [""; 0]);
    assert_eq!(fixture.refused(&at("2025-01-08T00:00:00Z")).await, ["shop.calls | duplicate key (call_id)"]);
}

#[tokio::test]
async fn of_files_that_keep_the_rules_and_others_all_rows_are_judged() {
    let visits = "
      - name: visits
        path: visits
        event_time: came_at
        key: [visit_id]
        columns:
          - {name: visit_id, type: text, nullable: false}
          - {name: came_at, type: timestamp, nullable: false}
";
    let fixture = Fixture::with_tables(visits);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    fixture.write("sql/staging/stg_visits.sql", "select visit_id from {{ source('shop', 'visits') }}");
    let write = async |file: &str, ids: &str| {
        let columns =
            "column1 as visit_id, arrow_cast('2025-01-02T00:00:00', 'Timestamp(Microsecond, None)') as came_at";
        fixture.write_query(&format!("data/visits/{file}"), &format!("select {columns} from (values {ids})")).await;
    };
    let kept = async || {
        let pinned = fixture.pin().await.unwrap();
        pinned.tables[1].files.iter().map(|file| file.keeps_rules).collect::<Vec<_>>()
    };
    write("a.parquet", "('v1'), ('v2')").await;
    assert_eq!(kept().await, [true]);
    assert_eq!(fixture.refused(&at(NEVER)).await, [""; 0]);
    write("b.parquet", "('v3'), (null)").await;
    assert_eq!(kept().await, [true, false]);
    assert_eq!(fixture.refused(&at(NEVER)).await, ["shop.visits | visit_id is null"]);
    assert_eq!(fixture.rows("stg_visits", &at(NEVER)).await, ["v1", "v2", "v3"]);
}

#[tokio::test]
async fn a_table_may_say_that_its_key_repeats() {
    let one = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)";
    let fixture = with_lines(&format!("{one}, {one}"), "('o1', 1, 1)").await;
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    fixture.write("mainstay.yml", yml.replacen("key: [order_id]", "key: [order_id]\n        unique_key: false", 1));
    assert_eq!(fixture.rows("stg_ids", &at(NEVER)).await.len(), 2);
    assert_eq!(fixture.refused(&at(NEVER)).await, [""; 0]);
}

#[tokio::test]
async fn freshness_does_not_rest_on_refused_rows() {
    let orders = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00), ('o1', '2025-01-05T10:00:00', '2025-01-05T11:00:00', 1.00)";
    let sources = with_lines(orders, "('o1', 1, 1)").await;
    let (ctx, sources) = (&sources.ctx, sources.sources().await);
    assert_eq!(sources.last_complete_day(ctx).await.unwrap().unwrap().to_string(), "2025-01-01");
    let fresh = sources.freshness(ctx, "2025-01-06T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(fresh[0].newest.unwrap().to_string(), "2025-01-01T10:00:00Z");
}

/// What a view shows of orders that repeat, found the slow way: among the rows that are visible before each bound.
#[tokio::test]
async fn a_view_shows_the_first_visible_row_of_each_key_whatever_comes_later() {
    let mut state = 42_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let orders: Vec<(u64, u64, Option<u64>, u64)> =
        (0..300).map(|_| (random(60), random(6), Some(random(7)).filter(|&day| day > 0), random(3))).collect();
    let day = |day: u64| format!("'2025-01-{:02}T00:00:00'", 10 + day);
    let row = |&(key, event, known, amount): &(u64, u64, Option<u64>, u64)| {
        format!("('k{key}', {}, {}, {amount})", day(event), known.map_or("null".to_owned(), day))
    };
    let fixture = with_lines("('x', '2025-01-01T10:00:00', null, 0)", "('x', 1, 1)").await;
    let halves = orders.split_at(120);
    for (file, half) in [("b.parquet", halves.0), ("c.parquet", halves.1)] {
        fixture.write_orders(file, &half.iter().map(row).collect::<Vec<_>>().join(", ")).await;
    }
    let (project, pinned) = (fixture.load().await.unwrap(), fixture.pin().await.unwrap());
    let in_memory =
        Sources::open(&fixture.project(), &pinned).unwrap().keep_small_tables(&fixture.ctx, &pinned).await.unwrap();
    for sources in [fixture.sources().await, in_memory.refuse_conflicts(&fixture.ctx, |_, _| ()).await.unwrap()] {
        for bound in 0..8 {
            let moment = at(&format!("2025-01-{:02}T00:00:00Z", 10 + bound));
            let mut first = BTreeMap::new();
            for &(key, event, known, amount) in &orders {
                let known_or_event = known.unwrap_or(event);
                // A null sorts first among rows that are alike otherwise.
                let rank = (known_or_event.max(event), known_or_event, event, known, amount);
                if known_or_event < bound && event < bound {
                    let best = first.entry(key).or_insert(rank);
                    *best = rank.min(*best);
                }
            }
            let mut expected: Vec<String> =
                first.iter().map(|(key, rank)| format!("k{key} | {}.00", rank.4)).chain(["x | 0.00".into()]).collect();
            expected.sort();
            let seen = project.model(&fixture.ctx, &sources, "stg_ids", &moment).await.unwrap();
            assert_eq!(lines(seen).await, expected, "before day {bound}");
            let refused: usize = sources
                .quarantine(&fixture.ctx, moment.as_of)
                .await
                .unwrap()
                .iter()
                .map(datafusion::arrow::array::RecordBatch::num_rows)
                .sum();
            let visible =
                orders.iter().filter(|(_, event, known, _)| *event < bound && known.unwrap_or(*event) < bound);
            assert_eq!(refused, visible.count() - first.len(), "before day {bound}");
        }
    }
}

#[tokio::test]
async fn refused_rows_are_seen_by_who_asks_for_them() {
    let orders =
        "('bad', '2025-01-01T10:00:00', '2025-01-01T11:00:00', -1.00), ('sound', '2025-01-01T10:00:00', null, 1.00),
        ('copied', '2025-01-01T10:00:00', null, 1.00), ('copied', '2025-01-01T10:00:00', null, 1.00),
        ('undated', null, null, 1.00), ('later', '2025-01-03T00:00:00', null, -1.00)";
    let fixture = with_lines(orders, "('sound', 1, 1), ('nowhere', 1, 1), ('sound', 2, -1)").await;
    fixture.write("sql/staging/stg_refused_orders.sql", "select order_id from {{ refused('shop', 'orders') }}");
    let refused = async |as_of: &str| fixture.rows("stg_refused_orders", &at(as_of)).await;
    assert_eq!(
        refused("2025-01-03T00:00:00Z").await,
        ["bad", "undated"],
        "no copy of a row that stays, and none from later"
    );
    assert_eq!(refused(NEVER).await, ["bad", "later", "undated"]);
    fixture
        .write("sql/staging/stg_refused_lines.sql", "select order_id, line_number from {{ refused('shop', 'lines') }}");
    assert_eq!(fixture.rows("stg_refused_lines", &at(NEVER)).await, ["nowhere | 1", "sound | 2"]);
    assert_eq!(fixture.rows("stg_ids", &at(NEVER)).await, ["copied | 1.00", "sound | 1.00"]);
}
