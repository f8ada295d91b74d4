//! Threads: row groups are scored side by side and leave in their order.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::added::Added;
use crate::error::ScoringError;
use crate::input::InputFile;
use crate::request::{ScoreRequest, Seconds};
use crate::row_group::{ScoredRowGroup, score_row_group};
use crate::scored::RowScorer;

/// Row groups are dealt to lanes in turn and taken from them in turn, and a lane holds at most two that have not been taken: what
/// is scored ahead stays small. Where there are fewer row groups than threads, or towards the end, lanes share the rows of each
/// batch out among more threads.
pub(crate) struct Lanes<'a> {
    request: &'a ScoreRequest<'a>,
    input: &'a InputFile,
    added: &'a Added,
    scorer: &'a RowScorer<'a>,
    advanced: &'a (dyn Fn(u64, u64) + Sync),
    rows_done: AtomicU64,
    busy_lanes: AtomicUsize,
    is_over: AtomicBool,
}

impl<'a> Lanes<'a> {
    pub(crate) fn new(
        request: &'a ScoreRequest<'a>,
        input: &'a InputFile,
        added: &'a Added,
        scorer: &'a RowScorer<'a>,
        advanced: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Self {
        let lanes = request.threads.get().min(input.row_groups());
        Self {
            request,
            input,
            added,
            scorer,
            advanced,
            rows_done: AtomicU64::new(0),
            busy_lanes: AtomicUsize::new(lanes),
            is_over: AtomicBool::new(false),
        }
    }

    /// Scores all row groups and gives each to `take`, in the order of the file.
    ///
    /// # Errors
    /// The first one of the file's row groups or of `take`; all threads have ended then.
    pub(crate) fn run(
        &self,
        mut take: impl FnMut(ScoredRowGroup, &mut Seconds) -> Result<(), ScoringError>,
    ) -> Result<Seconds, ScoringError> {
        let mut seconds = Seconds::default();
        let lanes = self.busy_lanes.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let mut outlets = Vec::with_capacity(lanes);
            for lane in 0..lanes {
                let (inlet, outlet) = sync_channel(1);
                scope.spawn(move || self.lane(lane, lanes, &inlet));
                outlets.push(outlet);
            }
            // A lane ends early only after an error, which it has handed over.
            let taken = outlets.iter().cycle().take(self.input.row_groups()).try_for_each(|outlet| {
                let scored = outlet.recv().unwrap_or(Err(ScoringError::Stopped))?;
                seconds.add(&scored.seconds);
                take(scored, &mut seconds)
            });
            self.is_over.store(true, Ordering::Relaxed);
            taken
        })?;
        Ok(seconds)
    }

    fn lane(&self, lane: usize, lanes: usize, inlet: &SyncSender<Result<ScoredRowGroup, ScoringError>>) {
        for row_group in (lane..self.input.row_groups()).step_by(lanes) {
            let scored = score_row_group(self, row_group);
            let is_last = scored.is_err();
            if inlet.send(scored).is_err() || is_last {
                break;
            }
        }
        self.busy_lanes.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn input(&self) -> &InputFile {
        self.input
    }

    pub(crate) fn added(&self) -> &Added {
        self.added
    }

    pub(crate) fn scorer(&self) -> &RowScorer<'_> {
        self.scorer
    }

    pub(crate) fn request(&self) -> &ScoreRequest<'_> {
        self.request
    }

    /// Threads that a lane may use for its next batch, itself included.
    pub(crate) fn threads_per_lane(&self) -> usize {
        self.request.threads.get().div_ceil(self.busy_lanes.load(Ordering::Relaxed).max(1))
    }

    /// Takes note of rows that were scored.
    pub(crate) fn advance(&self, rows: usize) {
        let rows = rows as u64;
        (self.advanced)(self.rows_done.fetch_add(rows, Ordering::Relaxed) + rows, self.input.rows());
    }

    /// Refuses to go on once nobody waits for the result.
    pub(crate) fn check_stopped(&self) -> Result<(), ScoringError> {
        let is_stopped = self.is_over.load(Ordering::Relaxed) || self.request.stop.load(Ordering::Relaxed);
        if is_stopped { Err(ScoringError::Stopped) } else { Ok(()) }
    }
}

impl Seconds {
    fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.score += other.score;
        self.encode += other.encode;
        self.copy += other.copy;
    }
}
