//! Values that become visible later than their rows.

use super::fixture::{Fixture, at, cut};

const TICKETS: &str = "
      - name: tickets
        path: tickets
        event_time: opened_at
        key: [ticket_id]
        columns:
          - {name: ticket_id, type: text, nullable: false}
          - {name: opened_at, type: timestamp, nullable: false}
          - {name: closed_at, type: timestamp, visible_from: closed_at}
          - {name: satisfaction, type: integer, nullable: false, minimum: 1, visible_from: rated_on}
          - {name: rated_on, type: date, visible_from: rated_on}
";

/// `done` is closed on the 5th and rated on the 7th, `open` neither; `bad` breaks the contract of a value that is not
/// visible yet.
async fn fixture() -> Fixture {
    let fixture = Fixture::with_tables(TICKETS);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    fixture
        .write_query(
            "data/tickets/a.parquet",
            "select column1 as ticket_id, arrow_cast('2025-01-01T10:00:00', 'Timestamp(Microsecond, None)') as opened_at,
                arrow_cast(column2, 'Timestamp(Microsecond, None)') as closed_at,
                cast(column3 as integer) as satisfaction, cast(column4 as date) as rated_on
             from (values
                ('done', '2025-01-05T12:00:00', 4, '2025-01-07'),
                ('open', null, 5, null),
                ('bad', '2025-01-05T12:00:00', 0, '2025-01-07'))",
        )
        .await;
    fixture.write("sql/staging/stg_tickets.sql", "select * from {{ source('shop', 'tickets') }}");
    fixture.write("sql/labels/rated.sql", "select ticket_id, satisfaction from {{ ref('stg_tickets') }}");
    fixture
}

#[tokio::test]
async fn a_value_reads_as_null_until_its_time() {
    let fixture = fixture().await;
    let opened = "2025-01-01T10:00:00Z";
    let rows = async |as_of: &str| fixture.rows("stg_tickets", &at(as_of)).await;
    let ticket = |id: &str, rest: &str| format!("{id} | {opened} | {rest}");
    let open = ticket("open", " |  | ");
    assert_eq!(rows("2025-01-05T12:00:00Z").await, [ticket("bad", " |  | "), ticket("done", " |  | "), open.clone()]);
    let closed =
        [ticket("bad", "2025-01-05T12:00:00Z |  | "), ticket("done", "2025-01-05T12:00:00Z |  | "), open.clone()];
    assert_eq!(rows("2025-01-05T12:00:01Z").await, closed);
    assert_eq!(rows("2025-01-07T00:00:00Z").await, closed);
    let rated = [
        ticket("bad", "2025-01-05T12:00:00Z |  | 2025-01-07"),
        ticket("done", "2025-01-05T12:00:00Z | 4 | 2025-01-07"),
        open,
    ];
    assert_eq!(rows("2025-01-08T00:00:00Z").await, rated);
}

#[tokio::test]
async fn a_label_sees_values_until_its_end() {
    let fixture = fixture().await;
    let rated = async |end: &str| fixture.rows("rated", &cut("2025-01-02T00:00:00Z", end)).await;
    assert_eq!(rated("2025-01-07T00:00:00Z").await, ["bad | ", "done | ", "open | "]);
    assert_eq!(rated("2025-01-08T00:00:00Z").await, ["bad | ", "done | 4", "open | "]);
}

#[tokio::test]
async fn a_value_is_judged_once_it_has_come_and_its_row_stays() {
    let fixture = fixture().await;
    let day_before = at("2025-01-07T00:00:00Z");
    assert_eq!(fixture.refused(&day_before).await, [""; 0]);
    assert_eq!(fixture.rows("stg_tickets", &day_before).await.len(), 3);
    let day_after = at("2025-01-08T00:00:00Z");
    assert_eq!(fixture.refused(&day_after).await, ["shop.tickets | satisfaction is below 1: read as null"]);
    assert_eq!(fixture.rows("stg_tickets", &day_after).await.len(), 3);
}

