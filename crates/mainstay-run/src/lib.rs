//! The life of a run, whatever its job: a day claimed, its steps told apart and timed, its tables committed, its record written last.
//!
//! [`lifecycle::run`] takes a day through it. What a job does is a function that is given a [`Run`], and what it does beside its steps
//! hangs on [`Hooks`]: so nothing here knows of money, of a plan or of a model's training. A run speaks through [`progress`], and a
//! test kills it at any of the boundaries of [`fault`].
//!
//! Around the attempt stand the project that it is about ([`OpenProject`]), what was asked ([`RunRequest`]), the instants that it sees
//! ([`SuppressionInstant`]) and whether its target is one of simulated data.

pub mod attempts;
pub mod fault;
mod found;
mod heartbeat;
mod hooks;
mod job_days;
mod kept_file;
pub mod lifecycle;
mod open_project;
mod origin;
pub mod progress;
mod request;
mod run;
mod staged;
mod suppression;

pub use found::Found;
pub use hooks::{Hooks, NoHooks};
pub use job_days::JobDays;
pub use kept_file::KeptFile;
pub use open_project::{Access, OpenOptions, OpenProject};
pub use progress::{Progress, Step, StepProgress};
pub use request::{Outcome, RunRequest};
pub use run::Run;
pub use staged::{DigestedTable, Staged};
pub use suppression::{StatedInstant, SuppressionInstant};
