//! What files bring in other types than the declared ones, and in which time zone their times are.

use super::fixture::{Fixture, at, lines};

/// Announcements that are dated by day, and seen by day.
const NEWS: &str = "
      - name: news
        path: news
        event_time: announced_on
        key: [news_id]
        columns:
          - {name: news_id, type: text, nullable: false}
          - {name: announced_on, type: date, nullable: false}
";
const COLUMNS: &str = "'a@b.c' as email, 'f' as gender, timestamp '2025-01-01T10:00:00' as loaded_at";

fn in_zone(fixture: &Fixture, project: &str, source: Option<&str>) {
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    let yml = yml.replacen("time_zone: UTC", &format!("time_zone: {project}"), 1);
    let stated = source.map(|zone| format!("    time_zone: {zone}\n")).unwrap_or_default();
    fixture.write("mainstay.yml", yml.replacen("    path: data\n", &format!("    path: data\n{stated}"), 1));
}

async fn pin_error(fixture: &Fixture) -> String {
    fixture.message(&fixture.pin().await.unwrap_err())
}

/// The ids of what is seen of `stg_orders` or another model as of an instant.
async fn seen(fixture: &Fixture, model: &str, as_of: &str) -> String {
    let rows = fixture.rows(model, &at(as_of)).await;
    rows.iter().map(|row| row.split(" | ").next().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Case B1: midnight in New York is 05:00 UTC, and the day of a date is not over before the next one.
#[tokio::test]
async fn a_date_is_not_seen_on_its_own_day_west_of_utc() {
    let dates = "(values ('n15', date '2025-12-15'), ('n16', date '2025-12-16')) as t(news_id, announced_on)";
    let seen_as_of = async |project: &str, source: Option<&str>, as_of: &str| {
        let fixture = Fixture::with_tables(NEWS);
        in_zone(&fixture, project, source);
        fixture.write("sql/staging/stg_news.sql", "select news_id from {{ source('shop', 'news') }}");
        fixture.write_query("data/news/a.parquet", &format!("select * from {dates}")).await;
        fixture.write_query("data/news/b.parquet", "select 'old' as news_id, date '2025-01-01' as announced_on").await;
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', null, 1.00)").await;
        let newest: Vec<_> =
            fixture.pin().await.unwrap().tables[1].files.iter().map(|file| file.newest.unwrap().to_string()).collect();
        (seen(&fixture, "stg_news", as_of).await, newest)
    };
    let (seen, newest) = seen_as_of("America/New_York", None, "2025-12-16T05:00:00Z").await;
    assert_eq!(seen, "n15 old");
    assert_eq!(newest, ["2025-12-16T05:00:00Z", "2025-01-01T05:00:00Z"]);
    assert_eq!(seen_as_of("America/New_York", None, "2025-12-17T05:00:00Z").await.0, "n15 n16 old");
    assert_eq!(seen_as_of("UTC", None, "2025-12-16T00:00:00Z").await.0, "n15 old");
    assert_eq!(seen_as_of("Asia/Tokyo", None, "2025-12-15T15:00:00Z").await.0, "n15 old");
    // The 15th of New York ends on the 16th of Paris at 06:00, and that of Paris on the 15th of New York at 18:00.
    assert_eq!(seen_as_of("Europe/Paris", Some("America/New_York"), "2025-12-15T23:00:00Z").await.0, "old");
    assert_eq!(seen_as_of("Europe/Paris", Some("America/New_York"), "2025-12-16T23:00:00Z").await.0, "n15 old");
    assert_eq!(seen_as_of("America/New_York", Some("Europe/Paris"), "2025-12-16T05:00:00Z").await.0, "n15 old");
}

/// Case B2: the wall clock of a shop.
#[tokio::test]
async fn times_without_a_zone_are_those_of_the_table_its_source_or_the_project() {
    let fixture = Fixture::with_staging();
    // Naive ordered_at, loaded_at in UTC: 2025-07-01 10:00 is 08:00 UTC in Paris and 14:00 UTC in New York.
    fixture.write_orders("a.parquet", "('o1', '2025-07-01T10:00:00', '2025-07-01T08:30:00', 1.00)").await;
    let times = async || {
        let rows = fixture.rows("stg_orders", &at("2025-08-01T00:00:00Z")).await;
        let newest = fixture.pin().await.unwrap().tables[0].files[0].newest.unwrap().to_string();
        let columns: Vec<_> = rows[0].split(" | ").map(str::to_owned).collect();
        (columns[3].clone(), columns[4].clone(), newest)
    };
    let times_of =
        |ordered: &str, loaded: &str, newest: &str| (ordered.to_owned(), loaded.to_owned(), newest.to_owned());
    let loaded = "2025-07-01T08:30:00Z";
    assert_eq!(times().await, times_of("2025-07-01T10:00:00Z", loaded, "2025-07-01T10:00:00Z"));
    in_zone(&fixture, "Europe/Paris", None);
    assert_eq!(times().await, times_of("2025-07-01T08:00:00Z", loaded, loaded));
    assert_eq!(seen(&fixture, "stg_orders", "2025-07-01T08:30:00Z").await, "", "known a moment later");
    assert_eq!(seen(&fixture, "stg_orders", "2025-07-01T08:30:01Z").await, "o1");
    in_zone(&fixture, "Europe/Paris", Some("America/New_York"));
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    assert_eq!(times().await, times_of("2025-07-01T14:00:00Z", loaded, "2025-07-01T14:00:00Z"));
    assert_eq!(seen(&fixture, "stg_orders", "2025-07-01T14:00:00Z").await, "");
    fixture
        .write("mainstay.yml", yml.replace("        path: orders\n", "        path: orders\n        time_zone: UTC\n"));
    assert_eq!(times().await, times_of("2025-07-01T10:00:00Z", loaded, "2025-07-01T10:00:00Z"));
}

/// Clocks that went forward: the greatest time of a file is not the latest of its instants.
#[tokio::test]
async fn a_file_is_read_without_a_condition_only_where_no_missing_hour_is_later() {
    let fixture = Fixture::with_staging();
    in_zone(&fixture, "Europe/Paris", None);
    let rows = "('o0259', '2025-03-30T02:59:00', null, 1.00), ('o0310', '2025-03-30T03:10:00', null, 1.00)";
    fixture.write_orders("a.parquet", rows).await;
    fixture.write_orders("b.parquet", "('next', '2025-04-01T00:00:00', null, 1.00)").await;
    // 02:59 is missing and read as 01:59 UTC, 03:10 is 01:10 UTC.
    assert_eq!(seen(&fixture, "stg_orders", "2025-03-30T01:10:00Z").await, "");
    assert_eq!(seen(&fixture, "stg_orders", "2025-03-30T01:30:00Z").await, "o0310");
    assert_eq!(seen(&fixture, "stg_orders", "2025-03-30T02:00:00Z").await, "o0259 o0310");
}

#[tokio::test]
async fn a_date_and_a_time_are_compared_by_the_day_of_the_table() {
    let table = "
      - name: parcels
        path: parcels
        event_time: sent_at
        key: [parcel_id]
        columns:
          - {name: parcel_id, type: text, nullable: false}
          - {name: sent_at, type: timestamp, nullable: false, not_before: packed_on}
          - {name: packed_on, type: date}
          - {name: promised_on, type: date, not_before: sent_at}
";
    let fixture = Fixture::with_tables(table);
    in_zone(&fixture, "America/New_York", None);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', null, 1.00)").await;
    // 02:00 UTC is the evening of the 1st in New York.
    let rows = "('fine', date '2025-07-01', date '2025-07-01'), ('packed late', date '2025-07-02', date '2025-07-02'),
                ('promised early', date '2025-06-30', date '2025-06-30'), ('nothing said', null, null)";
    let query = format!(
        "select column1 as parcel_id, arrow_cast('2025-07-02T02:00:00', 'Timestamp(Second, Some(\"UTC\"))') as sent_at,
            column2 as packed_on, column3 as promised_on from (values {rows})"
    );
    fixture.write_query("data/parcels/a.parquet", &query).await;
    let refused = fixture.refused(&at("2025-08-01T04:00:00Z")).await;
    assert_eq!(refused, ["shop.parcels | promised_on is before sent_at", "shop.parcels | sent_at is before packed_on"]);
}

/// Case E17: what pandas and other writers bring.
#[tokio::test]
async fn categories_columns_of_nulls_and_money_as_doubles_are_read() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', null, 1.00)").await;
    fixture
        .write_query(
            "data/orders/b.parquet",
            "select arrow_cast('o2', 'Dictionary(Int32, Utf8)') as order_id, 'a@b.c' as email, null as gender,
                arrow_cast(arrow_cast('2025-01-01T11:00:00', 'Timestamp(Microsecond, None)'),
                    'Timestamp(Microsecond, Some(\"+01:00\"))') as ordered_at,
                null as loaded_at, cast(19.99 as double) as net_amount, cast(1.25 as decimal(9, 4)) as \"Weight kg\"
             union all select arrow_cast('nan', 'Dictionary(Int32, Utf8)'), 'a@b.c', null,
                arrow_cast(arrow_cast('2025-01-01T11:00:00', 'Timestamp(Microsecond, None)'),
                    'Timestamp(Microsecond, Some(\"+01:00\"))'),
                null, cast('NaN' as double), null",
        )
        .await;
    fixture
        .write_query(
            "data/orders/c.parquet",
            "select cast(9007199254740993 as bigint) as order_id, 'a@b.c' as email, 'f' as gender,
                '2025-01-01T12:00:00' as ordered_at, null as loaded_at, cast(2.5 as decimal(38, 4)) as net_amount,
                cast(7 as bigint) as \"Weight kg\"",
        )
        .await;
    let rows = fixture.rows("stg_orders", &at("2025-02-01T00:00:00Z")).await;
    assert_eq!(
        rows,
        [
            "9007199254740993 | a@b.c | f | 2025-01-01T12:00:00Z |  | 2.50 | 7.0",
            "o1 | a@b.c | f | 2025-01-01T10:00:00Z |  | 1.00 | 1.5",
            "o2 | a@b.c |  | 2025-01-01T10:00:00Z |  | 19.99 | 1.25",
        ]
    );
    assert_eq!(fixture.refused(&at("2025-02-01T00:00:00Z")).await, ["shop.orders | net_amount is null"]);
    // Kept in memory or read from the files, they are the same.
    let pinned = fixture.pin().await.unwrap();
    let in_memory = crate::Sources::open(&fixture.project(), &pinned).unwrap().keep_small_tables(&fixture.ctx, &pinned);
    let project = fixture.load().await.unwrap();
    let in_memory = in_memory.await.unwrap().refuse_conflicts(&fixture.ctx, |_, _| ()).await.unwrap();
    let model = project.model(&fixture.ctx, &in_memory, "stg_orders", &at("2025-02-01T00:00:00Z")).await.unwrap();
    assert_eq!(lines(model).await, rows);
}

/// Case E13.
#[tokio::test]
async fn an_amount_beyond_money_names_file_column_and_row() {
    let fixture = Fixture::new();
    let amounts =
        "(values (cast(1 as decimal(38, 2))), (cast('12345678901234567890.00' as decimal(38, 2)))) as t(net_amount)";
    let query = format!(
        "select 'o1' as order_id, {COLUMNS}, timestamp '2025-01-01T10:00:00' as ordered_at, net_amount, 1.5 as \"Weight kg\" from {amounts}"
    );
    fixture.write_query("data/orders/a.parquet", &query).await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: column `net_amount` of `data/orders/a.parquet` is declared money and holds `12345678901234567890.00` in row 1 (counted from 0), which is no whole number of cents of at most 16 digits before the point: correct it, or round it where the file is written");
    let query = query.replace("as t(net_amount)", "as t(net_amount) limit 1");
    fixture.write_query("data/orders/a.parquet", &query).await;
    fixture.pin().await.unwrap();
}

#[tokio::test]
async fn values_that_do_not_fit_are_named_and_those_of_persons_not_told() {
    let fixture = Fixture::new();
    let with = |column: &str| {
        format!(
            "select {column}, 'f' as gender, timestamp '2025-01-01T10:00:00' as loaded_at, timestamp '2025-01-01T10:00:00' as ordered_at, 1.5 as \"Weight kg\""
        )
    };
    let write = async |columns: &str| fixture.write_query("data/orders/a.parquet", &with(columns)).await;
    write("'o1' as order_id, 'a@b.c' as email, cast(12.345 as double) as net_amount").await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: column `net_amount` of `data/orders/a.parquet` is declared money and holds `12.345` in row 0 (counted from 0), which is no whole number of cents: round it where the file is written, as in `cast(column as decimal(18, 2))`");
    write("'o1' as order_id, cast(1.5 as double) as email, cast(1 as decimal(9, 2)) as net_amount").await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: column `email` of `data/orders/a.parquet` is declared text and holds a value in row 0 (counted from 0), which a float need not hold exactly (it is not whole, or so large that floats skip whole numbers): write whole numbers, texts or decimals");
    write("'o1' as order_id, 'a@b.c' as email, cast(12 as bigint) as net_amount").await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: column `net_amount` of `data/orders/a.parquet` is Int64, expected money (a decimal, or a float of whole cents): a whole number may count units or cents: write a decimal, as in `cast(column as decimal(18, 2))`, of cents `cast(column as decimal(18, 2)) / 100`, or change its type in mainstay.yml");
}

/// Case E12.
#[test]
fn a_column_that_stands_twice_is_refused() {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    let fixture = Fixture::new();
    let project = fixture.project();
    let table = &project.config().sources[0].tables[0];
    let readings = crate::files::reading::Readings::of(table);
    let check = |schema: Schema| {
        let file =
            crate::files::columns::FileOf { name: "shop.orders", table, readings: &readings, shown: "a.parquet" };
        crate::files::columns::FileColumns::find(&file, &schema, &[])
    };
    let mut fields: Vec<Field> =
        crate::contract::declared_schema(table).fields().iter().map(|field| field.as_ref().clone()).collect();
    check(Schema::new(fields.clone())).unwrap();
    fields.push(Field::new("undeclared", DataType::Int8, true));
    fields.push(Field::new("undeclared", DataType::Int8, true));
    check(Schema::new(fields.clone())).unwrap();
    fields.push(Field::new("net_amount", DataType::Float64, true));
    let refused = check(Schema::new(fields)).unwrap_err();
    insta::assert_snapshot!(refused, @"source shop.orders: `a.parquet` has several columns `net_amount`, and nothing says which one counts: write one of them, or rename the others");
}
