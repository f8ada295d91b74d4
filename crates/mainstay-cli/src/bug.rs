//! What a panic says, and that it was one: wherever it ends, the command exits as one with a bug.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::flags::LogFormat;
use crate::progress;

/// The exit code of a bug, which is that of any Rust program that panics. A supervisor may try it again.
pub(crate) const EXIT_CODE: u8 = 101;

/// A panic in a task of DataFusion comes back as an error, one in a thread of its own comes back not at all.
static HAPPENED: AtomicBool = AtomicBool::new(false);

/// From now on a panic of any thread is noted, and reported in the form of the log; with `RUST_BACKTRACE` with its backtrace.
pub(crate) fn watch(format: LogFormat) {
    panic::set_hook(Box::new(move |panic| {
        HAPPENED.store(true, Ordering::SeqCst);
        let line = progress::error_line(format, &message(panic));
        // Nowhere to report it if even standard error is gone; the exit code still does.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }));
}

/// Whether any thread has panicked.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // Reads the environment: captured on request alone.
    let backtrace = Backtrace::capture();
    let trace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => String::new(),
    };
    format!(
        "this is a bug in mainstay {}: {what} (at {place}); nothing half done counts, so run it again, and please report this line, with \
         RUST_BACKTRACE=1 if it comes again{trace}",
        env!("CARGO_PKG_VERSION")
    )
}
