//! A panic is a bug, said as one, with an exit code of its own that a supervisor tries again.

use serde_json::Value;

use crate::harness::{Project, text};

#[test]
fn a_panic_exits_as_a_bug_in_the_run_and_in_its_tasks() {
    let project = Project::reference();
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    // The second is one in a task of its own, which comes back as an error.
    for boundary in ["claimed", "digest"] {
        let output = project.command(&day).env("FAILPOINTS", format!("{boundary}=panic")).output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(101), "{boundary}: {told}");
        assert!(told.contains("error: this is a bug in mainstay 0."), "{told}");
        for part in [&format!("failpoint {boundary} panic"), "(at ", "please report"] {
            assert!(told.contains(part), "`{part}` is not in:\n{told}");
        }
        assert!(!project.has_published());
    }
    let json =
        project.command(&[&day[..], &["--log-format", "json"]].concat()).env("FAILPOINTS", "claimed=panic").output();
    let lines = text(&json.unwrap().stderr);
    let lines =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let said = lines.filter(|line| line["event"] == "error").map(|line| line["message"].as_str().unwrap().to_owned());
    assert!(said.collect::<Vec<_>>().join("").contains("failpoint claimed panic"));
}
