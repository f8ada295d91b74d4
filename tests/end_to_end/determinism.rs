//! The same inputs give the same tables, whatever the partitions, batches or attempts.

use crate::harness::{Project, digests};

#[test]
fn partitions_batches_and_force_do_not_change_a_digest() {
    let project = Project::reference();
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    let first = project.json(&[&day[..], &["--partitions", "1"]].concat());
    assert_eq!(first["outcome"], "published");

    let again = project.json(&day);
    assert_eq!(again["outcome"], "already_done");
    assert_eq!(again["record"]["run_id"], first["record"]["run_id"]);

    for execution in [["--partitions", "2"], ["--partitions", "8"], ["--batch-size", "17"]] {
        let forced = project.json(&[&day[..], &["--force"], &execution].concat());
        assert_eq!(forced["outcome"], "published");
        assert_ne!(forced["record"]["run_id"], first["record"]["run_id"]);
        assert_eq!(digests(&forced), digests(&first), "{execution:?}");
    }
    assert_eq!(project.json(&["verify"])["verified"], true);
}

#[test]
fn two_projects_train_the_same_model_and_publish_the_same_day() {
    let runs = [Project::reference(), Project::reference()]
        .map(|project| project.json(&["run", "daily_risk", "--date", "2025-08-01"]));
    assert_eq!(runs[0]["record"]["details"]["model"]["digest"], runs[1]["record"]["details"]["model"]["digest"]);
    assert_eq!(digests(&runs[0]), digests(&runs[1]));
}

#[test]
fn a_finished_day_can_end_with_the_code_that_airflow_skips_on() {
    let project = Project::reference();
    project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    let again = project.output(&["run", "daily_risk", "--date", "2025-08-01", "--done-exit-code", "99"]);
    assert_eq!(again.status.code(), Some(99));
}
