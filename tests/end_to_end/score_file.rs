//! `mainstay model` and `mainstay score`: files of anyone's, without a project.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Float64Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::harness::{Folder, root, text};

impl Folder {
    /// Imports a fixture as model.json and writes its rows, with a key of each, as rows.parquet.
    fn import(&self, fixture: &str, format: &str) -> Fixture {
        let file = fixtures().join(fixture);
        self.json(&["model", "import", "--format", format, file.to_str().unwrap(), "--output", "model.json"]);
        let rows = Fixture::read(&file.with_extension("csv"));
        rows.write(&self.path("rows.parquet"));
        rows
    }

    fn score(&self, flags: &[&str]) -> Value {
        let files = ["score", "--model", "model.json", "--input", "rows.parquet", "--output", "scored.parquet"];
        self.json(&[&files, flags].concat())
    }

    fn scored(&self) -> RecordBatch {
        let file = File::open(self.path("scored.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let schema = reader.schema().clone();
        concat_batches(&schema, &reader.build().unwrap().map(Result::unwrap).collect::<Vec<_>>()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path(".")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn fixtures() -> PathBuf {
    root().join("crates/mainstay-model/fixtures")
}

/// Rows of a model's features, and what its own library says of them.
struct Fixture {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let content = fs::read_to_string(path).unwrap();
        let mut lines = content.lines();
        let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let mut columns = vec![Vec::new(); names.len()];
        for line in lines {
            for (column, cell) in columns.iter_mut().zip(line.split(',')) {
                column.push(cell.parse().unwrap());
            }
        }
        Self { names, columns }
    }

    fn features(&self) -> usize {
        self.names.iter().position(|name| name == "raw_score").unwrap()
    }

    fn column(&self, name: &str) -> &[f64] {
        &self.columns[self.names.iter().position(|known| known == name).unwrap()]
    }

    /// In row groups of 50, so that there are several.
    fn write(&self, path: &Path) {
        let keys: ArrayRef =
            Arc::new((0..self.columns[0].len()).map(|row| Some(format!("c{row}"))).collect::<StringArray>());
        let features = self.names.iter().zip(&self.columns).take(self.features()).map(|(name, values)| {
            let values = values.iter().map(|value| (!value.is_nan()).then_some(*value));
            (name.as_str(), Arc::new(values.collect::<Float64Array>()) as ArrayRef)
        });
        write(path, std::iter::once(("customer_id", keys)).chain(features));
    }
}

fn write<'a>(path: &Path, columns: impl Iterator<Item = (&'a str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(50)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<f64> {
    batch.column_by_name(column).unwrap().as_primitive::<Float64Type>().values().to_vec()
}

fn assert_near(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "row {row}: {ours} is not {theirs}");
    }
}

#[test]
fn models_of_other_libraries_score_and_explain_a_file() {
    let models = [
        ("xgboost_binary.json", "xgboost"),
        ("xgboost_binary.ubj", "xgboost"),
        ("xgboost_categories.ubj", "xgboost"),
        ("lightgbm_binary.txt", "lightgbm"),
        ("lightgbm_categories.txt", "lightgbm"),
    ];
    for (fixture, format) in models {
        let folder = Folder::new();
        let rows = folder.import(fixture, format);
        let told = folder.score(&["--reasons", "2", "--contributions", "--threads", "2"]);
        assert_eq!(told["rows"], rows.columns[0].len(), "{fixture}");
        let scored = folder.scored();
        let features = rows.features();
        assert_eq!(scored.num_columns(), 1 + features + 2 + 2 + features + 1, "{fixture}");
        assert_eq!(scored.column(0).as_string::<i32>().value(49), "c49");
        assert_near(&numbers(&scored, "probability"), rows.column("prediction"), 1e-6);
        assert_near(&numbers(&scored, "raw_score"), rows.column("raw_score"), 1e-6);
        for name in rows.names.iter().filter(|name| name.starts_with("contribution_")) {
            assert_near(&numbers(&scored, name), rows.column(name), 1e-5);
        }
        let reasons = scored.column_by_name("reason_1").unwrap().as_string::<i32>();
        let words = (0..reasons.len()).filter(|row| reasons.is_valid(*row)).map(|row| reasons.value(row));
        assert!(words.clone().count() > 0, "{fixture}");
        for reason in words {
            assert!(rows.names[..features].iter().any(|name| reason.starts_with(&format!("{name} is "))), "{reason}");
        }
        assert_eq!(folder.names(), ["model.json", "rows.parquet", "scored.parquet"]);
    }
}

#[test]
fn a_regression_gives_predictions() {
    let folder = Folder::new();
    let rows = folder.import("lightgbm_regression.txt", "lightgbm");
    assert_eq!(folder.score(&[])["added_columns"], serde_json::json!(["prediction", "raw_score"]));
    assert_near(&numbers(&folder.scored(), "prediction"), rows.column("prediction"), 1e-6);
}

#[test]
fn shows_what_a_model_is_made_of() {
    let folder = Folder::new();
    let rows = folder.import("lightgbm_categories.txt", "lightgbm");
    let shown = folder.json(&["model", "show", "model.json"]);
    assert_eq!(shown["predicts"], "probability");
    assert_eq!(shown["features"], rows.features());
    assert!(shown["splits"]["categorical"].as_u64().unwrap() > 0, "{shown}");
    let shares = shown["importance"].as_array().unwrap().iter().map(|of| of["share"].as_f64().unwrap());
    assert!((shares.sum::<f64>() - 1.0).abs() < 1e-9);
    let output = folder.run(&["model", "show", "model.json", "--top", "1"]);
    let shown = text(&output.stdout);
    for part in ["model.json\nblake3:", "a probability", "by category", "NaN and null", "and "] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
}

#[test]
fn features_can_be_renamed_to_the_columns_of_a_file() {
    let folder = Folder::new();
    let rows = folder.import("xgboost_binary.json", "xgboost");
    let file = fixtures().join("xgboost_binary.json");
    let import =
        ["model", "import", "--format", "xgboost", file.to_str().unwrap(), "--output", "model.json", "--force"];
    let names: Vec<String> = (0..rows.features()).map(|i| format!("column {i}")).collect();
    folder.json(&[&import[..], &["--features", &names.join(",")]].concat());
    let renamed = names.iter().zip(&rows.columns);
    let renamed =
        renamed.map(|(name, values)| (name.as_str(), Arc::new(Float64Array::from(values.clone())) as ArrayRef));
    write(&folder.path("rows.parquet"), renamed);
    folder.score(&[]);
    assert_near(&numbers(&folder.scored(), "probability"), rows.column("prediction"), 1e-6);
    let message = folder.failure(&[&import[..], &["--features", "one"]].concat());
    assert!(message.contains("--features gives 1 names, but the model has"), "{message}");
}

#[test]
fn a_model_goes_out_as_onnx_and_comes_back() {
    let folder = Folder::new();
    let rows = folder.import("xgboost_binary.json", "xgboost");
    folder.json(&["model", "export", "--format", "onnx", "model.json", "--output", "model.onnx"]);
    folder.json(&["model", "import", "--format", "onnx", "model.onnx", "--output", "model.json", "--force"]);
    folder.score(&[]);
    assert_near(&numbers(&folder.scored(), "probability"), rows.column("prediction"), 1e-6);
    let explained = ["score", "--model", "model.json", "--input", "rows.parquet", "--output", "explained.parquet"];
    let message = folder.failure(&[&explained[..], &["--reasons", "1"]].concat());
    assert!(message.contains("the model has no covers"), "{message}");
}

#[test]
fn a_model_file_that_cannot_be_imported() {
    let folder = Folder::new();
    fs::write(folder.path("model.txt"), "no model").unwrap();
    for format in ["xgboost", "lightgbm", "onnx"] {
        let import = ["model", "import", "--format", format, "model.txt", "--output", "model.json"];
        let message = folder.failure(&import);
        assert!(message.starts_with("error: cannot import model.txt: "), "{message}");
    }
    let absent = ["model", "import", "--format", "onnx", "absent.onnx", "--output", "model.json"];
    let message = folder.failure(&absent);
    assert!(message.contains("cannot read absent.onnx: check the path"), "{message}");
    let usage = folder.run(&["model", "import", "--format", "catboost", "model.txt", "--output", "model.json"]);
    assert_eq!(usage.status.code(), Some(2));
    assert_eq!(folder.names(), ["model.txt"]);
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = Folder::new();
    folder.import("lightgbm_binary.txt", "lightgbm");
    let file = fixtures().join("lightgbm_binary.txt");
    let import = ["model", "import", "--format", "lightgbm", file.to_str().unwrap(), "--output", "model.json"];
    let message = folder.failure(&import);
    assert!(
        message.contains("model.json exists already: choose another name, or replace it with --force"),
        "{message}"
    );
    folder.score(&[]);
    let score = ["score", "--model", "model.json", "--input", "rows.parquet", "--output", "scored.parquet"];
    let message = folder.failure(&score);
    assert!(message.contains("scored.parquet exists already"), "{message}");
    folder.score(&["--force"]);
    let message =
        folder.failure(&["score", "--model", "model.json", "--input", "rows.parquet", "--output", "rows.parquet"]);
    assert!(message.contains("--input and --output are both rows.parquet: give the output another name"), "{message}");
    let score = ["score", "--model", "model.json", "--input", "rows.parquet", "--force", "--output"];
    let model = fs::read(folder.path("model.json")).unwrap();
    fs::hard_link(folder.path("model.json"), folder.path("link.json")).unwrap();
    for (output, told) in [("model.json", "model.json"), ("link.json", "link.json (model.json)")] {
        assert_eq!(
            folder.failure(&[&score[..], &[output]].concat()),
            format!("error: --model and --output are both {told}: give the output another name\n")
        );
    }
    assert_eq!(fs::read(folder.path("model.json")).unwrap(), model);
    fs::copy(file, folder.path("mine.txt")).unwrap();
    let import = ["model", "import", "--format", "lightgbm", "mine.txt", "--force", "--output", "mine.txt"];
    assert_eq!(
        folder.failure(&import),
        "error: the imported file and --output are both mine.txt: give the output another name\n"
    );
}

#[test]
fn rows_that_do_not_fit_the_model() {
    let folder = Folder::new();
    let rows = folder.import("lightgbm_binary.txt", "lightgbm");
    let score = ["score", "--model", "model.json", "--input", "rows.parquet", "--output", "scored.parquet"];
    let first = rows.names[0].as_str();
    let others = || {
        let others = rows.names.iter().zip(&rows.columns).skip(1).take(rows.features() - 1);
        others.map(|(name, values)| (name.as_str(), Arc::new(Float64Array::from(values.clone())) as ArrayRef))
    };
    let with_first = |column: ArrayRef| write(&folder.path("rows.parquet"), others().chain([(first, column)]));

    write(&folder.path("rows.parquet"), others());
    let message = folder.failure(&score);
    assert!(
        message.contains(&format!("rows.parquet has no column `{first}`: add it, or give the columns")),
        "{message}"
    );

    with_first(Arc::new(StringArray::from(vec!["high"; rows.columns[0].len()])));
    let message = folder.failure(&score);
    assert!(message.contains(&format!("column `{first}` of rows.parquet is of type Utf8")), "{message}");

    let mut infinite = rows.columns[0].clone();
    infinite[33] = f64::INFINITY;
    with_first(Arc::new(Float64Array::from(infinite)));
    let message = folder.failure(&score);
    assert!(
        message.contains(&format!("column `{first}` of rows.parquet is infinite in row 33 (counted from 0)")),
        "{message}"
    );

    fs::write(folder.path("rows.parquet"), "recency,orders\n1,2\n").unwrap();
    let message = folder.failure(&score);
    assert!(message.contains("rows.parquet is text (such as CSV), no Parquet file: convert it, as in"), "{message}");

    let message =
        folder.failure(&["score", "--model", "rows.parquet", "--input", "rows.parquet", "--output", "x.parquet"]);
    assert!(
        message.contains("cannot read the model rows.parquet") && message.contains("mainstay model import"),
        "{message}"
    );
    assert_eq!(folder.names(), ["model.json", "rows.parquet"]);
}
