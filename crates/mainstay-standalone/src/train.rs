//! Trains a model on the rows of a Parquet file, and judges it on rows that it has not seen.
//!
//! [`train_file`] reads the file ([`table`]), finds out what its columns are ([`columns`]), sets rows aside to judge on, by time where a
//! column tells it ([`split`]), looks for leaks, searches kinds and parameters, fits, calibrates and judges. The model that is judged
//! is the model that is given back.

mod columns;
mod error;
mod label;
mod report;
mod split;
mod table;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use mainstay_model::Ensemble;
use mainstay_schema::Ds;
use mainstay_train::baseline::{FeatureRows, single_feature};
use mainstay_train::leakage::DateColumn;
use mainstay_train::{Competitor, JudgedWith, Parameters, Pipeline, Search, TrainError, TrainingFacts, TrainingSet};

pub use error::TrainFileError;
pub use mainstay_train::{Judgement, LearnerKind, Monotone};
pub use report::{LeftOut, SplitReport, TrainReport};

use columns::Columns;
use label::Label;
use split::Split;
use table::Table;

/// Parts of the customers that the curve from score to probability is learnt and checked with.
const FOLDS: usize = 4;

/// What to train on, and how.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// A Parquet file with a row for each decision: features, and what happened.
    pub input: PathBuf,
    /// The rows to judge on; a part of the input where there are none.
    pub test: Option<PathBuf>,
    /// The column of what happened.
    pub label: String,
    /// The value of the label that stands for churn, where it is not plain.
    pub positive: Option<String>,
    /// The column that names the customer; each row is a customer of its own where there is none.
    pub key: Option<String>,
    /// The column of the day of the decision.
    pub time_column: Option<String>,
    /// Days after it in which the label comes about.
    pub label_days: u32,
    /// The day of the training, in UTC: no decision of a later day has an outcome yet.
    pub today: Ds,
    /// Columns that are no features.
    pub exclude: Vec<String>,
    /// Columns of texts or numbers that are categories.
    pub categories: Vec<String>,
    /// What is declared of features.
    pub monotone: BTreeMap<String, Monotone>,
    /// The kinds that may win.
    pub kinds: Vec<LearnerKind>,
    /// Candidates of the search; one takes the usual parameters.
    pub candidates: usize,
    /// A feature that is shown beside the model, alone; the strongest one where none is named.
    pub baseline: Option<String>,
    /// Columns by whose values figures are told; those of categories where none is named.
    pub segments: Vec<String>,
    /// A model to compare with.
    pub champion: Option<Ensemble>,
    /// Draws rows, columns and candidates.
    pub seed: u64,
    /// Threads; any number gives the same model.
    pub threads: NonZeroUsize,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainProgress {
    /// What is counted.
    pub unit: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// A model and all that is told of it.
#[derive(Debug, Clone)]
pub struct TrainedFile {
    /// The model, calibrated.
    pub model: Ensemble,
    /// What was found.
    pub report: TrainReport,
}

/// Trains.
///
/// # Errors
/// See [`TrainFileError`]: each names the column and what to do.
pub fn train_file(
    request: &TrainRequest,
    progress: &mut dyn FnMut(TrainProgress),
) -> Result<TrainedFile, TrainFileError> {
    let table = Table::read(&request.input, request)?;
    let label = Label::of(&table, &request.label, request.positive.as_deref())?;
    let split = Split::of(&table, request)?;
    let columns = Columns::choose(&table, request, &split)?;
    let (training, test) = match &request.test {
        None => {
            let training = columns.set(&table, &label, &split, |row| split.is_training(row))?;
            let test = columns.set(&table, &label, &split, |row| split.is_test(row))?;
            (training, test)
        }
        Some(path) => {
            let other = Table::read(path, request)?;
            let other_label = Label::of(&other, &request.label, request.positive.as_deref())?;
            let other_split = Split::whole(&other, request)?;
            let training = columns.set(&table, &label, &split, |_| true)?;
            (training, columns.set(&other, &other_label, &other_split, |_| true)?)
        }
    };

    let search = Search {
        kinds: request.kinds.clone(),
        candidates: request.candidates,
        validations: if request.candidates > 1 { 3 } else { 1 },
        label_days: request.label_days,
        seed: request.seed,
    };
    let pipeline = Pipeline {
        parameters: Parameters::Searched(search),
        seed: request.seed,
        fit_from: training.cuts().first().copied().unwrap_or(split::NO_TIME),
        folds: FOLDS,
    };
    let (searched, trained) = pipeline.run(training, test, request.threads, &mut |unit, done, total| {
        progress(TrainProgress { unit, done: done as u64, total: total as u64 });
    })?;

    let others = competitors(request, &trained.training, &trained.test)?;
    let segments = columns.segments(request, &trained.test);
    let dates: Vec<DateColumn> = match (&request.time_column, &request.test) {
        (Some(_), None) => columns.dates(&table, &split),
        _ => Vec::new(),
    };
    let with = JudgedWith { label: &request.label, segments: &segments, others: &others, dates: &dates };
    let facts = TrainingFacts::of(&trained, searched, &with)?;
    let warnings = split.doubts(request, trained.test.labels()).into_iter().collect();
    let report = TrainReport {
        input: request.input.clone(),
        model: trained.model.digest(),
        label: request.label.clone(),
        positive: label.positive.clone(),
        features: trained.training.feature_names().to_vec(),
        left_out: columns.left_out.clone(),
        split: split.report(&trained.training, &trained.test, request.test.as_deref()),
        warnings,
        facts,
    };
    Ok(TrainedFile { model: trained.model, report })
}

/// One feature alone, and the champion.
fn competitors(
    request: &TrainRequest,
    training: &TrainingSet,
    test: &TrainingSet,
) -> Result<Vec<Competitor>, TrainFileError> {
    let baseline = match &request.baseline {
        Some(name) => Some(name.as_str()),
        None => strongest(training)?,
    };
    let alone = baseline.map(|name| Competitor::alone(name, training, test).map(|(_, alone)| alone));
    let champion = request.champion.as_ref().map(|champion| Competitor::model("champion", champion, test));
    let named = |flag| {
        move |error| match error {
            TrainError::NoFeature { feature } => TrainFileError::NoFeature { flag, column: feature },
            other => other.into(),
        }
    };
    let alone = alone.transpose().map_err(named("--baseline"))?;
    let champion = champion.transpose().map_err(named("the champion"))?;
    Ok(alone.into_iter().chain(champion).collect())
}

/// The number that ranks the training rows best by itself; `None` where all features are categories.
fn strongest(training: &TrainingSet) -> Result<Option<&str>, TrainFileError> {
    let numbers = training.feature_names().iter().zip(training.columns()).zip(training.declared());
    let mut strongest: Option<(f64, &str)> = None;
    for ((name, values), _) in numbers.filter(|(_, declared)| declared.categories.is_none()) {
        let rows = FeatureRows { values: &values, labels: training.labels() };
        let auc = single_feature(rows, rows)?.ranking.auc;
        if strongest.is_none_or(|(most, _)| auc >= most) {
            strongest = Some((auc, name.as_str()));
        }
    }
    Ok(strongest.map(|(_, name)| name))
}

/// Where a file is, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
