//! Which files of a folder count, and what is read of them.

use std::fs;

use super::fixture::{Fixture, at, lines};
use crate::{PinnedSources, PinnedTable, scanned_rows};

const AS_OF: &str = "2025-02-01T00:00:00Z";

/// Orders of one file: ids and the day of January on which they were placed.
fn orders(ids: &[(&str, u32)]) -> String {
    let row =
        |(id, day): &(&str, u32)| format!("('{id}', '2025-01-{day:02}T10:00:00', '2025-01-{day:02}T11:00:00', 1.00)");
    ids.iter().map(row).collect::<Vec<_>>().join(", ")
}

async fn pinned(fixture: &Fixture) -> PinnedTable {
    fixture.pin().await.unwrap().tables.remove(0)
}

async fn refused(fixture: &Fixture) -> String {
    fixture.message(&fixture.pin().await.unwrap_err())
}

/// What a model sees of the orders: their ids.
async fn ids(fixture: &Fixture) -> Vec<String> {
    fixture.write("sql/staging/stg_orders.sql", "select order_id from {{ source('shop', 'orders') }}\n");
    fixture.rows("stg_orders", &at(AS_OF)).await
}

fn names(pinned: &PinnedTable) -> Vec<&str> {
    pinned.files.iter().map(|file| file.path.rsplit_once("/orders/").unwrap().1).collect()
}

/// A commit of a Delta table: the files that it adds, each with its partition as JSON, and those that it removes.
fn commit(fixture: &Fixture, version: u64, schema: Option<&str>, added: &[(&str, &str)], removed: &[&str]) {
    let mut actions = Vec::new();
    if let Some(fields) = schema {
        let schema = format!(r#"{{\"type\":\"struct\",\"fields\":[{fields}]}}"#);
        actions.push(r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_owned());
        let partition = if fields.contains("gender") { r#""gender""# } else { "" };
        actions.push(format!(
            r#"{{"metaData":{{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[{partition}],"configuration":{{}},"createdTime":1}}}}"#
        ));
    }
    for path in removed {
        actions.push(format!(r#"{{"remove":{{"path":"{path}","deletionTimestamp":2,"dataChange":true}}}}"#));
    }
    for (path, partition) in added {
        let bytes = fs::metadata(fixture.path(&format!("data/orders/{path}"))).unwrap().len();
        actions.push(format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{partition},"size":{bytes},"modificationTime":1,"dataChange":true}}}}"#
        ));
    }
    fixture.write(&format!("data/orders/_delta_log/{version:020}.json"), actions.join("\n"));
}

const ORDER_ID: &str = r#"{\"name\":\"order_id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}"#;

#[tokio::test]
async fn every_file_is_read_or_named() {
    let fixture = Fixture::with_staging();
    for (number, file) in ["a.parquet", "B.PARQUET", "c.parq", "d.Pq", "000000_0", "e.parquet.gzip", "_day=1/f.parquet"]
        .iter()
        .enumerate()
    {
        fixture.write_orders("new.parquet", &orders(&[(&format!("o{number}"), 1)])).await;
        fs::create_dir_all(fixture.path("data/orders/_day=1")).unwrap();
        fs::rename(fixture.path("data/orders/new.parquet"), fixture.path("data/orders").join(file)).unwrap();
    }
    for (beside, content) in [
        ("_SUCCESS", ""),
        ("_metadata", "PAR1"),
        ("_common_metadata", "PAR1"),
        (".a.parquet.crc", "crc"),
        ("a.parquet.crc", "crc"),
        ("_started_1", "{}"),
        ("_committed_1", "{}"),
        ("_temporary/0/x.parquet", "half"),
        ("day=2_$folder$", ""),
        ("000001_0", ""),
    ] {
        fixture.write(&format!("data/orders/{beside}"), content);
    }
    fixture.write("data/orders/more.csv", "order_id\n1\n");
    fixture.write("data/orders/README", "Orders of the shop.\n");
    let pinned = pinned(&fixture).await;
    assert_eq!(
        names(&pinned),
        ["000000_0", "B.PARQUET", "_day=1/f.parquet", "a.parquet", "c.parq", "d.Pq", "e.parquet.gzip"]
    );
    let not_read: Vec<_> = pinned.not_read.iter().map(|file| file.path.rsplit_once('/').unwrap().1).collect();
    assert_eq!(not_read, ["README", "more.csv"]);
    assert_eq!(pinned.not_read[1].found.as_deref(), Some("text (such as CSV)"));
    assert_eq!(ids(&fixture).await.len(), 7);
}

