//! Two runs of one day at once: exactly one publishes, the other ends with a clear error.

use std::process::Stdio;

use crate::harness::{Project, text};

#[test]
fn of_two_runs_at_once_one_publishes() {
    let project = Project::reference();
    // A champion first, so that both runs are at the same step.
    project.json(&["run", "daily_risk", "--date", "2025-07-31"]);
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    let runs: Vec<_> =
        (0..2).map(|_| project.command(&day).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let outputs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let succeeded = outputs.iter().filter(|output| output.status.success()).count();
    let messages: Vec<String> = outputs.iter().map(|output| text(&output.stderr)).collect();
    assert!(succeeded >= 1, "{messages:#?}");
    for (output, message) in outputs.iter().zip(&messages) {
        let is_clear = output.status.success() || message.contains("another run") && output.status.code() == Some(1);
        assert!(is_clear, "{message}");
    }
    let days = project.json(&["verify"]);
    assert_eq!(days["verified"], true);
    assert_eq!(days["days"].as_array().unwrap().len(), 2);
    let entries = project.json(&["show", "allocation"])["month"]["committed_days"].as_array().unwrap().len();
    assert_eq!(entries, 1, "one commitment for the one day of August");
}
