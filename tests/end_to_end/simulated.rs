//! Invented data never meet money: where they are made, how they are known again, and what they are kept apart from.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use mainstay_schema::table::{PublishedTable, TABLES};
use serde_json::Value;

use crate::harness::{Project, text};

const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];

/// The mark of the simulator in the data of a copy.
fn marker(project: &Project) -> std::path::PathBuf {
    project.data().join("_generated.json")
}

/// The first commit of a table, which holds its metadata.
fn metadata(project: &Project, table: &str) -> Value {
    let log = project.lake().join(table).join("_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(log).unwrap();
    let mut actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    actions.find_map(|action| action.get("metaData").cloned()).unwrap()
}

#[test]
fn data_are_made_for_a_project_that_begins_and_for_no_other() {
    let project = Project::copy();
    project.edit("mainstay.yml", "customers: 2000", "customers: 20");
    project.edit("mainstay.yml", "days: 715", "days: 40");
    let profile = ["import-profile", "retailer.orders"];

    fs::remove_dir_all(project.data()).unwrap();
    fs::create_dir(project.data()).unwrap();
    for arguments in [&DAY[..], &profile] {
        let message = project.failure(arguments);
        for part in ["source retailer: the folder ", "is there and empty", "a mount has failed", "bring the data back"]
        {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
    assert_eq!(fs::read_dir(project.data()).unwrap().count(), 0, "nothing was made");

    // Whatever the target holds, a champion for one: data were here.
    fs::remove_dir(project.data()).unwrap();
    fs::create_dir_all(project.lake().join("registry")).unwrap();
    let held = project.lake().join("registry/churn.json");
    fs::write(&held, "{}").unwrap();
    let message = project.failure(&DAY);
    for part in
        ["source retailer: there are no data at ", "lake is not empty", "bring the data back", "mainstay generate"]
    {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.data().exists());

    fs::remove_file(held).unwrap();
    let made = project.output(&profile);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stderr).contains("filling it with a simulated retailer"), "{}", text(&made.stderr));
    assert!(marker(&project).exists());
}

#[test]
fn a_simulated_day_says_so_wherever_it_is_seen() {
    const WARNING: &str = "SIMULATED DATA: invented customers, no money may be spent on this";
    let project = Project::copy();
    let run = project.output(&DAY);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let told = text(&run.stdout);
    assert!(told.starts_with(WARNING), "{told}");

    let shown = project.json(&["show", "run"]);
    assert_eq!(shown["record"]["simulated"], true);
    for arguments in [&["show", "risk"][..], &["show", "allocation"], &["show", "run"], &["verify"], &DAY] {
        let output = text(&project.output(arguments).stdout);
        assert!(output.starts_with(WARNING), "{arguments:?}: {output}");
    }
    assert_eq!(project.json(&["show", "risk"])["simulated"], true);
    let allocation = project.json(&["show", "allocation"]);
    assert_eq!(allocation["simulated"], true);
    assert_eq!(project.json(&["verify"])["days"][0]["simulated"], true);
    let card = project.output(&["model", "card"]);
    assert!(text(&card.stdout).contains("Simulated data: of invented customers"), "{}", text(&card.stdout));
    for table in TABLES.iter().map(PublishedTable::name) {
        let metadata = metadata(&project, &table);
        assert_eq!(metadata["configuration"]["mainstay.simulated"], "true", "{table}: {metadata}");
        assert!(metadata["description"].as_str().unwrap().starts_with("SIMULATED DATA. "), "{table}: {metadata}");
    }

    // The end of the run says what the month has left after the day, and before.
    let cents = |name: &str| allocation[name].as_i64().unwrap();
    assert_eq!(cents("left_cents"), 5_000_000 - cents("spent_cents"));
    assert_eq!(cents("left_cents"), allocation["month"]["balance_cents"].as_i64().unwrap());
    let left = format!("2025-08 has {} of 50,000.00 left (50,000.00 before the day)", in_units(cents("left_cents")));
    assert!(cents("spent_cents") > 0 && told.contains(&left), "`{left}` is not in:\n{told}");

    // Without the mark the same data count as real.
    fs::remove_file(marker(&project)).unwrap();
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-02"]);
    for part in ["was made from simulated data", "a target of their own", "--target"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

#[test]
fn simulated_days_do_not_enter_a_target_of_real_ones() {
    let project = Project::copy();
    let mark = fs::read(marker(&project)).unwrap();
    fs::remove_file(marker(&project)).unwrap();
    let killed = project.command(&DAY).env("FAILPOINTS", "claimed=return").output().unwrap();
    assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    fs::write(marker(&project), mark).unwrap();
    let refused = |project: &Project| {
        let message = project.failure(&DAY);
        for part in
            ["the sources hold simulated data", "is not one of simulated data", "nothing is published", "--target"]
        {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    };
    refused(&project);
    // Nor one of an earlier release, which says nothing of itself.
    fs::remove_file(project.lake().join("origin.json")).unwrap();
    refused(&project);
}

/// `4239450` as `42,394.50`.
fn in_units(cents: i64) -> String {
    let (units, cents) = (cents / 100, cents % 100);
    match units / 1000 {
        0 => format!("{units}.{cents:02}"),
        thousands => format!("{thousands},{:03}.{cents:02}", units % 1000),
    }
}