#[tokio::test]
async fn parquet_under_another_ending_is_in_doubt() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    fs::copy(fixture.path("data/orders/a.parquet"), fixture.path("data/orders/a.parquet.bak")).unwrap();
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/a.parquet.bak` cannot be used: it is a Parquet file, and its name does not end as that of one: let it end in .parquet, .parq or .pq if its rows count, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fs::remove_file(fixture.path("data/orders/a.parquet.bak")).unwrap();
    fixture.write("data/orders/b.parquet.gz", [0x1f, 0x8b, 8, 0]);
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/b.parquet.gz` cannot be used: it is compressed with gzip: write it as Parquet, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
}

#[tokio::test]
async fn a_file_given_as_the_path_is_read_whatever_it_is_called() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    fs::rename(fixture.path("data/orders/a.parquet"), fixture.path("data/orders/dump.dat")).unwrap();
    fixture.edit("path: orders", "path: orders/dump.dat");
    assert_eq!(ids(&fixture).await, ["o1"]);
    fixture.edit("dump.dat", "_metadata");
    fixture.write("data/orders/_metadata", "key,value\n");
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/_metadata` cannot be read as Parquet: it is text (such as CSV) (Invalid Parquet file. Corrupt footer); write it again, or move it out of the folder");
    // What a writer leaves there: a schema without a row.
    fixture.write_query("data/orders/none.parquet", "select 'a' as order_id limit 0").await;
    fs::rename(fixture.path("data/orders/none.parquet"), fixture.path("data/orders/_metadata")).unwrap();
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/_metadata` holds no rows, it only describes the Parquet files beside it: give their folder as the path");
}

