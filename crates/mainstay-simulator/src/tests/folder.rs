//! The folder: same bytes, whole files, no mixing of retailers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use mainstay_schema::Digest;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::settings;
use crate::{Generated, SimulatorError, ValidSettings, Written, generate};

fn fill(settings: &ValidSettings, folder: &Path) -> Result<Generated, SimulatorError> {
    generate(settings, folder, &mut |_, _| ())
}

/// Digest of every file below a folder, by its path from there.
fn digests(folder: &Path) -> BTreeMap<String, Digest> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, Digest::of(&fs::read(path).unwrap()));
            }
        }
    }
    found
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.build().unwrap().next().unwrap().unwrap()
}

/// What the message says after the folder, which differs from test to test.
fn message(error: &SimulatorError, folder: &Path) -> String {
    error.to_string().replace(folder.to_str().unwrap(), "DATA")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (first, second, other) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let generated = fill(&settings(60, 40, 7), first.path()).unwrap();
    assert_eq!(fill(&settings(60, 40, 7), second.path()).unwrap(), generated);
    fill(&settings(60, 40, 8), other.path()).unwrap();
    assert_eq!(digests(first.path()), digests(second.path()));
    assert_ne!(digests(first.path()), digests(other.path()));
}

#[test]
fn files_lie_by_table_and_date_and_are_counted() {
    let folder = TempDir::new().unwrap();
    let mut seen = Vec::new();
    let generated = generate(&settings(200, 10, 7), folder.path(), &mut |done, days| {
        seen.push((done, days));
    })
    .unwrap();
    assert_eq!(seen, (1..=10).map(|done| (done, 10)).collect::<Vec<_>>());

    let mut names: Vec<String> = digests(folder.path()).into_keys().collect();
    names.retain(|name| name != "_generated.json");
    assert_eq!(names.len() as u64, generated.files());
    assert!(names.contains(&"orders/date=2024-01-03.parquet".to_owned()));
    assert!(names.contains(&"contacts/month=2024-01.parquet".to_owned()));
    for (table, written) in &generated.tables {
        let (below, alone) = (format!("{table}/"), format!("{table}.parquet"));
        let of_table = names.iter().filter(|name| name.starts_with(&below) || **name == alone);
        let rows: usize = of_table.clone().map(|name| read(&folder.path().join(name)).num_rows()).sum();
        assert_eq!((rows as u64, of_table.count() as u64), (written.rows, written.files), "{table}");
    }
    let bytes: u64 = names.iter().map(|name| fs::metadata(folder.path().join(name)).unwrap().len()).sum();
    assert_eq!(bytes, generated.bytes());
}

#[test]
fn a_day_without_rows_writes_no_file() {
    let folder = TempDir::new().unwrap();
    let generated = fill(&settings(1, 30, 7), folder.path()).unwrap();
    assert!(generated.table("orders").files < 30);
    assert!(folder.path().join("orders").is_dir());
}

#[test]
fn columns_have_the_types_of_the_reference_project() {
    let folder = TempDir::new().unwrap();
    fill(&settings(200, 3, 7), folder.path()).unwrap();
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let money = DataType::Decimal128(18, 2);
    let types = |table: &str| -> Vec<(String, DataType)> {
        let rows = read(&folder.path().join(table).join("date=2024-01-02.parquet"));
        rows.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    let expected = |columns: &[(&str, &DataType)]| -> Vec<(String, DataType)> {
        columns.iter().map(|&(name, data_type)| (name.to_owned(), data_type.clone())).collect()
    };
    let (text, integer) = (DataType::Utf8, DataType::Int32);
    assert_eq!(
        types("orders"),
        expected(&[
            ("order_id", &text),
            ("customer_id", &text),
            ("ordered_at", &instant),
            ("loaded_at", &instant),
            ("gross_amount", &money),
            ("discount_amount", &money),
            ("net_amount", &money),
            ("cost_amount", &money),
            ("channel", &text),
            ("is_return", &DataType::Boolean),
        ])
    );
    assert_eq!(
        types("order_lines"),
        expected(&[
            ("order_id", &text),
            ("line_number", &integer),
            ("customer_id", &text),
            ("ordered_at", &instant),
            ("loaded_at", &instant),
            ("product_id", &text),
            ("category", &text),
            ("quantity", &integer),
            ("unit_price", &money),
            ("net_amount", &money),
        ])
    );
    let rows = read(&folder.path().join("customers/date=2024-01-01.parquet"));
    assert_eq!(rows.schema().field(3).name(), "country");
    assert_eq!(rows.schema().field_with_name("birth_year").unwrap().data_type(), &integer);
    assert!(rows.column_by_name("birth_year").unwrap().null_count() > 0);
}

#[test]
fn a_complete_folder_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let generated = fill(&settings(20, 5, 7), folder.path()).unwrap();
    let mut calls = 0;
    let again = generate(&settings(20, 5, 7), folder.path(), &mut |_, _| calls += 1).unwrap();
    assert_eq!((again, calls), (generated, 0));
}

