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
    let open = format!("open | {opened} |  |  | ");
    assert_eq!(rows("2025-01-05T12:00:00Z").await, [format!("done | {opened} |  |  | "), open.clone()]);
    let closed = format!("done | {opened} | 2025-01-05T12:00:00Z |  | ");
    assert_eq!(rows("2025-01-05T12:00:01Z").await, [closed.clone(), open.clone()]);
    assert_eq!(rows("2025-01-07T00:00:00Z").await, [closed, open.clone()]);
    let rated = format!("done | {opened} | 2025-01-05T12:00:00Z | 4 | 2025-01-07");
    assert_eq!(rows("2025-01-08T00:00:00Z").await, [rated, open]);
}

#[tokio::test]
async fn a_label_sees_values_until_its_end() {
    let fixture = fixture().await;
    let rated = async |end: &str| fixture.rows("rated", &cut("2025-01-02T00:00:00Z", end)).await;
    assert_eq!(rated("2025-01-07T00:00:00Z").await, ["done | ", "open | "]);
    assert_eq!(rated("2025-01-08T00:00:00Z").await, ["done | 4", "open | "]);
}

#[tokio::test]
async fn a_contract_is_judged_on_what_is_not_visible_yet() {
    let fixture = fixture().await;
    let moment = at("2025-01-02T00:00:00Z");
    assert_eq!(fixture.refused(&moment).await, ["shop.tickets | satisfaction is below 1"]);
    assert_eq!(fixture.rows("stg_tickets", &moment).await.len(), 2);
}
