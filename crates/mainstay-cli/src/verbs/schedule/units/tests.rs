use jiff::Timestamp;

use super::*;

fn view(cron: &str, target: &str) -> ScheduleView {
    ScheduleView {
        job: "daily_risk".to_owned(),
        cron: cron.parse().unwrap(),
        time_zone: "America/New_York".to_owned(),
        runs: vec![mainstay_job::schedule::PlannedRun {
            at: Timestamp::UNIX_EPOCH,
            local: String::new(),
            ds: "1970-01-01".parse().unwrap(),
        }],
        skipped: Vec::new(),
        folder: "/projects/shop".into(),
        target: target.to_owned(),
    }
}

fn service(folder: &str, further: &[&str]) -> Service {
    Service {
        command: "/usr/local/bin/mainstay".into(),
        folder: folder.into(),
        user: "mainstay".to_owned(),
        further: further.iter().map(|&word| word.to_owned()).collect(),
    }
}

fn line<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key} in:\n{text}"))
}

#[test]
fn a_unit_runs_today_of_the_project_and_says_what_is_tried_again() {
    let [service_file, timer] = &systemd(&view("0 4 * * *", "/projects/shop/target"), &service("/srv/shop", &[]))[..]
    else {
        panic!("a service and a timer");
    };
    assert_eq!((&*service_file.name, &*timer.name), ("mainstay-daily-risk.service", "mainstay-daily-risk.timer"));
    assert_eq!(line(&timer.content, "OnCalendar="), "*-*-* 04:00:00 America/New_York");
    assert_eq!(line(&timer.content, "Persistent="), "true");
    let unit = &service_file.content;
    assert_eq!(
        line(unit, "ExecStart="),
        "/usr/local/bin/mainstay run daily_risk --date today --log-format json --no-color"
    );
    assert_eq!((line(unit, "Restart="), line(unit, "RestartPreventExitStatus=")), ("on-failure", "2"));
    assert_eq!((line(unit, "StartLimitBurst="), line(unit, "ReadWritePaths=")), ("4", "/srv/shop"));
    assert_eq!(line(unit, "ProtectHome="), "yes");
    assert!(!unit.contains("date -u"), "{unit}");
}

#[test]
fn what_is_special_to_systemd_is_quoted() {
    let further = ["--vars", "data: /srv/50% \"off\" $x"];
    let files = systemd(&view("0 4 * * *", "/lake of 50%"), &service("/home/ann/50% shop", &further));
    let unit = &files[0].content;
    assert_eq!(line(unit, "WorkingDirectory="), "/home/ann/50%% shop");
    assert_eq!(line(unit, "ReadWritePaths="), "\"/home/ann/50%% shop\" \"/lake of 50%%\"");
    assert_eq!(line(unit, "ProtectHome="), "read-only", "else the folder is hidden from the service");
    let command = line(unit, "ExecStart=");
    assert!(command.contains(" --vars \"data: /srv/50%% \\\"off\\\" $$x\" "), "{command}");
}

#[test]
fn a_schedule_of_many_runs_has_attempts_for_each() {
    let files = systemd(&view("0 */6 * * *", "/lake"), &service("/srv/shop", &[]));
    assert_eq!(line(&files[0].content, "StartLimitBurst="), "12", "three runs in 16 hours");
}

#[test]
fn a_crontab_says_its_time_zone_and_quotes_for_shell_and_cron() {
    let further = ["--vars", "rate: 5%, name: Ann's"];
    let file = crontab(&view("0/30 4 * * MON", "/lake"), &service("/srv/my shop", &further));
    assert_eq!(file.name, "mainstay-daily-risk.crontab");
    assert_eq!(line(&file.content, "CRON_TZ="), "America/New_York");
    let command = "0,30 4 * * 1 cd '/srv/my shop' && /usr/local/bin/mainstay run daily_risk --vars 'rate: 5\\%, name: \
                   Ann'\\''s' --date today --log-format json --no-color";
    assert_eq!(file.content.lines().last(), Some(command));
}
