//! The one operation: a file in, a file with more columns out.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mainstay_model::Ensemble;

use crate::added::Added;
use crate::error::ScoringError;
use crate::input::InputFile;
use crate::lanes::Lanes;
use crate::output::OutputFile;
use crate::scored::RowScorer;
use crate::seen::{FeatureWarning, Seen, add, refuse_nothing, warnings};

/// What to score, and how.
#[derive(Debug, Clone, Copy)]
pub struct ScoreRequest<'a> {
    /// The model.
    pub model: &'a Ensemble,
    /// A Parquet file that has the model's features among its columns.
    pub input: &'a Path,
    /// The file to write.
    pub output: &'a Path,
    /// Whether an output that exists is replaced.
    pub replaces: bool,
    /// What to add.
    pub explanation: Explanation,
    /// Threads that score.
    pub threads: NonZeroUsize,
    /// Set by whoever wants the work to stop; looked at between batches.
    pub stop: &'a AtomicBool,
}

/// What is added beside the scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explanation {
    /// How many columns of reasons.
    pub reasons: usize,
    /// Whether the contribution of every feature.
    pub contributions: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredFile {
    /// Rows of the input and of the output.
    pub rows: u64,
    /// The columns that were added, in order.
    pub added_columns: Vec<String>,
    /// Features of the model of which the file says little or nothing, in the model's order.
    pub warnings: Vec<FeatureWarning>,
    /// Where the time went.
    pub seconds: Seconds,
}

/// Seconds of work, added up over all lanes; the total is that of the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seconds {
    /// From the start to the end.
    pub total: f64,
    /// Decoding features.
    pub read: f64,
    /// Scoring and explaining.
    pub score: f64,
    /// Encoding the added columns.
    pub encode: f64,
    /// Copying columns into the output.
    pub copy: f64,
}

/// Adds the scores of a model to the rows of a Parquet file, in their order.
///
/// `advanced` is called, by any thread, with how many rows of how many are scored. The output appears whole, at the end, or not at all.
///
/// # Errors
/// See [`ScoringError`]; of several the first in the order of the file, whatever the number of threads.
pub fn score_file(
    request: &ScoreRequest<'_>,
    advanced: &(dyn Fn(u64, u64) + Sync),
) -> Result<ScoredFile, ScoringError> {
    let started = Instant::now();
    let input = InputFile::open(request.input, request.model)?;
    let added = Added::new(request.model, request.explanation);
    added.check(&input)?;
    let scorer = RowScorer::new(request.model, request.explanation)?;
    let mut output = OutputFile::create(request, &input, &added)?;
    let lanes = Lanes::new(request, &input, &added, &scorer, advanced);
    let mut seen = vec![Seen::default(); request.model.features().len()];
    let mut seconds = lanes.run(|scored, seconds| {
        add(&mut seen, &scored.seen);
        let copying = Instant::now();
        output.append(&input, scored)?;
        seconds.copy += copying.elapsed().as_secs_f64();
        Ok(())
    })?;
    refuse_nothing(input.path(), input.rows(), request.model, &seen)?;
    output.finish()?;
    seconds.total = started.elapsed().as_secs_f64();
    Ok(ScoredFile {
        rows: input.rows(),
        added_columns: added.names().map(str::to_owned).collect(),
        warnings: warnings(input.path(), input.rows(), request.model, &seen),
        seconds,
    })
}
