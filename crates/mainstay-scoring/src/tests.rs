use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int32DictionaryArray, Int64Array, ListArray, NullArray, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float64Type, Int32Type};
use mainstay_model::{Calibration, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, PageIndexPolicy};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use tempfile::TempDir;

use crate::{Explanation, ScoreRequest, ScoredFile, ScoringError, score_file};

const EVERYTHING: Explanation = Explanation { reasons: 2, contributions: true };

fn stump(feature: u32, threshold: f64, [left, right]: [f64; 2]) -> Tree {
    Tree::new(&[
        Node::Split {
            feature,
            condition: Condition::Below(threshold),
            missing: Missing::Nan,
            default_left: feature.is_multiple_of(2),
            left: 1,
            right: 2,
            cover: 4.0,
        },
        Node::Leaf { value: left, cover: 3.0 },
        Node::Leaf { value: right, cover: 1.0 },
    ])
    .unwrap()
}

/// One stump a feature.
fn model(features: &[&str]) -> Ensemble {
    parts(features).try_into_model()
}

fn parts(features: &[&str]) -> EnsembleParts {
    let trees = (0..features.len()).map(|feature| {
        let feature = feature as u32;
        stump(feature, 0.5, [-0.3 - f64::from(feature), 0.1 + f64::from(feature)])
    });
    EnsembleParts {
        features: features.iter().map(|name| Feature::new(*name)).collect(),
        trees: trees.collect(),
        bias: 0.25,
        link: Link::Logistic,
        calibration: Calibration::Platt { a: 0.9, b: -0.1 },
    }
}

trait TryIntoModel {
    fn try_into_model(self) -> Ensemble;
}

impl TryIntoModel for EnsembleParts {
    fn try_into_model(self) -> Ensemble {
        Ensemble::new(self).unwrap()
    }
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes columns as x.parquet.
    fn write(&self, columns: Vec<(&str, ArrayRef)>, row_group_rows: usize) -> PathBuf {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
        self.write_batch(&batch.unwrap(), row_group_rows)
    }

