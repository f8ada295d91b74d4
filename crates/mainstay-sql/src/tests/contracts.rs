use std::fs;

use super::fixture::{Fixture, at, lines};
use crate::{FeatureError, PinnedSources, Sources, changed_since, refuse_changed};

const ONE_ORDER: &str = "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)";

async fn pin_error(fixture: &Fixture) -> String {
    fixture.message(&fixture.pin().await.unwrap_err())
}

#[tokio::test]
async fn pins_the_files_of_a_folder_in_order() {
    let fixture = Fixture::new();
    for (order, file) in ["b.parquet", "year=2025/a.parquet", "_temporary/c.parquet", "a b.parquet"].iter().enumerate()
    {
        fixture.write_orders(file, &ONE_ORDER.replace("o1", &format!("o{order}"))).await;
    }
    fixture.write("data/orders/_SUCCESS", "");
    let pinned = fixture.pin().await.unwrap();
    let files = &pinned.tables[0].files;
    let names: Vec<_> = files.iter().map(|file| file.path.rsplit_once("/orders/").unwrap().1).collect();
    assert_eq!(names, ["a%20b.parquet", "b.parquet", "year=2025/a.parquet"]);
    assert!(files.iter().all(|file| file.rows == 1 && file.bytes > 0 && file.etag.is_some()));
    let json = serde_json::to_string(&pinned).unwrap();
    assert_eq!(serde_json::from_str::<PinnedSources>(&json).unwrap(), pinned);
    fixture.write("sql/staging/stg_orders.sql", "select order_id from {{ source('shop', 'orders') }}");
    assert_eq!(fixture.rows("stg_orders", &at("2025-02-01T00:00:00Z")).await.len(), 3);
}