/// Tickets as rows of ticket_id, opened_at, closed_at, satisfaction and rated_on.
async fn with_tickets(rows: &str) -> Fixture {
    let fixture = Fixture::with_tables(
        &TICKETS
            .replace("closed_at, type: timestamp", "closed_at, type: timestamp, not_before: opened_at")
            .replace("minimum: 1", "minimum: 1, maximum: 5"),
    );
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let sql = format!(
        "select column1 as ticket_id, arrow_cast(column2, 'Timestamp(Microsecond, None)') as opened_at,
            arrow_cast(column3, 'Timestamp(Microsecond, None)') as closed_at,
            cast(column4 as integer) as satisfaction, cast(column5 as date) as rated_on from (values {rows})"
    );
    fixture.write_query("data/tickets/a.parquet", &sql).await;
    fixture.write(
        "sql/staging/stg_tickets.sql",
        "select ticket_id, closed_at, satisfaction from {{ source('shop', 'tickets') }}",
    );
    fixture
}

#[tokio::test]
async fn every_value_that_breaks_a_rule_is_told_of_and_reads_as_null() {
    let rows = "
        ('at once', '2025-01-02T00:00:00', '2025-01-02T00:00:00', 5, '2025-01-03'),
        ('too early', '2025-01-02T00:00:00', '2025-01-01T23:59:59', 6, '2025-01-03'),
        ('unsaid', '2025-01-02T00:00:00', null, null, '2025-01-03'),
        (null, '2025-01-02T00:00:00', '2025-01-01T00:00:00', 9, '2025-01-03')";
    let fixture = with_tickets(rows).await;
    let (opened, rated) = (at("2025-01-03T00:00:00Z"), at("2025-01-04T00:00:00Z"));
    let tickets = ["at once | 2025-01-02T00:00:00Z | 5", "too early |  | ", "unsaid |  | "];
    assert_eq!(fixture.rows("stg_tickets", &rated).await, tickets);
    let no_id = "shop.tickets | ticket_id is null";
    let closed = "shop.tickets | closed_at is before opened_at: read as null";
    assert_eq!(fixture.refused(&opened).await, [closed, no_id]);
    insta::assert_snapshot!(fixture.refused(&rated).await.join("\n"), @r"
    shop.tickets | closed_at is before opened_at: read as null
    shop.tickets | satisfaction is above 5: read as null
    shop.tickets | satisfaction is null: read as null
    shop.tickets | ticket_id is null
    ");
}

#[tokio::test]
async fn a_quarantined_row_shows_what_was_known_of_it() {
    let fixture = with_tickets("('t1', '2025-01-02T00:00:00', '2025-01-01T00:00:00', 9, '2025-01-03')").await;
    let shown = async |as_of: &str| {
        let refused = fixture.sources().await.quarantine(&fixture.ctx, as_of.parse().unwrap()).await.unwrap();
        super::fixture::lines(fixture.ctx.read_batches(refused).unwrap()).await.join("\n")
    };
    insta::assert_snapshot!(shown("2025-01-03T00:00:00Z").await, @r#"shop.tickets | closed_at is before opened_at: read as null | {"ticket_id":"t1","opened_at":"2025-01-02T00:00:00Z","closed_at":"2025-01-01T00:00:00Z","satisfaction":null,"rated_on":null}"#);
    insta::assert_snapshot!(shown("2025-01-04T00:00:00Z").await, @r#"
    shop.tickets | closed_at is before opened_at: read as null | {"ticket_id":"t1","opened_at":"2025-01-02T00:00:00Z","closed_at":"2025-01-01T00:00:00Z","satisfaction":9,"rated_on":"2025-01-03"}
    shop.tickets | satisfaction is above 5: read as null | {"ticket_id":"t1","opened_at":"2025-01-02T00:00:00Z","closed_at":"2025-01-01T00:00:00Z","satisfaction":9,"rated_on":"2025-01-03"}
    "#);
}

#[tokio::test]
async fn a_date_is_held_against_the_day_of_a_time() {
    let on_the_day = TICKETS.replace("rated_on, type: date", "rated_on, type: date, not_before: opened_at");
    let fixture = Fixture::with_tables(&on_the_day);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    fixture
        .write_query(
            "data/tickets/a.parquet",
            "select column1 as ticket_id, arrow_cast('2025-01-02T10:00:00', 'Timestamp(Microsecond, None)') as opened_at,
                arrow_cast(null, 'Timestamp(Microsecond, None)') as closed_at, cast(3 as integer) as satisfaction,
                cast(column2 as date) as rated_on from (values ('same', '2025-01-02'), ('before', '2025-01-01'))",
        )
        .await;
    let refused = fixture.refused(&at("2025-01-04T00:00:00Z")).await;
    assert_eq!(refused, ["shop.tickets | rated_on is before opened_at: read as null"]);
}
