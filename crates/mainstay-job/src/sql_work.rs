//! The SQL of a step while it runs: it ends at a limit, and where it fails the model is named.

use std::fmt::Write;
use std::future::Future;
use std::sync::PoisonError;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use mainstay_run::{Run, Step};
use mainstay_sql::{Moment, SqlProject, is_computation};

use crate::inputs::sources::PinnedDay;

/// A join may work for long without letting anything else be asked; so long after the limit it is given up with the process.
const GRACE: Duration = Duration::from_secs(5);

/// Lets the SQL of a step run for as long as the job allows; it is stopped then, wherever it is.
pub(crate) async fn within_limit<T>(run: &Run<'_>, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
    let (limit, computed, job) = (run.step_time_limit, run.computed(), run.job.to_owned());
    let stopped = move || {
        let models = computed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        format!(
            "the step {step} was stopped after {} seconds{}: look for a recursion or a join without end in its SQL, or raise \
             `step_time_limit_seconds` of the job {job}",
            limit.as_secs(),
            models.map(|models| format!(", while it computed {models}")).unwrap_or_default(),
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

/// Computes what is made of models at some moments. All are named where it does not end, and the one whose SQL failed on some row where it
/// fails.
pub(crate) async fn compute<T>(
    run: &Run<'_>,
    day: &PinnedDay,
    (models, moments): (&[&str], &[Moment]),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    *run.computed().lock().unwrap_or_else(PoisonError::into_inner) = Some(described(&day.sql, models));
    match work.await {
        Err(error) if error.chain().any(is_computation) => {
            Err(failing(run, day, models, moments).await.unwrap_or(error))
        }
        done => done,
    }
}

/// Models for messages: their files and, as they may not come to an end, the recursive ones that they build on.
fn described(sql: &SqlProject, models: &[&str]) -> String {
    let of = |model: &&str| {
        let file = sql.find(model).map(|own| format!(" ({})", own.file)).unwrap_or_default();
        format!("model {model}{file}")
    };
    let mut described = models.iter().map(of).collect::<Vec<_>>().join(", ");
    let is_recursive = |template: &str| template.to_lowercase().contains("with recursive");
    for recursive in sql.lineage(models).unwrap_or_default().iter().filter(|model| is_recursive(&model.template)) {
        // Writing to a text does not fail.
        let _ = write!(described, "; {} is recursive", recursive.file);
    }
    described
}

/// The fault of the model whose SQL fails on some row, among those that a computation went over.
async fn failing(run: &Run<'_>, day: &PinnedDay, models: &[&str], moments: &[Moment]) -> Option<anyhow::Error> {
    for moment in moments {
        let search = day.sql.failing_model(&run.open.session, day.model_inputs(), models, moment);
        if let Ok(Some(fault)) = tokio::time::timeout(run.step_time_limit, search).await {
            return Some(fault.into());
        }
    }
    None
}