#[tokio::test]
async fn a_run_reads_only_what_is_pinned() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", ONE_ORDER).await;
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    fixture.write_orders("b.parquet", ONE_ORDER).await;
    let rows = project.model(&fixture.ctx, &sources, "stg_orders", &at("2025-02-01T00:00:00Z")).await.unwrap();
    assert_eq!(rows.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_pinned_file_that_changes_is_told_and_one_that_comes_is_not() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", ONE_ORDER).await;
    fixture.write_orders("b.parquet", &ONE_ORDER.replace("o1", "o2")).await;
    let pinned = fixture.pin().await.unwrap();
    let project = fixture.project();
    let refused = async || refuse_changed(&fixture.ctx, &project.config().sources, &pinned).await;
    refused().await.unwrap();
    fixture.write_orders("c.parquet", &ONE_ORDER.replace("o1", "o3")).await;
    refused().await.unwrap();
    let report = |change| {
        format!(
            "source shop.orders: `data/orders/b.parquet` was {change} during the run, so that nobody can check what was \
             read of it and nothing is published: run again once the source has been loaded"
        )
    };
    fixture.write_orders("b.parquet", &ONE_ORDER.replace("o1", "o4")).await;
    let error = refused().await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(fixture.message(&error), report("written anew"));
    let changed = changed_since(&fixture.ctx, &project.config().sources, &pinned).await.unwrap();
    assert!(
        matches!(changed.as_slice(), [one] if one.ends_with("data/orders/b.parquet was written anew")),
        "{changed:?}"
    );
    fs::remove_file(fixture.path("data/orders/b.parquet")).unwrap();
    assert_eq!(fixture.message(&refused().await.unwrap_err()), report("removed"));
    fs::remove_dir_all(fixture.path("data/orders")).unwrap();
    assert!(fixture.message(&refused().await.unwrap_err()).contains("a.parquet` was removed"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_elsewhere_by_now_changes_no_pinned_file() {
    let fixture = Fixture::with_staging();
    for day in ["first", "second"] {
        fixture.write_orders("a.parquet", ONE_ORDER).await;
        fs::rename(fixture.path("data/orders"), fixture.path(day)).unwrap();
        fs::rename(fixture.path(day).join("a.parquet"), fixture.path(day).join("a*b.parquet")).unwrap();
    }
    let link = |day: &str| std::os::unix::fs::symlink(fixture.path(day), fixture.path("data/orders")).unwrap();
    link("first");
    let pinned = fixture.pin().await.unwrap();
    fs::remove_file(fixture.path("data/orders")).unwrap();
    link("second");
    refuse_changed(&fixture.ctx, &fixture.project().config().sources, &pinned).await.unwrap();
    fs::remove_dir_all(fixture.path("first")).unwrap();
    let error = refuse_changed(&fixture.ctx, &fixture.project().config().sources, &pinned).await.unwrap_err();
    assert!(fixture.message(&error).contains("first/a*b.parquet` was removed"), "{error}");
}

#[tokio::test]
async fn files_may_differ_in_the_order_and_width_of_their_columns() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", ONE_ORDER).await;
    fixture
        .write_query(
            "data/orders/b.parquet",
            "select 7 as extra, cast(2 as decimal(5, 0)) as net_amount, arrow_cast('x', 'LargeUtf8') as gender,
                cast(2 as bigint) as \"Weight kg\", arrow_cast('2025-01-01T10:00:00', 'Timestamp(Second, None)') as ordered_at,
                arrow_cast(null, 'Timestamp(Second, None)') as loaded_at, 'o2' as order_id, cast(null as varchar) as email",
        )
        .await;
    let rows = fixture.rows("stg_orders", &at("2025-02-01T00:00:00Z")).await;
    assert_eq!(
        rows,
        [
            "o1 | a@b.c | f | 2025-01-01T10:00:00Z | 2025-01-01T11:00:00Z | 1.00 | 1.5",
            "o2 |  | x | 2025-01-01T10:00:00Z |  | 2.00 | 2.0",
        ]
    );
}

#[tokio::test]
async fn no_files_is_an_error() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: no Parquet file below `data/orders`: put its files there, or set the path of the source in mainstay.yml");
    fixture.write("data/orders/orders.csv", "order_id\n1\n");
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: no Parquet file below `data/orders` (found `orders.csv`, which is text (such as CSV) and not read): put its files there, or set the path of the source in mainstay.yml");
}

#[tokio::test]
async fn a_missing_column_is_named() {
    let fixture = Fixture::new();
    fixture
        .write_query("data/orders/a.parquet", "select 'o1' as order_id, 'x' as email, 'f' as gender, now() as happened")
        .await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: `data/orders/a.parquet` has no column `ordered_at` (it has order_id, email, gender, happened): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml");
}

#[tokio::test]
async fn a_wrong_type_is_named() {
    let fixture = Fixture::new();
    let columns = "'o1' as order_id, 'x' as email, 'f' as gender, 20250101 as ordered_at";
    fixture.write_query("data/orders/a.parquet", &format!("select {columns}")).await;
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: column `ordered_at` of `data/orders/a.parquet` is Int64, expected timestamp: numbers such as 20240301 or the seconds since 1970 may mean several things: convert them, as in `to_date(cast(column as varchar), '%Y%m%d')` or `to_timestamp(column)`, or change its type in mainstay.yml");
}

#[tokio::test]
async fn a_truncated_and_a_foreign_file_are_named() {
    let fixture = Fixture::new();
    fixture.write_orders("a.parquet", ONE_ORDER).await;
    let whole = std::fs::read(fixture.path("data/orders/a.parquet")).unwrap();
    fixture.write("data/orders/b.parquet", &whole[..whole.len() / 2]);
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: `data/orders/b.parquet` cannot be read as Parquet: it begins as a Parquet file, but is cut off (Invalid Parquet file. Corrupt footer); write it again, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fixture.write("data/orders/b.parquet", "order_id,net_amount\no1,1.00\n");
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: `data/orders/b.parquet` cannot be read as Parquet: it is text (such as CSV) (Invalid Parquet file. Corrupt footer); write it again, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fixture.write("data/orders/b.parquet", "");
    insta::assert_snapshot!(pin_error(&fixture).await, @"source shop.orders: `data/orders/b.parquet` cannot be read as Parquet: it is empty (Parquet files are at least 8 bytes long, but file length is 0); write it again, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
}

#[tokio::test]
async fn a_table_that_is_not_pinned_is_named() {
    let fixture = Fixture::new();
    let error = Sources::open(&fixture.project(), &PinnedSources::default()).unwrap_err();
    assert!(!error.is_retryable());
    assert!(matches!(error, FeatureError::NotPinned { .. }));
    insta::assert_snapshot!(error, @"source shop.orders is not pinned: pin the sources again with the project as it is now");
}

#[tokio::test]
async fn rows_that_break_the_contract_are_quarantined_and_not_seen() {
    let fixture = Fixture::with_staging();
    let orders = "
        ('good', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 0.00),
        ('below', '2025-01-01T10:00:00', '2025-01-01T11:00:00', -0.01),
        (null, '2025-01-01T10:00:00', '2025-01-01T11:00:00', -1.00),
        ('later', '2025-03-01T10:00:00', '2025-03-01T11:00:00', -1.00),
        ('timeless', null, '2025-01-01T11:00:00', 1.00)";
    fixture.write_orders("a.parquet", orders).await;
    fixture
        .write_query(
            "data/orders/b.parquet",
            "select 'nan' as order_id, 'a@b.c' as email, 'f' as gender, timestamp '2025-01-01T10:00:00' as ordered_at,
                timestamp '2025-01-01T10:00:00' as loaded_at, cast(5 as decimal(9, 2)) as net_amount,
                cast('NaN' as double) as \"Weight kg\"",
        )
        .await;
    let moment = at("2025-02-01T00:00:00Z");
    let seen = fixture.rows("stg_orders", &moment).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("good"));
    let refused = fixture.sources().await.quarantine(&fixture.ctx, moment.as_of).await.unwrap();
    let refused = lines(fixture.ctx.read_batches(refused).unwrap()).await;
    insta::assert_snapshot!(refused.join("\n"), @r#"
    shop.orders | Weight kg is not a number | {"order_id":"nan","email":"[redacted]","gender":"[redacted]","ordered_at":"2025-01-01T10:00:00Z","loaded_at":"2025-01-01T10:00:00Z","net_amount":"5.00","Weight kg":"NaN"}
    shop.orders | net_amount is below 0 | {"order_id":"below","email":"[redacted]","gender":"[redacted]","ordered_at":"2025-01-01T10:00:00Z","loaded_at":"2025-01-01T11:00:00Z","net_amount":"-0.01","Weight kg":1.5}
    shop.orders | order_id is null | {"order_id":null,"email":"[redacted]","gender":"[redacted]","ordered_at":"2025-01-01T10:00:00Z","loaded_at":"2025-01-01T11:00:00Z","net_amount":"-1.00","Weight kg":1.5}
    shop.orders | ordered_at is null | {"order_id":"timeless","email":"[redacted]","gender":"[redacted]","ordered_at":null,"loaded_at":"2025-01-01T11:00:00Z","net_amount":"1.00","Weight kg":1.5}
    "#);
}

#[tokio::test]
async fn nothing_is_quarantined_where_all_rows_keep_the_contract() {
    let fixture = Fixture::new();
    fixture.write_orders("a.parquet", ONE_ORDER).await;
    let refused =
        fixture.sources().await.quarantine(&fixture.ctx, "2025-02-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(refused.is_empty());
}
