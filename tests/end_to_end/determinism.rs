//! The same inputs give the same tables, whatever the partitions, batches, attempts, row order or files.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Project, digests, generated_data, real_data, root};
use crate::rearranged::rearrange;

/// A project, the data that it reads, and a day of it.
struct Case {
    folder: PathBuf,
    data: PathBuf,
    date: &'static str,
}

/// How a run is executed: partitions, and rows of a batch.
type Execution = (&'static str, &'static str);

impl Case {
    fn reference() -> Self {
        Self { folder: root(), data: generated_data().join("data"), date: "2025-08-01" }
    }

    /// A project on real data.
    fn real(name: &str, date: &'static str) -> Self {
        Self { folder: root().join("tests/projects").join(name), data: real_data(name), date }
    }

    fn project_over(&self, data: &Path) -> Project {
        Project::at(&self.folder, &format!("data: {}", data.display()))
    }

    fn run(&self, project: &Project, (partitions, batch_size): Execution, more: &[&str]) -> Value {
        let day = ["run", "daily_risk", "--date", self.date, "--partitions", partitions, "--batch-size", batch_size];
        let run = project.json(&[&day[..], more].concat());
        assert_eq!(run["outcome"], "published");
        run
    }

    /// Trains and runs the day with one partition, and again with each execution on the same model.
    fn check_executions(&self, executions: &[Execution]) -> Value {
        let project = self.project_over(&self.data);
        let first = self.run(&project, ("1", "8192"), &[]);
        for &execution in executions {
            let forced = self.run(&project, execution, &["--force"]);
            assert_ne!(forced["record"]["run_id"], first["record"]["run_id"]);
            assert_eq!(digests(&forced), digests(&first), "{execution:?}");
        }
        assert_eq!(project.json(&["verify"])["verified"], true);
        first
    }

    /// Trains and runs the day over the rows in another order and in so many files.
    fn check_rearranged(&self, first: &Value, files: usize, execution: Execution) {
        let copy = TempDir::new().unwrap();
        rearrange(&self.data, copy.path(), files, 7);
        let run = self.run(&self.project_over(copy.path()), execution, &[]);
        let arrangement = format!("{files} files, {execution:?}");
        assert_eq!(model_digest(&run), model_digest(first), "{arrangement}");
        assert_eq!(digests(&run), digests(first), "{arrangement}");
    }
}

fn model_digest(run: &Value) -> &str {
    run["record"]["details"]["model"]["digest"].as_str().unwrap()
}

#[test]
fn neither_execution_nor_arrangement_changes_a_digest_of_the_reference_project() {
    let case = Case::reference();
    let first = case.check_executions(&[("2", "8192"), ("8", "17"), ("64", "8192"), ("2", "1")]);
    case.check_rearranged(&first, 1, ("8", "8192"));
    case.check_rearranged(&first, 7, ("64", "17"));
}

#[test]
#[cfg_attr(not(has_online_retail_ii), ignore = "its data are absent: expected in ../shared/data/online_retail_ii")]
fn neither_execution_nor_arrangement_changes_a_digest_of_online_retail_ii() {
    let case = Case::real("online_retail_ii", "2011-09-01");
    let first = case.check_executions(&[("2", "8192"), ("8", "257"), ("64", "8192")]);
    case.check_rearranged(&first, 5, ("8", "8192"));
}

#[test]
#[cfg_attr(not(has_complete_journey), ignore = "its data are absent: expected in ../shared/data/complete_journey")]
fn neither_execution_nor_arrangement_changes_a_digest_of_complete_journey() {
    let case = Case::real("complete_journey", "2017-11-01");
    let first = case.check_executions(&[("2", "8192"), ("8", "257"), ("64", "8192")]);
    case.check_rearranged(&first, 5, ("8", "8192"));
}

#[test]
fn two_projects_train_the_same_model_and_publish_the_same_day() {
    let runs = [Project::reference(), Project::reference()]
        .map(|project| project.json(&["run", "daily_risk", "--date", "2025-08-01"]));
    assert_eq!(runs[0]["record"]["details"]["model"]["digest"], runs[1]["record"]["details"]["model"]["digest"]);
    assert_eq!(digests(&runs[0]), digests(&runs[1]));
}

#[test]
fn a_finished_day_is_left_alone_and_can_end_with_the_code_that_airflow_skips_on() {
    let project = Project::reference();
    let first = project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    let again = project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    assert_eq!(again["outcome"], "already_done");
    assert_eq!(again["record"]["run_id"], first["record"]["run_id"]);
    let again = project.output(&["run", "daily_risk", "--date", "2025-08-01", "--done-exit-code", "99"]);
    assert_eq!(again.status.code(), Some(99));
}
