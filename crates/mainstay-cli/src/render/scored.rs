//! What was added to a file.

use std::path::Path;

use mainstay_schema::Digest;
use mainstay_scoring::ScoredFile;
use serde::Serialize;

/// A scored file, as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct ScoredView {
    output: String,
    model: Digest,
    rows: u64,
    added_columns: Vec<String>,
    seconds: SecondsView,
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
    pub(crate) fn new(output: &Path, model: Digest, scored: ScoredFile) -> Self {
        let seconds = scored.seconds;
        Self {
            output: output.display().to_string(),
            model,
            rows: scored.rows,
            added_columns: scored.added_columns,
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

/// One paragraph for people.
pub(crate) fn text(view: &ScoredView) -> String {
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
