//! What a job hangs on the life of its runs.

use anyhow::Result;
use futures::FutureExt;
use futures::future::{self, LocalBoxFuture};
use mainstay_table::Attempt;

use crate::open_project::OpenProject;

/// What a job does beside its steps, at the turns of a run that every job takes. A job that sets nothing aside does nothing.
///
/// A run may die between any two of them. So whatever one has left undone is done by `resume` of a later run.
pub trait Hooks: Send + Sync {
    /// Before a day is looked for: brings to an end what earlier runs left undone. An error is the end of the run.
    fn resume<'a>(&'a self, _: &'a OpenProject) -> LocalBoxFuture<'a, Result<()>> {
        future::ready(Ok(())).boxed_local()
    }

    /// Once the record of an attempt stands: the day is published. What cannot be done is a warning.
    fn recorded<'a>(&'a self, _: &'a OpenProject, _: &'a Attempt) -> LocalBoxFuture<'a, ()> {
        future::ready(()).boxed_local()
    }

    /// After a step failed, be it behind the record. What cannot be done is a warning, and does not hide the failure.
    fn failed<'a>(&'a self, _: &'a OpenProject, _: &'a Attempt) -> LocalBoxFuture<'a, ()> {
        future::ready(()).boxed_local()
    }
}

/// The hooks of a job that sets nothing aside.
pub struct NoHooks;

impl Hooks for NoHooks {}
