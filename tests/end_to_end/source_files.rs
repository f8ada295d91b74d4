//! The files of a source in all the ways in which people have them: the same rows give the same day.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::harness::{Project, digests, text};

const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Writes a file anew, with every batch as `change` makes it.
fn rewrite(file: &Path, change: impl Fn(RecordBatch) -> RecordBatch) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| change(batch.unwrap())).collect();
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

fn renamed(batch: &RecordBatch, from: &str, to: &str) -> RecordBatch {
    let schema = batch.schema();
    let field = |field: &Arc<Field>| {
        let name = if field.name() == from { to } else { field.name() };
        field.as_ref().clone().with_name(name)
    };
    let fields: Vec<Field> = schema.fields().iter().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec()).unwrap()
}

fn with_column(batch: &RecordBatch, name: &str) -> RecordBatch {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["spring"; batch.num_rows()]));
    let schema = batch.schema();
    let fields = schema.fields().iter().cloned().chain([Arc::new(Field::new(name, DataType::Utf8, true))]);
    let columns = batch.columns().iter().cloned().chain([values]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
}

/// Makes a folder of files a Delta table, and leaves a file of an older version in it that has all its rows once more.
fn make_delta(folder: &Path) {
    let files = files(folder);
    let name = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
    let old = folder.join("old.parquet");
    fs::copy(&files[0], &old).unwrap();
    let add = |file: &PathBuf| {
        let bytes = fs::metadata(file).unwrap().len();
        json!({"add": {"path": name(file), "partitionValues": {}, "size": bytes, "modificationTime": 1, "dataChange": true}})
    };
    let schema =
        json!({"type": "struct", "fields": [{"name": "order_id", "type": "string", "nullable": true, "metadata": {}}]});
    let metadata = json!({"metaData": {
        "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "format": {"provider": "parquet", "options": {}},
        "schemaString": schema.to_string(), "partitionColumns": [], "configuration": {}, "createdTime": 1
    }});
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    let remove = json!({"remove": {"path": "old.parquet", "deletionTimestamp": 2, "dataChange": true}});
    let log = folder.join("_delta_log");
    fs::create_dir(&log).unwrap();
    let commit = |version: u64, actions: &[Value]| {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        fs::write(log.join(format!("{version:020}.json")), lines.join("\n")).unwrap();
    };
    commit(0, &[protocol, metadata, add(&old)]);
    let added: Vec<Value> = files.iter().map(add).collect();
    commit(1, &[vec![remove], added].concat());
}

fn table<'a>(run: &'a Value, name: &str) -> &'a Value {
    let tables = run["record"]["details"]["inputs"]["sources"]["tables"].as_array().unwrap();
    tables.iter().find(|table| table["table"] == name).unwrap()
}

#[test]
fn the_same_rows_in_other_files_give_the_same_day_and_bad_files_are_named() {
    let project = Project::copy();
    let first = project.json(&DAY);

    // Other endings, a former name in an old file, a column that only the newest file has, notes beside the data.
    let orders = files(&project.data().join("orders"));
    let rename = |file: &Path, ending: &str| fs::rename(file, file.with_extension(ending)).unwrap();
    rewrite(&orders[0], |batch| renamed(&batch, "gross_amount", "gross_sales"));
    rewrite(orders.last().unwrap(), |batch| with_column(&batch, "campaign"));
    rename(&orders[1], "PARQUET");
    rename(&orders[2], "parq");
    fs::rename(&orders[3], orders[3].with_file_name("000003_0")).unwrap();
    fs::write(project.data().join("orders/_metadata"), "PAR1").unwrap();
    fs::write(project.data().join("orders/notes.csv"), "who,what\n").unwrap();
    project.edit(
        "mainstay.yml",
        "{name: gross_amount, type: money, minimum: 0}",
        "{name: gross_amount, renamed_from: [gross_sales], type: money, minimum: 0}\n          - {name: campaign, type: text}",
    );
    make_delta(&project.data().join("order_lines"));
    let again = project.output(&[&DAY[..], &["--force", "-o", "json"]].concat());
    assert!(again.status.success(), "{}", text(&again.stderr));
    let told = text(&again.stderr);
    assert!(told.contains("notes.csv (text (such as CSV))"), "{told}");
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(digests(&first), digests(&again));
    assert_eq!(table(&again, "retailer.orders")["files_not_read"], 1);
    assert_eq!(table(&again, "retailer.orders")["rows"], table(&first, "retailer.orders")["rows"]);
    assert_eq!(table(&again, "retailer.order_lines")["delta_version"], 1);
    assert_eq!(table(&again, "retailer.order_lines")["rows"], table(&first, "retailer.order_lines")["rows"]);

    // A file that is cut off stops the run, unless the table says that the others are enough.
    let cut = &orders[orders.len() / 2];
    let name = cut.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(cut).unwrap();
    fs::write(cut, &bytes[..bytes.len() / 2]).unwrap();
    let message = project.failure(&[&DAY[..], &["--force"]].concat());
    for part in [name, "begins as a Parquet file, but is cut off", "`bad_files: quarantine` of the table"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    project.edit("mainstay.yml", "path: orders\n", "path: orders\n        bad_files: quarantine\n");
    let without = project.json(&[&DAY[..], &["--force"]].concat());
    let aside = &table(&without, "retailer.orders")["set_aside"][0];
    assert!(aside["path"].as_str().unwrap().ends_with(name) && aside["reason"].as_str().unwrap().contains("cut off"));
    assert!(table(&without, "retailer.orders")["rows_set_aside"].as_u64().unwrap() > 0);

    // One whose footer is whole and whose rows are not stops it by name, whatever the table says.
    fs::write(cut, &bytes).unwrap();
    let mut damaged = bytes;
    damaged[4..24].fill(0xff);
    fs::write(cut, damaged).unwrap();
    let message = project.failure(&[&DAY[..], &["--force"]].concat());
    for part in ["source retailer.orders: ", name, "is damaged: its footer can be read, and the values of its column"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    let (_, cause) = message.split_once(" cannot (").unwrap();
    let (cause, behind) = cause.split_once("); restore").unwrap();
    assert!(!cause.is_empty() && !behind.contains(cause), "the cause is said twice:\n{message}");

    // Many such files are a loss that stops the day.
    for file in &orders[orders.len() / 2..orders.len() - 30] {
        fs::write(file, "no rows").unwrap();
    }
    let message = project.failure(&[&DAY[..], &["--force"]].concat());
    for part in ["source:retailer.orders: ", "bad files are set aside (`bad_files: quarantine`)"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}
