//! `mainstay score`: a model and a Parquet file of anyone's.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use clap::Args;
use mainstay_job::progress::{Progress, Step};
use mainstay_schema::Digest;
use mainstay_standalone::model;
use mainstay_standalone::score::{Explanation, FeatureWarning, ScoreRequest, ScoredFile, score_file};
use serde::Serialize;

use crate::flags::GlobalArguments;
use crate::output_files::{Named, check_outputs};
use crate::progress::observer;
use crate::standard_output::write;

#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// The model, as `mainstay model import` writes it.
    #[arg(long)]
    model: PathBuf,
    /// The Parquet file whose rows are scored; has the model's features among its columns.
    #[arg(long)]
    input: PathBuf,
    /// The Parquet file to write: the input's columns and the added ones.
    #[arg(long)]
    output: PathBuf,
    /// Add this many columns, at most 4, `reason_1`, `reason_2`, ...: what raises the score most, in words.
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=4))]
    reasons: u8,
    /// Add `contribution_<feature>` of every feature and `contribution_bias`, which sum to the raw score.
    #[arg(long)]
    contributions: bool,
    /// Replace the output if it exists.
    #[arg(long)]
    force: bool,
    /// Threads that score; as many as the machine runs by default. Changes no result.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Scores the file.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ScoreArguments) -> Result<ExitCode> {
    let inputs: [Named<'_>; 2] = [("--model", &arguments.model), ("--input", &arguments.input)];
    check_outputs(&[("--output", &arguments.output)], &inputs, arguments.force)?;
    let model = model::read(&arguments.model)?;
    let stop = stop_on_interrupt();
    let request = ScoreRequest {
        model: &model,
        input: &arguments.input,
        output: &arguments.output,
        replaces: arguments.force,
        explanation: Explanation { reasons: usize::from(arguments.reasons), contributions: arguments.contributions },
        threads: arguments.threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
        stop: &stop,
    };
    let progress = Progress::new(observer(global));
    let step = progress.start(Step::Score);
    let done = score_file(&request, &|rows, total| step.advance(rows, Some(total), "rows"))?;
    step.finish(format!("{} rows scored", done.rows));
    done.warnings.iter().for_each(|warning| progress.warn(warning.message.clone()));
    let view = ScoredView::new(&arguments.output, model.digest(), done);
    write(global, &view, || text(&view))?;
    Ok(ExitCode::SUCCESS)
}

/// Set by Ctrl-C, so that the unfinished file is removed before the process ends.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            set.store(true, Ordering::Relaxed);
        }
    });
    stop
}

/// A scored file, as it is shown.
#[derive(Debug, Serialize)]
struct ScoredView {
    output: String,
    model: Digest,
    rows: u64,
    added_columns: Vec<String>,
    warnings: Vec<WarningView>,
    seconds: SecondsView,
}

/// A feature of which the file says little or nothing.
#[derive(Debug, Serialize)]
struct WarningView {
    feature: String,
    share: f64,
    message: String,
}

#[derive(Debug, Serialize)]
struct SecondsView {
    total: f64,
    read: f64,
    score: f64,
    encode: f64,
    copy: f64,
}

impl ScoredView {
    fn new(output: &Path, model: Digest, scored: ScoredFile) -> Self {
        let seconds = scored.seconds;
        Self {
            output: output.display().to_string(),
            model,
            rows: scored.rows,
            added_columns: scored.added_columns,
            warnings: scored.warnings.into_iter().map(WarningView::from).collect(),
            seconds: SecondsView {
                total: seconds.total,
                read: seconds.read,
                score: seconds.score,
                encode: seconds.encode,
                copy: seconds.copy,
            },
        }
    }
}

impl From<FeatureWarning> for WarningView {
    fn from(warning: FeatureWarning) -> Self {
        let FeatureWarning { feature, share, message } = warning;
        Self { feature, share, message }
    }
}

/// One paragraph for people.
fn text(view: &ScoredView) -> String {
    let columns = match view.added_columns.as_slice() {
        [first, .., last] if view.added_columns.len() > 8 => format!("{first} ... {last}"),
        all => all.join(", "),
    };
    format!(
        "{}: {} rows scored by blake3:{} in {:.2} s\n{} columns added: {columns}\n",
        view.output,
        view.rows,
        view.model.short(),
        view.seconds.total,
        view.added_columns.len()
    )
}
