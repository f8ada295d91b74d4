//! kill -9 at the boundary of every step, then the run again: one published day, the same digests, no money lost.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use mainstay_schema::table::PublishedTable;
use serde_json::Value;

use crate::boundaries;
use crate::harness::{Project, copy_folder, digests, text};
use crate::promotion;

const SIGKILL: i32 = 9;
const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];

/// A day that nothing disturbs.
struct Undisturbed {
    /// The boundaries that it passes, in order.
    boundaries: Vec<String>,
    digests: Vec<(String, String)>,
    money: Value,
}

impl Undisturbed {
    fn of(project: &Project) -> Self {
        let (boundaries, run) = boundaries::passed(project, &DAY);
        let money = project.json(&["show", "allocation"])["month"].clone();
        Self { boundaries, digests: digests(&run), money }
    }

    /// Kills the day at each of these boundaries, runs it again, and puts the target back to what it was.
    fn survives<'a>(&self, project: &Project, boundaries: impl Iterator<Item = &'a String>, target: Option<&Path>) {
        let lake = project.lake();
        let recorded = self.boundaries.iter().position(|name| name == "recorded").unwrap();
        for boundary in boundaries {
            std::fs::remove_dir_all(&lake).unwrap();
            target.into_iter().for_each(|target| copy_folder(target, &lake));
            let killed = project.command(&DAY).env("FAILPOINTS", format!("{boundary}=return")).output().unwrap();
            assert_eq!(killed.status.signal(), Some(SIGKILL), "{boundary}: {}", text(&killed.stderr));

            let rerun = project.json(&DAY);
            assert_eq!(digests(&rerun), self.digests, "{boundary}");
            let is_recorded = self.boundaries.iter().position(|name| name == boundary).unwrap() >= recorded;
            assert_eq!(rerun["outcome"], if is_recorded { "already_done" } else { "published" }, "{boundary}");
            assert_eq!(project.json(&["show", "allocation"])["month"], self.money, "{boundary}");
            assert_eq!(project.json(&["verify"])["verified"], true, "{boundary}");
        }
    }
}

#[test]
fn a_run_killed_at_any_boundary_is_finished_by_the_next() {
    let project = Project::reference();
    let untrained = Undisturbed::of(&project);
    std::fs::remove_dir_all(project.lake()).unwrap();
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    let killed = [untrained.boundaries.clone(), promotion::boundaries()].concat();
    boundaries::assert_all_are_among(&killed);
    let target = project.lake().with_file_name("trained");
    copy_folder(&project.lake(), &target);
    let trained = Undisturbed::of(&project);
    assert_eq!(trained.digests, untrained.digests, "whichever job trains");
    let steps = ["claimed", "sources", "features", "score", "reserved"].map(str::to_owned);
    let published = PublishedTable::of_day().map(|table| format!("published_{}", table.name()));
    let passed: Vec<String> =
        steps.into_iter().chain(published).chain(["recorded", "settled"].map(str::to_owned)).collect();
    let boundaries = trained.boundaries.iter().filter(|name| passed.contains(name));
    assert!(boundaries.eq(&passed), "not {passed:?} in this order: {:?}", trained.boundaries);

    trained.survives(&project, trained.boundaries.iter(), Some(&target));
    let of_training = || untrained.boundaries.iter().filter(|name| !trained.boundaries.contains(name));
    assert!(of_training().count() >= 2, "{:?}", untrained.boundaries);
    untrained.survives(&project, of_training(), None);
}

#[test]
fn a_forced_run_killed_before_its_record_leaves_the_day_as_it_was() {
    let project = Project::reference();
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    let first = project.json(&day);
    let money = project.json(&["show", "allocation"])["month"].clone();
    for boundary in ["reserved", "published_customer_risk"] {
        let killed = project
            .command(&[&day[..], &["--force"]].concat())
            .env("FAILPOINTS", format!("{boundary}=return"))
            .output();
        assert_eq!(killed.unwrap().status.signal(), Some(SIGKILL), "{boundary}");
        let shown = project.json(&["show", "run"]);
        assert_eq!(shown["record"]["run_id"], first["record"]["run_id"]);
        assert_eq!(project.json(&["verify"])["verified"], true, "{boundary}");
    }
    let forced = project.json(&[&day[..], &["--force"]].concat());
    assert_eq!(digests(&forced), digests(&first));
    assert_eq!(project.json(&["show", "allocation"])["month"], money);
}

#[test]
fn another_day_neither_spends_nor_settles_wrongly_after_a_kill() {
    let project = Project::reference();
    let spent = |run: &serde_json::Value| run["record"]["details"]["allocation"]["spent_cents"].as_i64().unwrap();
    let available =
        |run: &serde_json::Value| run["record"]["details"]["allocation"]["available_cents"].as_i64().unwrap();
    // Killed while it holds a reservation that nobody knows to be dead yet: the next day leaves that money alone.
    let first = ["run", "daily_risk", "--date", "2025-08-01"];
    let killed = project.command(&first).env("FAILPOINTS", "reserved=return").output().unwrap();
    assert_eq!(killed.status.signal(), Some(SIGKILL));
    let second = project.json(&["run", "daily_risk", "--date", "2025-08-02"]);
    assert!(available(&second) < 5_000_000, "the reservation of the killed run is still held");
    // Killed behind its record: the next day settles it before it reads the balance.
    let third =
        project.command(&["run", "daily_risk", "--date", "2025-08-03"]).env("FAILPOINTS", "recorded=return").output();
    assert_eq!(third.unwrap().status.signal(), Some(SIGKILL));
    let fourth = project.json(&["run", "daily_risk", "--date", "2025-08-04"]);
    assert_eq!(project.json(&["verify"])["verified"], true);
    // The first day at last: its own reservation is replaced.
    let first = project.json(&first);
    let month = &project.json(&["show", "allocation"])["month"];
    let third = project.json(&["show", "run", "--date", "2025-08-03"]);
    let total = [&first, &second, &third, &fourth].into_iter().map(spent).sum::<i64>();
    assert_eq!(month["committed_cents"].as_i64().unwrap(), total);
    assert_eq!(month["balance_cents"].as_i64().unwrap(), 5_000_000 - total);
}
