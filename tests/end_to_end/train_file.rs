//! `mainstay train`: a file of anyone's becomes a model that `mainstay score` and `mainstay model show` read.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use crate::harness::{Folder, text};

const ROWS: i64 = 3_000;
const TRAIN: [&str; 11] = [
    "train",
    "--input",
    "rows.parquet",
    "--label",
    "churned",
    "--time-column",
    "day",
    "--label-days",
    "0",
    "--output",
    "model.json",
];

/// A folder that is no project, with rows.parquet.
fn folder() -> Folder {
    let folder = Folder::new();
    let draw = |row: i64, purpose: i64| {
        let mixed = (row * 31 + purpose).wrapping_mul(0x5851_f42d_4c95_7f2d) as u64;
        ((mixed ^ mixed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 11) as f64 / (1u64 << 53) as f64
    };
    let recency = |row| 300.0 * draw(row, 1);
    let churned = |row| draw(row, 2) < 0.1 + recency(row) / 500.0 + if row % 3 == 0 { 0.2 } else { 0.0 };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("recency", Arc::new((0..ROWS).map(recency).collect::<Float64Array>())),
        (
            "city",
            Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| ["Oslo", "Paris", "Rome"][row as usize % 3]))),
        ),
        ("day", Arc::new((0..ROWS).map(|row| Some(19_000 + (row / 500) as i32 * 30)).collect::<Date32Array>())),
        ("churned", Arc::new((0..ROWS).map(|row| i64::from(churned(row))).collect::<Int64Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(folder.path("rows.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    folder
}

#[test]
fn every_kind_is_trained_shown_and_scored_with() {
    let folder = folder();
    for kind in ["boosted", "forest", "tree", "logistic"] {
        let report = folder.json(&[&TRAIN[..], &["--kind", kind, "--force", "--report", "report.json"]].concat());
        assert_eq!(report["kind"], kind);
        assert!(report["judgement"]["auc"].as_f64().unwrap() > 0.6, "{kind}: {}", report["judgement"]);
        assert_eq!(report["leakage"]["findings"], serde_json::json!([]));
        let beside: Value = serde_json::from_slice(&std::fs::read(folder.path("report.json")).unwrap()).unwrap();
        assert_eq!(beside, report);
        let shown = folder.json(&["model", "show", "model.json"]);
        assert_eq!((&shown["digest"], shown["terms"].as_u64() > Some(0)), (&report["model"], kind == "logistic"));
        let instructions = &shown["instructions"];
        assert_eq!(
            (&instructions["available"][0], &instructions["refused"]),
            (&"portable".into(), &serde_json::json!([]))
        );
        for kernel in ["scoring", "contributions"] {
            assert!(instructions["available"].as_array().unwrap().contains(&instructions[kernel]), "{instructions}");
        }
        let score =
            ["score", "--model", "model.json", "--input", "rows.parquet", "--output", "scored.parquet", "--force"];
        let scored = folder.json(&[&score[..], &["--reasons", "1", "--contributions"]].concat());
        assert_eq!(scored["rows"], ROWS);
    }
}

#[test]
fn two_runs_give_one_model_and_a_table_for_people() {
    let folder = folder();
    let search = ["--kind", "auto", "--candidates", "4"];
    let first = folder.json(&[&TRAIN[..], &search].concat());
    let output = folder.run(&[&TRAIN[..], &search, &["--force", "--threads", "1"]].concat());
    let told = text(&output.stdout);
    assert!(told.contains(first["model"].as_str().unwrap()), "{told}");
    for part in [
        "no leak found",
        "attainable",
        "recency alone",
        "city   Rome",
        "what was tried",
        "judged on (parted by time, from 2022-06-07 on)",
    ] {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }
}

#[test]
fn what_cannot_be_trained_is_said_before_anything_is_written() {
    let folder = folder();
    let wrong = ["train", "--input", "rows.parquet", "--label", "city", "--output", "model.json"];
    assert_eq!(
        folder.failure(&wrong),
        "error: label `city` has 3 values (`Oslo`, `Paris`, `Rome`): name the one that stands for churn with --positive, and all others count \
         as retained\n"
    );
    let both = [&TRAIN[..], &["--increasing", "recency", "--decreasing", "recency"]].concat();
    assert_eq!(
        folder.failure(&both),
        "error: `recency` is in --increasing and in --decreasing: keep it in one of them\n"
    );
    assert!(!folder.path("model.json").exists());
    std::fs::write(folder.path("model.json"), "mine").unwrap();
    assert_eq!(
        folder.failure(&TRAIN),
        "error: model.json exists already: choose another name, or replace it with --force\n"
    );
    let onto = |output: &'static str, rest: &[&'static str]| {
        folder.failure(
            &[&["train", "--input", "rows.parquet", "--label", "churned", "--force", "--output", output], rest]
                .concat(),
        )
    };
    assert_eq!(
        onto("./rows.parquet", &[]),
        "error: --input and --output are both ./rows.parquet (rows.parquet): give the output another name\n"
    );
    assert_eq!(
        onto("new.json", &["--report", "new.json"]),
        "error: --output and --report are both new.json: give the output another name\n"
    );
    assert_eq!(std::fs::read(folder.path("model.json")).unwrap(), b"mine");
    let without_days = folder.run(&[
        "train",
        "--input",
        "rows.parquet",
        "--label",
        "churned",
        "--time-column",
        "day",
        "--output",
        "x.json",
    ]);
    assert_eq!(without_days.status.code(), Some(2));
    let message = text(&without_days.stderr);
    assert!(
        message.starts_with("error: --time-column needs --label-days: the days after a decision in which its"),
        "{message}"
    );
}