#[tokio::test]
async fn a_delta_table_is_read_at_its_version() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1), ("o2", 2)])).await;
    fixture.write_orders("b.parquet", &orders(&[("o3", 3)])).await;
    fixture.write_orders("uncommitted.parquet", &orders(&[("o4", 4)])).await;
    commit(&fixture, 0, Some(ORDER_ID), &[("a.parquet", "{}")], &[]);
    let before = pinned(&fixture).await;
    assert_eq!((names(&before), before.delta_version), (vec!["a.parquet"], Some(0)));
    commit(&fixture, 1, None, &[("b.parquet", "{}")], &["a.parquet"]);
    let after = pinned(&fixture).await;
    assert_eq!((names(&after), after.delta_version), (vec!["b.parquet"], Some(1)));
    assert!(after.not_read.is_empty(), "files of other versions are in order");
    assert_eq!(ids(&fixture).await, ["o3"]);
    let json = serde_json::to_string(&after).unwrap();
    assert_eq!(serde_json::from_str::<PinnedTable>(&json).unwrap(), after);
    fs::remove_file(fixture.path("data/orders/b.parquet")).unwrap();
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders`: `data/orders/b.parquet` is missing, though version 1 of the Delta table has it: restore it");
    commit(&fixture, 2, None, &[], &["b.parquet"]);
    assert_eq!(ids(&fixture).await, Vec::<String>::new(), "a table without a row");
}

#[tokio::test]
async fn what_a_path_is_may_be_stated() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    fixture.edit("path: orders", "path: orders\n        format: delta");
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders`: its folder has no `_delta_log`, which `format: delta` asks for: restore the log, or correct the path");
    commit(&fixture, 0, Some(ORDER_ID), &[("a.parquet", "{}")], &[]);
    assert_eq!(ids(&fixture).await, ["o1"]);
    fixture.edit("format: delta", "format: parquet");
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders`: its folder is a Delta table (`_delta_log`), whose files hold rows that are no longer in it: leave `format: parquet` out, or say `format: delta`");
    fs::create_dir_all(fixture.path("data/other")).unwrap();
    fs::rename(fixture.path("data/orders"), fixture.path("data/other/north")).unwrap();
    fixture.edit("path: orders\n        format: parquet", "path: other");
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/other`: its folder holds a Delta table, `north`, among other files: give each table a folder of its own, and name it as the path");
    fs::remove_dir_all(fixture.path("data/other/north/_delta_log")).unwrap();
    fixture.write("data/other/metadata/v1.metadata.json", "{}");
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/other`: its folder is an Apache Iceberg table, whose files hold rows that are no longer in it, and is not read: write its rows to a folder of Parquet files, or to a Delta table");
}

#[tokio::test]
async fn a_damaged_delta_log_is_said() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    fixture.write("data/orders/_delta_log/00000000000000000000.json", "{");
    let message = refused(&fixture).await;
    assert!(message.starts_with("source shop.orders: its Delta log cannot be read ("), "{message}");
}

const LEGACY: &str = "select 'old' as order_no, 'a@b.c' as email, timestamp '2025-01-01T10:00:00' as ordered_at,
    timestamp '2025-01-01T10:00:00' as loaded_at, cast(5 as decimal(9, 2)) as amount, cast(2 as double) as \"Weight kg\"";

fn with_former_names() -> Fixture {
    let fixture = Fixture::with_staging();
    fixture.edit("{name: order_id, type: text", "{name: order_id, renamed_from: [order_no], type: text");
    fixture.edit("{name: net_amount, type: money", "{name: net_amount, renamed_from: [net, amount], type: money");
    fixture
}

#[tokio::test]
async fn older_files_may_lack_a_column_and_call_others_otherwise() {
    let fixture = with_former_names();
    fixture.write_query("data/orders/2024.parquet", LEGACY).await;
    fixture.write_orders("2025.parquet", &orders(&[("new", 2)])).await;
    let (gone, expected) = (
        at(AS_OF),
        [
            "new | a@b.c | f | 2025-01-02T10:00:00Z | 2025-01-02T11:00:00Z | 1.00 | 1.5",
            "old | a@b.c |  | 2025-01-01T10:00:00Z | 2025-01-01T10:00:00Z | 5.00 | 2.0",
        ],
    );
    assert_eq!(fixture.rows("stg_orders", &gone).await, expected);
    let pinned = pinned(&fixture).await;
    assert_eq!(pinned.files[0].columns.renamed["net_amount"], "amount");
    assert!(pinned.files[0].columns.absent.contains("gender"));
    assert_eq!(pinned.files[0].newest, Some("2025-01-01T10:00:00Z".parse().unwrap()));
    assert_eq!(PinnedSources { tables: vec![pinned.clone()] }.warnings(), Vec::<String>::new());
    let sql = "select count(*) as n, sum(net_amount) as s from {{ source('shop', 'orders') }}
        where order_id = 'old' or net_amount < 3 and gender is not null";
    fixture.write("sql/staging/stg_counts.sql", sql);
    assert_eq!(fixture.rows("stg_counts", &gone).await, ["2 | 6.00"]);
    fixture.write("sql/staging/stg_counts.sql", "select count(*) as n from {{ source('shop', 'orders') }}");
    assert_eq!(fixture.rows("stg_counts", &gone).await, ["2"]);
    let table = fixture.project().config().sources[0].tables[0].clone();
    let scanned = scanned_rows(&fixture.ctx, &table, &pinned).await.unwrap();
    assert_eq!(scanned.schema().fields().len(), 7, "a former name is no column of its own");
    assert_eq!(lines(scanned).await, expected);
}

#[tokio::test]
async fn rules_hold_for_columns_under_former_names() {
    let fixture = with_former_names();
    fixture.write_orders("2025.parquet", &orders(&[("new", 2)])).await;
    fixture.write_query("data/orders/2024.parquet", &LEGACY.replace("cast(5", "cast(-5")).await;
    assert!(!pinned(&fixture).await.files[0].keeps_rules);
    assert_eq!(fixture.refused(&at(AS_OF)).await, ["shop.orders | net_amount is below 0"]);
    assert_eq!(ids(&fixture).await, ["new"]);
}

#[tokio::test]
async fn a_column_that_is_missing_or_there_twice_is_refused() {
    let fixture = with_former_names();
    fixture.write_query("data/orders/2024.parquet", LEGACY).await;
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: no file of `data/orders` has a column `gender` (they have Weight kg, amount, email, loaded_at, order_no, ordered_at): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml");
    fixture.write_orders("2025.parquet", &orders(&[("new", 2)])).await;
    fixture.write_query("data/orders/2024.parquet", &LEGACY.replace("as email", "as order_id")).await;
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/2024.parquet` cannot be used: it has both `order_id` and `order_no`, which are names of one column, `order_id`, by its `renamed_from`: write one of both, or correct `renamed_from`; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fixture.write_query("data/orders/2024.parquet", &LEGACY.replace("amount", "total")).await;
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/2024.parquet` has no column `net_amount` (it has order_no, email, ordered_at, loaded_at, total, Weight kg): write the column, say in `renamed_from` what it was called, or take it out of mainstay.yml; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
}

#[tokio::test]
async fn a_column_that_the_newest_file_lacks_is_said() {
    let fixture = with_former_names();
    fixture.write_query("data/orders/2025-02.parquet", &LEGACY.replace("2025-01-01", "2025-01-20")).await;
    fixture.write_orders("2025-01.parquet", &orders(&[("new", 2)])).await;
    let warnings = fixture.pin().await.unwrap().warnings();
    assert!(
        warnings[0].starts_with("source shop.orders: column `gender` is null in the newest file, "),
        "{warnings:?}"
    );
    assert!(warnings[0].contains("2025-02.parquet, which lacks it, as 1 of 2 files do"), "{warnings:?}");
}

#[tokio::test]
async fn the_names_of_folders_give_values() {
    let fixture = Fixture::with_staging();
    let without = |id: &str| {
        format!(
            "select '{id}' as order_id, 'a@b.c' as email, timestamp '2025-01-01T10:00:00' as ordered_at,
            timestamp '2025-01-01T10:00:00' as loaded_at, cast(5 as decimal(9, 2)) as net_amount, cast(2 as double) as \"Weight kg\""
        )
    };
    for (folder, id) in [("gender=f", "o1"), ("gender=m%2Fx", "o2"), ("gender=__HIVE_DEFAULT_PARTITION__", "o3")] {
        fixture.write_query(&format!("data/orders/{folder}/a.parquet"), &without(id)).await;
    }
    fixture.write("sql/staging/stg_orders.sql", "select order_id, gender from {{ source('shop', 'orders') }}\n");
    let values = ["o1 | f", "o2 | m/x", "o3 | "];
    assert_eq!(fixture.rows("stg_orders", &at(AS_OF)).await, values);
    let only = "select order_id, gender from {{ source('shop', 'orders') }} where gender = 'f'";
    fixture.write("sql/staging/stg_orders.sql", only);
    assert_eq!(fixture.rows("stg_orders", &at(AS_OF)).await, values[..1]);
    let gender = r#"{\"name\":\"gender\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}"#;
    let files = [("gender=f/a.parquet", r#"{"gender":"d"}"#), ("gender=m%252Fx/a.parquet", r#"{"gender":""}"#)];
    fs::rename(fixture.path("data/orders/gender=m%2Fx"), fixture.path("data/orders/gender=m%252Fx")).unwrap();
    let added: Vec<(&str, &str)> = files.to_vec();
    let fields = format!("{ORDER_ID},{gender}");
    commit(&fixture, 0, Some(&fields), &added[..1], &[]);
    fixture.write("sql/staging/stg_orders.sql", "select order_id, gender from {{ source('shop', 'orders') }}\n");
    assert_eq!(fixture.rows("stg_orders", &at(AS_OF)).await, ["o1 | d"], "the log of a Delta table says the value");
}

#[tokio::test]
async fn a_file_that_contradicts_its_folder_is_refused() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("gender=f/a.parquet", &orders(&[("o1", 1)])).await;
    fixture.write_orders("gender=m/b.parquet", &orders(&[("o2", 1)])).await;
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/gender=m/b.parquet` cannot be used: its column `gender` is `m` by the name of its folder, and another value in row 0 (counted from 0): move the file to the folder of its values, or correct the column; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fixture.edit("protected: true", "protected: false");
    let told = refused(&fixture).await;
    assert!(told.contains("is `m` by the name of its folder, and `f` in row 0 (counted from 0)"), "{told}");
    fs::remove_dir_all(fixture.path("data/orders/gender=m")).unwrap();
    fixture.write_orders("gender=__HIVE_DEFAULT_PARTITION__/b.parquet", &orders(&[("o2", 1)])).await;
    let told = refused(&fixture).await;
    assert!(told.contains("is null by the name of its folder, and `f` in row 0"), "{told}");
    fs::remove_dir_all(fixture.path("data/orders/gender=__HIVE_DEFAULT_PARTITION__")).unwrap();
    // Neither a column that is not declared, nor one whose type folders do not give, is read of them.
    fixture
        .write_orders("ds=2025-01-07/net_amount=9/ordered_at=2025-01-02/gender=f/c.parquet", &orders(&[("o3", 1)]))
        .await;
    assert_eq!(ids(&fixture).await, ["o1", "o3"]);
    // By a former name, and in another type.
    fixture.edit("{name: gender, type: text, protected: false}", "{name: sex, type: text, renamed_from: [gender, g]}");
    fixture.write_orders("g=x/d.parquet", &orders(&[("o4", 1)])).await;
    let told = refused(&fixture).await;
    assert!(told.contains("its column `sex` is `x` by the name of its folder, and `f` in row 0"), "{told}");
    fs::remove_dir_all(fixture.path("data/orders/g=x")).unwrap();
    assert_eq!(ids(&fixture).await, ["o1", "o3"]);
}