#[test]
fn what_a_killed_run_left_is_written_anew() {
    let (killed, whole) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let stop = std::panic::catch_unwind(|| {
        let stop_at_3 = &mut |done, _| assert!(done < 3, "killed");
        generate(&settings(60, 10, 7), killed.path(), stop_at_3)
    });
    assert!(stop.is_err(), "the run was killed");
    assert!(killed.path().join("_generating.json").exists());
    assert!(!killed.path().join("_generated.json").exists());
    fs::write(killed.path().join("_partial/orders-date=2024-01-04.parquet"), b"PAR1 cut sho").unwrap();

    let error = fill(&settings(60, 10, 8), killed.path()).unwrap_err();
    assert!(matches!(error, SimulatorError::OtherSettings { .. }));
    fill(&settings(60, 10, 7), killed.path()).unwrap();
    fill(&settings(60, 10, 7), whole.path()).unwrap();
    assert_eq!(digests(killed.path()), digests(whole.path()));
}

#[test]
fn the_sum_of_it_can_be_read() {
    let written = |rows, files, bytes| Written { rows, files, bytes };
    let tables = [("customers", written(21, 2, 60_000)), ("orders", written(240, 3, 1_140_000))];
    let generated = Generated { tables: tables.map(|(name, written)| (name.to_owned(), written)).into() };
    assert_eq!(generated.to_string(), "21 customers, 240 orders: 5 files, 1.2 MB");
}

#[test]
fn other_settings_are_refused() {
    let folder = TempDir::new().unwrap();
    fill(&settings(20, 5, 7), folder.path()).unwrap();
    let error = fill(&settings(20, 6, 7), folder.path()).unwrap_err();
    assert_eq!(
        message(&error, folder.path()),
        "`DATA` holds simulated data of other settings (20 customers, 5 days from 2024-01-01, seed 7, profile full, generator 3): \
         remove it to have 20 customers, 6 days from 2024-01-01, seed 7, profile full, generator 3, or name another folder"
    );
}

#[test]
fn files_of_others_are_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("orders.csv"), b"precious").unwrap();
    let error = fill(&settings(20, 5, 7), folder.path()).unwrap_err();
    assert_eq!(
        message(&error, folder.path()),
        "`DATA` is not empty and was not made by the simulator: name an empty folder, or one that does not exist yet"
    );
    assert_eq!(digests(folder.path()).len(), 1, "nothing was added");
}

#[test]
fn a_damaged_marker_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("_generated.json"), b"{").unwrap();
    let error = fill(&settings(20, 5, 7), folder.path()).unwrap_err();
    assert_eq!(
        message(&error, folder.path()),
        "`DATA/_generated.json` does not say how the data beside it were made: remove the folder and generate anew"
    );
}

#[test]
fn an_unwritable_target_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = fill(&settings(20, 5, 7), &file.join("data")).unwrap_err();
    assert_eq!(message(&error, folder.path()), "cannot read `DATA/file/data/_generated.json`");
}
