//! Whoever changes what was published, and writes the digests that fit into the record, is found out by the check that works it out anew.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use mainstay_schema::Digest;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::harness::{Project, text};

const DAY: &str = "2025-08-01";

/// A published day that is tampered with and put back.
struct Published {
    project: Project,
    record: Value,
}

impl Published {
    fn new() -> Self {
        let project = Project::copy();
        let record = project.json(&["run", "daily_risk", "--date", DAY])["record"].take();
        Self { project, record }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.project.lake().join(path)
    }

    fn run_record(&self) -> PathBuf {
        the_file_in(&self.file(&format!("runs/ds={DAY}")))
    }

    /// Writes other bytes in the place of a file and their digest and size into the record, and gives what `verify` says.
    fn forged(&self, path: &Path, bytes: Vec<u8>) -> String {
        let (whole, record) = (std::fs::read(path).unwrap(), std::fs::read(self.run_record()).unwrap());
        let digest = |bytes: &[u8]| Digest::of(bytes).to_string();
        let size = |bytes: &[u8]| format!("\"bytes\":{}", bytes.len());
        self.doctor(&[(digest(&whole), digest(&bytes)), (size(&whole), size(&bytes))]);
        std::fs::write(path, bytes).unwrap();
        let message = self.project.failure(&["verify"]);
        std::fs::write(path, whole).unwrap();
        std::fs::write(self.run_record(), record).unwrap();
        message
    }

    /// Replaces texts in the run record, where they are there.
    fn doctor(&self, changes: &[(String, String)]) {
        rewrite(&self.run_record(), "record", |record| {
            let text = record.as_string::<i32>().value(0).to_owned();
            let changed = changes.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
            assert_ne!(changed, text, "{changes:?}");
            Arc::new(StringArray::from(vec![changed]))
        });
    }
}

fn the_file_in(folder: &Path) -> PathBuf {
    let mut files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "parquet")).unwrap()
}

/// The rows of a file with one column changed, as the bytes of another.
fn with_column(path: &Path, name: &str, change: impl FnOnce(&ArrayRef) -> ArrayRef) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let rows = reader.with_batch_size(1 << 20).build().unwrap().map(Result::unwrap).next().unwrap();
    let mut columns = rows.columns().to_vec();
    let place = rows.schema().index_of(name).unwrap();
    columns[place] = change(&columns[place]);
    let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    bytes
}

fn rewrite(path: &Path, name: &str, change: impl FnOnce(&ArrayRef) -> ArrayRef) {
    let bytes = with_column(path, name, change);
    std::fs::write(path, bytes).unwrap();
}

