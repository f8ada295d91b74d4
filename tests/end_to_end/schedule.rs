//! When a job runs: by the clock of its time zone, for the day of the project's time zone, by units that the command writes.

use std::fs;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_schema::Ds;

use crate::harness::{Folder, Project, root, text};

#[test]
fn the_units_of_the_repository_are_those_that_the_command_writes() {
    let folder = Folder::new();
    let project = root();
    let written = folder.run(&[
        "schedule",
        "daily_risk",
        "--project-dir",
        project.to_str().unwrap(),
        "--format",
        "systemd",
        "--folder",
        "/srv/mainstay",
        "--command",
        "/usr/local/bin/mainstay",
        "--output-dir",
        ".",
    ]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    assert_eq!(text(&written.stdout).lines().count(), 2, "{}", text(&written.stdout));
    for name in ["mainstay-daily-risk.service", "mainstay-daily-risk.timer"] {
        let kept = fs::read_to_string(project.join("infra/systemd").join(name)).unwrap();
        assert_eq!(fs::read_to_string(folder.path(name)).unwrap(), kept, "{name}");
    }
}

#[test]
fn a_schedule_follows_the_time_zone_of_the_project() {
    let project = Project::copy();
    project.edit("mainstay.yml", "time_zone: UTC", "time_zone: America/New_York");
    let schedule = project.json(&["schedule", "daily_risk"])["schedule"].clone();
    assert_eq!(schedule["time_zone"], "America/New_York");
    let runs = schedule["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    for run in runs {
        let (local, ds) = (run["local"].as_str().unwrap(), run["ds"].as_str().unwrap());
        assert!(local.contains(&format!("{ds} 04:00 E")), "{run}");
    }
    assert_eq!(schedule["skipped"].as_array().unwrap().len(), 0);
    for (format, part) in [
        ("text", "daily_risk runs at `0 4 * * *` in America/New_York"),
        ("systemd", "\nOnCalendar=*-*-* 04:00:00 America/New_York\n"),
        ("cron", "\nCRON_TZ=America/New_York\n0 4 * * * cd "),
    ] {
        let shown = text(&project.output(&["schedule", "daily_risk", "--format", format]).stdout);
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    assert!(!project.lake().exists(), "a schedule touches no target");

    project.edit("jobs/daily_risk.yml", "0 4 * * *", "30 2 * * *");
    let warned = text(&project.output(&["schedule", "daily_risk"]).stderr);
    assert!(warned.contains("02:30 is skipped where the clocks of America/New_York are put forward"), "{warned}");
    let message = project.failure(&["schedule", "train_churn"]);
    assert!(message.contains("job train_churn says not when it runs") && message.contains("`schedule:`"), "{message}");
}

#[test]
fn today_is_the_day_of_the_time_zone_of_the_project() {
    let project = Project::copy();
    // At no instant do these two have the same date.
    let mut zone = "UTC";
    let mut days = Vec::new();
    for other in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        project.edit("mainstay.yml", &format!("time_zone: {zone}"), &format!("time_zone: {other}"));
        zone = other;
        let today = || Ds::of(Timestamp::now(), &TimeZone::get(zone).unwrap());
        let before = today();
        let message = project.failure(&["run", "daily_risk", "--date", "today"]);
        let day = [before, today()]
            .into_iter()
            .find(|day| message.contains(&format!("; {day} cannot: load the days between")));
        days.push(day.unwrap_or_else(|| panic!("{before} in {zone}: {message}")));
    }
    assert!(days[0] > days[1], "{days:?}");
    let wrong = project.output(&["run", "daily_risk", "--date", "tomorrow"]);
    assert!(text(&wrong.stderr).contains("write it like 2026-01-31, or today"), "{}", text(&wrong.stderr));
}
