//! Results on standard output, as text or as JSON.

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::flags::{GlobalArguments, Output};

/// Writes a result to standard output in the form that was asked for.
pub(crate) fn write(global: &GlobalArguments, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let text = match global.output_format {
        Output::Json => serde_json::to_string_pretty(result)? + "\n",
        Output::Text => text(),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads only the first lines has got what they wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
