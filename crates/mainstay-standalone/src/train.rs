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
use mainstay_train::baseline::{FeatureRows, scores_of, single_feature};
use mainstay_train::leakage::DateColumn;
use mainstay_train::{Competitor, Declared, JudgedWith, Recipe, Search, TrainingFacts, TrainingSet};

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
    let tell = |unit| move |done: usize, total: usize| TrainProgress { unit, done: done as u64, total: total as u64 };
    let (of_search, of_fit) = (tell("trials"), tell("steps"));
    let searched = search.run(&training, request.threads, &mut |done, total| progress(of_search(done, total)))?;
    let recipe = Recipe {
        model: searched.best.check()?,
        seed: request.seed,
        fit_from: training.cuts().first().copied().unwrap_or(split::NO_TIME),
        folds: FOLDS,
    };
    let trained = recipe.train(training, test, request.threads, &mut |done, total| progress(of_fit(done, total)))?;

    let others = competitors(request, &trained.training, &trained.test)?;
    let segments = columns.segments(request, &trained.test);
    let dates: Vec<DateColumn> = match (&request.time_column, &request.test) {
        (Some(_), None) => columns.dates(&table, &split),
        _ => Vec::new(),
    };
    let with = JudgedWith { label: &request.label, segments: &segments, others: &others, dates: &dates };
    let facts = TrainingFacts::of(&trained, searched, &with)?;
    let report = TrainReport {
        input: request.input.clone(),
        model: trained.model.digest(),
        label: request.label.clone(),
        positive: label.positive.clone(),
        features: trained.training.feature_names().to_vec(),
        left_out: columns.left_out.clone(),
        split: split.report(&trained.training, &trained.test, request.test.as_deref()),
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
    let alone = |position: usize| {
        let of = |set: &TrainingSet| set.column(position);
        let (before, after) = (of(training), of(test));
        let before = FeatureRows { values: &before, labels: training.labels() };
        let single = single_feature(before, FeatureRows { values: before.values, labels: training.labels() })?;
        let name = training.feature_names().get(position).cloned().unwrap_or_default();
        let scores = scores_of(&after, single.higher_is_riskier);
        Ok((single.ranking.auc, Competitor { name: format!("{name} alone"), scores }))
    };
    let position = |name: &str| training.feature_names().iter().position(|feature| feature == name);
    let baseline = match &request.baseline {
        Some(name) => {
            let absent = || TrainFileError::NoFeature { flag: "--baseline", column: name.clone() };
            Some(alone(position(name).ok_or_else(absent)?)?)
        }
        None => {
            let is_number = |of: &Declared| of.categories.is_none();
            let numbers = training.declared().iter().enumerate().filter(|(_, of)| is_number(of));
            let all: Result<Vec<_>, TrainFileError> = numbers.map(|(position, _)| alone(position)).collect();
            all?.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))
        }
    };
    let mut others: Vec<Competitor> = baseline.into_iter().map(|(_, competitor)| competitor).collect();
    if let Some(champion) = &request.champion {
        others.push(Competitor { name: "champion".to_owned(), scores: champion_scores(champion, test)? });
    }
    Ok(others)
}

/// The champion's scores of the test rows, by the names of its features.
fn champion_scores(champion: &Ensemble, test: &TrainingSet) -> Result<Vec<f64>, TrainFileError> {
    let mut columns = Vec::with_capacity(champion.features().len());
    for feature in champion.features() {
        let position = test.feature_names().iter().position(|name| *name == feature.name);
        let absent = || TrainFileError::NoFeature { flag: "the champion", column: feature.name.clone() };
        let position = position.ok_or_else(absent)?;
        let (values, declared) = (test.column(position), &test.declared()[position]);
        // Codes are those of each model's own list.
        let recoded = declared.categories.as_ref().map(|ours| {
            let code = |value: &f64| match value.is_nan() {
                true => f64::NAN,
                false => feature.code_of(ours.get(*value as usize).map_or("", String::as_str)),
            };
            values.iter().map(code).collect()
        });
        columns.push(recoded.unwrap_or(values));
    }
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let mut scores = vec![0.0; test.row_count()];
    champion.raw_scores(&columns, &mut scores).map_err(mainstay_train::TrainError::from)?;
    Ok(scores)
}

/// Where a file is, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
