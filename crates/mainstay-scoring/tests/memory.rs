//! The memory of scoring, measured on the process itself: a test binary of its own, whose one test is all that the process does.

#![cfg(target_os = "linux")]
// All of this file is test, its helpers included.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use mainstay_model::{
    Calibration, CategorySet, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree,
};
use mainstay_scoring::{Explanation, ScoreRequest, ScoringError, score_file};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROWS: usize = 16_384;
/// What all of it may take beside the process itself; the texts of one batch are 800 MB and more.
const MOST_MEGABYTES: usize = 120;

/// The most memory that the process has had, in megabytes.
fn peak_megabytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// Counts the peak from now on: writing the file is not what is measured.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// One split: the category adds 1, all else 2.
fn model(category: &str) -> Ensemble {
    let split = Node::Split {
        feature: 0,
        condition: Condition::OneOf(CategorySet::new([0]).unwrap()),
        missing: Missing::Nan,
        default_left: false,
        left: 1,
        right: 2,
        cover: 0.0,
    };
    let leaf = |value| Node::Leaf { value, cover: 0.0 };
    Ensemble::new(EnsembleParts {
        // Of a file without any value that the model knows nothing is scored: the number is one.
        features: vec![
            Feature { categories: Some(vec![category.to_owned()]), ..Feature::new("note") },
            Feature::new("orders"),
        ],
        trees: vec![Tree::new(&[split, leaf(1.0), leaf(2.0)]).unwrap()],
        bias: 0.0,
        link: Link::Identity,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// Writes rows of one text, in pieces, so that the file is made in little memory too, unless it is one page. Returns its size.
fn write(path: &Path, text: &str, has_dictionary: bool, page_bytes: usize) -> u64 {
    let piece: ArrayRef = Arc::new(StringArray::from(vec![text; 64]));
    let orders: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 64]));
    let batch = RecordBatch::try_from_iter([("note", piece), ("orders", orders)]).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(has_dictionary)
        .set_data_page_size_limit(page_bytes)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    for _ in 0..ROWS / batch.num_rows() {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    path.metadata().unwrap().len()
}

fn score(model: &Ensemble, input: &Path, output: &Path) -> Result<u64, ScoringError> {
    let request = ScoreRequest {
        model,
        input,
        output,
        replaces: true,
        explanation: Explanation::default(),
        threads: NonZeroUsize::MIN,
        stop: &AtomicBool::new(false),
    };
    Ok(score_file(&request, &|_, _| {})?.rows)
}

#[test]
fn texts_of_any_length_are_scored_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("x.parquet"), folder.path().join("y.parquet"));
    for (length, has_dictionary) in [(50_000, true), (140_000, true), (50_000, false), (140_000, false)] {
        let text = "n".repeat(length);
        let bytes = write(&input, &text, has_dictionary, 1 << 20);
        assert!(!has_dictionary || bytes < 2_000, "{bytes} bytes are no small file");
        // The text of a dictionary is a category, so that it is looked at to its end.
        let model = model(if has_dictionary { &text } else { "Rome" });
        forget_peak();
        let before = peak_megabytes();
        assert_eq!(score(&model, &input, &output).unwrap(), ROWS as u64);
        let more = peak_megabytes().saturating_sub(before);
        assert!(more < MOST_MEGABYTES, "{length}, dictionary {has_dictionary}: {more} MB more than {before}");
        let scored = ParquetRecordBatchReaderBuilder::try_new(File::open(&output).unwrap()).unwrap();
        let expected = if has_dictionary { 1.0 } else { 2.0 };
        let scores = parquet::arrow::ProjectionMask::leaves(scored.parquet_schema(), [3]);
        for batch in scored.with_projection(scores).build().unwrap() {
            assert!(
                batch.unwrap().column(0).as_primitive::<Float64Type>().values().iter().all(|score| *score == expected)
            );
        }
    }

    // A page is unpacked as a whole, so that one of 312 MB is refused.
    write(&input, &"n".repeat(20_000), false, 1 << 30);
    forget_peak();
    let before = peak_megabytes();
    let message = score(&model("Rome"), &input, &output).unwrap_err().to_string();
    assert!(
        message.contains("column `note` of") && message.contains(" has a page of 312 MB, at most 256 MB"),
        "{message}"
    );
    let more = peak_megabytes().saturating_sub(before);
    assert!(more < MOST_MEGABYTES, "{more} MB more than {before}");
}
