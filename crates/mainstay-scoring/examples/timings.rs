//! Times this crate and the kernels below it, for `benches/ensembles/run`: one JSON document on standard output.
//!
//! ```text
//! timings import  xgboost|lightgbm FILE MODEL
//! timings score   MODEL ROWS          seconds of scoring rows that are in memory, one thread, by instruction set
//! timings explain MODEL ROWS          seconds of all contributions of rows that are in memory, one thread, by instruction set
//! timings file    MODEL ROWS THREADS  seconds of `mainstay score` on a file, and of reading and writing the same columns
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use arrow::array::{Array, AsArray, Float32Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type};
use mainstay_model::{Bits, Column, Ensemble, Explainer, Feature, InstructionSet, Scorer, SelfTest, import};
use mainstay_scoring::{Explanation, ScoreRequest, score_file};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The least of so many runs is reported.
const REPEATS: usize = 5;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["import", format, file, output] => import(format, file, output),
        ["score", model, rows] => time_scores(&read_model(model)?, Path::new(rows)),
        ["explain", model, rows] => time_contributions(&read_model(model)?, Path::new(rows)),
        ["file", model, rows, threads] => time_file(&read_model(model)?, Path::new(rows), threads.parse()?),
        _ => Err("usage: timings import|score|explain|file ..., see the head of this file".into()),
    }
}

fn time_scores(model: &Ensemble, rows: &Path) -> Result<()> {
    let columns = read_columns(model, rows)?;
    let columns: Vec<Column<'_>> = columns.iter().map(view).collect::<Result<_>>()?;
    let mut raw_scores = vec![0.0; columns[0].len()];
    let seconds = of_each_set(|instructions| {
        let scorer = Scorer::with_instructions(model, instructions);
        least(|| {
            scorer.raw_scores(&columns, &mut raw_scores)?;
            black_box(raw_scores.iter().map(|&raw_score| model.prediction(raw_score)).sum::<f64>());
            Ok(())
        })
    })?;
    print_times(raw_scores.len(), SelfTest::scoring(), &seconds);
    Ok(())
}

fn time_contributions(model: &Ensemble, rows: &Path) -> Result<()> {
    let columns = read_columns(model, rows)?;
    let columns: Vec<Column<'_>> = columns.iter().map(view).collect::<Result<_>>()?;
    let rows = columns[0].len();
    let mut contributions = vec![0.0; rows * columns.len()];
    let seconds = of_each_set(|instructions| {
        let explainer = Explainer::with_instructions(model, instructions)?;
        least(|| Ok(explainer.contributions(&columns, black_box(&mut contributions))?))
    })?;
    print_times(rows, SelfTest::contributions(), &seconds);
    Ok(())
}

/// What a measurement gives on each instruction set of this machine.
fn of_each_set(mut seconds: impl FnMut(InstructionSet) -> Result<f64>) -> Result<Vec<(InstructionSet, f64)>> {
    InstructionSet::available().into_iter().map(|set| Ok((set, seconds(set)?))).collect()
}

fn print_times(rows: usize, test: &SelfTest, seconds: &[(InstructionSet, f64)]) {
    let seconds: Vec<String> = seconds.iter().map(|(set, seconds)| format!("\"{}\": {seconds}", set.name())).collect();
    let (chosen, seconds) = (test.chosen().name(), seconds.join(", "));
    println!("{{\"rows\": {rows}, \"chosen\": \"{chosen}\", \"seconds\": {{{seconds}}}}}");
}

fn time_file(model: &Ensemble, rows: &Path, threads: usize) -> Result<()> {
    let (scored, copied) = (rows.with_extension("scored.parquet"), rows.with_extension("copied.parquet"));
    let request = ScoreRequest {
        model,
        input: rows,
        output: &scored,
        replaces: true,
        explanation: Explanation::default(),
        threads: threads.try_into()?,
        stop: &AtomicBool::new(false),
    };
    let mut count = 0;
    let score_seconds = least(|| {
        count = score_file(&request, &|_, _| {})?.rows;
        Ok(())
    })?;
    let copy_seconds = least(|| copy(rows, &copied))?;
    println!("{{\"rows\": {count}, \"score_seconds\": {score_seconds}, \"copy_seconds\": {copy_seconds}}}");
    Ok(())
}

/// Reads every column and writes it again, compressed as it was.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(from)?)?;
    let compression = builder.metadata().row_group(0).column(0).compression();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(File::create(to)?, builder.schema().clone(), Some(properties))?;
    for batch in builder.with_batch_size(16_384).build()? {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}

fn import(format: &str, file: &str, output: &str) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let model = if format == "xgboost" { import::xgboost(&bytes)? } else { import::lightgbm_text(&bytes)? };
    Ok(std::fs::write(output, model.to_json())?)
}

fn read_model(path: &str) -> Result<Ensemble> {
    Ok(Ensemble::from_json(&std::fs::read(path)?)?)
}

/// The model's features of all rows of a file, as single-precision numbers.
fn read_columns(model: &Ensemble, path: &Path) -> Result<Vec<Float32Array>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build()?.collect::<std::result::Result<_, _>>()?;
    let rows = concat_batches(&schema, &batches)?;
    let column = |feature: &Feature| -> Result<Float32Array> {
        let name = &feature.name;
        let column = rows.column_by_name(name).ok_or_else(|| format!("the rows have no column `{name}`"))?;
        Ok(cast(column, &DataType::Float32)?.as_primitive::<Float32Type>().clone())
    };
    model.features().iter().map(column).collect()
}

fn view(array: &Float32Array) -> Result<Column<'_>> {
    let column = Column::new(array.values().as_ref());
    match array.nulls() {
        Some(nulls) => Ok(column.with_validity(Bits::new(nulls.validity(), nulls.offset(), nulls.len())?)?),
        None => Ok(column),
    }
}

/// The seconds of the fastest of some runs.
fn least(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        work()?;
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}
