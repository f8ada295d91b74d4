//! Two runs of one day at once: exactly one publishes, the other ends with a clear error, and the money is counted once.

use std::process::{Child, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Project, text};

const DAY: [&str; 6] = ["run", "daily_risk", "--date", "2025-08-01", "-o", "json"];

/// Starts a run of the day that sleeps at a boundary.
fn start(project: &Project, failpoints: &str) -> Child {
    let mut command = project.command(&DAY);
    command.env("FAILPOINTS", failpoints).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn has_published(output: &Output) -> bool {
    output.status.success() && text(&output.stdout).contains("\"outcome\": \"published\"")
}

/// The day is published once, paid once, and every check of it passes.
fn check_day(project: &Project, outputs: &[Output]) {
    let messages: Vec<String> = outputs.iter().map(|output| text(&output.stderr)).collect();
    assert_eq!(outputs.iter().filter(|output| has_published(output)).count(), 1, "{messages:#?}");
    for (output, message) in outputs.iter().zip(&messages) {
        let is_clear = output.status.success() || message.contains("another run") && output.status.code() == Some(1);
        assert!(is_clear, "{message}");
    }
    assert_eq!(project.json(&["verify", "--date", "2025-08-01"])["verified"], true);
    let shown = project.json(&["show", "allocation", "--date", "2025-08-01"]);
    assert_eq!(shown["month"]["committed_cents"], shown["spent_cents"], "one commitment for the one day of August");
    let left = shown["budget_cents"].as_i64().unwrap() - shown["spent_cents"].as_i64().unwrap();
    assert_eq!(shown["month"]["balance_cents"].as_i64().unwrap(), left, "no reservation is left open");
}

fn with_champion() -> Project {
    let project = Project::reference();
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    project
}

#[test]
fn of_two_runs_at_once_one_publishes() {
    let project = with_champion();
    let runs = [start(&project, ""), start(&project, "")];
    check_day(&project, &runs.map(|run| run.wait_with_output().unwrap()));
}

#[test]
fn two_first_runs_train_the_same_champion() {
    let project = Project::reference();
    let runs = [start(&project, ""), start(&project, "")];
    check_day(&project, &runs.map(|run| run.wait_with_output().unwrap()));
}

#[test]
fn a_slow_run_does_not_release_the_money_of_the_one_that_overtook_it() {
    let project = with_champion();
    // The first comes to reserve while the second, which has claimed the day after it, holds its reservation.
    let slow = start(&project, "score=sleep(12000)");
    sleep(Duration::from_millis(5000));
    let second = start(&project, "allocate=sleep(15000)");
    let outputs = [slow, second].map(|run| run.wait_with_output().unwrap());
    assert!(has_published(&outputs[1]), "{}", text(&outputs[1].stderr));
    check_day(&project, &outputs);
}
