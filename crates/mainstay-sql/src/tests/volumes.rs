//! Rows and amounts by day, as a day may see them.

use mainstay_monitor::{Amount, TableDays};
use mainstay_schema::Ds;

use super::fixture::Fixture;

const ROWS: &str = "
    ('old', timestamp '2023-06-01 10:00:00', timestamp '2023-06-01 11:00:00', 5),
    ('a', timestamp '2025-01-04 23:30:00', timestamp '2025-01-04 23:40:00', 99),
    ('late', timestamp '2025-01-04 12:00:00', timestamp '2025-01-05 12:00:00', 0),
    ('copy', timestamp '2025-01-05 08:00:00', timestamp '2025-01-05 09:00:00', 9),
    ('copy', timestamp '2025-01-05 08:00:00', timestamp '2025-01-05 10:00:00', 9),
    ('bad', timestamp '2025-01-05 08:00:00', timestamp '2025-01-05 09:00:00', -1),
    ('not yet known', timestamp '2025-01-05 08:00:00', timestamp '2025-01-07 09:00:00', 9),
    ('later', timestamp '2025-01-06 08:00:00', timestamp '2025-01-06 09:00:00', 9)";

fn day(text: &str) -> Ds {
    text.parse().unwrap()
}

async fn orders(fixture: &Fixture, ds: &str) -> TableDays {
    let pinned = fixture.pin().await.unwrap();
    fixture.sources().await.volumes(&fixture.ctx, &pinned, day(ds)).await.unwrap().remove(0)
}

/// Day, rows and rows on time.
fn counts(table: &TableDays) -> Vec<(String, u64, u64)> {
    table.days.iter().map(|day| (day.ds.to_string(), day.rows, day.on_time)).collect()
}

#[tokio::test]
async fn rows_are_counted_by_their_day_as_known_by_then() {
    let fixture = Fixture::new();
    fixture.write_orders("all.parquet", ROWS).await;
    let table = orders(&fixture, "2025-01-06").await;
    assert_eq!(table.table, "shop.orders");
    assert_eq!(counts(&table), [("2025-01-04".into(), 2, 1), ("2025-01-05".into(), 1, 1)]);
    assert_eq!((table.since, table.newest), (day("2024-01-01"), Some(day("2025-01-05"))));
    assert_eq!(table.columns, ["net_amount", "Weight kg"]);
    // An amount of 0 is none: ln(100) in millionths.
    assert_eq!(table.days[0].amounts[0], Amount { values: 1, log_sum: 4_605_170 });
    assert_eq!(table.days[0].amounts[1].values, 2);
}

#[tokio::test]
async fn days_are_those_of_the_projects_time_zone_and_of_any_split_into_files() {
    let fixture = Fixture::new();
    for (number, row) in ROWS.trim().split(",\n").enumerate() {
        fixture.write_orders(&format!("{number}.parquet"), row).await;
    }
    assert_eq!(
        counts(&orders(&fixture, "2025-01-06").await),
        [("2025-01-04".into(), 2, 1), ("2025-01-05".into(), 1, 1)]
    );
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    fixture.write(
        "mainstay.yml",
        yml.replace("time_zone: UTC", "time_zone: Europe/Berlin")
            .replace("    path: data\n", "    path: data\n    time_zone: UTC\n"),
    );
    // 23:30 in UTC is the next day in Berlin.
    assert_eq!(
        counts(&orders(&fixture, "2025-01-06").await),
        [("2025-01-04".into(), 1, 0), ("2025-01-05".into(), 2, 2)]
    );
}

#[tokio::test]
async fn a_table_whose_files_end_long_ago_says_when() {
    let fixture = Fixture::new();
    fixture.write_orders("old.parquet", ROWS.trim().split(",\n").next().unwrap()).await;
    let table = orders(&fixture, "2025-01-06").await;
    assert_eq!((table.days.len(), table.newest), (0, Some(day("2023-06-01"))));
}

#[tokio::test]
async fn whole_numbers_are_amounts_unless_they_name_something() {
    let fixture = Fixture::new();
    let lines = "
      - name: lines
        path: lines
        event_time: ordered_at
        key: [order_id, number]
        columns:
          - {name: order_id, type: text, nullable: false}
          - {name: number, type: integer, nullable: false}
          - {name: ordered_at, type: timestamp, nullable: false}
          - {name: pieces, type: integer}
          - {name: grams, type: bigint}
          - {name: store_id, type: integer}
          - {name: ProductCode, type: bigint}
          - {name: VendorID, type: bigint}
          - {name: AMOUNT_PAID, type: bigint}
";
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    fixture.write("mainstay.yml", yml + lines.trim_start_matches('\n'));
    fixture.write_orders("all.parquet", ROWS).await;
    let line = "select 'a' as order_id, 1 as number, arrow_cast(timestamp '2025-01-05 08:00:00', 'Timestamp(Microsecond, None)')
        as ordered_at, cast(99 as int) as pieces, cast(null as bigint) as grams,
        7 as store_id, 8 as \"ProductCode\", 9 as \"VendorID\", 20 as \"AMOUNT_PAID\"";
    fixture.write_query("data/lines/a.parquet", line).await;
    let pinned = fixture.pin().await.unwrap();
    let tables = fixture.sources().await.volumes(&fixture.ctx, &pinned, day("2025-01-06")).await.unwrap();
    assert_eq!(tables[1].columns, ["pieces", "grams", "AMOUNT_PAID"]);
    assert_eq!(
        tables[1].days[0].amounts,
        [
            Amount { values: 1, log_sum: 4_605_170 },
            Amount { values: 0, log_sum: 0 },
            Amount { values: 1, log_sum: 3_044_522 }
        ]
    );
}
