//! Boundaries at which a test may kill the process. Without the feature `failpoints` nothing of this is compiled in.

/// Reads which boundaries are to fail from the environment variable `FAILPOINTS`, as `score=return`.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // The scenario is undone when it is dropped; it must last as long as the process.
    std::mem::forget(fail::FailScenario::setup());
}

/// A point between two steps. `name=return` in `FAILPOINTS` kills the process here as `kill -9` would; `name=return(gate)` tells by
/// a file `gate.reached` that it came here, and goes on once there is a file `gate`.
pub(crate) fn boundary(name: &str) {
    fail::fail_point!(name, |gate| gate.map_or_else(kill, |gate| wait(&gate)));
    let _ = name;
}

#[cfg(feature = "failpoints")]
fn kill() {
    let killed = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    // The signal ends the process before the command's answer is read; without it the test must not go on by mistake.
    drop(killed);
    std::process::abort();
}

/// How long a run waits at a gate for a test that may have died.
#[cfg(feature = "failpoints")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(300);

#[cfg(feature = "failpoints")]
fn wait(gate: &str) {
    let reached = std::time::Instant::now();
    let told = std::fs::write(format!("{gate}.reached"), "");
    while told.is_ok() && !std::path::Path::new(gate).exists() {
        if reached.elapsed() > PATIENCE {
            kill();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
