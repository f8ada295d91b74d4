//! The reference project loads; wrong settings are refused with the whole message that a user reads.

mod jobs;
mod keeps;
mod mutations;
mod policies;
mod project_files;
mod projects;
mod reference;
mod sources;

use std::path::{Path, PathBuf};

/// The folder of the reference project.
fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A small project in which the slips are made, so that the reference project may change.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn fixture_text(file: &str) -> String {
    std::fs::read_to_string(fixture().join(file)).unwrap()
}

/// One slip in a file of the fixture and what the user reads of it.
struct Slip {
    /// The text before, which must be in the file; the first occurrence is replaced.
    right: &'static str,
    wrong: &'static str,
    message: &'static str,
}

fn slip(right: &'static str, wrong: &'static str, message: &'static str) -> Slip {
    Slip { right, wrong, message }
}

/// Makes each slip in a file, reads it, and compares the messages.
fn assert_refused<T: std::fmt::Debug>(
    file: &str,
    read: impl Fn(&str, &str) -> Result<T, crate::ConfigError>,
    slips: &[Slip],
) {
    let text = fixture_text(file);
    for Slip { right, wrong, message } in slips {
        assert!(text.contains(right), "{file} has no `{right}`");
        let error = read(file, &text.replacen(right, wrong, 1)).expect_err(wrong);
        assert_eq!(error.to_string(), message.trim_start_matches('\n'), "\nwith `{wrong}`:\n{error}\n");
    }
}
