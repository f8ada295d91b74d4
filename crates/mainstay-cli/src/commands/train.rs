//! `mainstay train`: a Parquet file of anyone's becomes a model and a report.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;

use anyhow::{Result, bail};
use mainstay_job::progress::{Progress, Step};
use mainstay_standalone::train::{TrainRequest, train_file};
use mainstay_train::{Kind, Monotone};

use crate::arguments::{GlobalArguments, TrainArguments};
use crate::commands::model::{create, read_model};
use crate::commands::outputs::{Named, check_outputs};
use crate::commands::write;
use crate::progress::observer;
use crate::render::trained;

/// Candidates of a search over all kinds.
const AUTO_CANDIDATES: u16 = 24;

/// Trains.
pub(crate) fn execute(global: &GlobalArguments, arguments: &TrainArguments) -> Result<ExitCode> {
    // Said before an hour of training, not after it.
    check_files(arguments)?;
    let request = request(arguments)?;
    let step = Progress::new(observer(global)).start(Step::Train);
    let trained = train_file(&request, &mut |at| step.advance(at.done, Some(at.total), at.unit))?;
    let report = &trained.report;
    step.finish(trained::summary(report));
    create(&arguments.output, &trained.model.to_file()?, arguments.force)?;
    if let Some(path) = &arguments.report {
        create(path, (serde_json::to_string_pretty(report)? + "\n").as_bytes(), arguments.force)?;
    }
    write(global, report, || trained::text(report, &arguments.output))?;
    Ok(ExitCode::SUCCESS)
}

fn check_files(arguments: &TrainArguments) -> Result<()> {
    let mut outputs: Vec<Named<'_>> = vec![("--output", &arguments.output)];
    outputs.extend(arguments.report.as_deref().map(|path| ("--report", path)));
    let mut inputs: Vec<Named<'_>> = vec![("--input", &arguments.input)];
    inputs.extend(arguments.test.as_deref().map(|path| ("--test", path)));
    inputs.extend(arguments.champion.as_deref().map(|path| ("--champion", path)));
    check_outputs(&outputs, &inputs, arguments.force)
}

fn request(arguments: &TrainArguments) -> Result<TrainRequest> {
    let (kinds, usual_candidates) = match arguments.kind.only() {
        Some(kind) => (vec![kind], 1),
        None => (Kind::ALL.to_vec(), AUTO_CANDIDATES),
    };
    let rising = arguments.increasing.iter().map(|name| (name.clone(), Monotone::Increasing));
    let falling = arguments.decreasing.iter().map(|name| (name.clone(), Monotone::Decreasing));
    let monotone: BTreeMap<String, Monotone> = rising.chain(falling).collect();
    if let Some(both) = arguments.increasing.iter().find(|name| arguments.decreasing.contains(name)) {
        bail!("`{both}` is in --increasing and in --decreasing: keep it in one of them");
    }
    Ok(TrainRequest {
        input: arguments.input.clone(),
        test: arguments.test.clone(),
        label: arguments.label.clone(),
        positive: arguments.positive.clone(),
        key: arguments.key.clone(),
        time_column: arguments.time_column.clone(),
        label_days: arguments.label_days.unwrap_or(0),
        exclude: arguments.exclude.clone(),
        categories: arguments.categories.clone(),
        monotone,
        kinds,
        candidates: usize::from(arguments.candidates.unwrap_or(usual_candidates)),
        baseline: arguments.baseline.clone(),
        segments: arguments.segments.clone(),
        champion: arguments.champion.as_deref().map(read_model).transpose()?,
        seed: arguments.seed,
        threads: arguments.threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
    })
}
