//! The `mainstay` command: parses, calls a job, writes what came out.
//!
//! Results go to standard output, as tables or as one JSON document; progress, warnings and errors go to standard error. Exit
//! codes: 0 done, 1 a failure that was handled and explained, 2 wrong usage, 101 a bug (a panic, in whatever thread). What the verbs
//! do is in `mainstay-job`.

mod bug;
mod command_line;
#[cfg(test)]
mod command_line_page;
mod flags;
mod output_files;
mod progress;
mod project;
mod render;
mod standard_output;
mod verbs;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command_line::Arguments;

/// What goes on once a verb has ended is waited for so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Plans of DataFusion nest deeply, and a build that is not optimised spends more stack on each level.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    let log_format = arguments.global.log_format;
    bug::watch(log_format);
    let code = match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            // Nowhere to report it if even standard error is gone; the exit code still does.
            let _ = writeln!(std::io::stderr().lock(), "{}", progress::error_line(log_format, &said_once(&error)));
            ExitCode::from(1)
        }
    };
    if bug::happened() { ExitCode::from(bug::EXIT_CODE) } else { code }
}

/// An error and its causes, each said once: some errors repeat their cause in their own words.
fn said_once(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("MAINSTAY_LOG").unwrap_or_else(|_| "off".into()))
        .init();
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
            let runtime = runtime.context("cannot start the async runtime")?;
            let ended = runtime.block_on(arguments.verb.execute(&arguments.global));
            // A query that was given up may never yield, and is not waited for.
            runtime.shutdown_timeout(LAST_WORDS);
            ended
        })
        .context("cannot start a thread")?;
    match worker.join() {
        Ok(result) => result,
        // The panic has said what happened.
        Err(_) => Ok(ExitCode::from(bug::EXIT_CODE)),
    }
}
