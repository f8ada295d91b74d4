//! kill -9 at the boundary of every step, then the run again: one published day, the same digests, no money lost.

use std::os::unix::process::ExitStatusExt;

use crate::harness::{Project, digests, text};

const SIGKILL: i32 = 9;

/// Every boundary that the daily job declares, in order.
const BOUNDARIES: [&str; 15] = [
    "claimed",
    "sources",
    "registered",
    "train",
    "features",
    "score",
    "reserved",
    "allocate",
    "published_quarantine",
    "published_customer_features",
    "published_customer_risk",
    "published_campaign_allocations",
    "recorded",
    "settled",
    "publish",
];

#[test]
fn a_run_killed_at_any_boundary_is_finished_by_the_next() {
    let undisturbed = Project::reference();
    let day = ["run", "daily_risk", "--date", "2025-08-01"];
    let expected = undisturbed.json(&day);
    let expected_money = undisturbed.json(&["show", "allocation"])["month"].clone();

    let project = Project::reference();
    for boundary in BOUNDARIES {
        let lake = project.lake();
        let killed = project.command(&day).env("FAILPOINTS", format!("{boundary}=return")).output().unwrap();
        assert_eq!(killed.status.signal(), Some(SIGKILL), "{boundary}: {}", text(&killed.stderr));

        let rerun = project.json(&day);
        assert_eq!(digests(&rerun), digests(&expected), "{boundary}");
        let is_recorded = ["recorded", "settled", "publish"].contains(&boundary);
        assert_eq!(rerun["outcome"], if is_recorded { "already_done" } else { "published" }, "{boundary}");
        assert_eq!(project.json(&["show", "allocation"])["month"], expected_money, "{boundary}");
        assert_eq!(project.json(&["verify"])["verified"], true, "{boundary}");

        std::fs::remove_dir_all(&lake).unwrap();
    }
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