/// The head of the first page of a file is no head any more; its footer stays.
fn damage(file: &std::path::Path) {
    let mut bytes = fs::read(file).unwrap();
    bytes[4..24].fill(0xff);
    fs::write(file, bytes).unwrap();
}

/// An error with all of its causes, as `{:#}` of an error of a command says them.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_file_that_is_damaged_inside_is_named_whatever_bad_files_says() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    // Of several values: what has one is read from the statistics of the footer alone.
    fixture.write_orders("b.parquet", &orders(&[("o2", 2), ("o3", 3)])).await;
    damage(&fixture.path("data/orders/b.parquet"));
    for (policy, told_of_policy) in [("", false), ("bad_files: quarantine", true)] {
        fixture.edit("path: orders\n", &format!("path: orders\n        {policy}\n"));
        let sources = fixture.project().config().sources.clone();
        let pinned = fixture.pin().await.unwrap();
        assert_eq!(names(&pinned.tables[0]).len(), 2, "the footer is whole");
        let rows = scanned_rows(&fixture.ctx, &sources[0].tables[0], &pinned.tables[0]).await.unwrap();
        let error = rows.collect().await.unwrap_err();
        assert!(crate::is_damage(&error), "{error:?}");
        assert!(crate::is_damage(&crate::FeatureError::from(error)));
        let damaged = crate::damaged_file(&fixture.ctx, &sources, &pinned).await.unwrap();
        assert_eq!(chain(&damaged), damaged.to_string(), "the cause is said once");
        let told = fixture.message(&damaged);
        let named = "source shop.orders: `data/orders/b.parquet` is damaged: its footer can be read, and the values of its column `order_id` \
                     cannot (";
        assert!(told.starts_with(named), "{told}");
        assert!(told.contains("restore the file or write it again, or move it out of the folder"), "{told}");
        assert_eq!(told.contains("`bad_files: quarantine` leaves out"), told_of_policy, "{told}");
    }
    fs::remove_file(fixture.path("data/orders/b.parquet")).unwrap();
    let pinned = fixture.pin().await.unwrap();
    assert!(crate::damaged_file(&fixture.ctx, &fixture.project().config().sources, &pinned).await.is_none());
    // A file that is set aside is none of those that were read, and an error that names its file needs no other.
    fs::write(fixture.path("data/orders/c.parquet"), "no Parquet").unwrap();
    let pinned = fixture.pin().await.unwrap();
    assert_eq!(pinned.tables[0].set_aside.len(), 1);
    assert!(crate::damaged_file(&fixture.ctx, &fixture.project().config().sources, &pinned).await.is_none());
    fixture.edit("bad_files: quarantine", "bad_files: stop");
    let bad = fixture.pin().await.unwrap_err();
    let crate::FeatureError::BadFile(named) = &bad else { panic!("{bad:?}") };
    assert!(matches!(**named, crate::FeatureError::Unreadable { .. }), "{named:?}");
    assert_eq!(chain(named.as_ref()), named.to_string(), "the cause is said once");
    assert!(!crate::is_damage(&bad) && !crate::is_damage(named.as_ref()), "{named:?}");
}