    fn write_batch(&self, batch: &RecordBatch, row_group_rows: usize) -> PathBuf {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(row_group_rows))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_bloom_filter_enabled(true)
            .set_key_value_metadata(Some(vec![KeyValue::new("origin".to_owned(), "a test".to_owned())]));
        self.write_with(batch, properties.build())
    }

    fn write_with(&self, batch: &RecordBatch, properties: WriterProperties) -> PathBuf {
        let path = self.path("x.parquet");
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        path
    }

    fn score(&self, model: &Ensemble, explanation: Explanation) -> Result<ScoredFile, ScoringError> {
        let (input, output) = (self.path("x.parquet"), self.path("y.parquet"));
        score_file(&request(model, &input, &output, explanation), &|_, _| {})
    }

    /// Scores, which must fail, leave nothing behind, and give this message.
    fn refused(&self, model: &Ensemble, explanation: Explanation, message: &str) {
        let before = self.names();
        let error = self.score(model, explanation).unwrap_err();
        let reported = error.to_string().replace(&format!("{}/", self.folder.path().display()), "");
        assert_eq!(reported, message);
        assert_eq!(self.names(), before);
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn request<'a>(model: &'a Ensemble, input: &'a Path, output: &'a Path, explanation: Explanation) -> ScoreRequest<'a> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    ScoreRequest { model, input, output, replaces: false, explanation, threads: threads(1), stop: &NEVER }
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<f64> {
    batch.column_by_name(column).unwrap().as_primitive::<Float64Type>().values().to_vec()
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Three features of different types with gaps, among columns that are none.
fn customers(rows: usize) -> (Vec<(&'static str, ArrayRef)>, Vec<[f64; 3]>) {
    let value = |row: usize, prime: usize| {
        (!(row * prime).is_multiple_of(11)).then_some(((row * prime) % 5) as f64 / 2.0 - 1.0)
    };
    let orders: Vec<_> = (0..rows).map(|row| value(row, 7)).collect();
    let recency: Vec<_> = (0..rows).map(|row| value(row, 13).map(|value| value as f32)).collect();
    let is_loyal: Vec<_> = (0..rows).map(|row| value(row, 17).map(|value| value > 0.0)).collect();
    let nan = f64::NAN;
    let rows_of_features = (0..rows).map(|row| {
        let loyal = is_loyal[row].map_or(nan, |is_loyal| f64::from(u8::from(is_loyal)));
        [recency[row].map_or(nan, f64::from), loyal, orders[row].unwrap_or(nan)]
    });
    let features = rows_of_features.collect();
    let tags = (0..rows).map(|row| (row % 3 > 0).then(|| vec![Some(row as i32); row % 3]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", Arc::new((0..rows).map(|row| Some(format!("c{row}"))).collect::<StringArray>())),
        ("orders", Arc::new(Float64Array::from(orders))),
        ("tags", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(tags))),
        ("is_loyal", Arc::new(BooleanArray::from(is_loyal))),
        ("recency", Arc::new(Float32Array::from(recency))),
    ];
    (columns, features)
}

#[test]
fn adds_scores_in_the_order_of_the_rows_and_keeps_what_was_there() {
    let files = Files::new();
    let (columns, features) = customers(40_000);
    let input = files.write(columns, 15_000);
    let model = model(&["recency", "is_loyal", "orders"]);
    let scored = files.score(&model, EVERYTHING).unwrap();
    assert_eq!(scored.rows, 40_000);
    let added = [
        "probability",
        "raw_score",
        "reason_1",
        "reason_2",
        "contribution_recency",
        "contribution_is_loyal",
        "contribution_orders",
        "contribution_bias",
    ];
    assert_eq!(scored.added_columns, added);

    let (before, after) = (read(&input), read(&files.path("y.parquet")));
    assert_eq!(after.project(&[0, 1, 2, 3, 4]).unwrap().columns(), before.columns());
    assert_eq!(after.schema().fields()[..5], before.schema().fields()[..]);
    let (raw_scores, probabilities) = (numbers(&after, "raw_score"), numbers(&after, "probability"));
    let parts: Vec<_> = added[4..].iter().map(|name| numbers(&after, name)).collect();
    let reasons = [2, 3].map(|at| after.column_by_name(added[at]).unwrap().as_string::<i32>().clone());
    let mut phi = [0.0; 3];
    for (row, values) in features.iter().enumerate() {
        let mut raw_score = [0.0];
        model.raw_scores(&[&values[..1], &values[1..2], &values[2..]], &mut raw_score).unwrap();
        assert_eq!(raw_scores[row], raw_score[0]);
        assert_eq!(probabilities[row], model.probability(raw_score[0]));
        model.contributions(values, &mut phi).unwrap();
        for (part, phi) in parts.iter().zip(phi) {
            assert!((part[row] - phi).abs() < 1e-6);
        }
        let sum: f64 = parts.iter().map(|part| part[row]).sum();
        assert!((sum - raw_score[0]).abs() < 1e-6);
        let texts: Vec<_> = model.reasons(values, &phi, 2).iter().map(|reason| model.reason_text(reason)).collect();
        for (rank, reason) in reasons.iter().enumerate() {
            assert_eq!(reason.is_valid(row).then(|| reason.value(row)), texts.get(rank).map(String::as_str));
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let files = Files::new();
    let input = files.write(customers(50_000).0, 20_000);
    let model = model(&["orders", "recency"]);
    let outputs = [1, 2, 3, 8].map(|count| {
        let output = files.path(&format!("y{count}.parquet"));
        let request = ScoreRequest { threads: threads(count), ..request(&model, &input, &output, EVERYTHING) };
        let reported = AtomicU64::new(0);
        score_file(&request, &|rows, total| {
            assert_eq!(total, 50_000);
            reported.fetch_max(rows, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(reported.into_inner(), 50_000);
        fs::read(output).unwrap()
    });
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn copies_indexes_filters_and_metadata() {
    let files = Files::new();
    let input = files.write(customers(3_000).0, 2_000);
    files.score(&model(&["orders"]), Explanation::default()).unwrap();
    let footer = |path: &Path| {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        ArrowReaderMetadata::load(&File::open(path).unwrap(), options).unwrap()
    };
    let (before, after) = (footer(&input), footer(&files.path("y.parquet")));
    assert_eq!(after.metadata().num_row_groups(), 2);
    let origin =
        after.metadata().file_metadata().key_value_metadata().unwrap().iter().find(|pair| pair.key == "origin");
    assert_eq!(origin.unwrap().value.as_deref(), Some("a test"));
    for (old, new) in before.metadata().row_groups().iter().zip(after.metadata().row_groups()) {
        for (old, new) in old.columns().iter().zip(new.columns()) {
            assert_eq!(new.compressed_size(), old.compressed_size());
            assert_eq!(new.statistics(), old.statistics());
            assert!(old.bloom_filter_offset().is_some() && new.bloom_filter_offset().is_some());
        }
    }
    assert_eq!(after.metadata().column_index().unwrap()[1][..3], before.metadata().column_index().unwrap()[1][..3]);
}

#[test]
fn a_file_without_indexes_stays_without() {
    let files = Files::new();
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
    let properties = properties.set_offset_index_disabled(true).set_max_row_group_row_count(Some(30)).build();
    let batch = RecordBatch::try_from_iter([("orders", floats(&[0.7; 100]))]).unwrap();
    files.write_with(&batch, properties);
    files.score(&model(&["orders"]), EVERYTHING).unwrap();
    let output = File::open(files.path("y.parquet")).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let footer = ArrowReaderMetadata::load(&output, options).unwrap();
    assert!(footer.metadata().offset_index().is_none());
    assert_eq!(read(&files.path("y.parquet")).num_rows(), 100);
}

#[test]
fn files_of_no_rows_and_of_one() {
    let one = floats(&[0.7]);
    for (rows, array) in [(0, one.slice(0, 0)), (1, one)] {
        let files = Files::new();
        files.write(vec![("orders", array)], 10);
        let scored = files.score(&model(&["orders"]), EVERYTHING).unwrap();
        let output = read(&files.path("y.parquet"));
        assert_eq!((scored.rows, output.num_rows(), output.num_columns()), (rows, rows as usize, 7));
    }
}

#[test]
fn a_regression_gives_a_prediction() {
    let files = Files::new();
    files.write(vec![("orders", floats(&[0.7, 0.2]))], 10);
    let parts = EnsembleParts { link: Link::Identity, calibration: Calibration::Identity, ..parts(&["orders"]) };
    let scored = files.score(&parts.try_into_model(), Explanation::default()).unwrap();
    assert_eq!(scored.added_columns, ["prediction", "raw_score"]);
    let output = read(&files.path("y.parquet"));
    assert_eq!(numbers(&output, "prediction"), [0.35, -0.04999999999999999]);
    assert_eq!(numbers(&output, "raw_score"), numbers(&output, "prediction"));
}

/// As training does: true and false are 1 and 0 to both.
#[test]
fn takes_every_type_of_number() {
    let files = Files::new();
    let cast = |kind| {
        let floats = Float64Array::from(vec![Some(1.0), Some(0.0), None]);
        arrow::compute::cast(&(Arc::new(floats) as ArrayRef), &kind).unwrap()
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("half", cast(DataType::Float16)),
        ("byte", cast(DataType::UInt8)),
        ("unsigned", cast(DataType::UInt64)),
        ("wide", cast(DataType::Decimal256(60, 20))),
        ("integer", Arc::new(Int64Array::from(vec![Some(1), Some(0), None]))),
        (
            "decimal",
            Arc::new(Decimal128Array::from(vec![Some(51), Some(50), None]).with_precision_and_scale(4, 2).unwrap()),
        ),
        ("nothing", Arc::new(NullArray::new(3))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        (
            "repeated",
            Arc::new(Int32DictionaryArray::new(
                Int32Array::from(vec![Some(1), Some(0), None]),
                Arc::new(Float64Array::from(vec![0.49, 0.51])),
            )),
        ),
    ];
    files.write(columns, 10);
    let names = ["half", "byte", "unsigned", "wide", "integer", "decimal", "nothing", "flag", "repeated"];
    let model = model(&names);
    files.score(&model, Explanation::default()).unwrap();
    let mut expected = [0.0; 3];
    let nan = f64::NAN;
    let ones: &[f64] = &[1.0, 0.0, nan];
    let columns: [&[f64]; 9] = [ones, ones, ones, ones, ones, &[0.51, 0.5, nan], &[nan; 3], ones, &[0.51, 0.49, nan]];
    model.raw_scores(&columns, &mut expected).unwrap();
    assert_eq!(numbers(&read(&files.path("y.parquet")), "raw_score"), expected);
}

/// A set of categories, a category of a linear term, and one written as a number; what training did not know is missing.
#[test]
fn reads_texts_by_the_categories_of_the_model() {
    let files = Files::new();
    let texts = |texts: [Option<&'static str>; 4]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let columns = vec![
        ("city", texts([Some("Rome"), Some("Paris"), Some("Atlantis"), None])),
        ("tier", texts([Some("gold"), Some("iron"), Some("none"), None])),
        ("code", Arc::new(Int64Array::from(vec![Some(7), Some(8), Some(9), None])) as ArrayRef),
    ];
    files.write(columns, 10);
    let feature = |name: &str, known: [&str; 2]| Feature {
        categories: Some(known.map(str::to_owned).into()),
        reason: None,
        ..Feature::new(name)
    };
    let split = |feature| Node::Split {
        feature,
        condition: Condition::OneOf(mainstay_model::CategorySet::new([1]).unwrap()),
        missing: Missing::Nan,
        default_left: false,
        left: 1,
        right: 2,
        cover: 4.0,
    };
    let tree = |feature, [left, right]: [f64; 2]| {
        let leaf = |value| Node::Leaf { value, cover: 2.0 };
        Tree::new(&[split(feature), leaf(left), leaf(right)]).unwrap()
    };
    let model = Ensemble::new(EnsembleParts {
        features: vec![
            feature("city", ["Paris", "Rome"]),
            feature("tier", ["gold", "iron"]),
            feature("code", ["7", "8"]),
        ],
        trees: vec![tree(0, [1.0, 2.0]), tree(2, [16.0, 32.0])],
        bias: 0.0,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    });
    let effect = mainstay_model::Effect::Categories(vec![0.25, 0.5]);
    let term = mainstay_model::Term { feature: 1, effect, missing: 0.0, mean: 0.25 };
    let model = model.unwrap().with_terms(vec![term]).unwrap();
    files.score(&model, EVERYTHING).unwrap();
    let scored = read(&files.path("y.parquet"));
    assert_eq!(numbers(&scored, "raw_score"), [33.25, 18.5, 34.0, 34.0]);
    assert_eq!(numbers(&scored, "contribution_tier"), [0.0, 0.25, -0.25, -0.25]);
    let reasons = scored["reason_1"].as_string::<i32>();
    assert_eq!(reasons.value(0), "code is 7");
}

/// A model of one feature of texts: `Paris` adds 1, `Rome` 2, all else 4.
fn city_model() -> Ensemble {
    let split = |code, left, right| Node::Split {
        feature: 0,
        condition: Condition::OneOf(mainstay_model::CategorySet::new([code]).unwrap()),
        missing: Missing::Nan,
        default_left: false,
        left,
        right,
        cover: 0.0,
    };
    let leaf = |value| Node::Leaf { value, cover: 0.0 };
    let categories = Some(vec!["Paris".to_owned(), "Rome".to_owned()]);
    Ensemble::new(EnsembleParts {
        features: vec![Feature { categories, ..Feature::new("city") }],
        trees: vec![Tree::new(&[split(0, 1, 2), leaf(1.0), split(1, 3, 4), leaf(2.0), leaf(4.0)]).unwrap()],
        bias: 0.0,
        link: Link::Identity,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// Every Arrow type of text, stored with and without a dictionary, over many pages, with gaps and without.
#[test]
fn texts_are_one_however_they_are_stored() {
    let long = "P".repeat(3_000);
    let known = [Some("Paris"), Some("Rome"), Some("Oslo"), None, Some(""), Some(long.as_str()), Some("Pari")];
    let (with_gaps, without) = (|row: usize| known[row % 7], |row: usize| known[row % 7].or(Some("Rome")));
    let score = |text: Option<&str>| match text {
        Some("Paris") => 1.0,
        Some("Rome") => 2.0,
        _ => 4.0,
    };
    let dictionary = |keys| DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8));
    let kinds = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Int8),
        dictionary(DataType::UInt32),
    ];
    for kind in kinds {
        for (is_nullable, text) in [(true, &with_gaps as &dyn Fn(usize) -> _), (false, &without)] {
            for has_dictionary in [true, false] {
                let files = Files::new();
                let texts: ArrayRef = Arc::new((0..20_000).map(text).collect::<StringArray>());
                let texts = arrow::compute::cast(&texts, &kind).unwrap();
                let batch = RecordBatch::try_from_iter_with_nullable([("city", texts, is_nullable)]).unwrap();
                let properties = WriterProperties::builder().set_max_row_group_row_count(Some(17_000));
                let properties = properties.set_dictionary_enabled(has_dictionary).set_data_page_size_limit(50_000);
                files.write_with(&batch, properties.build());
                files.score(&city_model(), Explanation::default()).unwrap();
                let expected: Vec<f64> = (0..20_000).map(|row| score(text(row))).collect();
                let found = numbers(&read(&files.path("y.parquet")), "raw_score");
                assert!(found == expected, "{kind}, nullable {is_nullable}, dictionary {has_dictionary}");
            }
        }
    }
}

#[test]
fn refuses_texts_in_another_encoding_by_their_row_in_the_file() {
    let files = Files::new();
    let latin: Vec<&[u8]> =
        (0..30_000).map(|row| if row == 25_000 { b"K\xf6ln".as_slice() } else { b"Rome" }).collect();
    // Bytes that a foreign writer declares as a text: a footer without Arrow's schema, and the mark of a text on the column.
    let schema = parquet::schema::parser::parse_message_type("message x { required binary city (UTF8); }").unwrap();
    let file = File::create(files.path("x.parquet")).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, Arc::new(schema), properties).unwrap();
    for rows in latin.chunks(20_000) {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts: Vec<parquet::data_type::ByteArray> = rows.iter().map(|text| text.to_vec().into()).collect();
        column.typed::<parquet::data_type::ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    files.refused(
        &city_model(),
        Explanation::default(),
        "column `city` of x.parquet holds a text in row 25000 (counted from 0) that is no UTF-8: write the file anew in UTF-8",
    );
}

#[test]
fn refuses_pages_that_are_too_large_by_their_column() {
    let files = Files::new();
    let text = "n".repeat(3 << 20);
    let batch = RecordBatch::try_from_iter([("city", Arc::new(StringArray::from(vec![text.as_str()])) as ArrayRef)]);
    let path = files.write_batch(&batch.unwrap(), 10);
    let file = File::open(&path).unwrap();
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let check = |limit| {
        let chunk = footer.metadata().row_group(0).column(0);
        crate::batches::check_pages(Path::new("x.parquet"), "city", &file, chunk, limit)
    };
    assert!(check(4 << 20).is_ok());
    assert_eq!(
        check(2 << 20).unwrap_err().to_string(),
        "column `city` of x.parquet has a page of 3 MB, at most 2 MB are read at once: write the file with smaller pages (most programs \
         make them 1 MB)"
    );
}

#[test]
fn refuses_columns_that_are_no_categories() {
    let files = Files::new();
    files.write(vec![("city", Arc::new(Date32Array::from(vec![20_000])) as ArrayRef)], 10);
    files.refused(
        &city_model(),
        Explanation::default(),
        "column `city` of x.parquet is of type Date32, but the model needs texts or numbers there: write it as a number, such as the \
         days until the day of scoring",
    );
    // Nothing is no category, and is read as one that is missing.
    files.write(vec![("city", Arc::new(NullArray::new(3)) as ArrayRef), ("orders", floats(&[0.7; 3]))], 10);
    let city = Feature { categories: Some(vec!["Paris".to_owned()]), ..Feature::new("city") };
    let features = vec![city, Feature::new("orders")];
    let model = EnsembleParts { features, ..parts(&["city", "orders"]) }.try_into_model();
    files.score(&model, Explanation::default()).unwrap();
}

#[test]
fn models_of_many_features_are_scored_in_smaller_batches() {
    use crate::batches::batch_rows;
    assert_eq!([1, 40, 400].map(batch_rows), [16_384; 3]);
    assert_eq!(batch_rows(1_000), 8_192);
    assert_eq!([10_000, usize::MAX].map(batch_rows), [768, 256]);
}

#[test]
fn an_output_that_exists_stays_unless_it_is_to_be_replaced() {
    let files = Files::new();
    let input = files.write(vec![("orders", floats(&[0.7]))], 10);
    let model = model(&["orders"]);
    let output = files.path("y.parquet");
    fs::write(&output, "precious").unwrap();
    files.refused(
        &model,
        Explanation::default(),
        "y.parquet exists already: choose another name, or replace it with --force",
    );
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    let forced = ScoreRequest { replaces: true, ..request(&model, &input, &output, Explanation::default()) };
    assert_eq!(score_file(&forced, &|_, _| {}).unwrap().rows, 1);
    assert_eq!(read(&output).num_columns(), 3);
    let onto_itself = ScoreRequest { output: &input, ..forced };
    let message = score_file(&onto_itself, &|_, _| {}).unwrap_err().to_string();
    assert!(message.ends_with("x.parquet: give the output another name"), "{message}");
}

#[test]
fn who_stops_it_finds_nothing() {
    let files = Files::new();
    let input = files.write(customers(40_000).0, 40_000);
    let (model, output, stop) = (model(&["orders"]), files.path("y.parquet"), AtomicBool::new(false));
    let request = ScoreRequest { stop: &stop, threads: threads(2), ..request(&model, &input, &output, EVERYTHING) };
    let error = score_file(&request, &|_, _| stop.store(true, Ordering::Relaxed)).unwrap_err();
    assert_eq!(error.to_string(), "stopped: no output was written");
    assert_eq!(files.names(), ["x.parquet"]);
}

#[test]
fn refuses_columns_that_do_not_fit_the_model() {
    let files = Files::new();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["high"]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![20_000]));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]));
    files.write(vec![("orders", floats(&[0.7])), ("level", text), ("since", day), ("tags", list)], 10);
    let refused = |features: &[&str], message: &str| files.refused(&model(features), Explanation::default(), message);
    refused(&["age", "orders"], "x.parquet has no column `age`: add it, or give the columns the model's names");
    refused(
        &["f0", "f1", "f2", "orders", "f3", "f4", "f5", "f6"],
        "x.parquet has no column `f0`, `f1`, `f2`, `f3`, `f4` and 2 more: add them, or give the columns the model's names",
    );
    refused(
        &["level"],
        "column `level` of x.parquet is of type Utf8, but the model needs numbers there: cast it to a number, as in \
         `cast(column as double)`, or write the number that stood for each text in training",
    );
    refused(
        &["since"],
        "column `since` of x.parquet is of type Date32, but the model needs numbers there: write it as a number, such as \
         the days until the day of scoring",
    );
    let message = files.score(&model(&["tags"]), Explanation::default()).unwrap_err().to_string();
    assert!(message.ends_with("but the model needs numbers there: write one number for each row"), "{message}");
}

#[test]
fn refuses_infinite_values_by_their_row_in_the_file() {
    let files = Files::new();
    let mut values = vec![0.0; 50_000];
    values[49_999] = f64::NEG_INFINITY;
    values[45_000] = f64::INFINITY;
    let input = files.write(vec![("orders", floats(&values))], 40_000);
    let expected = "column `orders` of x.parquet is infinite in row 45000 (counted from 0): make it null or finite";
    files.refused(&model(&["orders"]), Explanation::default(), expected);
    let (model, output) = (model(&["orders"]), files.path("y.parquet"));
    for count in [2, 5] {
        let request = ScoreRequest { threads: threads(count), ..request(&model, &input, &output, EVERYTHING) };
        assert!(score_file(&request, &|_, _| {}).unwrap_err().to_string().contains("in row 45000 "));
    }
}

#[test]
fn refuses_names_that_would_be_there_twice() {
    let files = Files::new();
    files.write(vec![("orders", floats(&[0.7])), ("bias", floats(&[0.7])), ("raw_score", floats(&[0.7]))], 10);
    files.refused(
        &model(&["orders"]),
        Explanation::default(),
        "x.parquet has a column `raw_score` already, which would be added: rename or drop it",
    );
    files.refused(
        &model(&["orders", "bias"]),
        EVERYTHING,
        "the model has a feature `bias`, so that `contribution_bias` would be added twice: rename the feature",
    );
}

/// Whether the model needs the column or not: the output would have it twice as well.
#[test]
fn a_column_that_stands_twice_is_refused() {
    for twice in ["orders", "note"] {
        let files = Files::new();
        let field = |name: &str| arrow::datatypes::Field::new(name, DataType::Float64, true);
        let schema = arrow::datatypes::Schema::new(vec![field("orders"), field("note"), field(twice)]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![floats(&[0.7]), floats(&[0.1]), floats(&[0.8])]);
        files.write_batch(&batch.unwrap(), 10);
        files.refused(
            &model(&["orders"]),
            Explanation::default(),
            &format!(
                "x.parquet has more than one column `{twice}`: keep one of them, or give the others names of their own"
            ),
        );
    }
}

fn warned(files: &Files, model: &Ensemble) -> Vec<(String, f64, String)> {
    let output = files.path("y.parquet");
    let _ = fs::remove_file(&output);
    let scored = files.score(model, Explanation::default()).unwrap();
    let folder = format!("{}/", files.folder.path().display());
    let warning = |of: crate::FeatureWarning| (of.feature, of.share, of.message.replace(&folder, ""));
    scored.warnings.into_iter().map(warning).collect()
}

#[test]
fn a_feature_that_is_missing_in_every_row_is_named() {
    let files = Files::new();
    let nan: ArrayRef = Arc::new(Float32Array::from(vec![Some(f32::NAN), None, Some(f32::NAN)]));
    files.write(vec![("orders", floats(&[0.7, 0.1, 0.2])), ("recency", Arc::clone(&nan))], 2);
    let found = warned(&files, &model(&["orders", "recency"]));
    let told = "feature `recency` is missing in all 3 rows of x.parquet: they are scored as if nobody knew it; fill the column in, or use \
                a model without it";
    assert_eq!(found, [("recency".to_owned(), 1.0, told.to_owned())]);

    // One value of the last row group is enough.
    let late: ArrayRef = Arc::new(Float32Array::from(vec![None, Some(f32::NAN), Some(0.5)]));
    files.write(vec![("orders", floats(&[0.7, 0.1, 0.2])), ("recency", late)], 2);
    assert!(warned(&files, &model(&["orders", "recency"])).is_empty());

    files.write(vec![("orders", Arc::new(NullArray::new(3)) as ArrayRef), ("recency", nan)], 2);
    fs::remove_file(files.path("y.parquet")).unwrap();
    files.refused(
        &model(&["orders", "recency"]),
        Explanation::default(),
        "no row of x.parquet has a value of any feature of the model that it can read (`orders` is missing, `recency` is missing): all 3 \
         rows would get the same score; check that this is the file of this model, and write its columns as they were in training",
    );
}

/// Texts, texts in a dictionary, and numbers that are categories.
#[test]
fn categories_that_the_model_has_not_learnt_are_named_from_half_of_the_values_on() {
    let with_orders = |cities: ArrayRef| {
        let files = Files::new();
        files.write(vec![("city", cities), ("orders", floats(&[0.7; 5]))], 2);
        files
    };
    let feature =
        |known: [&str; 2]| Feature { categories: Some(known.map(str::to_owned).into()), ..Feature::new("city") };
    let features = |known| vec![feature(known), Feature::new("orders")];
    let knows = |known| EnsembleParts { features: features(known), ..parts(&["city", "orders"]) };
    let cities = knows(["Paris", "Rome"]).try_into_model();
    let texts = |texts: [Option<&str>; 5]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let half = texts([Some("Paris"), Some("Rome"), None, Some("paris"), Some("ROME")]);
    assert!(warned(&with_orders(half), &cities).is_empty(), "two of four");
    let most = texts([Some("Paris"), Some("rome"), None, Some("paris"), Some("ROME")]);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for most in [arrow::compute::cast(&most, &dictionary).unwrap(), most] {
        let told = "feature `city` of x.parquet has values that the model has not learnt in 3 of the 4 rows that have one (75 %), such as \
                    `rome`: they count as missing; write them as they were in training (`Paris`, `Rome`), or train anew";
        assert_eq!(warned(&with_orders(most), &cities), [("city".to_owned(), 0.75, told.to_owned())]);
    }
    let numbers = knows(["7", "8"]).try_into_model();
    let codes: ArrayRef = Arc::new(Int64Array::from(vec![Some(70), Some(80), None, Some(70), Some(80)]));
    let found = warned(&with_orders(codes), &numbers);
    assert_eq!((found[0].1, found.len()), (1.0, 1));
    assert!(found[0].2.contains("such as `70`"), "{}", found[0].2);

    let files = Files::new();
    files.write(vec![("city", texts([Some("paris"), None, None, Some("oslo"), None]))], 2);
    files.refused(
        &city_model(),
        Explanation::default(),
        "no row of x.parquet has a value of any feature of the model that it can read (`city` holds others than training did, such as \
         `paris`): all 5 rows would get the same score; check that this is the file of this model, and write its columns as they were in \
         training",
    );
}

#[test]
fn refuses_what_is_no_parquet_file() {
    let files = Files::new();
    let model = model(&["orders"]);
    let nothing = Explanation::default();
    files.refused(&model, nothing, "cannot open x.parquet: check the path");
    fs::create_dir(files.path("x.parquet")).unwrap();
    files.refused(&model, nothing, "cannot open x.parquet: check the path");
    fs::remove_dir(files.path("x.parquet")).unwrap();
    let foreign = [
        ("", "x.parquet is empty, no Parquet file: write it anew"),
        (
            "orders\n1\n",
            "x.parquet is text (such as CSV), no Parquet file: convert it, as in `duckdb -c \"copy 'rows.csv' to 'rows.parquet'\"` or with \
             `to_parquet` of pandas or polars",
        ),
        ("PAR1", "x.parquet begins as a Parquet file, but is cut off: copy or write it anew"),
    ];
    for (content, message) in foreign {
        fs::write(files.path("x.parquet"), content).unwrap();
        files.refused(&model, nothing, message);
    }
    let input = files.write(customers(5_000).0, 5_000);
    let bytes = fs::read(&input).unwrap();
    fs::write(&input, &bytes[..bytes.len() / 2]).unwrap();
    files.refused(&model, nothing, "x.parquet begins as a Parquet file, but is cut off: copy or write it anew");
    let mut damaged = bytes;
    let half = damaged.len() / 2;
    for byte in &mut damaged[100..half] {
        *byte = !*byte;
    }
    fs::write(&input, damaged).unwrap();
    let broken =
        "cannot read x.parquet: if it is damaged, write it anew; if it is foreign, use zstd, snappy or no compression";
    files.refused(&model, nothing, broken);
}

#[test]
fn refuses_to_explain_without_covers_and_to_write_where_it_cannot() {
    let files = Files::new();
    let input = files.write(vec![("orders", floats(&[0.7]))], 10);
    let bare = Tree::new(&[Node::Leaf { value: 1.0, cover: 0.0 }]).unwrap();
    let without_covers = EnsembleParts { trees: vec![bare], ..parts(&["orders"]) }.try_into_model();
    let message = files.score(&without_covers, EVERYTHING).unwrap_err().to_string();
    assert!(message.starts_with("the model has no covers"), "{message}");
    files.score(&without_covers, Explanation::default()).unwrap();

    let model = model(&["orders"]);
    let nowhere = files.path("no/such/y.parquet");
    let error = score_file(&request(&model, &input, &nowhere, EVERYTHING), &|_, _| {}).unwrap_err().to_string();
    assert!(error.ends_with("y.parquet: check that its folder exists, may be written and has room"), "{error}");
}
