//! Times one fit, for `benches/training`: `fit_seconds TRAIN.parquet VALIDATION.parquet TEST.parquet LABEL PARAMETERS THREADS`, where the
//! files hold numbers only and the parameters are JSON with their `kind`. Prints JSON: seconds of the fit, and the AUC on both others.

// What it is for is to print.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::num::NonZeroUsize;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use mainstay_model::{Column, Scorer};
use mainstay_train::evaluate::rank;
use mainstay_train::{ModelParams, TrainingRows, TrainingSet};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [training, validation, test, label, params, threads] = &arguments[..] else {
        return Err("name three files, the label, the parameters and the number of threads".into());
    };
    let params = serde_json::from_str::<ModelParams>(params)?.check()?;
    let threads: NonZeroUsize = threads.parse()?;
    let set = TrainingSet::new(read(training, label)?)?;
    let start = Instant::now();
    let model = params.fit(&set, threads, &mut |_, _| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let scorer = Scorer::new(&model);
    let auc = |path| -> Result<f64, Box<dyn Error>> {
        let rows = read(path, label)?;
        let columns: Vec<Column<'_>> = rows.columns.iter().map(|column| Column::new(column.as_slice())).collect();
        let mut scores = vec![0.0; rows.labels.len()];
        scorer.raw_scores(&columns, &mut scores)?;
        Ok(rank(&scores, &rows.labels)?.auc)
    };
    let [validation, test] = [auc(validation)?, auc(test)?];
    let found = serde_json::json!({
        "seconds": seconds, "validation_auc": validation, "test_auc": test, "trees": model.trees().len(),
    });
    println!("{found}");
    Ok(())
}

fn read(path: &str, label: &str) -> Result<TrainingRows, Box<dyn Error>> {
    let mut rows = TrainingRows::default();
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()? {
        let batch = batch?;
        let mut feature = 0;
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let numbers = cast(array, &DataType::Float64)?;
            let values = numbers.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN));
            if field.name() == label {
                rows.labels.extend(values.map(|value| value == 1.0));
                continue;
            }
            if rows.columns.len() == feature {
                rows.columns.push(Vec::new());
                rows.feature_names.push(field.name().clone());
            }
            rows.columns[feature].extend(values);
            feature += 1;
        }
    }
    rows.keys = (0..rows.labels.len()).map(|row| format!("{row:09}")).collect();
    rows.cuts = vec!["2024-01-01".parse()?; rows.labels.len()];
    Ok(rows)
}
