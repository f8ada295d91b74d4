//! The SQL of a step while it runs: it ends at a limit, and where it fails the model is named.

use std::fmt::Write;
use std::future::Future;
use std::sync::PoisonError;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use mainstay_features::{Moment, SqlProject, is_computation};

use crate::inputs::sources::PinnedDay;
use crate::progress::Step;
use crate::run::Run;

/// A join may work for long without letting anything else be asked; so long after the limit it is given up with the process.
const GRACE: Duration = Duration::from_secs(5);

/// Lets the SQL of a step run for as long as the job allows; it is stopped then, wherever it is.
pub(crate) async fn within_limit<T>(run: &Run<'_>, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
    let (limit, model, job) = (run.step_time_limit, run.computed_model(), run.job.to_owned());
    let stopped = move || {
        let model = model.lock().unwrap_or_else(PoisonError::into_inner).clone();
        format!(
            "the step {step} was stopped after {} seconds{}: look for a recursion or a join without end in its SQL, or raise \
             `step_time_limit_seconds` of the job {job}",
            limit.as_secs(),
            model.map(|model| format!(", while it computed {model}")).unwrap_or_default(),
        )
    };
    // On a thread of its own: all others may be busy with what does not end.
    let (is_running, ended) = mpsc::channel::<()>();
    let (progress, last_words) = (run.open.progress.clone(), stopped.clone());
    std::thread::spawn(move || {
        if ended.recv_timeout(limit + GRACE) == Err(RecvTimeoutError::Timeout) {
            progress.stuck(last_words());
        }
    });
    let done = tokio::time::timeout(limit, work).await;
    drop(is_running);
    done.unwrap_or_else(|_| Err(anyhow!(stopped())))
}

/// A model for messages: its file and, as they may not come to an end, the recursive ones that it builds on.
pub(crate) fn described(sql: &SqlProject, model: &str) -> String {
    let lineage = sql.lineage(&[model]).unwrap_or_default();
    let Some(own) = lineage.last() else { return format!("model {model}") };
    let mut described = format!("model {model} ({})", own.file);
    let is_recursive = |template: &str| template.to_lowercase().contains("with recursive");
    for recursive in lineage.iter().filter(|model| is_recursive(&model.template)) {
        // Writing to a text does not fail.
        let _ = write!(described, "; {} is recursive", recursive.file);
    }
    described
}

/// Names the model whose SQL failed on some row, where a computation over these models did.
pub(crate) async fn name_failing<T>(
    run: &Run<'_>,
    day: &PinnedDay,
    models: &[&str],
    moments: &[Moment],
    computed: Result<T>,
) -> Result<T> {
    let Err(error) = computed else { return computed };
    if !error.chain().any(is_computation) {
        return Err(error);
    }
    for moment in moments {
        let search = day.sql.failing_model(&run.open.session, &day.sources, models, moment);
        if let Ok(Some(fault)) = tokio::time::timeout(run.step_time_limit, search).await {
            return Err(fault.into());
        }
    }
    Err(error)
}
