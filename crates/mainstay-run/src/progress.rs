//! What a run tells while it works. The command line draws it; a library user may ignore it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The steps of the jobs, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Fills an empty simulated source.
    Simulate,
    /// Pins the sources, checks contracts, references, keys and freshness, finds the rows to quarantine.
    Sources,
    /// Collects the rows of the cuts, fits, calibrates and judges a model.
    Train,
    /// Computes and stages the feature table.
    Features,
    /// Scores, explains and values every customer, and stages the risk table.
    Score,
    /// Decides under the month's budget, reserves the money and stages the plan.
    Allocate,
    /// Reconciles, commits every table, writes the run record and settles the ledger.
    Publish,
    /// Checks a published day.
    Verify,
    /// Looks at the columns of a source.
    Profile,
}

impl Step {
    /// Its name in logs and progress lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Sources => "sources",
            Self::Train => "train",
            Self::Features => "features",
            Self::Score => "score",
            Self::Allocate => "allocate",
            Self::Publish => "publish",
            Self::Verify => "verify",
            Self::Profile => "profile",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing worth telling.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step begins.
    Started {
        /// Which.
        step: Step,
    },
    /// A step got further.
    Advanced {
        /// Which.
        step: Step,
        /// How much is done.
        done: u64,
        /// Of how much, where that is known.
        total: Option<u64>,
        /// What is counted: tables, rows, days, cuts, rounds.
        unit: &'static str,
    },
    /// A step ended well.
    Finished {
        /// Which.
        step: Step,
        /// What came out, for people.
        summary: String,
        /// How long it took.
        seconds: f64,
    },
    /// Something the reader should know that is no failure.
    Warning(String),
    /// The run is to end and a computation does not let it: whoever owns the process is to end that, as a failure with this message. A run that
    /// is ended anywhere costs nothing but itself.
    Stuck(String),
}

/// Receives the events of a run, from any thread.
pub trait Observer: Send + Sync {
    /// Takes note of one event; must not block for long.
    fn observe(&self, event: &Event);
}

/// The handle through which the steps speak.
#[derive(Clone)]
pub struct Progress(Arc<dyn Observer>);

impl Progress {
    /// Speaks to this observer.
    pub fn new(observer: Arc<dyn Observer>) -> Self {
        Self(observer)
    }

    /// Announces a step; the returned value announces its end.
    pub fn start(&self, step: Step) -> StepProgress {
        self.0.observe(&Event::Started { step });
        StepProgress { step, progress: self.clone(), started: Instant::now() }
    }

    /// Asks for the end of the process.
    pub fn stuck(&self, message: String) {
        self.0.observe(&Event::Stuck(message));
    }

    /// Tells what the reader should know.
    pub fn warn(&self, message: impl Into<String>) {
        self.0.observe(&Event::Warning(message.into()));
    }
}

/// A step that is under way.
#[derive(Clone)]
pub struct StepProgress {
    step: Step,
    progress: Progress,
    started: Instant,
}

impl StepProgress {
    /// Tells how far the step got.
    pub fn advance(&self, done: u64, total: Option<u64>, unit: &'static str) {
        self.progress.0.observe(&Event::Advanced { step: self.step, done, total, unit });
    }

    /// Ends the step with what came out, and says how many seconds it took.
    pub fn finish(self, summary: impl Into<String>) -> f64 {
        let seconds = self.started.elapsed().as_secs_f64();
        self.progress.0.observe(&Event::Finished { step: self.step, summary: summary.into(), seconds });
        seconds
    }
}
