//! Boundaries at which a test may kill the process. Without the feature `failpoints` nothing of this is compiled in.

/// Reads which boundaries are to fail from the environment variable `FAILPOINTS`, as `score=return`.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // The scenario is undone when it is dropped; it must last as long as the process.
    std::mem::forget(fail::FailScenario::setup());
}

/// A point between two steps: `name` in `FAILPOINTS` kills the process here as `kill -9` would. A run adds the names of those that it passes
/// to the file in `MAINSTAY_BOUNDARIES`, so that a test needs no list of them.
pub fn boundary(name: &str) {
    #[cfg(feature = "failpoints")]
    note(name);
    fail::fail_point!(name, |_| kill());
    let _ = name;
}

#[cfg(feature = "failpoints")]
fn note(name: &str) {
    use std::io::Write;

    let Some(file) = std::env::var_os("MAINSTAY_BOUNDARIES") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
    // A line at once, as steps run side by side. A test that finds no names fails.
    drop(file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes())));
}

#[cfg(feature = "failpoints")]
fn kill() {
    let killed = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    // The signal ends the process before the command's answer is read; without it the test must not go on by mistake.
    drop(killed);
    std::process::abort();
}