/// Three orders in uncompressed pages with checksums, which the `parquet` crate does not write: by pyarrow 26.0,
/// `write_table(..., compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False, store_schema=False)`.
const CHECKSUMMED: &[u8] = include_bytes!("files/checksummed.parquet");

#[tokio::test]
async fn a_flipped_bit_in_a_page_with_a_checksum_is_not_read_as_another_value() {
    let fixture = Fixture::with_staging();
    fixture.write("data/orders/a.parquet", CHECKSUMMED);
    assert_eq!(ids(&fixture).await, ["first", "second", "third"]);
    let place = CHECKSUMMED.windows(6).position(|bytes| bytes == b"second").unwrap();
    let mut flipped = CHECKSUMMED.to_vec();
    flipped[place + 1] ^= 1;
    fixture.write("data/orders/a.parquet", flipped);
    let sources = fixture.project().config().sources.clone();
    let pinned = fixture.pin().await.unwrap();
    let rows = scanned_rows(&fixture.ctx, &sources[0].tables[0], &pinned.tables[0]).await.unwrap();
    assert!(crate::is_damage(&rows.collect().await.unwrap_err()));
    let named = fixture.message(&crate::damaged_file(&fixture.ctx, &sources, &pinned).await.unwrap());
    assert!(named.starts_with("source shop.orders: `data/orders/a.parquet` is damaged"), "{named}");
    assert!(named.contains("the values of its column `order_id` cannot (") && named.contains("CRC"), "{named}");
}

