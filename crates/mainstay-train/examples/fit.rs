//! Fits, calibrates and judges a table of training rows, without the rest of the product: for trying parameters.
//!
//! `cargo run -p mainstay-train --example fit -- rows.csv [scores.csv] [parameter=value ...] [fit_from="2011-01-01"]`, where the columns of `rows.csv` are
//! customer_id, cut, churned, role (`test`, or anything else for training rows) and the features, an empty field being a missing
//! value: what a training leaves in `training_rows.parquet` and `test_rows.parquet`, as one file of comma-separated values.
//! `scores.csv` gets the raw score of every row by trees that have not seen its customer.

// What it is for is to print.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::time::Instant;

use mainstay_train::{BoostedTreesParams, CalibrationCheck, Recipe, Reliability, Trained, TrainingRows, TrainingSet};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (settings, files): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|text| text.contains('='));
    let [file, rest @ ..] = &files[..] else {
        return Err("name a file of training rows".into());
    };
    let mut parts = read(&std::fs::read_to_string(file)?)?;
    let test = parts.remove(&true).ok_or("there are no rows of role test")?;
    let training = parts.remove(&false).ok_or("there are no training rows")?;
    let mut params = params(&settings)?;
    let earliest = training.cuts.iter().min().copied().ok_or("there are no training rows")?;
    let fit_from = match params.as_object_mut().and_then(|params| params.remove("fit_from")) {
        Some(cut) => serde_json::from_value(cut)?,
        None => earliest,
    };
    let trees: BoostedTreesParams = serde_json::from_value(params)?;
    let recipe = Recipe { model: trees.check()?.into(), seed: trees.seed, fit_from, folds: 4 };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let start = Instant::now();
    let trained = recipe.train(TrainingSet::new(training)?, TrainingSet::new(test)?, threads, &mut |_, _| {})?;
    let (rows, seconds) = (trained.training.row_count(), start.elapsed().as_secs_f64());
    println!("{} trees on {rows} rows, with {} folds in {seconds:.1} s", trained.model.trees().len(), recipe.folds);
    println!("AUC on test: {:.4}", trained.evaluation.ranking.auc);
    let calibration = trained.calibration;
    println!("log-odds = {:.3} margin + {:.3}", calibration.slope, calibration.intercept);
    for (name, CalibrationCheck { reliability, uncalibrated_brier, uncalibrated_ece, .. }) in
        [("check", calibration.check), ("test", calibration.test)]
    {
        let Reliability { brier, ece, ece_noise_floor, .. } = reliability;
        println!(
            "{name}: Brier {brier:.5} ({uncalibrated_brier:.5} uncalibrated), ECE {ece:.4} ({uncalibrated_ece:.4} \
             uncalibrated, noise floor {ece_noise_floor:.4})"
        );
    }
    if let [out, ..] = rest {
        std::fs::write(out, scores(&trained)?)?;
    }
    Ok(())
}

fn params(settings: &[&String]) -> Result<serde_json::Value> {
    let mut params = serde_json::json!({
        "rounds": 100, "trees_per_round": 2, "depth": 4, "learning_rate": 0.08, "rows_per_tree": 4096,
        "columns_per_tree": 0.3, "l2": 10.0, "minimum_leaf_rows": 80, "seed": 20240101,
    });
    for setting in settings {
        let (name, value) = setting.split_once('=').ok_or("write parameter=value")?;
        params[name] = serde_json::from_str(value)?;
    }
    Ok(params)
}

/// The rows by whether they are those of the test cut.
fn read(text: &str) -> Result<BTreeMap<bool, TrainingRows>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let features: Vec<String> = header.iter().skip(4).map(|name| (*name).to_owned()).collect();
    let mut parts = BTreeMap::new();
    for line in lines {
        let mut fields = line.split(',');
        let mut next = || fields.next().ok_or_else(|| format!("a field is missing in `{line}`"));
        let (key, cut, churned, role) = (next()?, next()?, next()?, next()?);
        let empty = || TrainingRows {
            feature_names: features.clone(),
            columns: vec![Vec::new(); features.len()],
            ..TrainingRows::default()
        };
        let rows = parts.entry(role == "test").or_insert_with(empty);
        rows.keys.push(key.to_owned());
        rows.cuts.push(cut.parse()?);
        rows.labels.push(matches!(churned, "1" | "true"));
        for column in &mut rows.columns {
            let field = next()?;
            column.push(if field.is_empty() { f64::NAN } else { field.parse()? });
        }
    }
    Ok(parts)
}

fn scores(trained: &Trained) -> Result<String> {
    let mut text = "customer_id,cut,churned,role,raw_score\n".to_owned();
    let roles = trained.folds.iter().map(|_| "fit").chain(std::iter::repeat("test"));
    let scores = trained.training_scores.iter().chain(&trained.test_scores);
    let rows = [&trained.training, &trained.test];
    let rows = rows.into_iter().flat_map(|set| (0..set.row_count()).map(move |row| (set, row)));
    let keys = trained.training.keys().chain(trained.test.keys());
    for ((((set, row), key), role), score) in rows.zip(keys).zip(roles).zip(scores) {
        writeln!(text, "{key},{},{},{role},{score}", set.cuts()[row], u8::from(set.labels()[row]))?;
    }
    Ok(text)
}
