//! `mainstay score`: a model and a Parquet file of anyone's.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use mainstay_job::progress::{Progress, Step};
use mainstay_scoring::{Explanation, ScoreRequest, score_file};

use crate::arguments::{GlobalArguments, ScoreArguments};
use crate::commands::model::read_model;
use crate::commands::outputs::{Named, check_outputs};
use crate::commands::write;
use crate::progress::observer;
use crate::render::scored::{self, ScoredView};

/// Scores the file.
pub(crate) fn execute(global: &GlobalArguments, arguments: &ScoreArguments) -> Result<ExitCode> {
    let inputs: [Named<'_>; 2] = [("--model", &arguments.model), ("--input", &arguments.input)];
    check_outputs(&[("--output", &arguments.output)], &inputs, arguments.force)?;
    let model = read_model(&arguments.model)?;
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
    let step = Progress::new(observer(global)).start(Step::Score);
    let done = score_file(&request, &|rows, total| step.advance(rows, Some(total), "rows"))?;
    step.finish(format!("{} rows scored", done.rows));
    let view = ScoredView::new(&arguments.output, model.digest(), done);
    write(global, &view, || scored::text(&view))?;
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