#[tokio::test]
async fn bad_files_are_set_aside_where_the_table_says_so() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    let whole = fs::read(fixture.path("data/orders/a.parquet")).unwrap();
    fixture.write("data/orders/b.parquet", &whole[..whole.len() / 2]);
    fixture.write("data/orders/c.parquet", "order_id\n1\n");
    let columns = "'o1' as order_id, 'x' as email, 'f' as gender, '2025-01-01' as ordered_at";
    fixture.write_query("data/orders/d.parquet", &format!("select {columns}")).await;
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/b.parquet` cannot be read as Parquet: it begins as a Parquet file, but is cut off (Invalid Parquet file. Corrupt footer); write it again, or move it out of the folder; where the other files are enough, `bad_files: quarantine` of the table goes on without such a file");
    fixture.edit("path: orders", "path: orders\n        bad_files: quarantine");
    let pinned = pinned(&fixture).await;
    assert_eq!(names(&pinned), ["a.parquet"]);
    let aside: Vec<_> = pinned.set_aside.iter().map(|file| (&file.path[file.path.len() - 9..], file.rows)).collect();
    assert_eq!(aside, [("b.parquet", None), ("c.parquet", None), ("d.parquet", Some(1))]);
    assert!(pinned.set_aside[1].reason.contains("it is text (such as CSV)"), "{:?}", pinned.set_aside);
    let report = PinnedSources { tables: vec![pinned] }.warnings().join("\n");
    assert!(report.contains("3 of 4 files are set aside") && report.contains("d.parquet"), "{report}");
    assert_eq!(ids(&fixture).await, ["o1"]);
    fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
    insta::assert_snapshot!(refused(&fixture).await, @"source shop.orders: `data/orders/b.parquet` cannot be read as Parquet: it begins as a Parquet file, but is cut off (Invalid Parquet file. Corrupt footer); write it again, or move it out of the folder");
}

/// A link that leads nowhere is not listed, and a footer may say to be longer than its file.
#[tokio::test]
async fn what_a_listing_or_a_footer_hides_is_named() {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", &orders(&[("o1", 1)])).await;
    let second = fixture.path("data/orders/b.parquet");
    std::os::unix::fs::symlink("/nowhere/x.parquet", &second).unwrap();
    let report = refused(&fixture).await;
    assert!(report.contains("b.parquet` cannot be used: it is a link to a file that is not there"), "{report}");
    std::fs::remove_file(&second).unwrap();

    fixture.write("data/orders/b.parquet", [b"PAR1".as_slice(), &[0; 100], &[0, 0x10, 0, 0], b"PAR1"].concat());
    let report = refused(&fixture).await;
    assert!(report.contains("b.parquet") && report.contains("its footer is damaged"), "{report}");

    let shouted =
        LEGACY.replace("order_no", "order_id").replace("amount", "net_amount").replace("as email", "as \"EMAIL\"");
    fixture.write_query("data/orders/b.parquet", &shouted).await;
    let report = refused(&fixture).await;
    assert!(report.contains("it has no column `email` but `EMAIL`: write it in the same letters, or say"), "{report}");
}