fn verdicts(verified: &Value, verdict: &str) -> Vec<String> {
    let checks = verified["days"][0]["checks"].as_array().unwrap().iter();
    let named = checks.filter(|check| check["verdict"] == verdict);
    named.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_changed_together_with_its_digest_is_found() {
    let day = Published::new();
    let verified = day.project.json(&["verify", "--strict"]);
    assert_eq!(verdicts(&verified, "passed").len(), 18, "{verified}");
    assert_eq!((&verified["verified"], &verified["not_checked"]), (&Value::from(true), &Value::from(0)));
    let allocation = &day.record["details"]["allocation"];
    let inputs = &day.record["details"]["inputs"];

    // Values that are raised are not those of risk, lifetime value and policy.
    let offers = day.file(allocation["offers_file"].as_str().unwrap());
    let raised = with_column(&offers, "value_cents", |values| {
        let values = values.as_primitive::<Int64Type>().values();
        Arc::new(Int64Array::from_iter_values(
            values.iter().enumerate().map(|(row, cents)| cents + i64::from(row == 3)),
        ))
    });
    let message = day.forged(&offers, raised);
    assert!(
        message.contains("offers recomputed of 2025-08-01") && message.contains("by risk, lifetime value and policy"),
        "{message}"
    );
    assert!(!message.contains("file digests"), "the record names the file's digest: {message}");

    // A reason that does not exist, and one that does not follow.
    let table = the_file_in(&day.file(&format!("campaign_allocations/ds={DAY}")));
    for (reason, found) in
        [("banana", "`banana` is no reason of a decision"), ("capacity", "its reason is capacity, but")]
    {
        let edited = with_column(&table, "decision_reason", |reasons| {
            let mut first = true;
            let reasons = reasons.as_string::<i32>().iter().map(|told| match told {
                Some("frequency_cap" | "no_positive_value") if std::mem::take(&mut first) => Some(reason),
                told => told,
            });
            Arc::new(reasons.collect::<StringArray>())
        });
        let message = day.forged(&table, edited);
        assert!(message.contains("reasons of decisions of 2025-08-01") && message.contains(found), "{message}");
    }

    // Rows that other software adds to the table are nowhere in the record, and everybody who reads the table sees them.
    let log = day.file("campaign_allocations/_delta_log");
    let newest = std::fs::read_dir(&log).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.len() == "00000000000000000000.json".len() && name.to_string_lossy().ends_with(".json")
    });
    let commit = log.join(format!("{:020}.json", newest.count()));
    let twice = table.with_file_name("of-another-tool.parquet");
    std::fs::copy(&table, &twice).unwrap();
    let added = serde_json::json!({"add": {
        "path": format!("ds={DAY}/of-another-tool.parquet"), "partitionValues": {"ds": DAY},
        "size": twice.metadata().unwrap().len(), "modificationTime": 0, "dataChange": true,
    }});
    std::fs::write(&commit, format!("{{\"commitInfo\": {{\"operation\": \"WRITE\"}}}}\n{added}")).unwrap();
    let message = day.project.failure(&["verify"]);
    assert!(
        message.contains("canonical digests of 2025-08-01")
            && message.contains("whoever reads campaign_allocations sees"),
        "{message}"
    );
    std::fs::remove_file(&commit).unwrap();

    // A policy whose catalogue promises more.
    let policy = day.file(inputs["policy_file"]["file"].as_str().unwrap());
    let promised = std::fs::read_to_string(&policy).unwrap().replace("effect: 0.40", "effect: 0.80");
    let message = day.forged(&policy, promised.clone().into_bytes());
    assert!(message.contains("policy of 2025-08-01") && message.contains("the run record names"), "{message}");
    std::fs::write(&policy, promised).unwrap();
    let message = day.project.failure(&["verify"]);
    assert!(
        message.contains("file digests of 2025-08-01") && message.contains("policy.yml has another digest"),
        "{message}"
    );
}

#[test]
fn what_is_no_longer_at_hand_is_said_and_has_not_passed() {
    let day = Published::new();
    // The rows of a source were loaded anew since.
    let orders = the_file_in(&day.project.data().join("orders"));
    rewrite(&orders, "order_id", Arc::clone);
    let from_sources =
        ["population from the sources", "suppression from the sources", "no personal or protected value"];
    let verified = day.project.json(&["verify"]);
    assert_eq!(verdicts(&verified, "not_checked"), from_sources);
    assert_eq!((&verified["verified"], &verified["not_checked"]), (&Value::from(true), &Value::from(3)));
    let shown = text(&day.project.output(&["verify"]).stdout);
    assert!(shown.contains("source files are no longer as they were read") && shown.contains("not checked"), "{shown}");
    let message = day.project.failure(&["verify", "--strict"]);
    assert!(message.contains("population from the sources of 2025-08-01 not checked"), "{message}");

    // A record of an earlier release keeps no policy; that of the project serves while it is the same.
    let kept = day.record["details"]["inputs"]["policy_file"].to_string();
    day.doctor(&[(format!("\"policy_file\":{kept}"), "\"policy_file\":null".to_owned())]);
    assert_eq!(verdicts(&day.project.json(&["verify"]), "not_checked"), from_sources);
    day.project.edit("jobs/policies/retention.yml", "effect: 0.40", "effect: 0.41");
    let verified = day.project.json(&["verify"]);
    let missed = verdicts(&verified, "not_checked");
    for name in ["policy", "offers recomputed", "rules of the plan recomputed", "reasons of decisions"] {
        assert!(missed.iter().any(|missed| missed == name), "{name}: {verified}");
    }
}
